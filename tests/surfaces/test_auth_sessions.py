"""GET /api/v1/auth/sessions, and ending one."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from tests import postgres
from tests.accounts import AUTH, Account, problem, sign_in, sign_up
from tests.serving import Surface
from tests.surfaces.test_auth_session import cookies_set, session_of, shorten_session
from tests.surfaces.test_auth_tokens import ME, aged, claims_of, with_bearer

SESSIONS = f"{AUTH}/sessions"

type Json = dict[str, Any]


def sessions_of(account: Account, **query: int | str) -> list[Json]:
    listed = account.client.get(SESSIONS, params=query)
    assert listed.status_code == 200, listed.text
    found: list[Json] = listed.json()
    return found


def sign_in_often(surface: Surface, account: Account, times: int) -> None:
    with surface.client() as client:
        for _ in range(times):
            assert sign_in(client, account.email).status_code == 200


def last_seen(database_url: str, account: Account, ago: timedelta) -> datetime:
    """Lets the session have been seen so long ago for the last time."""
    statement = "UPDATE sessions SET last_seen_at = now() - $1::interval WHERE id = $2 RETURNING last_seen_at"
    (row,) = postgres.query(database_url, statement, ago, UUID(claims_of(account.token)["sid"]))
    moment: datetime = row["last_seen_at"]
    return moment


class TestList:
    def test_it_tells_where_the_account_is_signed_in(self, surface: Surface) -> None:
        with surface.client() as client:
            client.headers["User-Agent"] = "browser/7"
            account = sign_up(client)
            (session,) = sessions_of(account)

        assert session == {
            "id": claims_of(account.token)["sid"],
            "created_at": session["created_at"],
            "last_seen_at": session["last_seen_at"],
            "user_agent": "browser/7",
            "current": True,
        }
        for name in ("created_at", "last_seen_at"):
            assert session[name].endswith("Z")
            assert abs(datetime.now(UTC) - datetime.fromisoformat(session[name])) < timedelta(minutes=1)

    def test_the_newest_sign_in_comes_first(self, ada: Account, surface: Surface) -> None:
        sign_in_often(surface, ada, 2)

        found = sessions_of(ada)

        assert [session["current"] for session in found] == [False, False, True]
        assert [session["created_at"] for session in found] == sorted(
            (session["created_at"] for session in found), reverse=True
        )

    def test_the_current_one_is_that_of_who_asks(self, ada: Account, surface: Surface) -> None:
        with surface.client() as phone:
            sign_in(phone, ada.email)
            (current,) = (session["id"] for session in phone.get(SESSIONS).json() if session["current"])

            assert current == claims_of(phone.cookies["session_token"])["sid"]

    def test_a_program_sees_them_too(self, ada: Account, client: httpx2.Client) -> None:
        assert client.get(SESSIONS, headers=ada.bearer).json() == sessions_of(ada)

    def test_those_of_others_are_not_in_it(self, ada: Account, bob: Account) -> None:
        assert not {session["id"] for session in sessions_of(ada)} & {session["id"] for session in sessions_of(bob)}

    def test_those_that_have_ended_are_not_in_it(self, ada: Account, surface: Surface, database_url: str) -> None:
        with surface.client() as phone, surface.client() as program:
            sign_in(phone, ada.email)
            sign_in(program, ada.email)
            phone.post(f"{AUTH}/logout")
            shorten_session(database_url, program.cookies["session_token"], hours=0)

        assert [session["current"] for session in sessions_of(ada)] == [True]

    def test_nothing_may_store_it(self, ada: Account) -> None:
        assert ada.client.get(SESSIONS).headers["cache-control"] == "no-store"

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_it_comes_directly(self, ada: Account, slash: str) -> None:
        assert ada.client.get(f"{SESSIONS}{slash}").status_code == 200


class TestPages:
    def test_they_follow_each_other_without_a_gap(self, ada: Account, surface: Surface) -> None:
        sign_in_often(surface, ada, 4)
        page = ada.client.get(SESSIONS, params={"limit": 2})
        found = page.json()
        while following := page.links.get("next"):
            page = ada.client.get(following["url"])
            found += page.json()

        assert found == sessions_of(ada)
        assert len(found) == 5

    def test_the_last_one_leads_nowhere(self, ada: Account) -> None:
        assert "link" not in ada.client.get(SESSIONS, params={"limit": 1}).headers

    @pytest.mark.parametrize("cursor", ["x", "x.y", "2030-01-01T00:00:00+00:00~x.00", ""])
    def test_a_cursor_of_no_page_is_refused(self, ada: Account, cursor: str) -> None:
        response = ada.client.get(SESSIONS, params={"cursor": cursor})

        assert response.status_code == (200 if not cursor else 400)
        if cursor:
            problem(response, 400, "invalid_cursor")

    @pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"limit": "x"}, {"order": "id"}], ids=str)
    def test_a_query_that_cannot_be_is_named(self, ada: Account, query: dict[str, int | str]) -> None:
        (fault,) = problem(ada.client.get(SESSIONS, params=query), 422, "validation_failed")["errors"]

        assert [fault["field"]] == list(query)


class TestLastSeen:
    def test_it_is_renewed_when_a_request_comes_an_hour_later(self, ada: Account, database_url: str) -> None:
        last_seen(database_url, ada, timedelta(hours=1))

        ada.client.get(ME)

        ago = datetime.now(UTC) - session_of(database_url, ada.token)["last_seen_at"]
        assert ago < timedelta(minutes=1)

    def test_that_of_a_program_is_too(self, ada: Account, client: httpx2.Client, database_url: str) -> None:
        last_seen(database_url, ada, timedelta(hours=1))

        with_bearer(client, ada.token)

        assert datetime.now(UTC) - session_of(database_url, ada.token)["last_seen_at"] < timedelta(minutes=1)

    def test_a_request_soon_after_writes_nothing(self, ada: Account, database_url: str) -> None:
        before = last_seen(database_url, ada, timedelta(minutes=20))

        ada.client.get(ME)

        assert session_of(database_url, ada.token)["last_seen_at"] == before

    def test_that_of_another_session_stays(self, ada: Account, surface: Surface, database_url: str) -> None:
        before = last_seen(database_url, ada, timedelta(hours=5))
        with surface.client() as phone:
            sign_in(phone, ada.email)
            phone.get(ME)

        assert session_of(database_url, ada.token)["last_seen_at"] == before

    def test_an_expired_session_is_not_seen(self, ada: Account, database_url: str) -> None:
        before = last_seen(database_url, ada, timedelta(hours=5))
        shorten_session(database_url, ada.token, hours=0)

        problem(ada.client.get(ME), 401, "not_authenticated")
        assert session_of(database_url, ada.token)["last_seen_at"] == before


class TestEnding:
    def test_its_token_is_good_no_more(self, ada: Account, surface: Surface) -> None:
        with surface.client() as phone:
            sign_in(phone, ada.email)
            response = ada.client.delete(f"{SESSIONS}/{claims_of(phone.cookies['session_token'])['sid']}")

            assert (response.status_code, response.content) == (204, b"")
            assert not cookies_set(response)
            problem(phone.get(ME), 401, "not_authenticated")
        assert [session["current"] for session in sessions_of(ada)] == [True]

    def test_the_current_one_signs_out(self, ada: Account) -> None:
        response = ada.client.delete(f"{SESSIONS}/{claims_of(ada.token)['sid']}")

        assert response.status_code == 204
        variants = {("secure" in cleared, cleared["samesite"]) for cleared in cookies_set(response)}
        assert variants == {(True, "none"), (False, "lax")}
        assert "session_token" not in ada.client.cookies
        problem(ada.client.get(ME), 401, "not_authenticated")

    def test_a_half_spent_cookie_is_not_renewed_on_the_way_out(self, ada: Account, client: httpx2.Client) -> None:
        cookie = {"Cookie": f"session_token={aged(ada.token, timedelta(days=5))}"}

        response = client.delete(f"{SESSIONS}/{claims_of(ada.token)['sid']}", headers=cookie)

        assert response.status_code == 204
        assert not any(cookie["value"].strip('"') for cookie in cookies_set(response))

    def test_one_that_has_ended_is_not_found(self, ada: Account, surface: Surface) -> None:
        with surface.client() as phone:
            sign_in(phone, ada.email)
            url = f"{SESSIONS}/{claims_of(phone.cookies['session_token'])['sid']}"

        assert ada.client.delete(url).status_code == 204
        problem(ada.client.delete(url), 404, "session_not_found")

    @pytest.mark.parametrize("session_id", ["current", "1", "%00", "0198c5a1"])
    def test_what_is_no_id_is_named(self, ada: Account, session_id: str) -> None:
        (fault,) = problem(ada.client.delete(f"{SESSIONS}/{session_id}"), 422, "validation_failed")["errors"]

        assert fault["field"] == "session_id"

    def test_a_page_of_a_foreign_origin_may_not(self, ada: Account) -> None:
        url = f"{SESSIONS}/{claims_of(ada.token)['sid']}"

        problem(ada.client.delete(url, headers={"Origin": "https://evil.example.net"}), 403, "cross_origin")
        assert ada.client.get(ME).status_code == 200
