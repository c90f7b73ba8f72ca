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
from tests.surfaces.test_auth_export import eve, export_of
from tests.surfaces.test_auth_limits import FAILURES_PER_ACCOUNT
from tests.surfaces.test_auth_session import cookies_set
from tests.surfaces.test_auth_tokens import ME, with_bearer

__all__ = ["eve"]

TABLES = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
COLUMNS_THAT_REFER_TO_USERS = """
WITH RECURSIVE refers AS (
    SELECT conrelid, confrelid FROM pg_constraint WHERE contype = 'f' AND confrelid = 'users'::regclass
    UNION
    SELECT further.conrelid, further.confrelid FROM pg_constraint AS further
    JOIN refers ON further.confrelid = refers.conrelid WHERE contype = 'f'
)
SELECT DISTINCT conrelid::regclass::text AS name FROM refers
"""

type Json = dict[str, Any]


def traces_of(database_url: str, *texts: str) -> dict[str, int]:
    """The tables in which rows with any of the texts are left, and how many."""
    counted = {
        row["relname"]: postgres.query(
            database_url,
            f'SELECT count(*) FROM "{row["relname"]}" AS t WHERE t::text LIKE ANY($1)',  # noqa: S608 - a table's name
            [f"%{text}%" for text in texts],
        )[0]["count"]
        for row in postgres.query(database_url, TABLES)
    }
    return {table: count for table, count in counted.items() if count}


class TestAnswer:
    def test_it_is_empty_and_clears_the_cookie(self, ada: Account) -> None:
        response = close_account(ada.client)

        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["cache-control"] == "no-store"
        variants = {("secure" in cleared, cleared["samesite"]) for cleared in cookies_set(response)}
        assert variants == {(True, "none"), (False, "lax")}
        assert "session_token" not in ada.client.cookies

    def test_the_account_is_signed_in_nowhere_any_more(self, ada: Account, surface: Surface) -> None:
        with surface.client() as phone:
            sign_in(phone, ada.email)
            token = ada.token
            close_account(ada.client)

            problem(phone.get(TODOS), 401, "not_authenticated")
            problem(with_bearer(phone, token), 401, "not_authenticated")

    def test_nobody_signs_in_to_it_any_more(self, ada: Account) -> None:
        close_account(ada.client)

        problem(sign_in(ada.client, ada.email), 401, "invalid_credentials")

    def test_its_email_may_be_registered_again_and_finds_nothing(self, eve: Account) -> None:
        close_account(eve.client)

        user = register(eve.client, eve.email)
        sign_in(eve.client, eve.email)

        assert user["id"] != eve.user["id"]
        assert eve.client.get(TODOS).json() == []
        assert eve.client.get(f"{CHAT}/conversations").json() == []


class TestEverything:
    def test_nothing_of_it_is_left_in_any_table(self, eve: Account, bob: Account, database_url: str) -> None:
        bob.add("Stay")
        document = export_of(eve)
        ids = [each["id"] for name in ("sessions", "todos", "conversations", "turns") for each in document[name]]
        traces = [eve.user["id"], eve.email, *ids]
        referring = {row["name"] for row in postgres.query(database_url, COLUMNS_THAT_REFER_TO_USERS)}
        assert traces_of(database_url, *traces).keys() >= referring

        assert close_account(eve.client).status_code == 204

        assert traces_of(database_url, *traces) == {}
        assert bob.titles() == ["Stay"]

    def test_failed_tries_are_forgotten_with_it(self, ada: Account, database_url: str) -> None:
        problem(close_account(ada.client, "a wrong one"), 403, "wrong_password")
        assert traces_of(database_url, ada.email).keys() == {"users", "attempts"}

        close_account(ada.client)

        assert traces_of(database_url, ada.email) == {}

    def test_what_is_written_meanwhile_is_gone_too_and_fails_in_order(
        self, ada: Account, surface: Surface, scripted: ScriptedModel, database_url: str
    ) -> None:
        scripted.answer_with(list_todos)
        todo, closed, bearer = ada.add(), Event(), ada.bearer

        def keep_at(method: str, url: str, body: Any, **headers: str) -> set[int]:
            statuses: set[int] = set()
            with surface.client() as client:
                client.headers.update(bearer | headers)
                while not closed.is_set():
                    statuses.add(client.request(method, url, json=body).status_code)
                statuses.add(client.request(method, url, json=body).status_code)
            return statuses

        def keep_adding_once() -> set[int]:
            return keep_at("POST", TODOS, {"title": "Buy cheese"}, **{"Idempotency-Key": "cheese"})

        with ThreadPoolExecutor(5) as pool, told(closed):
            adding_once = pool.submit(keep_adding_once)
            adding = pool.submit(keep_at, "POST", TODOS, {"title": "Buy tea"})
            changing = pool.submit(keep_at, "PATCH", todo["url"], {"title": "Buy bread"})
            chatting = pool.submit(keep_at, "POST", CHAT, {"message": "Hello?"})
            signing_in = pool.submit(keep_signing_in, surface, ada.email, closed)
            wait_until(lambda: bool(ada.titles(q="tea") and ada.titles(q="cheese")))
            response = close_account(ada.client)

        assert response.status_code == 204
        assert adding.result() == {201, 401}
        assert adding_once.result() == {201, 401}
        assert changing.result() <= {200, 401, 404}
        assert chatting.result() <= {200, 401, 404}
        assert signing_in.result() <= {200, 401, 429}
        assert traces_of(database_url, ada.user["id"]) == {}


@contextmanager
def told(over: Event) -> Iterator[None]:
    """Sets the event in the end, whatever comes: others go on until then."""
    try:
        yield
    finally:
        over.set()


def list_todos(request: ReceivedRequest) -> Reply:
    """Looks at the todos, and says something then."""
    return Say("Hello.") if request.messages[-1]["role"] == "tool" else Call("list_todos")


def keep_signing_in(surface: Surface, email: str, closed: Event) -> set[int]:
    statuses: set[int] = set()
    while not closed.is_set():
        with surface.client() as client:
            statuses.add(sign_in(client, email).status_code)
    return statuses


class TestWrongPassword:
    def test_it_is_refused_without_signing_out(self, ada: Account) -> None:
        refusal = close_account(ada.client, "a wrong one")

        problem(refusal, 403, "wrong_password")
        assert not cookies_set(refusal)
        assert ada.client.get(ME).json() == ada.user

    def test_another_users_is_wrong(self, ada: Account, bob: Account) -> None:
        bob.client.post(f"{AUTH}/password", json={"current_password": PASSWORD, "new_password": "the word of Bob"})

        problem(close_account(ada.client, "the word of Bob"), 403, "wrong_password")

    def test_it_counts_as_a_failed_login(self, ada: Account) -> None:
        for _ in range(FAILURES_PER_ACCOUNT):
            problem(close_account(ada.client, "a wrong one"), 403, "wrong_password")

        problem(close_account(ada.client), 429, "too_many_attempts")
        problem(sign_in(ada.client, ada.email), 429, "too_many_attempts")
        assert ada.client.get(ME).json() == ada.user

    @pytest.mark.parametrize("body", [{}, {"password": ""}, {"password": None}, {"password": PASSWORD, "sure": True}])
    def test_a_body_that_cannot_be_closes_nothing(self, ada: Account, body: Json) -> None:
        problem(ada.client.post(f"{AUTH}/close-account", json=body), 422, "validation_failed")

        assert ada.client.get(ME).json() == ada.user


class TestWho:
    def test_other_accounts_stay(self, ada: Account, bob: Account) -> None:
        bob.add()
        close_account(ada.client)

        assert bob.client.get(ME).json() == bob.user
        assert bob.titles() == ["Buy milk"]

    def test_a_page_of_a_foreign_origin_may_not(self, ada: Account) -> None:
        foreign = {"Origin": "https://evil.example.net"}

        response = ada.client.post(f"{AUTH}/close-account", json={"password": PASSWORD}, headers=foreign)

        problem(response, 403, "cross_origin")
        assert ada.client.get(ME).json() == ada.user

    @pytest.mark.parametrize("method", ["DELETE", "GET", "PUT"])
    def test_it_takes_no_other_method(self, ada: Account, method: str) -> None:
        problem(ada.client.request(method, f"{AUTH}/close-account"), 405, "method_not_allowed")
