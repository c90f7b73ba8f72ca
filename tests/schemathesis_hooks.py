"""Hooks for the API fuzzer Schemathesis: sign-in, ids of existing objects, and expected rejections."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import httpx2
import schemathesis
from hypothesis import strategies
from jose import jwt
from schemathesis import AuthContext, Case, HookContext, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import AllowHeaderMismatch, RejectedPositiveData, UnsupportedMethodResponse

from tests.accounts import AUTH, CHAT, PASSWORD, TODOS, WEBHOOKS, Account, new_email, sign_up
from tests.authenticators import (
    CONFIRM,
    PASSKEY_LOGIN,
    PASSKEYS,
    TOTP,
    App,
    Authenticator,
    add_app,
    add_passkey,
    begin_login,
    begin_passkey,
    confirm,
)
from tests.room import ROOM_SECONDS

COOKIE = "session_token"
ENDING_SESSIONS = {
    f"{AUTH}/{call}"
    for call in ("register", "login", "token", "logout", "password", "sessions/{session_id}", "close-account")
}
"""Calls that may end the session with which they are sent. A login replaces the session of the same browser."""
CHANGING_FACTORS = {
    CONFIRM,
    f"{TOTP}/confirm",
    TOTP,
    f"{AUTH}/second-factor/recovery-codes",
    PASSKEYS,
    f"{PASSKEYS}/{{passkey_id}}",
    PASSKEY_LOGIN,
}
"""Calls that add and remove second factors, or need some, so that each gets a user of its own."""
CODES_OF_SERVER_STATE = {
    "invalid_cursor",
    "stale_version",
    "idempotency_key_reused",
    "wrong_password",
    "wrong_code",
    "wrong_passkey",
    "invalid_challenge",
    "invalid_code",
    "invalid_passkey",
    "passkey_refused",
    "confirmation_required",
    "totp_not_found",
    "second_factor_not_found",
    "unknown_parent",
    "unknown_project",
    "recurrence_needs_due",
    "webhook_url_refused",
    "text_not_understood",
}
"""Codes of errors about values that only the server can issue or check, such as cursors and versions."""
DESCRIBED_LOOSELY = {f"{CHAT}/ai-sdk", f"{CHAT}/ag-ui"}
"""Operations whose bodies belong to a protocol of others. The document describes the parts that the service reads."""
PLACES = {"parent_id", "project_id"}
TAG = "shop"
UNKNOWN_HEADER = "x-schemathesis-unknown-property"
CODES_OUTSIDE_THE_SCHEMA = {
    *("two_dues", "recurrence_needs_due", "repeated_ref", "not_text", "time_out_of_range", "past"),
    *("p256dh", "quiet_hours", "filter_or_all"),
}
"""Codes of errors about combinations of fields, and about characters, times and keys that a schema does not describe.

A JSON schema with these rules would be unreadable.
"""

schemathesis.openapi.format("webhook-url", strategies.just("https://hooks.example.com/todos"))
schemathesis.openapi.format("timezone", strategies.sampled_from((files("tzdata") / "zones").read_text().split()))
schemathesis.openapi.format(
    "rrule", strategies.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=MONTHLY;BYDAY=2TU;COUNT=9"])
)
schemathesis.openapi.format(
    "email", strategies.from_regex(r"[A-Za-z0-9][a-z0-9+_-]{9,19}@example\.(com|org)", fullmatch=True)
)


def new_token(url: str) -> str:
    with httpx2.Client(base_url=url, timeout=ROOM_SECONDS) as client:
        account = sign_up(client)
        confirm(client)
        return account.token


@cache
def shared_token(url: str) -> str:
    return new_token(url)


def shared_client(url: str) -> httpx2.Client:
    return httpx2.Client(base_url=url, cookies={COOKIE: shared_token(url)}, timeout=ROOM_SECONDS)


def new_turn(url: str, *messages: str) -> str:
    """Sends chat messages in the shared session. Returns the id of the last turn."""
    with shared_client(url) as client:
        return str([client.post(CHAT, json={"message": message}).json() for message in messages][-1]["turn_id"])


def new_todo(url: str) -> str:
    """Adds a todo that recurs, so that it can be skipped too."""
    todo = {"title": "Milk", "due_date": "2030-01-31", "recurrence": "FREQ=DAILY"}
    with shared_client(url) as client:
        return str(client.post(TODOS, json=todo).json()["id"])


@cache
def shared_turn(url: str) -> str:
    return new_turn(url, "add milk")


def new_turn_with_approval(url: str) -> str:
    return new_turn(url, "add milk", "delete all milk")


def new_api_token(url: str) -> str:
    with shared_client(url) as client:
        return str(client.post(f"{AUTH}/tokens", json={"name": "Backup", "scopes": ["chat"]}).json()["id"])


def new_tag(url: str) -> str:
    with shared_client(url) as client:
        client.post(TODOS, json={"title": "Milk", "tags": [TAG]})
    return TAG


def new_webhook(url: str) -> str:
    with shared_client(url) as client:
        return str(client.post(WEBHOOKS, json={"url": "https://hooks.example.com/"}).json()["id"])


def new_delivery(url: str) -> str:
    with shared_client(url) as client:
        return str(client.post(f"{WEBHOOKS}/{new_webhook(url)}/test").json()["id"])


NEW_OBJECTS = {
    "todo_id": new_todo,
    "tag": new_tag,
    "token_id": new_api_token,
    "webhook_id": new_webhook,
    "delivery_id": new_delivery,
}
"""Makes an object for a parameter of a path."""


@schemathesis.auth(refresh_interval=None)
class Session:
    """Adds a session cookie to requests. A request that ends sessions gets a new user; the others share a session."""

    def get(self, _case: Case[Any], context: AuthContext) -> str:
        url = context.operation.schema.get_base_url()
        return new_token(url) if context.operation.path in ENDING_SESSIONS | CHANGING_FACTORS else shared_token(url)

    def set(self, case: Case[Any], data: str, _context: AuthContext) -> None:
        case.cookies[COOKIE] = data
        if is_valid_coverage_case(case):
            if "session_id" in case.path_parameters:
                case.path_parameters["session_id"] = jwt.get_unverified_claims(data)["sid"]
            if case.operation.path in CHANGING_FACTORS:
                prepare_factors(case, data)


def prepare_factors(case: Case[Any], token: str) -> None:
    """Gives the user of the request what it needs: a prepared app, a second factor, or a proof as the body."""
    url, device = case.operation.schema.get_base_url(), Authenticator()
    with httpx2.Client(base_url=url, cookies={COOKIE: token}, timeout=ROOM_SECONDS) as client:
        account = Account(client, {})
        match f"{case.operation.method.upper()} {case.operation.path.removeprefix(AUTH)}":
            case "POST /confirm":
                case.body = {"password": PASSWORD}
            case "POST /second-factor/totp/confirm":
                case.body = {"code": App(client.post(TOTP).json()["secret"]).next_code()}
            case "DELETE /second-factor/totp" | "POST /second-factor/recovery-codes":
                add_app(account)
            case "POST /passkeys":
                case.body = {"name": "Laptop", "credential": device.create(begin_passkey(account))}
            case "DELETE /passkeys/{passkey_id}":
                case.path_parameters["passkey_id"] = add_passkey(account, device)["id"]
            case "POST /login/passkey":
                add_passkey(account, device)
                case.body = {"credential": device.get(begin_login(client))}


def is_valid_coverage_case(case: Case[Any]) -> bool:
    """Returns True for a request of Schemathesis' coverage phase that is valid by the schema."""
    return (
        case.meta is not None and case.meta.phase.name is TestPhase.COVERAGE and case.meta.generation.mode.is_positive
    )


def without_places(body: Any) -> Any:
    """Returns the body without `parent_id` and `project_id`, because no objects with the generated ids exist."""
    if isinstance(body, dict):
        return {name: without_places(part) for name, part in body.items() if name not in PLACES}
    return [without_places(part) for part in body] if isinstance(body, list) else body


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], _kwargs: dict[str, Any]) -> None:
    """Replaces or removes generated values that the service would reject, so that requests test the other fields.

    The coverage phase sends all parameters in all requests. A generated If-Match, cursor or registered email would
    lead to an error before the other fields matter.
    """
    if case.query and case.query.get("wait") in range(2, 26):
        case.query["wait"] = 1  # a request that waits for a change would only take longer
    if case.meta is not None and case.meta.generation.mode.is_positive:
        case.body = without_places(case.body)
    if not is_valid_coverage_case(case):
        return
    case.query.pop("cursor", None)
    case.headers.pop("If-Match", None)
    case.headers.pop("Idempotency-Key", None)
    url = case.operation.schema.get_base_url()
    for name in NEW_OBJECTS.keys() & case.path_parameters.keys():
        case.path_parameters[name] = NEW_OBJECTS[name](url)
    if "turn_id" in case.path_parameters:
        is_approval = case.operation.path.endswith("/approval")
        case.path_parameters["turn_id"] = new_turn_with_approval(url) if is_approval else shared_turn(url)
    if case.path == f"{AUTH}/register" and isinstance(case.body, dict):
        case.body = case.body | {"email": new_email()}


@schemathesis.hook
def filter_failure(_context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Returns False, which drops the failure, if the service rejected valid values for an expected reason.

    The reasons are values that only the server can issue or check, and invalid combinations of fields. Also drops the
    methods of `/tags/{tag}` at paths below: a tag may have slashes. Unknown headers are accepted by rule, and so
    is the beginning of a login without a body.
    """
    if isinstance(failure, AcceptedNegativeData):
        return UNKNOWN_HEADER not in case.headers and case.operation.path != f"{PASSKEY_LOGIN}/options"
    if isinstance(failure, AllowHeaderMismatch | UnsupportedMethodResponse):
        return not case.operation.path.startswith("/api/v1/tags/")
    if not isinstance(failure, RejectedPositiveData):
        return True
    if case.operation.path in DESCRIBED_LOOSELY:
        return False
    problem = json.loads(response.content)
    rules = {error["code"] for error in problem.get("errors") or ()}
    return problem["code"] not in CODES_OF_SERVER_STATE and not (rules and rules <= CODES_OUTSIDE_THE_SCHEMA)
