"""GET /api/v1/auth/sessions and DELETE /api/v1/auth/sessions/{session_id}."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from tests import postgres
from tests.accounts import AUTH, Account, problem, read_invalid_field, sign_in, sign_up
from tests.serving import Surface
from tests.surfaces.tokens import (
    ME,
    backdate,
    fetch_session,
    get_with_bearer,
    read_claims,
    read_session_cookies,
    set_session_expiry,
)

SESSIONS = f"{AUTH}/sessions"

type Json = dict[str, Any]


def list_sessions(account: Account, **query: int | str) -> list[Json]:
    listed = account.client.get(SESSIONS, params=query)
    assert listed.status_code == 200, listed.text
    found: list[Json] = listed.json()
    return found


def sign_in_repeatedly(surface: Surface, account: Account, times: int) -> None:
    for _ in range(times):
        with surface.client() as client:
            assert sign_in(client, account.email).status_code == 200


def set_last_seen(database_url: str, account: Account, ago: timedelta) -> datetime:
    """Sets `last_seen_at` of the account's session to now minus `ago`. Returns the new value."""
    statement = "UPDATE sessions SET last_seen_at = now() - $1::interval WHERE id = $2 RETURNING last_seen_at"
    (row,) = postgres.query(database_url, statement, ago, UUID(read_claims(account.token)["sid"]))
    moment: datetime = row["last_seen_at"]
    return moment


class TestList:
    def test_it_describes_each_session(self, surface: Surface) -> None:
        with surface.client() as client:
            client.headers["User-Agent"] = "browser/7"
            account = sign_up(client)
            (session,) = list_sessions(account)

        assert session == {
            "id": read_claims(account.token)["sid"],
            "created_at": session["created_at"],
            "last_seen_at": session["last_seen_at"],
            "user_agent": "browser/7",
            "opened_by": "password",
            "current": True,
        }
        for name in ("created_at", "last_seen_at"):
            assert session[name].endswith("Z")
            assert abs(datetime.now(UTC) - datetime.fromisoformat(session[name])) < timedelta(minutes=1)

    def test_the_newest_sign_in_comes_first(self, ada: Account, surface: Surface) -> None:
        sign_in_repeatedly(surface, ada, 2)

        found = list_sessions(ada)

        assert [session["current"] for session in found] == [False, False, True]
        assert [session["created_at"] for session in found] == sorted(
            (session["created_at"] for session in found), reverse=True
        )

    def test_the_session_of_the_request_is_marked_as_current(self, ada: Account, surface: Surface) -> None:
        with surface.client() as phone:
            sign_in(phone, ada.email)
            (current,) = (session["id"] for session in phone.get(SESSIONS).json() if session["current"])

            assert current == read_claims(phone.cookies["session_token"])["sid"]

    def test_a_bearer_token_is_accepted(self, ada: Account, client: httpx2.Client) -> None:
        assert client.get(SESSIONS, headers=ada.bearer).json() == list_sessions(ada)

    def test_it_has_no_sessions_of_other_users(self, ada: Account, bob: Account) -> None:
        assert not {session["id"] for session in list_sessions(ada)} & {session["id"] for session in list_sessions(bob)}

    def test_it_has_no_ended_or_expired_sessions(self, ada: Account, surface: Surface, database_url: str) -> None:
        with surface.client() as phone, surface.client() as program:
            sign_in(phone, ada.email)
            sign_in(program, ada.email)
            phone.post(f"{AUTH}/logout")
            set_session_expiry(database_url, program.cookies["session_token"], hours=0)

        assert [session["current"] for session in list_sessions(ada)] == [True]

    def test_the_response_may_not_be_cached(self, ada: Account) -> None:
        assert ada.client.get(SESSIONS).headers["cache-control"] == "no-store"

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_a_trailing_slash_does_not_redirect(self, ada: Account, slash: str) -> None:
        assert ada.client.get(f"{SESSIONS}{slash}").status_code == 200


class TestPages:
    def test_pages_contain_every_session_once(self, ada: Account, surface: Surface) -> None:
        sign_in_repeatedly(surface, ada, 4)
        page = ada.client.get(SESSIONS, params={"limit": 2})
        found = page.json()
        while following := page.links.get("next"):
            page = ada.client.get(following["url"])
            found += page.json()

        assert found == list_sessions(ada)
        assert len(found) == 5

    def test_the_last_page_has_no_link(self, ada: Account) -> None:
        assert "link" not in ada.client.get(SESSIONS, params={"limit": 1}).headers

    @pytest.mark.parametrize("cursor", ["x", "x.y", "2030-01-01T00:00:00+00:00~x.00", ""])
    def test_an_invalid_cursor_is_refused(self, ada: Account, cursor: str) -> None:
        response = ada.client.get(SESSIONS, params={"cursor": cursor})

        assert response.status_code == (200 if not cursor else 400)
        if cursor:
            problem(response, 400, "invalid_cursor")

    @pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"limit": "x"}, {"order": "id"}], ids=str)
    def test_an_invalid_query_parameter_is_named(self, ada: Account, query: dict[str, int | str]) -> None:
        assert [read_invalid_field(ada.client.get(SESSIONS, params=query))] == list(query)


class TestLoginInTheSameBrowser:
    """A login that comes with the cookie of a session ends that session."""

    def test_the_earlier_session_ends(self, ada: Account, client: httpx2.Client) -> None:
        old = ada.token
        assert sign_in(ada.client, ada.email).status_code == 200

        problem(get_with_bearer(client, old), 401, "not_authenticated")
        assert [session["current"] for session in list_sessions(ada)] == [True]

    def test_the_session_of_another_account_in_this_browser_ends(
        self, ada: Account, bob: Account, client: httpx2.Client
    ) -> None:
        old = ada.token
        sign_in(ada.client, bob.email)

        problem(get_with_bearer(client, old), 401, "not_authenticated")
        assert ada.client.get(ME).json() == bob.user
        assert bob.client.get(ME).json() == bob.user

    def test_a_failed_login_ends_no_session(self, ada: Account) -> None:
        problem(sign_in(ada.client, ada.email, "a wrong password"), 401, "invalid_credentials")

        assert ada.client.get(ME).json() == ada.user

    def test_a_forged_cookie_ends_no_session(self, ada: Account, bob: Account, surface: Surface) -> None:
        forged = backdate(ada.token, timedelta(), key="a-key-that-nobody-here-has-ever-signed-with")
        with surface.client() as client:
            client.cookies.set("session_token", forged)
            assert sign_in(client, bob.email).status_code == 200

        assert ada.client.get(ME).json() == ada.user

    def test_other_sessions_stay_valid(self, ada: Account, surface: Surface) -> None:
        sign_in_repeatedly(surface, ada, 1)
        sign_in(ada.client, ada.email)

        assert len(list_sessions(ada)) == 2


class TestQuota:
    MANY = """
        INSERT INTO sessions (id, user_id, created_at, expires_at)
        SELECT gen_random_uuid(), $1, now() - make_interval(mins => number), now() + interval '1 day'
        FROM generate_series(1, 120) AS number
    """

    def test_a_login_ends_the_oldest_of_more_than_100_sessions(
        self, ada: Account, surface: Surface, database_url: str
    ) -> None:
        postgres.query(database_url, self.MANY, UUID(ada.user["id"]))
        listed = list_sessions(ada, limit=200)
        with surface.client() as phone:
            sign_in(phone, ada.email)
            kept = phone.get(SESSIONS, params={"limit": 200}).json()

        assert [session["id"] for session in kept[1:]] == [session["id"] for session in listed[:99]]
        assert len(kept) == 100
        assert ada.client.get(ME).status_code == 200


class TestLastSeen:
    def test_a_request_after_an_hour_updates_it(self, ada: Account, database_url: str) -> None:
        set_last_seen(database_url, ada, timedelta(hours=1))

        ada.client.get(ME)

        ago = datetime.now(UTC) - fetch_session(database_url, ada.token)["last_seen_at"]
        assert ago < timedelta(minutes=1)

    def test_a_request_with_a_bearer_token_updates_it(
        self, ada: Account, client: httpx2.Client, database_url: str
    ) -> None:
        set_last_seen(database_url, ada, timedelta(hours=1))

        get_with_bearer(client, ada.token)

        assert datetime.now(UTC) - fetch_session(database_url, ada.token)["last_seen_at"] < timedelta(minutes=1)

    def test_a_request_within_half_an_hour_does_not_update_it(self, ada: Account, database_url: str) -> None:
        before = set_last_seen(database_url, ada, timedelta(minutes=20))

        ada.client.get(ME)

        assert fetch_session(database_url, ada.token)["last_seen_at"] == before

    def test_other_sessions_are_not_updated(self, ada: Account, surface: Surface, database_url: str) -> None:
        before = set_last_seen(database_url, ada, timedelta(hours=5))
        with surface.client() as phone:
            sign_in(phone, ada.email)
            phone.get(ME)

        assert fetch_session(database_url, ada.token)["last_seen_at"] == before

    def test_an_expired_session_is_not_updated(self, ada: Account, database_url: str) -> None:
        before = set_last_seen(database_url, ada, timedelta(hours=5))
        set_session_expiry(database_url, ada.token, hours=0)

        problem(ada.client.get(ME), 401, "not_authenticated")
        assert fetch_session(database_url, ada.token)["last_seen_at"] == before


class TestEndSession:
    def test_its_token_is_refused_afterwards(self, ada: Account, surface: Surface) -> None:
        with surface.client() as phone:
            sign_in(phone, ada.email)
            response = ada.client.delete(f"{SESSIONS}/{read_claims(phone.cookies['session_token'])['sid']}")

            assert (response.status_code, response.content) == (204, b"")
            assert not read_session_cookies(response)
            problem(phone.get(ME), 401, "not_authenticated")
        assert [session["current"] for session in list_sessions(ada)] == [True]

    def test_ending_the_current_session_clears_the_cookie(self, ada: Account) -> None:
        response = ada.client.delete(f"{SESSIONS}/{read_claims(ada.token)['sid']}")

        assert response.status_code == 204
        variants = {("secure" in cleared, cleared["samesite"]) for cleared in read_session_cookies(response)}
        assert variants == {(True, "none"), (False, "lax")}
        assert "session_token" not in ada.client.cookies
        problem(ada.client.get(ME), 401, "not_authenticated")

    def test_the_cookie_is_not_renewed(self, ada: Account, client: httpx2.Client) -> None:
        cookie = {"Cookie": f"session_token={backdate(ada.token, timedelta(days=5))}"}

        response = client.delete(f"{SESSIONS}/{read_claims(ada.token)['sid']}", headers=cookie)

        assert response.status_code == 204
        assert not any(cookie["value"].strip('"') for cookie in read_session_cookies(response))

    def test_an_ended_session_is_not_found(self, ada: Account, surface: Surface) -> None:
        with surface.client() as phone:
            sign_in(phone, ada.email)
            url = f"{SESSIONS}/{read_claims(phone.cookies['session_token'])['sid']}"

        assert ada.client.delete(url).status_code == 204
        problem(ada.client.delete(url), 404, "session_not_found")

    @pytest.mark.parametrize("session_id", ["current", "1", "%00", "0198c5a1"])
    def test_an_invalid_id_is_refused(self, ada: Account, session_id: str) -> None:
        assert read_invalid_field(ada.client.delete(f"{SESSIONS}/{session_id}")) == "session_id"

    def test_a_page_of_a_foreign_origin_is_refused(self, ada: Account) -> None:
        url = f"{SESSIONS}/{read_claims(ada.token)['sid']}"

        problem(ada.client.delete(url, headers={"Origin": "https://evil.example.net"}), 403, "cross_origin")
        assert ada.client.get(ME).status_code == 200
