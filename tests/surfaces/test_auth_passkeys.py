"""Passkeys: /api/v1/auth/passkeys, and /api/v1/auth/login/passkey."""

from typing import Any
from uuid import UUID

import httpx2
import pytest

from tests import postgres
from tests.accounts import AUTH, Account, problem, read_invalid_field, sign_in
from tests.authenticators import (
    PASSKEY_LOGIN,
    PASSKEYS,
    Authenticator,
    add_app,
    add_passkey,
    answer,
    begin_login,
    begin_passkey,
    begin_second_step,
    confirm,
    encode,
    log_in_by_passkey,
)
from tests.service_client import PUBLIC_URL
from tests.surfaces.test_auth_second_factor import age_confirmation, read_factors
from tests.surfaces.test_auth_sessions import list_sessions
from tests.surfaces.tokens import ME, read_cookies

type Json = dict[str, Any]


@pytest.fixture
def laptop() -> Authenticator:
    return Authenticator()


def listed(account: Account) -> list[Json]:
    response = account.client.get(PASSKEYS)
    assert response.status_code == 200, response.text
    found: list[Json] = response.json()
    return found


def register(account: Account, credential: Json, name: str = "Laptop") -> httpx2.Response:
    return account.client.post(PASSKEYS, json={"name": name, "credential": credential})


def log_in(client: httpx2.Client, credential: Json) -> httpx2.Response:
    return client.post(PASSKEY_LOGIN, json={"credential": credential})


class TestOptions:
    def test_they_name_the_service_and_the_user(self, ada: Account) -> None:
        options = begin_passkey(ada)

        assert options["rp"] == {"id": PUBLIC_URL.removeprefix("https://"), "name": "Todo"}
        assert options["user"]["name"] == ada.email
        assert options["user"]["id"] == encode(UUID(ada.user["id"]).bytes)
        assert options["authenticatorSelection"]["userVerification"] == "required"
        assert options["authenticatorSelection"]["residentKey"] == "required"
        assert [each["alg"] for each in options["pubKeyCredParams"]] == [-7, -8, -257]
        assert options["attestation"] == "none"

    def test_they_exclude_the_devices_that_have_a_passkey(self, ada: Account, laptop: Authenticator) -> None:
        add_passkey(ada, laptop)
        (excluded,) = ada.client.post(f"{PASSKEYS}/options").json()["excludeCredentials"]

        assert excluded["transports"] == ["internal", "hybrid"]

    def test_they_need_a_confirmation(self, ada: Account) -> None:
        problem(ada.client.post(f"{PASSKEYS}/options"), 403, "confirmation_required")

    def test_those_of_a_login_name_no_account(self, client: httpx2.Client, ada: Account, laptop: Authenticator) -> None:
        add_passkey(ada, laptop)

        for response in (client.post(f"{PASSKEY_LOGIN}/options"), client.post(f"{PASSKEY_LOGIN}/options", json={})):
            options = response.json()
            assert options["allowCredentials"] == []
            assert options["userVerification"] == "required"
            assert options["rpId"] == PUBLIC_URL.removeprefix("https://")

    def test_each_has_another_challenge(self, client: httpx2.Client) -> None:
        assert len({begin_login(client)["challenge"] for _ in range(3)}) == 3

    def test_no_challenge_is_stored(self, client: httpx2.Client, database_url: str) -> None:
        count = "SELECT count(*) FROM used_challenges"
        before = postgres.query(database_url, count)[0][0]
        for _ in range(3):
            begin_login(client)

        assert postgres.query(database_url, count)[0][0] == before


class TestRegister:
    def test_it_returns_the_passkey_with_recovery_codes(self, ada: Account, laptop: Authenticator) -> None:
        added = add_passkey(ada, laptop, "  My laptop ")

        assert len(added.pop("recovery_codes")) == 10
        assert added == {
            "id": added["id"],
            "name": "My laptop",
            "transports": ["internal", "hybrid"],
            "backed_up": True,
            "created_at": added["created_at"],
            "last_used_at": None,
        }
        assert listed(ada) == [added]
        assert read_factors(ada) == {"totp": False, "passkeys": 1, "recovery_codes": 10}

    def test_a_second_factor_keeps_its_recovery_codes(self, ada: Account, laptop: Authenticator) -> None:
        app, codes = add_app(ada)
        added = add_passkey(ada, laptop, code=app.next_code())

        assert added["recovery_codes"] is None
        assert confirm(ada.client, code=codes[0]).status_code == 204

    @pytest.mark.parametrize(
        "origin", ["https://evil.example.net", "http://todos.example.com", "https://app.example.com"]
    )
    def test_another_origin_is_refused(self, ada: Account, origin: str) -> None:
        credential = Authenticator(origin).create(begin_passkey(ada))

        problem(register(ada, credential), 422, "passkey_refused")
        assert listed(ada) == []

    def test_another_domain_is_refused(self, ada: Account, laptop: Authenticator) -> None:
        options = begin_passkey(ada)
        options["rp"]["id"] = "evil.example.net"

        problem(register(ada, laptop.create(options)), 422, "passkey_refused")

    def test_a_device_that_does_not_verify_its_user_is_refused(self, ada: Account) -> None:
        credential = Authenticator(verifies_user=False).create(begin_passkey(ada))

        problem(register(ada, credential), 422, "passkey_refused")

    def test_another_kind_of_signature_is_refused(self, ada: Account) -> None:
        credential = Authenticator(algorithm=-47).create(begin_passkey(ada))

        problem(register(ada, credential), 422, "passkey_refused")

    def test_the_challenge_of_another_user_is_refused(self, ada: Account, bob: Account, laptop: Authenticator) -> None:
        credential = laptop.create(begin_passkey(bob))

        problem(register(ada, credential), 422, "passkey_refused")

    def test_the_challenge_of_a_login_is_refused(self, ada: Account, laptop: Authenticator) -> None:
        options = begin_passkey(ada) | {"challenge": begin_login(ada.client)["challenge"]}

        problem(register(ada, laptop.create(options)), 422, "passkey_refused")

    def test_a_challenge_is_used_once(self, ada: Account, laptop: Authenticator) -> None:
        options = begin_passkey(ada)
        assert register(ada, laptop.create(options)).status_code == 201

        problem(register(ada, laptop.create(options)), 422, "passkey_refused")

    def test_a_passkey_belongs_to_one_account(self, ada: Account, bob: Account, laptop: Authenticator) -> None:
        add_passkey(bob, laptop)

        problem(register(ada, laptop.create(begin_passkey(ada), again=True)), 409, "passkey_taken")

    @pytest.mark.parametrize(
        ("member", "value"),
        [("attestationObject", "AA"), ("attestationObject", "oA"), ("clientDataJSON", "AA"), ("clientDataJSON", "W10")],
    )
    def test_malformed_data_is_refused(self, ada: Account, laptop: Authenticator, member: str, value: str) -> None:
        credential = laptop.create(begin_passkey(ada))
        credential["response"][member] = value

        problem(register(ada, credential), 422, "passkey_refused")

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"id": ""}, "credential.id"),
            ({"rawId": "ä"}, "credential.rawId"),
            ({"type": "password"}, "credential.type"),
            ({"response": {}}, "credential.response"),
        ],
    )
    def test_an_invalid_field_is_named(self, ada: Account, laptop: Authenticator, change: Json, field: str) -> None:
        credential = laptop.create(begin_passkey(ada)) | change

        errors = problem(register(ada, credential), 422, "validation_failed")["errors"]
        assert all(error["field"].startswith(field) for error in errors)

    @pytest.mark.parametrize("name", ["", " ", "x" * 101, None, "a\u0000b"])
    def test_an_invalid_name_is_refused(self, ada: Account, laptop: Authenticator, name: str | None) -> None:
        body = {"name": name, "credential": laptop.create(begin_passkey(ada))}

        assert read_invalid_field(ada.client.post(PASSKEYS, json=body)) == "name"

    def test_a_user_has_20_passkeys_at_most(self, ada: Account, laptop: Authenticator, database_url: str) -> None:
        fill = """
            INSERT INTO passkeys (id, user_id, credential_id, public_key, sign_count, name, transports, backed_up)
            SELECT gen_random_uuid(), $1, uuid_send(gen_random_uuid()), '', 0, 'Key', '{}', false
            FROM generate_series(1, 20)
        """
        options = begin_passkey(ada)
        postgres.query(database_url, fill, UUID(ada.user["id"]))

        document = problem(register(ada, laptop.create(options)), 403, "quota_exceeded")
        assert (document["quota"], document["limit"]) == ("passkeys", 20)


class TestLogin:
    def test_a_passkey_signs_in_without_a_password(
        self, ada: Account, laptop: Authenticator, client: httpx2.Client
    ) -> None:
        add_passkey(ada, laptop)

        response = log_in_by_passkey(client, laptop)

        assert (response.status_code, response.json()) == (200, ada.user)
        assert client.get(ME).json() == ada.user
        assert list_sessions(ada)[0]["opened_by"] == "passkey"
        assert read_cookies(response, "device_token")
        assert listed(ada)[0]["last_used_at"]

    def test_the_user_that_the_device_names_must_be_the_owner(
        self, ada: Account, bob: Account, laptop: Authenticator, client: httpx2.Client
    ) -> None:
        add_passkey(ada, laptop)
        handles = [UUID(account.user["id"]).bytes for account in (bob, ada)]

        wrong, right = (laptop.get(begin_login(client), user_handle=handle) for handle in handles)
        problem(log_in(client, wrong), 401, "invalid_passkey")
        assert log_in(client, right).json() == ada.user

    def test_it_ends_the_session_of_the_browser(self, ada: Account, laptop: Authenticator) -> None:
        add_passkey(ada, laptop)
        assert log_in_by_passkey(ada.client, laptop).status_code == 200

        assert [session["opened_by"] for session in list_sessions(ada)] == ["passkey"]

    @pytest.mark.parametrize("origin", ["https://evil.example.net", "http://todos.example.com"])
    def test_another_origin_is_refused(
        self, ada: Account, laptop: Authenticator, client: httpx2.Client, origin: str
    ) -> None:
        add_passkey(ada, laptop)
        laptop.origin = origin

        problem(log_in_by_passkey(client, laptop), 401, "invalid_passkey")

    def test_a_device_that_does_not_verify_its_user_is_refused(
        self, ada: Account, laptop: Authenticator, client: httpx2.Client
    ) -> None:
        add_passkey(ada, laptop)
        laptop.verifies_user = False

        problem(log_in_by_passkey(client, laptop), 401, "invalid_passkey")

    def test_a_response_is_accepted_once(self, ada: Account, laptop: Authenticator, client: httpx2.Client) -> None:
        add_passkey(ada, laptop)
        credential = laptop.get(begin_login(client))

        assert log_in(client, credential).status_code == 200
        problem(log_in(client, credential), 401, "invalid_passkey")

    def test_a_counter_that_does_not_grow_is_refused(
        self, ada: Account, client: httpx2.Client, database_url: str
    ) -> None:
        key = Authenticator(counts=True)
        add_passkey(ada, key)
        assert log_in_by_passkey(client, key).status_code == 200

        postgres.query(database_url, "UPDATE passkeys SET sign_count = 9 WHERE user_id = $1", UUID(ada.user["id"]))
        problem(log_in_by_passkey(client, key), 401, "invalid_passkey")

    def test_an_unknown_passkey_is_refused(self, client: httpx2.Client, laptop: Authenticator) -> None:
        laptop.create({"rp": {"id": "todos.example.com"}, "challenge": "AA"})

        problem(log_in_by_passkey(client, laptop), 401, "invalid_passkey")

    def test_the_signature_of_another_passkey_is_refused(
        self, ada: Account, bob: Account, laptop: Authenticator, client: httpx2.Client
    ) -> None:
        add_passkey(ada, laptop)
        phone = Authenticator()
        add_passkey(bob, phone)
        own, other = (device.get(begin_login(client)) for device in (laptop, phone))

        problem(log_in(client, other | {"id": own["id"], "rawId": own["rawId"]}), 401, "invalid_passkey")

    @pytest.mark.parametrize("challenge", ["", "AA", "x" * 118])
    def test_a_forged_challenge_is_refused(
        self, ada: Account, laptop: Authenticator, client: httpx2.Client, challenge: str
    ) -> None:
        add_passkey(ada, laptop)

        problem(log_in(client, laptop.get(begin_login(client) | {"challenge": challenge})), 401, "invalid_passkey")

    def test_the_challenge_of_a_second_factor_is_refused(
        self, ada: Account, laptop: Authenticator, client: httpx2.Client
    ) -> None:
        add_passkey(ada, laptop)
        options = begin_login(client, challenge=begin_second_step(client, ada)["challenge"])

        problem(log_in(client, laptop.get(options)), 401, "invalid_passkey")

    @pytest.mark.parametrize("value", ["AA", "W10", "bnVsbA", "eyJjaGFsbGVuZ2UiOiA3fQ", "W1tb" * 2000])
    def test_malformed_data_is_refused(
        self, ada: Account, laptop: Authenticator, client: httpx2.Client, value: str
    ) -> None:
        add_passkey(ada, laptop)
        credential = laptop.get(begin_login(client))
        for member in ("clientDataJSON", "authenticatorData", "signature"):
            response = credential["response"] | {member: value}
            problem(log_in(client, credential | {"response": response}), 401, "invalid_passkey")

    def test_a_page_of_a_foreign_origin_is_refused(self, client: httpx2.Client) -> None:
        headers = {"Origin": "https://evil.example.net"}

        problem(client.post(f"{PASSKEY_LOGIN}/options", json={}, headers=headers), 403, "cross_origin")


class TestSecondFactor:
    def test_a_login_by_password_asks_for_it(self, ada: Account, laptop: Authenticator, client: httpx2.Client) -> None:
        add_passkey(ada, laptop)

        document = problem(sign_in(client, ada.email), 401, "second_factor_required")
        assert document["methods"] == ["recovery_code", "passkey"]

    def test_a_passkey_completes_the_login(self, ada: Account, laptop: Authenticator, client: httpx2.Client) -> None:
        add_passkey(ada, laptop)
        challenge = begin_second_step(client, ada)["challenge"]
        options = begin_login(client, challenge=challenge)

        assert len(options["allowCredentials"]) == 1
        response = answer(client, challenge, credential=laptop.get(options))
        assert (response.status_code, response.json()) == (200, ada.user)
        assert list_sessions(ada)[0]["opened_by"] == "password_passkey"
        problem(answer(client, challenge, credential=laptop.get(options)), 401, "invalid_passkey")

    def test_the_passkey_of_another_user_is_refused(
        self, ada: Account, bob: Account, laptop: Authenticator, client: httpx2.Client
    ) -> None:
        add_passkey(ada, Authenticator())
        add_passkey(bob, laptop)
        challenge = begin_second_step(client, ada)["challenge"]
        options = begin_login(client, challenge=challenge) | {"allowCredentials": []}

        problem(answer(client, challenge, credential=laptop.get(options)), 401, "invalid_passkey")

    def test_the_challenge_of_a_login_without_password_is_refused(
        self, ada: Account, laptop: Authenticator, client: httpx2.Client
    ) -> None:
        add_passkey(ada, laptop)
        challenge = begin_second_step(client, ada)["challenge"]

        problem(answer(client, challenge, credential=laptop.get(begin_login(client))), 401, "invalid_passkey")

    def test_a_recovery_code_stands_in_for_a_lost_passkey(
        self, ada: Account, laptop: Authenticator, client: httpx2.Client
    ) -> None:
        codes = add_passkey(ada, laptop)["recovery_codes"]
        challenge = begin_second_step(client, ada)["challenge"]

        assert answer(client, challenge, code=codes[0]).status_code == 200

    def test_options_need_a_valid_challenge(self, client: httpx2.Client) -> None:
        problem(client.post(f"{PASSKEY_LOGIN}/options", json={"challenge": "x"}), 401, "invalid_challenge")


class TestConfirm:
    def test_a_passkey_confirms(self, ada: Account, laptop: Authenticator, database_url: str) -> None:
        add_passkey(ada, laptop)
        age_confirmation(database_url, ada)

        assert confirm(ada.client, credential=laptop.get(begin_login(ada.client))).status_code == 204
        assert ada.client.post(f"{PASSKEYS}/options").status_code == 200

    def test_the_passkey_of_another_user_confirms_nothing(
        self, ada: Account, bob: Account, laptop: Authenticator
    ) -> None:
        add_passkey(bob, laptop)

        problem(confirm(ada.client, credential=laptop.get(begin_login(ada.client))), 403, "wrong_passkey")

    def test_a_response_confirms_once(self, ada: Account, laptop: Authenticator) -> None:
        add_passkey(ada, laptop)
        credential = laptop.get(begin_login(ada.client))

        assert confirm(ada.client, credential=credential).status_code == 204
        problem(confirm(ada.client, credential=credential), 403, "wrong_passkey")


class TestList:
    def test_it_has_no_passkeys_of_others(self, ada: Account, bob: Account, laptop: Authenticator) -> None:
        add_passkey(bob, laptop)

        assert listed(ada) == []

    def test_pages_contain_each_passkey_once_the_newest_first(self, ada: Account, laptop: Authenticator) -> None:
        codes = add_passkey(ada, laptop, "0")["recovery_codes"]
        for number in (1, 2):
            add_passkey(ada, Authenticator(), str(number), code=codes[number])

        page = ada.client.get(PASSKEYS, params={"limit": 2})
        following = ada.client.get(page.links["next"]["url"])
        assert [each["name"] for each in [*page.json(), *following.json()]] == ["2", "1", "0"]
        assert "link" not in following.headers

    def test_an_invalid_cursor_is_refused(self, ada: Account) -> None:
        problem(ada.client.get(PASSKEYS, params={"cursor": "x"}), 400, "invalid_cursor")


class TestRemove:
    def test_it_asks_for_the_second_factor(
        self, ada: Account, laptop: Authenticator, client: httpx2.Client, database_url: str
    ) -> None:
        passkey = add_passkey(ada, laptop)
        age_confirmation(database_url, ada)

        problem(ada.client.delete(f"{PASSKEYS}/{passkey['id']}"), 403, "confirmation_required")
        problem(confirm(ada.client), 403, "confirmation_required")
        assert confirm(ada.client, code=passkey["recovery_codes"][0]).status_code == 204
        assert ada.client.delete(f"{PASSKEYS}/{passkey['id']}").status_code == 204
        problem(log_in_by_passkey(client, laptop), 401, "invalid_passkey")
        assert sign_in(client, ada.email).status_code == 200
        assert read_factors(ada) == {"totp": False, "passkeys": 0, "recovery_codes": 0}

    def test_the_other_passkeys_stay(self, ada: Account, laptop: Authenticator, client: httpx2.Client) -> None:
        first = add_passkey(ada, laptop)
        phone = Authenticator()
        add_passkey(ada, phone, "Phone", code=first["recovery_codes"][0])

        assert ada.client.delete(f"{PASSKEYS}/{first['id']}").status_code == 204
        assert [each["name"] for each in listed(ada)] == ["Phone"]
        assert log_in_by_passkey(client, phone).status_code == 200
        assert read_factors(ada)["recovery_codes"] == 9

    def test_a_removed_passkey_is_not_found(self, ada: Account, laptop: Authenticator) -> None:
        url = f"{PASSKEYS}/{add_passkey(ada, laptop)['id']}"
        ada.client.delete(url)

        problem(ada.client.delete(url), 404, "passkey_not_found")

    def test_the_path_of_the_options_is_no_passkey(self, ada: Account) -> None:
        refused = ada.client.delete(f"{PASSKEYS}/options")

        problem(refused, 405, "method_not_allowed")
        assert refused.headers["allow"] == "POST"


class TestUsage:
    def test_the_account_shows_how_many_passkeys_it_has(self, ada: Account, laptop: Authenticator) -> None:
        add_passkey(ada, laptop)

        assert ada.client.get(f"{AUTH}/me/usage").json()["passkeys"] == {"used": 1, "limit": 20}
