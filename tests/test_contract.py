"""Tests of the OpenAPI document: it is valid, complete, consistent and equal to the committed file."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import jsonschema_rs
import openapi_spec_validator
import pytest
from pydantic import BaseModel

from functions.auth.models import UserRead
from functions.chat.models import EVENTS_EXAMPLE
from functions.groups import load_routers
from functions.todos.models import TodoRead
from tests import serving
from tests.accounts import AUTH, CHAT, PASSWORD, PROJECTS, TAGS, TODOS, WEBHOOKS
from tests.operations import PROBLEM, Json, Operation, bodies, committed_document, examples, operations_of
from tests.surfaces.chat import parse_events
from todo_core.accounts.models import Registration
from todo_core.settings import Settings
from todo_core.todos.model import TodoCreate, TodoUpdate
from todo_core.web import openapi
from todo_core.web.app import create_app

ERRORS_OF_PARAMETERS = {
    "cursor": "invalid_cursor",
    "todo_id": "todo_not_found",
    "conversation_id": "conversation_not_found",
    "session_id": "session_not_found",
    "token_id": "token_not_found",
    "connection_id": "connection_not_found",
    "passkey_id": "passkey_not_found",
    "subscription_id": "subscription_not_found",
    "webhook_id": "webhook_not_found",
    "delivery_id": "delivery_not_found",
    "turn_id": "turn_not_found",
    "if-match": "stale_version",
    "idempotency-key": "idempotency_key_reused",
}
README = Path(__file__).parents[1] / "README.md"
REMINDERS = "/api/v1/reminders"
PASSWORD_ERRORS = {"wrong_password", "too_many_attempts", "too_busy"}
MODEL_ERRORS = {"assistant_unavailable", "assistant_not_configured"}
TURN_ERRORS = {"assistant_budget_spent", "too_many_turns", "quota_exceeded"}
FRONT_END_ERRORS = {"id_taken", "turn_not_found", "turn_in_progress", *TURN_ERRORS, *MODEL_ERRORS}
PLACE_ERRORS = {"unknown_parent", "unknown_project", "tree_too_deep"}
CHANGE_ERRORS = {"tree_cycle", "recurrence_needs_due", "recurrence_never_comes"}
PASSKEY_ERRORS = {"invalid_passkey", "passkeys_not_configured"}
CONFIRMATION_ERRORS = {"wrong_code", "wrong_passkey", "confirmation_required", "passkeys_not_configured"}
REGISTRATION_ERRORS = {"registration_closed", "invite_required", "invite_invalid"}
ERRORS_OF_THEIR_OWN = {
    f"POST {AUTH}/register": {
        *("email_taken", "common_password", "too_many_attempts", "too_busy", "mail_not_configured"),
        *REGISTRATION_ERRORS,
    },
    f"POST {AUTH}/login": {"invalid_credentials", "too_many_attempts", "too_busy"}
    | {"second_factor_required", "invalid_challenge", "invalid_code", *PASSKEY_ERRORS},
    f"POST {AUTH}/token": {"invalid_credentials", "too_many_attempts", "too_busy", "second_factor_required"},
    f"POST {AUTH}/login/passkey": {"too_many_attempts", *PASSKEY_ERRORS},
    f"POST {AUTH}/login/passkey/options": {"invalid_challenge", "passkeys_not_configured"},
    f"POST {AUTH}/confirm": PASSWORD_ERRORS | CONFIRMATION_ERRORS,
    f"POST {AUTH}/second-factor/totp": {"confirmation_required", "totp_enabled"},
    f"POST {AUTH}/second-factor/totp/confirm": {"confirmation_required", "wrong_code", "totp_not_found"},
    f"DELETE {AUTH}/second-factor/totp": {"confirmation_required", "totp_not_found"},
    f"POST {AUTH}/second-factor/recovery-codes": {"confirmation_required", "second_factor_not_found"},
    f"POST {AUTH}/passkeys/options": {"confirmation_required", "passkeys_not_configured"},
    f"POST {AUTH}/passkeys": {"quota_exceeded", "passkey_taken", "passkey_refused", "passkeys_not_configured"},
    f"DELETE {AUTH}/passkeys/{{passkey_id}}": {"confirmation_required"},
    f"POST {AUTH}/password/forgot": {"too_many_attempts", "mail_not_configured"},
    f"POST {AUTH}/password/reset": {"link_invalid", "common_password", "too_many_attempts", "too_busy"},
    f"POST {AUTH}/email/verification": {"email_already_verified", "too_many_attempts", "mail_not_configured"},
    f"POST {AUTH}/email/verify": {"link_invalid", "invite_invalid"},
    f"POST {AUTH}/email/take-back": {"link_invalid", "mail_not_configured"},
    f"POST {AUTH}/email": PASSWORD_ERRORS | {"mail_not_configured"},
    f"POST {AUTH}/password": PASSWORD_ERRORS | {"common_password"},
    f"POST {AUTH}/close-account": PASSWORD_ERRORS,
    f"GET {AUTH}/me/export": {"export_too_large"},
    f"POST {AUTH}/tokens": {"quota_exceeded"},
    f"POST {WEBHOOKS}": {"quota_exceeded", "webhook_url_refused"},
    f"PATCH {WEBHOOKS}/{{webhook_id}}": {"webhook_url_refused"},
    f"POST {WEBHOOKS}/{{webhook_id}}/test": {"too_many_attempts"},
    f"POST {WEBHOOKS}/deliveries/{{delivery_id}}/redeliver": {"too_many_attempts"},
    f"POST {TODOS}": PLACE_ERRORS | {"quota_exceeded", "recurrence_never_comes", "id_taken"},
    f"PATCH {TODOS}/{{todo_id}}": PLACE_ERRORS | CHANGE_ERRORS | {"quota_exceeded"},
    **{f"POST {path}/restore": {"quota_exceeded"} for path in (TODOS, f"{TODOS}/{{todo_id}}")},
    f"POST {TODOS}/{{todo_id}}/skip": {"quota_exceeded", "does_not_recur", "recurrence_ends"},
    f"GET {TODOS}/changes": {"changes_expired", "too_many_streams"},
    f"POST {TODOS}/batch": PLACE_ERRORS
    | CHANGE_ERRORS
    | {"quota_exceeded", "id_taken", "todo_not_found", "stale_version", "batch_too_large"},
    f"POST {PROJECTS}": {"quota_exceeded", "id_taken"},
    **{f"{method} {PROJECTS}/{{project_id}}": {"project_not_found"} for method in ("GET", "DELETE")},
    f"PATCH {PROJECTS}/{{project_id}}": {"project_not_found", "quota_exceeded"},
    **{
        f"{method} {TAGS}/{{tag}}": {"quota_exceeded", "tag_not_found", "tag_too_large"}
        for method in ("PATCH", "DELETE")
    },
    f"POST {TAGS}/changes/{{tag_change_id}}/undo": {"quota_exceeded", "tag_change_not_found"},
    "POST /api/v1/quick-add": {"quota_exceeded", "text_not_understood"},
    f"POST {CHAT}": {"conversation_not_found", "turn_in_progress", *TURN_ERRORS, *MODEL_ERRORS},
    f"POST {CHAT}/ai-sdk": FRONT_END_ERRORS,
    f"POST {CHAT}/ag-ui": FRONT_END_ERRORS,
    f"POST {CHAT}/turns/{{turn_id}}/approval": {
        "turn_in_progress",
        "nothing_to_approve",
        "too_many_turns",
        *MODEL_ERRORS,
    },
    f"POST {CHAT}/turns/{{turn_id}}/undo": {"turn_in_progress", "turn_undone", "quota_exceeded"},
    f"GET {REMINDERS}/push-key": {"push_not_configured"},
    f"POST {REMINDERS}/push-subscriptions": {"push_not_configured", "quota_exceeded"},
    "GET /health/ready": {"schema_outdated"},
}

FOR_UNVERIFIED = {
    *(f"GET {AUTH}/{name}" for name in ("me", "me/export")),
    *(f"POST {AUTH}/{name}" for name in ("email/verification", "close-account")),
}
"""The operations with a session that an account may use before its email is verified."""


@pytest.fixture(scope="module")
def document(environment: dict[str, str]) -> Json:
    assert environment
    # Converts the document to JSON and back, to compare it in the form that clients receive.
    made: Json = json.loads(json.dumps(openapi.build_document(import_module("functions.main").app)))
    return made


@pytest.fixture(scope="module")
def operations(document: Json) -> list[Operation]:
    return operations_of(document)


def errors_that_can_occur(operation: Operation) -> set[str]:
    """Returns the error codes that an operation must document: by its properties, and those listed for it alone."""
    codes = {"unknown_host", "target_too_long", "headers_too_large"}
    if operation.path != "/health":
        codes |= {"database_unavailable"}
    if not operation.path.startswith("/health"):
        codes |= {"rate_limited", "too_busy"}
    if operation.method in {"post", "put", "patch", "delete"}:
        codes |= {"cross_origin"}
    if operation.body:
        codes |= {
            "malformed_body",
            "request_incomplete",
            "content_too_large",
            "unsupported_media_type",
            "validation_failed",
        }
    if operation.parameters:
        codes |= {"validation_failed"}
    for parameter in operation.parameters & ERRORS_OF_PARAMETERS.keys():
        codes |= {ERRORS_OF_PARAMETERS[parameter]}
    # A repeated chat message is told of the running turn instead.
    if "idempotency-key" in operation.parameters and str(operation) != f"POST {CHAT}":
        codes |= {"request_in_progress", "quota_exceeded"}
    if operation.needs_session:
        codes |= {"not_authenticated", "insufficient_scope"}
        if str(operation) not in FOR_UNVERIFIED:
            codes |= {"email_not_verified"}
    return codes | ERRORS_OF_THEIR_OWN.get(str(operation), set())


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def values_of(node: object, *names: str) -> Iterator[str]:
    """Yields the texts of all fields with these names in an example."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in names and isinstance(value, str):
                yield value
            yield from values_of(value, *names)
    elif isinstance(node, list):
        for value in node:
            yield from values_of(value, *names)


def faults(example: object, content: Json, document: Json) -> list[str]:
    schema = content["schema"] | {"components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return [error.message for error in validator.iter_errors(example)]


class TestDocument:
    def test_the_document_is_valid_openapi_3_1(self, document: Json) -> None:
        assert document["openapi"].startswith("3.1.")
        openapi_spec_validator.validate(document)

    def test_every_reference_resolves_and_every_component_is_used(self, document: Json) -> None:
        parts = ("schemas", "headers")
        known = {f"#/components/{part}/{name}" for part in parts for name in document["components"][part]}

        assert set(references(document)) == known

    def test_the_committed_file_is_up_to_date(self, document: Json) -> None:
        assert committed_document() == document, "The routes have changed: run `make openapi`."

    def test_operation_ids_are_unique(self, operations: list[Operation]) -> None:
        counted = Counter(operation.description["operationId"] for operation in operations)

        assert max(counted.values()) == 1
        assert {"list_todos", "create_todo", "login", "health"} <= counted.keys()

    def test_every_operation_has_a_tag_and_a_summary(self, operations: list[Operation]) -> None:
        assert not [str(each) for each in operations if not each.description.get("tags")]
        assert not [str(each) for each in operations if not each.description.get("summary")]

    def test_the_tags_are_described_in_the_order_in_which_a_client_meets_them(self, document: Json) -> None:
        described = [tag["name"] for tag in document["tags"] if tag["description"]]
        sent = [methods["post"] for methods in document["webhooks"].values()]
        used = {tag for each in operations_of(document) for tag in each.description["tags"]}

        assert set(described) == used | {tag for each in sent for tag in each["tags"]}
        assert described[0] == "auth"

    def test_every_operation_takes_one_media_type(self, operations: list[Operation]) -> None:
        """Generators of clients ignore all media types but one, or write code that does not compile."""
        assert not [str(each) for each in operations if each.body and len(each.body["content"]) > 1]

    def test_fields_have_no_defaults(self, document: Json) -> None:
        """Generators of clients make a field with a default required, although a request may leave it out."""
        fields = {
            f"{name}.{field}": schema
            for name, model in document["components"]["schemas"].items()
            for field, schema in model.get("properties", {}).items()
        }

        assert [name for name, schema in fields.items() if "default" in schema] == []
        assert fields["TodoCreate.priority"] == {
            "$ref": "#/components/schemas/Priority",
            "description": "Default: `none`.",
        }

    def test_the_summary_of_an_operation_says_what_it_does(self, operations: list[Operation]) -> None:
        summaries = {each.description["operationId"]: each.description["summary"] for each in operations}

        assert summaries["delete_todo"] == "Puts the todo into the trash, with its subtodos"

    def test_header_parameters_have_no_defaults(self, operations: list[Operation]) -> None:
        headers = [
            parameter
            for operation in operations
            for parameter in operation.description.get("parameters", ())
            if parameter["in"] == "header"
        ]
        names = {"If-Match", "If-None-Match", "Idempotency-Key", "Last-Event-ID"}
        assert {parameter["name"] for parameter in headers} == names
        assert [parameter for parameter in headers if "default" in parameter["schema"]] == []
        # A generator of clients leaves out operations with a header that is a list.
        assert {parameter["schema"]["type"] for parameter in headers} == {"string", "integer"}


class TestErrors:
    def test_every_operation_documents_the_errors_that_can_occur(self, operations: list[Operation]) -> None:
        missing = {str(each): errors_that_can_occur(each) - each.errors for each in operations}

        assert not {operation: codes for operation, codes in missing.items() if codes}

    def test_no_operation_documents_an_error_that_cannot_occur(self, operations: list[Operation]) -> None:
        needless = {str(each): each.errors - errors_that_can_occur(each) for each in operations}

        assert not {operation: codes for operation, codes in needless.items() if codes}

    def test_every_error_is_a_problem_document_with_an_example(self, operations: list[Operation]) -> None:
        errors = [
            (status, response["content"])
            for each in operations
            for status, response in each.responses.items()
            if status >= "400"
        ]

        assert errors
        for status, content in errors:
            assert list(content) == [PROBLEM]
            assert content[PROBLEM]["schema"]["allOf"] == [{"$ref": "#/components/schemas/Problem"}]
            for code, example in content[PROBLEM]["examples"].items():
                assert (example["value"]["code"], str(example["value"]["status"])) == (code, status)

    def test_the_codes_of_an_operation_have_a_schema(self, document: Json, operations: list[Operation]) -> None:
        schemas = document["components"]["schemas"]
        named = {str(each): set(schemas[each.name_of_codes]["enum"]) for each in operations}

        assert named == {str(each): each.errors for each in operations}
        assert set.union(*named.values()) < set(schemas["ProblemCode"]["enum"])

    def test_a_problem_with_a_code_of_another_operation_does_not_match(
        self, document: Json, operations: list[Operation]
    ) -> None:
        operation = next(each for each in operations if str(each) == f"GET {TODOS}")
        content = operation.responses["400"]["content"][PROBLEM]
        example = content["examples"]["invalid_cursor"]["value"]

        assert faults(example, content, document) == []
        assert faults(example | {"code": "email_taken"}, content, document)

    def test_the_example_of_a_failed_validation_names_a_field(self, operations: list[Operation]) -> None:
        content = next(each for each in operations if each.body).responses["422"]["content"][PROBLEM]

        assert content["examples"]["validation_failed"]["value"]["errors"]


class TestExamples:
    def test_every_body_has_an_example(self, document: Json, operations: list[Operation]) -> None:
        assert not [place for place, content in bodies(operations) if not examples(content, document)]

    def test_every_body_shows_its_examples_itself(self, operations: list[Operation]) -> None:
        """Tools that ignore the examples of schemas find these."""
        assert not [place for place, content in bodies(operations) if not content.keys() & {"example", "examples"}]

    def test_all_examples_are_of_one_account_with_one_password(
        self, document: Json, operations: list[Operation]
    ) -> None:
        shown = [example for _, content in bodies(operations) for example in examples(content, document)]
        emails = {email for example in shown for email in values_of(example, "email", "username")}
        passwords = {password for example in shown for password in values_of(example, "password", "current_password")}

        # The other ones are those that a change of the address and a new password set.
        assert emails == {"ada@example.com", "ada@example.org"}
        assert passwords == {PASSWORD, "wrong donkey charger nail"}
        assert {"ada@example.com", PASSWORD} <= set(re.findall('"([^"]+)"', README.read_text()))

    def test_every_example_is_valid_for_its_schema(self, document: Json, operations: list[Operation]) -> None:
        found = {
            place: [fault for example in examples(content, document) for fault in faults(example, content, document)]
            for place, content in bodies(operations)
        }

        assert not {place: each for place, each in found.items() if each}

    @pytest.mark.parametrize("model", [TodoCreate, TodoRead, TodoUpdate, Registration, UserRead])
    def test_examples_keep_all_their_fields(self, document: Json, model: type[BaseModel]) -> None:
        examples_of_model = model.model_json_schema()["examples"]

        assert document["components"]["schemas"][model.__name__]["examples"] == examples_of_model


class TestStreams:
    @pytest.mark.parametrize(
        ("method", "path", "union"),
        [
            ("post", CHAT, "ChatEvent"),
            ("post", f"{CHAT}/turns/{{turn_id}}/approval", "ChatEvent"),
            ("get", f"{TODOS}/changes", "ChangeStreamEvent"),
        ],
    )
    def test_a_stream_names_the_schema_of_its_events(self, document: Json, method: str, path: str, union: str) -> None:
        content = document["paths"][path][method]["responses"]["200"]["content"]["text/event-stream"]

        assert content["schema"]["contentSchema"] == {"$ref": f"#/components/schemas/{union}"}
        assert {"$ref": f"#/components/schemas/{union.removesuffix('Event')}ErrorEvent"} in document["components"][
            "schemas"
        ][union]["oneOf"]

    def test_the_events_of_examples_conform_to_their_schemas(self, document: Json) -> None:
        content = {"schema": {"$ref": "#/components/schemas/ChatEvent"}}
        events = parse_events(EVENTS_EXAMPLE)

        assert [name for name, _ in events] == ["turn", "token"]
        for name, data in events:
            assert faults({"event": name, "data": data}, content, document) == []
            assert faults({"event": "done", "data": data}, content, document)


class TestSecurity:
    def test_operations_with_a_session_accept_cookie_and_bearer_token(self, operations: list[Operation]) -> None:
        needing = [each for each in operations if each.needs_session]

        assert needing
        for operation in needing:
            first, *_, last = operation.description["security"]
            assert (first, last) == ({"BearerToken": []}, {"SessionCookie": []})

    def test_the_example_of_an_insufficient_scope_names_the_scopes(self, operations: list[Operation]) -> None:
        for operation in (each for each in operations if each.needs_session):
            example = operation.responses["403"]["content"][PROBLEM]["examples"]["insufficient_scope"]["value"]
            scopes = [name for each in operation.description["security"] for name in each.get("ApiToken", ())]
            assert example.get("scope", "").split() == scopes

    def test_logout_needs_no_session(self, operations: list[Operation]) -> None:
        (logout,) = (each for each in operations if each.path == f"{AUTH}/logout")

        assert logout.description["security"] == []

    @pytest.mark.parametrize(
        "path",
        [f"{AUTH}/register", f"{AUTH}/login", f"{AUTH}/token", f"{AUTH}/login/passkey", "/health", "/health/ready"],
    )
    def test_public_operations_declare_no_security(self, operations: list[Operation], path: str) -> None:
        (operation,) = (each for each in operations if each.path == path)

        assert operation.description["security"] == []


class TestSettings:
    def test_no_value_of_a_setting_is_public(self) -> None:
        url = "postgresql://ada:c0ffee@c0ffee.example.com/c0ffee"
        settings = Settings(
            database={"url": url, "url_unpooled": url},
            secret_key="c0ffee" * 10,
            sessions={"cookie_domain": "c0ffee.example.com"},
            cors_origins=("https://c0ffee.example.com",),
            data_folder=Path("c0ffee"),
        )
        app = create_app(*load_routers("auth", "meta", "todos"), settings=settings)

        with serving.in_process(app) as surface, surface.client() as client:
            pages = [client.get(path) for path in ("/openapi.json", "/docs", "/redoc", "/health")]

        assert [page.status_code for page in pages] == [200] * 4
        assert not [page.url for page in pages if "c0ffee" in f"{page.text} {page.headers}"]
