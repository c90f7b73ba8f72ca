"""POST /api/v1/auth/close-account."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest

from tests import postgres
from tests.accounts import AUTH, CHAT, PASSWORD, TODOS, Account, close_account, problem, register, sign_in
from tests.model_replies import Call, ReceivedRequest, Reply, Say
from tests.scripted_model import ScriptedModel
from tests.serving import Surface, wait_until
from tests.surfaces.oauth import make_client
from tests.surfaces.test_auth_export import eve, export
from tests.surfaces.test_auth_limits import FAILURES_PER_ACCOUNT
from tests.surfaces.tokens import ME, get_with_bearer, read_claims, read_session_cookies
from todo_core.accounts.login_limits import digest_email

__all__ = ["eve"]

TABLES = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
TABLES_OF_USERS = """
WITH RECURSIVE refers AS (
    SELECT conrelid, confrelid FROM pg_constraint WHERE contype = 'f' AND confrelid = 'users'::regclass
    UNION
    SELECT further.conrelid, further.confrelid FROM pg_constraint AS further
    JOIN refers ON further.confrelid = refers.conrelid WHERE contype = 'f'
)
SELECT DISTINCT conrelid::regclass::text AS name FROM refers
"""

type Json = dict[str, Any]


def count_traces(database_url: str, *texts: str) -> dict[str, int]:
    """Returns the number of rows that contain any of the texts, for each table that has such rows."""
    counts = {
        row["relname"]: postgres.query(
            database_url,
            f'SELECT count(*) FROM "{row["relname"]}" AS t WHERE t::text LIKE ANY($1)',  # noqa: S608 - a table's name
            [f"%{text}%" for text in texts],
        )[0]["count"]
        for row in postgres.query(database_url, TABLES)
    }
    return {table: count for table, count in counts.items() if count}


class TestResponse:
    def test_it_has_no_body_and_clears_the_cookie(self, ada: Account) -> None:
        response = close_account(ada.client)

        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["cache-control"] == "no-store"
        variants = {("secure" in cleared, cleared["samesite"]) for cleared in read_session_cookies(response)}
        assert variants == {(True, "none"), (False, "lax")}
        assert "session_token" not in ada.client.cookies

    def test_every_session_of_the_account_ends(self, ada: Account, surface: Surface) -> None:
        with surface.client() as phone:
            sign_in(phone, ada.email)
            token = ada.token
            close_account(ada.client)

            problem(phone.get(TODOS), 401, "not_authenticated")
            problem(get_with_bearer(phone, token), 401, "not_authenticated")

    def test_login_is_refused_afterwards(self, ada: Account) -> None:
        close_account(ada.client)

        problem(sign_in(ada.client, ada.email), 401, "invalid_credentials")

    def test_its_email_may_be_registered_again_for_an_empty_account(self, eve: Account) -> None:
        close_account(eve.client)

        user = register(eve.client, eve.email)
        sign_in(eve.client, eve.email)

        assert user["id"] != eve.user["id"]
        assert eve.client.get(TODOS).json() == []
        assert eve.client.get(f"{CHAT}/conversations").json() == []


class TestDeletedData:
    def test_no_table_keeps_a_row_of_it(self, eve: Account, bob: Account, database_url: str) -> None:
        bob.add("Stay")
        make_client(eve.client).connect(eve)
        document = export(eve)
        ids = [
            each["id"]
            for name in ("sessions", "todos", "conversations", "turns", "webhooks", "connections")
            for each in document[name]
        ]
        traces = [eve.user["id"], eve.email, *ids]
        tables_of_users = {row["name"] for row in postgres.query(database_url, TABLES_OF_USERS)}
        assert count_traces(database_url, *traces).keys() >= tables_of_users

        assert close_account(eve.client).status_code == 204

        assert count_traces(database_url, *traces) == {}
        assert bob.titles() == ["Stay"]

    def test_its_failed_attempts_are_deleted(self, ada: Account, database_url: str) -> None:
        sign_in(ada.client, ada.email)
        sign_in(ada.client, ada.email, "a wrong password")
        problem(close_account(ada.client, "a wrong password"), 403, "wrong_password")
        traces = [f":account:{digest_email(ada.email)}", read_claims(ada.token)["sid"]]
        assert count_traces(database_url, *traces).keys() == {"sessions", "attempts"}

        close_account(ada.client)

        assert count_traces(database_url, *traces) == {}

    def test_concurrent_writes_are_deleted_or_fail_with_an_expected_status(
        self, ada: Account, surface: Surface, scripted: ScriptedModel, database_url: str
    ) -> None:
        scripted.answer_with(list_todos)
        todo, closed, bearer = ada.add(), Event(), ada.bearer

        def repeat_request(method: str, url: str, body: Any, **headers: str) -> set[int]:
            statuses: set[int] = set()
            with surface.client() as client:
                client.headers.update(bearer | headers)
                while not closed.is_set():
                    statuses.add(client.request(method, url, json=body).status_code)
                statuses.add(client.request(method, url, json=body).status_code)
            return statuses

        def repeat_with_key() -> set[int]:
            return repeat_request("POST", TODOS, {"title": "Buy cheese"}, **{"Idempotency-Key": "cheese"})

        with ThreadPoolExecutor(5) as pool, set_at_the_end(closed):
            adding_once = pool.submit(repeat_with_key)
            adding = pool.submit(repeat_request, "POST", TODOS, {"title": "Buy tea"})
            changing = pool.submit(repeat_request, "PATCH", todo["url"], {"title": "Buy bread"})
            chatting = pool.submit(repeat_request, "POST", CHAT, {"message": "Hello?"})
            signing_in = pool.submit(repeat_login, surface, ada.email, closed)
            wait_until(lambda: bool(ada.titles(q="tea") and ada.titles(q="cheese")))
            response = close_account(ada.client)

        assert response.status_code == 204
        assert adding.result() == {201, 401}
        assert adding_once.result() == {201, 401}
        assert changing.result() <= {200, 401, 404}
        assert chatting.result() <= {200, 401, 404}
        assert signing_in.result() <= {200, 401, 429}
        assert count_traces(database_url, ada.user["id"]) == {}


@contextmanager
def set_at_the_end(event: Event) -> Iterator[None]:
    """Sets the event when the block ends or fails, because the test's threads repeat requests until it is set."""
    try:
        yield
    finally:
        event.set()


def list_todos(request: ReceivedRequest) -> Reply:
    """Replies to a message with a tool call, and to the tool's result with a text that ends the turn."""
    return Say("Hello.") if request.messages[-1]["role"] == "tool" else Call("list_todos")


def repeat_login(surface: Surface, email: str, closed: Event) -> set[int]:
    statuses: set[int] = set()
    while not closed.is_set():
        with surface.client() as client:
            statuses.add(sign_in(client, email).status_code)
    return statuses


class TestWrongPassword:
    def test_it_is_refused_and_the_session_stays_valid(self, ada: Account) -> None:
        refusal = close_account(ada.client, "a wrong password")

        problem(refusal, 403, "wrong_password")
        assert not read_session_cookies(refusal)
        assert ada.client.get(ME).json() == ada.user

    def test_the_password_of_another_user_is_refused(self, ada: Account, bob: Account) -> None:
        bob.client.post(f"{AUTH}/password", json={"current_password": PASSWORD, "new_password": "the password of Bob"})

        problem(close_account(ada.client, "the password of Bob"), 403, "wrong_password")

    def test_repeated_failures_are_limited(self, ada: Account) -> None:
        for _ in range(FAILURES_PER_ACCOUNT):
            problem(close_account(ada.client, "a wrong password"), 403, "wrong_password")

        problem(close_account(ada.client), 429, "too_many_attempts")
        assert ada.client.get(ME).json() == ada.user

    @pytest.mark.parametrize("body", [{}, {"password": ""}, {"password": None}, {"password": PASSWORD, "sure": True}])
    def test_an_invalid_body_is_refused(self, ada: Account, body: Json) -> None:
        problem(ada.client.post(f"{AUTH}/close-account", json=body), 422, "validation_failed")

        assert ada.client.get(ME).json() == ada.user


class TestPermissions:
    def test_other_accounts_are_not_affected(self, ada: Account, bob: Account) -> None:
        bob.add()
        close_account(ada.client)

        assert bob.client.get(ME).json() == bob.user
        assert bob.titles() == ["Buy milk"]

    def test_a_page_of_a_foreign_origin_is_refused(self, ada: Account) -> None:
        foreign = {"Origin": "https://evil.example.net"}

        response = ada.client.post(f"{AUTH}/close-account", json={"password": PASSWORD}, headers=foreign)

        problem(response, 403, "cross_origin")
        assert ada.client.get(ME).json() == ada.user

    @pytest.mark.parametrize("method", ["DELETE", "GET", "PUT"])
    def test_other_methods_are_refused(self, ada: Account, method: str) -> None:
        problem(ada.client.request(method, f"{AUTH}/close-account"), 405, "method_not_allowed")
