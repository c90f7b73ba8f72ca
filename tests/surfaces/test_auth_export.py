"""GET /api/v1/auth/me/export."""

import gzip
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from functions.auth.account.models import ExportRead
from tests import postgres
from tests.accounts import AUTH, CHAT, PASSWORD, PROJECTS, TODOS, WEBHOOKS, Account, problem
from tests.authenticators import PASSKEYS, Authenticator, add_app, add_passkey
from tests.model_replies import Call, Say
from tests.scripted_model import ScriptedModel
from tests.serving import Surface
from tests.surfaces.api_tokens import create_token, list_tokens
from tests.surfaces.links import add_dead_mail, forget
from tests.surfaces.push_subscriptions import REMINDERS, subscribe
from tests.surfaces.test_auth_sessions import list_sessions

EXPORT = f"{AUTH}/me/export"
PLAIN = {"Accept-Encoding": "identity"}
TODOS_IN_BULK = """
INSERT INTO todos (id, user_id, title, description, "order")
SELECT gen_random_uuid(), $1, 'Read "' || n || '"', repeat('x', 11000), n FROM generate_series($2::int, $3::int) AS n
"""

type Json = dict[str, Any]


def export(account: Account) -> Json:
    response = account.client.get(EXPORT)
    assert response.status_code == 200, response.text
    document: Json = response.json()
    return document


def find_texts(node: object) -> list[str]:
    """Returns all field names and string values of a JSON document, at every depth."""
    if isinstance(node, dict):
        return [*node, *(text for value in node.values() for text in find_texts(value))]
    if isinstance(node, list):
        return [text for value in node for text in find_texts(value)]
    return [node] if isinstance(node, str) else []


@pytest.fixture
def eve(ada: Account, bob: Account, scripted: ScriptedModel, database_url: str) -> Account:
    """Returns Ada's account with data of every kind that an export contains."""
    # Bob runs the first turn instead of Ada, because it may time out while the process imports the OpenAI client.
    scripted.play(Say("Hello."))
    bob.client.post(CHAT, json={"message": "Hello."})
    ada.client.patch(f"{AUTH}/me", json={"name": "Zoë “Z” \\ O'Neil 🚲", "timezone": "Europe/London"})
    forget(ada.client, ada.email)
    add_dead_mail(database_url, ada)
    ada.client.post(TODOS, json={"title": "Call dad"}, headers={"Idempotency-Key": "once"})
    project = ada.client.post(PROJECTS, json={"name": "Home"}).json()
    ada.add(
        "Buy milk",
        project_id=project["id"],
        due_at="2030-01-31T17:00:00Z",
        tags=["home"],
        description='a "quoted"\nline',
    )
    create_token(ada, "todos:read", name="Backup")
    app, _ = add_app(ada)
    add_passkey(ada, Authenticator(), code=app.next_code())
    webhook = ada.client.post(WEBHOOKS, json={"url": "https://hooks.example.com/"}).json()
    ada.client.post(f"{WEBHOOKS}/{webhook['id']}/test").raise_for_status()
    subscribe(ada)
    channels = ada.client.get(f"{REMINDERS}/channels").json()
    ada.client.put(f"{REMINDERS}/channels", json=channels).raise_for_status()
    trashed = ada.add("Buy bread", due_date="2030-01-31")
    ada.client.patch(trashed["url"], json={"completed": True})
    ada.client.delete(trashed["url"])
    scripted.play(Call("add_todos", {"todos": [{"title": "Call mum"}]}), Say("Added it."))
    assert ada.client.post(CHAT, json={"message": "Remind me of mum."}).status_code == 200
    return ada


class TestDocument:
    def test_it_has_the_account(self, eve: Account) -> None:
        exported, read = export(eve)["account"], eve.client.get(f"{AUTH}/me").json()

        assert exported == {name: read[name] for name in read if name != "email_verified"} | {"email_verified_at": None}

    def test_it_has_the_time_of_the_export(self, ada: Account) -> None:
        exported_at = export(ada)["exported_at"]

        assert exported_at.endswith("Z")
        assert abs(datetime.now(UTC) - datetime.fromisoformat(exported_at)) < timedelta(minutes=1)

    def test_it_has_exactly_the_parts_that_the_openapi_document_names(self, ada: Account) -> None:
        assert export(ada).keys() == ExportRead.model_fields.keys()

    def test_it_has_the_todos_and_the_trash(self, eve: Account) -> None:
        listed = [*eve.client.get(TODOS).json(), *eve.client.get(TODOS, params={"trashed": "true"}).json()]

        exported = {todo["id"]: todo for todo in export(eve)["todos"]}

        assert len(exported) == 4
        for todo in listed:
            del todo["url"]  # not exported: it depends on the address of the service
            assert {name: exported[todo["id"]][name] for name in todo} == todo

    def test_it_has_the_change_log(self, eve: Account) -> None:
        changes = eve.client.get(f"{TODOS}/changes").json()

        exported = export(eve)["changes"]

        assert [change["seq"] for change in exported] == [change["seq"] for change in changes]
        for one, other in zip(exported, changes, strict=True):
            assert (one["actor"], one["turn_id"]) == (other["actor"]["kind"], other["actor"]["turn_id"])
            assert {name: one[name] for name in ("todo_id", "project_id", "tag", "op", "created_at")} == {
                name: other[name] for name in ("todo_id", "project_id", "tag", "op", "created_at")
            }
            for side in ("before", "after"):
                fields = (other[side] or {}).keys() - {"url"}
                assert {name: one[side][name] for name in fields} == {name: other[side][name] for name in fields}
                assert (one[side] is None) == (other[side] is None)

    def test_it_has_conversations_with_tool_calls(self, eve: Account) -> None:
        asked, response = eve.client.get(f"{CHAT}/history").json()

        document = export(eve)

        (conversation,), (turn,), (call,) = (document[name] for name in ("conversations", "turns", "tool_calls"))
        assert conversation["id"] == turn["conversation_id"] == asked["conversation_id"]
        assert (turn["message"], turn["response"]) == (asked["content"], response["content"])
        assert (call["name"], call["ok"]) == ("add_todos", True)
        assert call["result"] == response["tool_calls"][0]["result"]
        assert [each["turn_id"] for each in document["rounds"]] == [turn["id"]] * 2
        assert [usage["turns"] for usage in document["assistant_usage"]] == [1]

    def test_it_has_the_projects(self, eve: Account) -> None:
        (listed,) = eve.client.get(PROJECTS).json()

        (project,) = export(eve)["projects"]

        assert project == {name: listed[name] for name in listed.keys() - {"url"}}

    def test_it_has_the_sessions(self, ada: Account) -> None:
        (session,) = export(ada)["sessions"]
        (listed,) = list_sessions(ada)

        assert {name: session[name] for name in listed.keys() - {"current"}} == {
            name: listed[name] for name in listed.keys() - {"current"}
        }

    def test_it_has_the_api_tokens(self, eve: Account) -> None:
        assert export(eve)["api_tokens"] == list_tokens(eve)

    def test_it_has_the_passkeys_and_the_authenticator_app(self, eve: Account) -> None:
        document = export(eve)

        assert document["passkeys"] == eve.client.get(PASSKEYS).json()
        (app,) = document["totp"]
        assert app.keys() == {"id", "created_at", "confirmed_at"}

    def test_it_has_no_secrets(self, eve: Account, database_url: str) -> None:
        (row,) = postgres.query(database_url, "SELECT password_hash FROM users WHERE id = $1", UUID(eve.user["id"]))
        texts = find_texts(export(eve))

        for secret in (PASSWORD, row["password_hash"], eve.token):
            assert not [text for text in texts if secret in text]
        assert not {"password_hash", "email_key", "token_hash", "lease", "request_digest", "words"} & set(texts)
        assert not {"secret", "last_step", "code_hash", "public_key", "credential_id"} & set(texts)

    def test_its_times_are_in_utc(self, eve: Account) -> None:
        times = [text for text in find_texts(export(eve)) if re.match(r"\d{4}-\d\d-\d\dT", text)]

        assert len(times) > 20
        assert not [time for time in times if not time.endswith("Z")]

    def test_an_empty_account_has_empty_lists(self, ada: Account) -> None:
        document = export(ada)

        for name in ("todos", "changes", "conversations", "turns", "rounds", "tool_calls", "assistant_usage"):
            assert document[name] == []

    def test_it_has_no_data_of_other_users(self, eve: Account, bob: Account) -> None:
        bob.add("A secret of Bob's")
        mine = {eve.user["id"], eve.email, "Buy milk", "Remind me of mum."}

        assert not mine & set(find_texts(export(bob)))
        assert not {bob.user["id"], bob.email, "A secret of Bob's"} & set(find_texts(export(eve)))


class TestResponse:
    def test_it_is_a_file_to_download(self, ada: Account) -> None:
        headers = ada.client.get(EXPORT).headers

        assert headers["content-type"] == "application/json"
        assert re.fullmatch(r'attachment; filename="todos-\d{4}-\d\d-\d\d\.json"', headers["content-disposition"])
        assert headers["cache-control"] == "no-store"

    def test_it_is_compressed_if_the_client_accepts_gzip(self, ada: Account) -> None:
        ada.add("Buy milk " * 50)
        zipped, plain = (
            ada.client.get(EXPORT, headers={"Accept-Encoding": encoding}) for encoding in ("gzip", "identity")
        )

        assert zipped.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert "Accept-Encoding" in plain.headers["vary"]
        assert zipped.json()["todos"] == plain.json()["todos"]

    @pytest.mark.parametrize("codings", ["gzip;q=0", "gzip; q=0.0, identity", "identity, *;q=0", "br"])
    def test_it_is_not_compressed_if_the_client_refuses_gzip(self, ada: Account, codings: str) -> None:
        response = ada.client.get(EXPORT, headers={"Accept-Encoding": codings})

        assert "content-encoding" not in response.headers
        assert response.json()["account"]["id"] == ada.user["id"]

    def test_pages_of_the_front_end_may_read_it(self, ada: Account) -> None:
        response = ada.client.get(EXPORT, headers={"Origin": "https://app.example.com"})

        assert response.headers["access-control-allow-origin"] == "https://app.example.com"


class TestLargeExport:
    TODOS_WITHIN_LIMIT, TODOS = 260, 550
    """Numbers of todos: the first fits 6 MB uncompressed. The second needs about 12 MB, and two pages of a table."""

    def test_it_is_complete_up_to_the_limit_of_lambda(self, ada: Account, database_url: str, surface: Surface) -> None:
        """Asserts that Lambda's limit of 6 MB applies after compression: gzip makes even the larger document fit."""
        user_id = UUID(ada.user["id"])
        postgres.query(database_url, TODOS_IN_BULK, user_id, 1, self.TODOS_WITHIN_LIMIT)
        plain = ada.client.get(EXPORT, headers=PLAIN)

        assert len(plain.json()["todos"]) == self.TODOS_WITHIN_LIMIT
        assert 5_800_000 < len(plain.content) < 6 * 1024 * 1024
        assert len(gzip.compress(plain.content)) < 100_000

        postgres.query(database_url, TODOS_IN_BULK, user_id, self.TODOS_WITHIN_LIMIT + 1, self.TODOS)
        document = export(ada)

        assert {todo["title"] for todo in document["todos"]} == {f'Read "{n}"' for n in range(1, self.TODOS + 1)}
        assert [change["seq"] for change in document["changes"]] == list(range(1, self.TODOS + 1))

        plain = ada.client.get(EXPORT, headers=PLAIN)

        if surface.name in {"lambda", "emulator", "sam"}:
            refusal = problem(plain, 413, "export_too_large")
            assert "Accept-Encoding: gzip" in refusal["detail"]
        else:
            assert len(plain.json()["todos"]) == self.TODOS
