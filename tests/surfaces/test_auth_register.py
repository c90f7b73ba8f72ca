"""POST /api/v1/auth/register."""

import json
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import httpx2
import pytest

from tests.accounts import AUTH, PASSWORD, new_email, problem, read_invalid_field, register, sign_in
from tests.serving import Surface, new_address

REGISTRATIONS_PER_ADDRESS = 8

type Form = Literal["NFC", "NFD"]


def post_registration(client: httpx2.Client, **fields: object) -> httpx2.Response:
    """Sends a registration that is valid except for the given fields, which may be invalid."""
    # json.dumps escapes half of a surrogate pair, which httpx2 would fail to encode from its parameter `json`.
    body = json.dumps({"email": new_email(), "password": PASSWORD} | fields)
    return client.post(f"{AUTH}/register", content=body, headers={"Content-Type": "application/json"})


class TestResponse:
    def test_it_returns_the_created_user(self, client: httpx2.Client) -> None:
        email = new_email()

        response = post_registration(client, email=email, name="Ada", timezone="Europe/London")

        assert response.status_code == 201
        user = response.json()
        assert user == {
            "id": user["id"],
            "email": email,
            "name": "Ada",
            "timezone": "Europe/London",
            "created_at": user["created_at"],
            "email_verified": False,
        }

    def test_the_id_is_a_uuid_of_version_7(self, client: httpx2.Client) -> None:
        assert UUID(register(client)["id"]).version == 7

    def test_created_at_is_now_in_utc(self, client: httpx2.Client) -> None:
        created_at = register(client)["created_at"]

        assert created_at.endswith("Z")
        moment = datetime.fromisoformat(created_at)
        assert abs(datetime.now(moment.tzinfo) - moment) < timedelta(minutes=1)

    def test_name_and_timezone_are_optional(self, client: httpx2.Client) -> None:
        user = register(client)

        assert user["name"] is None
        assert user["timezone"] == "UTC"

    def test_it_has_no_location_header(self, client: httpx2.Client) -> None:
        assert "location" not in post_registration(client).headers

    def test_it_does_not_sign_in(self, client: httpx2.Client) -> None:
        assert "set-cookie" not in post_registration(client).headers

    def test_the_response_may_not_be_cached(self, client: httpx2.Client) -> None:
        assert post_registration(client).headers["cache-control"] == "no-store"

    def test_it_contains_neither_password_nor_hash(self, client: httpx2.Client) -> None:
        response = post_registration(client)

        assert PASSWORD not in response.text
        assert "bcrypt" not in response.text

    def test_the_user_can_sign_in_afterwards(self, client: httpx2.Client) -> None:
        user = register(client)

        assert sign_in(client, user["email"]).json() == user


class TestEmail:
    def test_a_taken_email_is_a_conflict(self, client: httpx2.Client) -> None:
        user = register(client)

        problem(post_registration(client, email=user["email"]), 409, "email_taken")

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("ada", "ADA"),
            ("Ada", "aDA"),
            ("straße", "STRASSE"),
            ("ÅSA", "åsa"),
            ("σίσυφος", "ΣΊΣΥΦΟΣ"),
            pytest.param("caf\u00e9", "cafe\u0301", id="composed and decomposed"),
            pytest.param("\u0390", "\u03aa\u0301", id="decomposed by folding the case"),
        ],
    )
    def test_its_case_and_unicode_form_are_ignored(self, client: httpx2.Client, first: str, second: str) -> None:
        domain = new_email().replace("@", ".")
        register(client, f"{first}@{domain}")

        problem(post_registration(client, email=f"{second}@{domain}"), 409, "email_taken")

    def test_the_case_of_its_domain_is_ignored(self, client: httpx2.Client) -> None:
        local, _, domain = register(client)["email"].partition("@")

        problem(post_registration(client, email=f"{local}@{domain.upper()}"), 409, "email_taken")

    def test_login_ignores_its_case(self, client: httpx2.Client) -> None:
        user = register(client)

        assert sign_in(client, user["email"].upper()).json() == user

    def test_it_is_stored_as_written(self, client: httpx2.Client) -> None:
        assert register(client, f"Ada.{new_email()}")["email"].startswith("Ada.")

    def test_spaces_around_it_are_trimmed(self, client: httpx2.Client) -> None:
        email = new_email()

        assert register(client, f"  {email} ")["email"] == email

    def test_one_of_two_concurrent_registrations_succeeds(self, surface: Surface) -> None:
        email = new_email()

        def attempt(_: int) -> int:
            with surface.client() as client:
                return post_registration(client, email=email).status_code

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(attempt, range(2))) == [201, 409]

    @pytest.mark.parametrize(
        "email",
        [
            "",
            "ada",
            "ada@",
            "@example.com",
            "ada@example",
            "ada@@example.com",
            "ada lovelace@example.com",
            "Ada <ada@example.com>",
            '"Ada" <ada@example.com>',
            "<ada@example.com>",
            "ada\u0000@example.com",
            "ada@example.com\r\nBcc: bob@example.com",
            pytest.param(f"{'a' * 250}@example.com", id="long"),
            pytest.param(f"ada@{'a' * 100_000}.com", id="very long"),
            "\ud800@example.com",
            7,
            None,
            ["ada@example.com"],
        ],
        ids=repr,
    )
    def test_an_invalid_value_is_refused(self, client: httpx2.Client, email: object) -> None:
        assert read_invalid_field(post_registration(client, email=email)).partition(".")[0] == "email"


class TestPassword:
    @pytest.mark.parametrize(
        "password",
        [
            pytest.param("é" * 8, id="the shortest"),
            pytest.param("a" * 256, id="the longest"),
            pytest.param("é" * 256, id="the longest, of two bytes each"),
            pytest.param("😀" * 256, id="the longest, of four bytes each"),
            pytest.param("4815162342108", id="digits only"),
            pytest.param("        ", id="spaces only"),
            pytest.param("пароль и ещё", id="no Latin letter"),
            pytest.param("e\u0301" * 256, id="the longest, decomposed"),
            pytest.param("\u03b1\u0313\u0300\u0345" * 256, id="the longest, four code points each"),
        ],
    )
    def test_any_password_of_8_to_256_characters_is_accepted(self, client: httpx2.Client, password: str) -> None:
        user = register(client, password=password)

        assert sign_in(client, user["email"], password).status_code == 200

    @pytest.mark.parametrize(
        "password",
        ["", "a" * 7, "😀" * 7, "e\u0301" * 7, "a" * 257, "é" * 257, "e\u0301" * 257, "a\u0301\u0323" * 10**5],
        ids=["0", "7", "7", "7 decomposed", "257", "257", "257 decomposed", "very many decomposed"],
    )
    def test_any_other_length_is_refused(self, client: httpx2.Client, password: str) -> None:
        assert read_invalid_field(post_registration(client, password=password)) == "password"

    @pytest.mark.parametrize(
        "password", [None, 12345678, ["correct horse"], "eight\u0000or more", "\ud800" * 8], ids=repr
    )
    def test_a_value_that_is_not_text_is_refused(self, client: httpx2.Client, password: object) -> None:
        assert read_invalid_field(post_registration(client, password=password)) == "password"

    @pytest.mark.parametrize("password", ["hush-hu", "hush-hush" * 30, "hush-hush\u0000"], ids=["short", "long", "NUL"])
    def test_the_error_does_not_show_a_refused_password(self, client: httpx2.Client, password: str) -> None:
        response = post_registration(client, password=password)

        assert response.status_code == 422
        assert "hush" not in response.text

    def test_the_error_of_another_field_does_not_show_the_password(self, client: httpx2.Client) -> None:
        response = post_registration(client, password="hush-hush", email="nobody", colour="red")

        assert response.status_code == 422
        assert "hush" not in response.text

    @pytest.mark.parametrize("shared", [71, 72, 73, 200, 255])
    def test_every_byte_counts(self, client: httpx2.Client, shared: int) -> None:
        user = register(client, password="a" * shared + "b")

        problem(sign_in(client, user["email"], "a" * shared + "c"), 401, "invalid_credentials")

    def test_the_beginning_of_a_password_does_not_match(self, client: httpx2.Client) -> None:
        user = register(client, password="a" * 73)

        problem(sign_in(client, user["email"], "a" * 72), 401, "invalid_credentials")

    def test_case_and_spaces_are_significant(self, client: httpx2.Client) -> None:
        user = register(client, password="Correct Horse ")

        for other in ("correct horse ", "Correct Horse", " Correct Horse "):
            problem(sign_in(client, user["email"], other), 401, "invalid_credentials")

    @pytest.mark.parametrize(("registered", "typed"), [("NFC", "NFD"), ("NFD", "NFC")])
    def test_composed_and_decomposed_characters_are_equal(
        self, client: httpx2.Client, registered: Form, typed: Form
    ) -> None:
        password = "crème brûlée"
        user = register(client, password=unicodedata.normalize(registered, password))

        assert sign_in(client, user["email"], unicodedata.normalize(typed, password)).status_code == 200


class TestName:
    def test_it_is_trimmed_and_composed(self, client: httpx2.Client) -> None:
        assert post_registration(client, name="  Rene\u0301 ").json()["name"] == "Ren\u00e9"

    def test_it_may_be_null(self, client: httpx2.Client) -> None:
        assert post_registration(client, name=None).json()["name"] is None

    @pytest.mark.parametrize(
        "name", ["Ada\u0000", "Ada\u001b[31m", "\ud800", pytest.param("a" * 10_000, id="long"), 7], ids=ascii
    )
    def test_an_invalid_value_is_refused(self, client: httpx2.Client, name: object) -> None:
        assert read_invalid_field(post_registration(client, name=name)) == "name"


class TestTimezone:
    @pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata"])
    def test_an_iana_zone_is_accepted(self, client: httpx2.Client, name: str) -> None:
        assert post_registration(client, timezone=name).json()["timezone"] == name

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "America",
            "Mars/Olympus_Mons",
            "../etc/passwd",
            "/usr/share/zoneinfo/UTC",
            "Europe/../UTC",
            "Europe/Berlin/",
            "zone.tab",
            "__init__.py",
            "+02:00",
            "UTC\u0000",
            "\ud800",
            pytest.param("a" * 10_000, id="long"),
            None,
            7,
        ],
        ids=ascii,
    )
    def test_an_unknown_zone_is_refused(self, client: httpx2.Client, name: object) -> None:
        assert read_invalid_field(post_registration(client, timezone=name)) == "timezone"

    @pytest.mark.parametrize("name", ["localtime", "posixrules", "posix/Europe/Berlin", "right/UTC"])
    def test_a_zone_file_outside_iana_is_refused(self, client: httpx2.Client, name: str) -> None:
        assert read_invalid_field(post_registration(client, timezone=name)) == "timezone"


class TestBody:
    @pytest.mark.parametrize("field", ["email", "password"])
    def test_a_missing_field_is_named(self, client: httpx2.Client, field: str) -> None:
        body = {"email": new_email(), "password": PASSWORD}
        del body[field]

        assert read_invalid_field(client.post(f"{AUTH}/register", json=body)) == field

    @pytest.mark.parametrize("field", ["id", "created_at", "is_admin"])
    def test_an_unknown_field_is_named(self, client: httpx2.Client, field: str) -> None:
        assert read_invalid_field(post_registration(client, **{field: "7"})) == field

    @pytest.mark.parametrize("body", [b"", b"[]", b"null", b"7", b'{"email":', b'"ada@example.com"'])
    def test_a_body_that_is_not_an_object_is_refused(self, client: httpx2.Client, body: bytes) -> None:
        response = client.post(f"{AUTH}/register", content=body, headers={"Content-Type": "application/json"})

        assert read_invalid_field(response) == "body"

    def test_a_form_is_unsupported(self, client: httpx2.Client) -> None:
        response = client.post(f"{AUTH}/register", data={"email": new_email(), "password": PASSWORD})

        problem(response, 415, "unsupported_media_type")


class TestRateLimit:
    def test_registrations_of_one_address_are_limited(self, client: httpx2.Client) -> None:
        for _ in range(REGISTRATIONS_PER_ADDRESS):
            register(client)

        refusal = post_registration(client)

        problem(refusal, 429, "too_many_attempts")
        assert 0 < int(refusal.headers["retry-after"]) <= 15 * 60

    def test_other_addresses_are_not_limited(self, surface: Surface) -> None:
        with surface.client() as client, surface.client() as other:
            for _ in range(REGISTRATIONS_PER_ADDRESS):
                register(client)

            assert post_registration(client).status_code == 429
            assert post_registration(other).status_code == 201

    def test_login_is_not_limited(self, client: httpx2.Client) -> None:
        users = [register(client) for _ in range(REGISTRATIONS_PER_ADDRESS)]

        assert post_registration(client).status_code == 429
        assert sign_in(client, users[0]["email"]).status_code == 200

    def test_failed_registrations_count_too(self, surface: Surface) -> None:
        with surface.client() as client, surface.client() as other:
            email = register(client)["email"]
            for _ in range(REGISTRATIONS_PER_ADDRESS):
                assert post_registration(other, email=email).status_code == 409

            assert post_registration(other, email=email).status_code == 429

    def test_a_refused_registration_creates_no_account(self, surface: Surface) -> None:
        with surface.client() as client, surface.client() as other:
            for _ in range(REGISTRATIONS_PER_ADDRESS):
                register(client)
            email = new_email()
            assert post_registration(client, email=email).status_code == 429

            assert post_registration(other, email=email).status_code == 201

    def test_concurrent_registrations_do_not_exceed_the_limit(self, surface: Surface) -> None:
        address = new_address()

        def attempt(_: int) -> int:
            with surface.client(address=address) as client:
                return post_registration(client).status_code

        with ThreadPoolExecutor(REGISTRATIONS_PER_ADDRESS) as pool:
            statuses = list(pool.map(attempt, range(2 * REGISTRATIONS_PER_ADDRESS)))

        assert statuses.count(201) == REGISTRATIONS_PER_ADDRESS
        assert statuses.count(429) == REGISTRATIONS_PER_ADDRESS
