"""The authenticator app and recovery codes: /api/v1/auth/second-factor, and logins that ask for a code."""

import time
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import httpx2
import pytest

from tests import postgres
from tests.accounts import AUTH, PASSWORD, Account, change_password, problem, read_invalid_field, sign_in
from tests.authenticators import CONFIRM, TOTP, App, add_app, answer, begin_second_step, confirm
from tests.serving import Surface
from tests.surfaces.test_auth_limits import FAILURES_PER_ACCOUNT
from tests.surfaces.test_auth_login import submit_form
from tests.surfaces.test_auth_sessions import list_sessions
from tests.surfaces.tokens import ME, read_cookies

SECOND_FACTOR: Final = f"{AUTH}/second-factor"
RECOVERY_CODES: Final = f"{SECOND_FACTOR}/recovery-codes"
WRONG_CODE: Final = "abcd-efgh-jkmn-pqrs-tuvw-xyz2"

type Json = dict[str, Any]


def read_factors(account: Account) -> Json:
    found: Json = account.client.get(SECOND_FACTOR).json()
    return found


def age_confirmation(database_url: str, account: Account) -> None:
    aged = "UPDATE sessions SET confirmed_at = confirmed_at - interval '10 minutes' WHERE user_id = $1"
    postgres.query(database_url, aged, UUID(account.user["id"]))


class TestPrepare:
    def test_it_returns_a_secret_and_its_uri(self, ada: Account) -> None:
        confirm(ada.client)
        prepared = ada.client.post(TOTP).json()

        uri = urlsplit(prepared["provisioning_uri"])
        assert (uri.scheme, uri.netloc, unquote(uri.path)) == ("otpauth", "totp", f"/Todo:{ada.email}")
        assert parse_qs(uri.query) == {"secret": [prepared["secret"]], "issuer": ["Todo"]}
        assert len(prepared["secret"]) == 32

    def test_it_needs_a_confirmation(self, ada: Account) -> None:
        assert problem(ada.client.post(TOTP), 403, "confirmation_required")["methods"] == ["password"]

    def test_it_changes_nothing_until_a_code_arrives(self, ada: Account, client: httpx2.Client) -> None:
        confirm(ada.client)
        ada.client.post(TOTP)

        assert read_factors(ada) == {"totp": False, "passkeys": 0, "recovery_codes": 0}
        assert sign_in(client, ada.email).status_code == 200

    def test_a_second_secret_replaces_the_first(self, ada: Account) -> None:
        confirm(ada.client)
        first, second = (App(ada.client.post(TOTP).json()["secret"]) for _ in range(2))

        problem(ada.client.post(f"{TOTP}/confirm", json={"code": first.next_code()}), 403, "wrong_code")
        assert ada.client.post(f"{TOTP}/confirm", json={"code": second.next_code()}).status_code == 200

    def test_an_account_has_one_app(self, ada: Account) -> None:
        add_app(ada)

        problem(ada.client.post(TOTP), 409, "totp_enabled")

    def test_the_database_has_no_readable_secret(self, ada: Account, database_url: str) -> None:
        app, codes = add_app(ada)

        for table in ("totp", "recovery_codes"):
            rows = postgres.query(database_url, f"SELECT * FROM {table} WHERE user_id = $1", UUID(ada.user["id"]))  # noqa: S608
            assert rows
            stored = " ".join(str(dict(row)) for row in rows)
            assert not [secret for secret in (app.secret, *codes) if secret in stored]


class TestConfirmApp:
    def test_it_returns_ten_recovery_codes_once(self, ada: Account) -> None:
        _, codes = add_app(ada)

        assert len(set(codes)) == 10
        assert {len(code) for code in codes} == {29}
        assert read_factors(ada) == {"totp": True, "passkeys": 0, "recovery_codes": 10}

    @pytest.mark.parametrize("code", ["000000", "12345678", WRONG_CODE])
    def test_a_wrong_code_is_refused(self, ada: Account, code: str) -> None:
        confirm(ada.client)
        ada.client.post(TOTP)

        problem(ada.client.post(f"{TOTP}/confirm", json={"code": code}), 403, "wrong_code")
        assert not read_factors(ada)["totp"]

    def test_spaces_in_a_code_do_not_matter(self, ada: Account) -> None:
        confirm(ada.client)
        code = App(ada.client.post(TOTP).json()["secret"]).next_code()

        assert ada.client.post(f"{TOTP}/confirm", json={"code": f"{code[:3]} {code[3:]}"}).status_code == 200

    def test_without_a_prepared_secret_there_is_nothing_to_confirm(self, ada: Account) -> None:
        confirm(ada.client)

        problem(ada.client.post(f"{TOTP}/confirm", json={"code": "123456"}), 404, "totp_not_found")

    def test_it_needs_a_confirmation(self, ada: Account) -> None:
        problem(ada.client.post(f"{TOTP}/confirm", json={"code": "123456"}), 403, "confirmation_required")

    @pytest.mark.parametrize("body", [{}, {"code": ""}, {"code": 123456}, {"code": "1" * 41}, {"code": None}], ids=str)
    def test_an_invalid_code_is_named(self, ada: Account, body: Json) -> None:
        assert read_invalid_field(ada.client.post(f"{TOTP}/confirm", json=body)) == "code"


class TestLogin:
    def test_the_password_alone_opens_no_session(self, ada: Account, client: httpx2.Client) -> None:
        add_app(ada)

        response = sign_in(client, ada.email)

        document = problem(response, 401, "second_factor_required")
        assert document["methods"] == ["totp", "recovery_code"]
        assert "set-cookie" not in response.headers
        assert len(list_sessions(ada)) == 1

    def test_a_code_of_the_app_completes_the_login(self, ada: Account, client: httpx2.Client) -> None:
        app, _ = add_app(ada)
        challenge = begin_second_step(client, ada)["challenge"]

        response = answer(client, challenge, code=app.next_code())

        assert (response.status_code, response.json()) == (200, ada.user)
        assert client.get(ME).json() == ada.user
        assert list_sessions(ada)[0]["opened_by"] == "totp"
        assert read_cookies(response, "device_token")

    def test_a_recovery_code_completes_the_login_once(self, ada: Account, client: httpx2.Client) -> None:
        _, codes = add_app(ada)
        challenges = [begin_second_step(client, ada)["challenge"] for _ in range(2)]

        assert answer(client, challenges[0], code=codes[3].upper().replace("-", " ")).status_code == 200
        problem(answer(client, challenges[1], code=codes[3]), 401, "invalid_code")
        assert list_sessions(ada)[0]["opened_by"] == "recovery_code"
        assert read_factors(ada)["recovery_codes"] == 9

    def test_a_code_is_accepted_once(self, ada: Account, client: httpx2.Client) -> None:
        app, _ = add_app(ada)
        code = app.next_code()
        challenges = [begin_second_step(client, ada)["challenge"] for _ in range(2)]

        assert answer(client, challenges[0], code=code).status_code == 200
        problem(answer(client, challenges[1], code=code), 401, "invalid_code")

    def test_the_code_that_confirmed_the_app_signs_in_nobody(self, ada: Account, client: httpx2.Client) -> None:
        confirm(ada.client)
        code = App(ada.client.post(TOTP).json()["secret"]).next_code()
        ada.client.post(f"{TOTP}/confirm", json={"code": code})

        problem(answer(client, begin_second_step(client, ada)["challenge"], code=code), 401, "invalid_code")

    def test_a_code_before_a_used_one_is_refused(self, ada: Account, client: httpx2.Client) -> None:
        app, _ = add_app(ada)
        earlier, later = app.next_code(), app.next_code()
        challenges = [begin_second_step(client, ada)["challenge"] for _ in range(2)]

        assert answer(client, challenges[0], code=later).status_code == 200
        problem(answer(client, challenges[1], code=earlier), 401, "invalid_code")

    @pytest.mark.parametrize("steps", [-3, 3])
    def test_a_code_of_another_minute_is_refused(self, ada: Account, client: httpx2.Client, steps: int) -> None:
        app, _ = add_app(ada)
        code = app.code_of(int(time.time()) // 30 + steps)

        problem(answer(client, begin_second_step(client, ada)["challenge"], code=code), 401, "invalid_code")

    def test_a_challenge_is_used_once(self, ada: Account, client: httpx2.Client) -> None:
        app, codes = add_app(ada)
        challenge = begin_second_step(client, ada)["challenge"]

        assert answer(client, challenge, code=app.next_code()).status_code == 200
        problem(answer(client, challenge, code=codes[0]), 401, "invalid_challenge")
        assert read_factors(ada)["recovery_codes"] == 10

    def test_a_challenge_survives_a_wrong_code(self, ada: Account, client: httpx2.Client) -> None:
        app, _ = add_app(ada)
        challenge = begin_second_step(client, ada)["challenge"]

        problem(answer(client, challenge, code=WRONG_CODE), 401, "invalid_code")
        assert answer(client, challenge, code=app.next_code()).status_code == 200

    @pytest.mark.parametrize("challenge", ["x", "A" * 118, "ä", "!", "." * 200])
    def test_a_forged_challenge_is_refused(self, ada: Account, client: httpx2.Client, challenge: str) -> None:
        app, _ = add_app(ada)

        problem(answer(client, challenge, code=app.next_code()), 401, "invalid_challenge")

    def test_the_code_of_another_account_is_refused(self, ada: Account, bob: Account, client: httpx2.Client) -> None:
        add_app(ada)
        app, codes = add_app(bob)
        challenge = begin_second_step(client, ada)["challenge"]

        for code in (app.next_code(), codes[0]):
            problem(answer(client, challenge, code=code), 401, "invalid_code")

    def test_a_new_password_ends_the_challenges_of_the_old_one(self, ada: Account, client: httpx2.Client) -> None:
        app, _ = add_app(ada)
        challenge = begin_second_step(client, ada)["challenge"]
        assert change_password(ada.client).status_code == 204

        problem(answer(client, challenge, code=app.next_code()), 401, "invalid_challenge")

    def test_a_wrong_password_is_refused_as_without_a_second_factor(self, ada: Account, client: httpx2.Client) -> None:
        add_app(ada)

        assert "challenge" not in problem(sign_in(client, ada.email, "wrong"), 401, "invalid_credentials")

    def test_the_form_asks_for_it_too(self, ada: Account, client: httpx2.Client) -> None:
        add_app(ada)

        problem(submit_form(client, ada.email), 401, "second_factor_required")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"challenge": "x"}, "body"),
            ({"challenge": "", "code": "123456"}, "challenge"),
            ({"challenge": "x" * 201, "code": "123456"}, "challenge"),
            ({"challenge": "x", "code": "12345"}, "code"),
            ({"challenge": "x", "code": None}, "code"),
            ({"challenge": "x", "code": "123456", "password": PASSWORD}, "password"),
        ],
        ids=str,
    )
    def test_an_invalid_second_step_is_refused(self, client: httpx2.Client, body: Json, field: str) -> None:
        assert read_invalid_field(client.post(f"{AUTH}/login", json=body)) == field


class TestGuesses:
    def test_too_many_wrong_codes_are_refused(self, ada: Account, surface: Surface) -> None:
        app, _ = add_app(ada)
        with surface.client() as client:
            challenges = [begin_second_step(client, ada)["challenge"] for _ in range(2)]
            for _ in range(FAILURES_PER_ACCOUNT):
                problem(answer(client, challenges[0], code=WRONG_CODE), 401, "invalid_code")

            refused = answer(client, challenges[1], code=app.next_code())
            problem(refused, 429, "too_many_attempts")
            assert int(refused.headers["retry-after"]) > 0

    def test_a_device_that_has_signed_in_before_is_not_kept_out(self, ada: Account, surface: Surface) -> None:
        app, codes = add_app(ada)
        with surface.client() as phone, surface.client() as stranger:
            challenge = begin_second_step(phone, ada)["challenge"]
            assert answer(phone, challenge, code=codes[0]).status_code == 200
            challenge = begin_second_step(stranger, ada)["challenge"]
            for _ in range(FAILURES_PER_ACCOUNT + 1):
                answer(stranger, challenge, code=WRONG_CODE)

            challenge = begin_second_step(phone, ada)["challenge"]
            assert answer(phone, challenge, code=app.next_code()).status_code == 200

    def test_a_right_code_sets_the_count_to_zero(self, ada: Account, client: httpx2.Client) -> None:
        _, codes = add_app(ada)
        for code in codes[:2]:
            challenge = begin_second_step(client, ada)["challenge"]
            for _ in range(FAILURES_PER_ACCOUNT - 1):
                answer(client, challenge, code=WRONG_CODE)
            assert answer(client, challenge, code=code).status_code == 200


class TestConfirm:
    def test_it_lasts_for_ten_minutes(self, ada: Account, database_url: str) -> None:
        assert confirm(ada.client).status_code == 204
        age_confirmation(database_url, ada)

        problem(ada.client.post(TOTP), 403, "confirmation_required")

    def test_it_holds_for_its_session_alone(self, ada: Account, client: httpx2.Client) -> None:
        sign_in(client, ada.email)
        confirm(client)

        problem(ada.client.post(TOTP), 403, "confirmation_required")

    def test_a_wrong_password_is_refused(self, ada: Account) -> None:
        problem(confirm(ada.client, password="wrong"), 403, "wrong_password")
        problem(ada.client.post(TOTP), 403, "confirmation_required")

    def test_with_a_second_factor_the_password_is_not_enough(self, ada: Account) -> None:
        add_app(ada)

        document = problem(confirm(ada.client), 403, "confirmation_required")
        assert document["methods"] == ["totp", "recovery_code"]

    def test_a_code_is_used_up(self, ada: Account) -> None:
        app, codes = add_app(ada)
        code = app.next_code()

        for each in (code, codes[0]):
            assert confirm(ada.client, code=each).status_code == 204
            problem(confirm(ada.client, code=each), 403, "wrong_code")

    def test_too_many_wrong_codes_are_refused(self, ada: Account) -> None:
        app, _ = add_app(ada)
        for _ in range(FAILURES_PER_ACCOUNT):
            problem(confirm(ada.client, code=WRONG_CODE), 403, "wrong_code")

        problem(confirm(ada.client, code=app.next_code()), 429, "too_many_attempts")

    @pytest.mark.parametrize("body", [{}, {"password": PASSWORD, "code": "123456"}], ids=str)
    def test_it_takes_exactly_one_proof(self, ada: Account, body: Json) -> None:
        assert read_invalid_field(ada.client.post(CONFIRM, json=body)) == "body"


class TestRemove:
    def test_it_asks_for_the_second_factor(self, ada: Account, database_url: str) -> None:
        app, _ = add_app(ada)
        age_confirmation(database_url, ada)

        problem(ada.client.delete(TOTP), 403, "confirmation_required")
        assert confirm(ada.client, code=app.next_code()).status_code == 204
        assert ada.client.delete(TOTP).status_code == 204

    def test_the_password_is_enough_afterwards(self, ada: Account, client: httpx2.Client) -> None:
        app, _ = add_app(ada)
        confirm(ada.client, code=app.next_code())
        ada.client.delete(TOTP)

        assert sign_in(client, ada.email).status_code == 200
        assert read_factors(ada) == {"totp": False, "passkeys": 0, "recovery_codes": 0}
        assert list_sessions(ada)[0]["opened_by"] == "password"

    def test_without_an_app_there_is_nothing_to_remove(self, ada: Account) -> None:
        confirm(ada.client)

        problem(ada.client.delete(TOTP), 404, "totp_not_found")

    def test_the_app_of_another_user_stays(self, ada: Account, bob: Account) -> None:
        add_app(bob)
        confirm(ada.client)
        ada.client.delete(TOTP)

        assert read_factors(bob)["totp"]


class TestRecoveryCodes:
    def test_new_codes_replace_the_old_ones(self, ada: Account, client: httpx2.Client) -> None:
        _, old = add_app(ada)
        confirm(ada.client, code=old[0])

        new = ada.client.post(RECOVERY_CODES).json()["recovery_codes"]

        assert len(new) == 10
        assert not {*new} & {*old}
        challenge = begin_second_step(client, ada)["challenge"]
        problem(answer(client, challenge, code=old[1]), 401, "invalid_code")
        assert answer(client, challenge, code=new[1]).status_code == 200

    def test_they_need_a_second_factor(self, ada: Account) -> None:
        confirm(ada.client)

        problem(ada.client.post(RECOVERY_CODES), 404, "second_factor_not_found")

    def test_they_need_a_confirmation(self, ada: Account, database_url: str) -> None:
        add_app(ada)
        age_confirmation(database_url, ada)

        problem(ada.client.post(RECOVERY_CODES), 403, "confirmation_required")
