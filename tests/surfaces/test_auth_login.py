"""POST /api/v1/auth/login."""

import json
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

import httpx2
import pytest

from tests import postgres
from tests.accounts import AUTH, PASSWORD, Account, new_email, problem, read_invalid_field, register, sign_in
from tests.serving import Surface
from tests.surfaces.tokens import read_claims


def submit_form(
    client: httpx2.Client, email: str, password: str = PASSWORD, *, call: str = "token", **fields: str
) -> httpx2.Response:
    return client.post(f"{AUTH}/{call}", data={"username": email, "password": password} | fields)


def submit_json(client: httpx2.Client, body: object) -> httpx2.Response:
    # json.dumps escapes half of a surrogate pair, which httpx2 would fail to encode from its parameter `json`.
    return client.post(f"{AUTH}/login", content=json.dumps(body), headers={"Content-Type": "application/json"})


def without_request_id(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "request_id"}


class TestResponse:
    def test_it_returns_the_user(self, client: httpx2.Client) -> None:
        user = register(client)

        response = sign_in(client, user["email"])

        assert response.status_code == 200
        assert response.json() == user

    def test_the_cookie_authenticates_later_requests(self, client: httpx2.Client) -> None:
        user = register(client)
        sign_in(client, user["email"])

        assert client.get(f"{AUTH}/me").json() == user

    def test_only_the_cookie_has_the_token(self, client: httpx2.Client) -> None:
        response = sign_in(client, register(client)["email"])

        assert response.cookies["session_token"] not in response.text
        assert "access_token" not in response.json()

    def test_the_response_may_not_be_cached(self, client: httpx2.Client) -> None:
        assert sign_in(client, register(client)["email"]).headers["cache-control"] == "no-store"

    def test_it_contains_neither_password_nor_hash(self, client: httpx2.Client) -> None:
        user = register(client)

        for response in (sign_in(client, user["email"]), submit_form(client, user["email"])):
            assert PASSWORD not in response.text
            assert "bcrypt" not in response.text

    def test_each_login_creates_a_session(self, client: httpx2.Client) -> None:
        email = register(client)["email"]

        tokens = {sign_in(client, email).cookies["session_token"] for _ in range(2)}

        assert len({read_claims(token)["sid"] for token in tokens}) == 2

    def test_a_long_user_agent_is_truncated(self, client: httpx2.Client, database_url: str) -> None:
        user, agent = register(client), "browser/7 " * 600 + "end"
        client.headers["User-Agent"] = agent

        assert sign_in(client, user["email"]).status_code == 200
        statement = "SELECT user_agent FROM sessions WHERE user_id = $1"
        (session,) = postgres.query(database_url, statement, UUID(user["id"]))
        assert session["user_agent"] == agent[:500]

    def test_expired_sessions_of_the_user_are_deleted(
        self, ada: Account, bob: Account, surface: Surface, database_url: str
    ) -> None:
        users = [UUID(ada.user["id"]), UUID(bob.user["id"])]
        expire = "UPDATE sessions SET expires_at = now() WHERE user_id = ANY($1)"
        postgres.query(database_url, expire, users)

        with surface.client() as client:
            sign_in(client, ada.email)

        statement = "SELECT user_id FROM sessions WHERE user_id = ANY($1) AND expires_at <= now()"
        assert [row["user_id"] for row in postgres.query(database_url, statement, users)] == [users[1]]


class TestForm:
    @pytest.mark.parametrize("call", ["token", "login"])
    def test_it_returns_user_and_token(self, client: httpx2.Client, call: str) -> None:
        user = register(client)

        response = submit_form(client, user["email"], call=call)

        assert response.status_code == 200
        token = response.json()["access_token"]
        assert response.json() == user | {"access_token": token, "token_type": "bearer", "expires_in": 604800}

    def test_the_call_for_a_token_takes_no_json(self, client: httpx2.Client) -> None:
        body = {"username": register(client)["email"], "password": PASSWORD}

        problem(client.post(f"{AUTH}/token", json=body), 415, "unsupported_media_type")

    def test_the_token_authenticates_as_a_bearer_token(self, surface: Surface) -> None:
        with surface.client() as client, surface.client() as program:
            user = register(client)
            token = submit_form(client, user["email"]).json()["access_token"]

            answer = program.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"})

            assert answer.json() == user

    def test_it_sets_the_cookie_too(self, client: httpx2.Client) -> None:
        response = submit_form(client, register(client)["email"])

        assert response.cookies["session_token"] == response.json()["access_token"]

    def test_the_response_may_not_be_cached(self, client: httpx2.Client) -> None:
        assert submit_form(client, register(client)["email"]).headers["cache-control"] == "no-store"

    def test_it_accepts_the_request_of_the_authorize_button(self, client: httpx2.Client) -> None:
        schemes = client.get("/openapi.json").json()["components"]["securitySchemes"]
        (flow,) = (scheme["flows"]["password"] for scheme in schemes.values() if scheme["type"] == "oauth2")
        user = register(client)

        response = client.post(
            urljoin("/openapi.json", flow["tokenUrl"]),
            data={
                "grant_type": "password",
                "username": user["email"],
                "password": PASSWORD,
                "scope": "",
                "client_id": "",
                "client_secret": "",
            },
            headers={"X-Requested-With": "XMLHttpRequest", "Sec-Fetch-Site": "same-origin"},
        )

        assert response.status_code == 200
        assert response.json()["token_type"] == "bearer"

    def test_it_is_decoded_as_utf8(self, client: httpx2.Client) -> None:
        user = register(client, email=f"ådå.{new_email()}", password="crème & brûlée = 100%+😀")

        assert submit_form(client, user["email"], "crème & brûlée = 100%+😀").status_code == 200

    def test_characters_without_percent_signs_are_read_as_utf8(self, client: httpx2.Client) -> None:
        user = register(client, password="crème brûlée 😀")

        form = f"username={user['email'].replace('@', '%40')}&password=crème brûlée 😀".encode()
        response = client.post(
            f"{AUTH}/login", content=form, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )

        assert response.status_code == 200

    @pytest.mark.parametrize("form", [b"username=\xff&password=x", b"username=%FF&password=x", b"a=b&" * 200])
    def test_a_form_that_is_not_utf8_or_has_many_fields_is_malformed(self, client: httpx2.Client, form: bytes) -> None:
        response = client.post(
            f"{AUTH}/login", content=form, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )

        problem(response, 400, "malformed_body")

    def test_a_charset_in_the_content_type_is_accepted(self, client: httpx2.Client) -> None:
        email = register(client)["email"]

        response = client.post(
            f"{AUTH}/login",
            data={"username": email, "password": PASSWORD},
            headers={"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"},
        )

        assert response.status_code == 200

    def test_a_wrong_password_has_the_same_error_as_in_json(self, client: httpx2.Client) -> None:
        email = register(client)["email"]

        by_form = problem(submit_form(client, email, "a wrong password"), 401, "invalid_credentials")
        by_json = problem(sign_in(client, email, "a wrong password"), 401, "invalid_credentials")

        assert without_request_id(by_form) == without_request_id(by_json)

    @pytest.mark.parametrize(
        "form",
        [
            {},
            {"username": "ada@example.com"},
            {"password": PASSWORD},
            {"username": "ada", "password": PASSWORD},
            {"username": "Ada <ada@example.com>", "password": PASSWORD},
            {"username": "ada@example.com", "password": ""},
            {"username": "ada@example.com", "password": "a" * 257},
            {"username": "ada@example.com", "password": "hush\u0000hush"},
        ],
        ids=[
            "empty",
            "no password",
            "no username",
            "no email",
            "display name",
            "blank password",
            "long password",
            "NUL",
        ],
    )
    def test_an_invalid_form_is_refused(self, client: httpx2.Client, form: dict[str, str]) -> None:
        response = client.post(
            f"{AUTH}/login", data=form, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )

        problem(response, 422, "validation_failed")
        assert "hush" not in response.text


class TestBody:
    @pytest.mark.parametrize("field", ["email", "password"])
    def test_a_missing_field_is_named(self, client: httpx2.Client, field: str) -> None:
        body = {"email": new_email(), "password": PASSWORD}
        del body[field]

        assert read_invalid_field(submit_json(client, body)) == field

    @pytest.mark.parametrize("password", ["", "a" * 257, "hush\u0000hush", "\ud800", 7, None, ["hush"]], ids=ascii)
    def test_an_invalid_password_is_refused(self, client: httpx2.Client, password: object) -> None:
        response = submit_json(client, {"email": new_email(), "password": password})

        problem(response, 422, "validation_failed")
        assert "hush" not in response.text

    @pytest.mark.parametrize("email", ["", "ada", "ada\u0000@example.com", "\ud800@example.com", 7, None], ids=ascii)
    def test_an_invalid_email_is_refused(self, client: httpx2.Client, email: object) -> None:
        problem(submit_json(client, {"email": email, "password": PASSWORD}), 422, "validation_failed")

    @pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"email":', b'"ada"'])
    def test_a_body_that_is_not_an_object_is_refused(self, client: httpx2.Client, body: bytes) -> None:
        response = client.post(f"{AUTH}/login", content=body, headers={"Content-Type": "application/json"})

        assert read_invalid_field(response) == "body"

    @pytest.mark.parametrize("body", [b'{"email": "\xff"}', b"[" * 100_000], ids=["not UTF-8", "nested absurdly deep"])
    @pytest.mark.parametrize("call", ["login", "register"])
    def test_an_unreadable_body_is_malformed(self, client: httpx2.Client, call: str, body: bytes) -> None:
        response = client.post(f"{AUTH}/{call}", content=body, headers={"Content-Type": "application/json"})

        problem(response, 400, "malformed_body")

    def test_a_charset_in_the_content_type_is_accepted(self, client: httpx2.Client) -> None:
        body = json.dumps({"email": register(client)["email"], "password": PASSWORD})

        response = client.post(
            f"{AUTH}/login", content=body, headers={"Content-Type": "Application/JSON; charset=UTF-8"}
        )

        assert response.status_code == 200

    @pytest.mark.parametrize("field", ["remember", "username"])
    def test_an_unknown_field_is_named(self, client: httpx2.Client, field: str) -> None:
        response = submit_json(client, {"email": new_email(), "password": PASSWORD, field: "x"})

        assert read_invalid_field(response) == field

    @pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", "", "application/xml"])
    def test_other_media_types_are_unsupported(self, client: httpx2.Client, content_type: str) -> None:
        body = json.dumps({"email": new_email(), "password": PASSWORD})

        response = client.post(f"{AUTH}/login", content=body, headers={"Content-Type": content_type})

        problem(response, 415, "unsupported_media_type")


class TestWrongCredentials:
    def test_a_wrong_password_is_refused(self, client: httpx2.Client) -> None:
        problem(sign_in(client, register(client)["email"], "a wrong password"), 401, "invalid_credentials")

    def test_an_unknown_account_is_refused(self, client: httpx2.Client) -> None:
        problem(sign_in(client, new_email()), 401, "invalid_credentials")

    def test_no_cookie_is_set(self, client: httpx2.Client) -> None:
        assert "set-cookie" not in sign_in(client, register(client)["email"], "a wrong password").headers

    def test_both_have_the_same_response(self, client: httpx2.Client) -> None:
        known = sign_in(client, register(client)["email"], "a wrong password")
        unknown = sign_in(client, new_email(), "a wrong password")

        assert without_request_id(known.json()) == without_request_id(unknown.json())
        assert set(known.headers) == set(unknown.headers)

    def test_the_password_of_another_user_is_refused(self, client: httpx2.Client) -> None:
        first = register(client, password="the password of the first")
        register(client, password="the password of the second")

        problem(sign_in(client, first["email"], "the password of the second"), 401, "invalid_credentials")
