"""The log line of each event of an account, on which deployers base alerts."""

import json
import logging
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.accounts import (
    AUTH,
    PASSWORD,
    Account,
    Newcomers,
    change_password,
    close_account,
    new_email,
    register,
    sign_in,
)
from tests.authenticators import (
    Authenticator,
    add_app,
    add_passkey,
    answer,
    begin_second_step,
    confirm,
    log_in_by_passkey,
)
from tests.serving import Surface
from tests.surfaces.test_auth_limits import FAILURES_PER_ACCOUNT

type Event = dict[str, Any]


@pytest.fixture
def service_log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("todo-backend"), "propagate", True)
    caplog.set_level(logging.INFO, "todo-backend")
    return caplog


@pytest.fixture
def events(service_log: pytest.LogCaptureFixture) -> Callable[[], list[Event]]:
    """Returns a function that returns the fields of the events so far."""
    return lambda: [vars(record) for record in service_log.records if hasattr(record, "event")]


@pytest.fixture
def eve(app_surface: Surface, newcomers: Newcomers) -> Account:
    return newcomers.sign_in(app_surface.client())


def sign_in_by(client: httpx2.Client, account: Account, **proof: object) -> httpx2.Response:
    """Signs in by the password and then by a second factor."""
    return answer(client, begin_second_step(client, account)["challenge"], **proof)


class TestLogin:
    def test_a_success_names_the_account_the_address_and_the_request(
        self, app_surface: Surface, eve: Account, events: Callable[[], list[Event]]
    ) -> None:
        with app_surface.client(address="2001:db8:ffff::7") as client:
            response = sign_in(client, eve.email)

        (event,) = events()
        expected = {
            "event": "login",
            "outcome": "success",
            "account_id": eve.user["id"],
            "address": "2001:db8:ffff::7",
            "request_id": response.headers["x-request-id"],
        }
        assert expected.items() <= event.items()

    def test_a_wrong_password_names_the_account(self, eve: Account, events: Callable[[], list[Event]]) -> None:
        sign_in(eve.client, eve.email, "a wrong password")

        (event,) = events()
        expected = {"outcome": "failure", "reason": "invalid_credentials", "account_id": eve.user["id"]}
        assert expected.items() <= event.items()

    def test_an_unknown_email_names_no_account(self, eve: Account, events: Callable[[], list[Event]]) -> None:
        sign_in(eve.client, new_email())

        (event,) = events()
        assert (event["outcome"], event["reason"]) == ("failure", "invalid_credentials")
        assert "account_id" not in event

    def test_a_login_beyond_the_limit_is_refused(
        self, app_surface: Surface, eve: Account, events: Callable[[], list[Event]]
    ) -> None:
        for _ in range(FAILURES_PER_ACCOUNT + 1):
            with app_surface.client() as client:
                sign_in(client, eve.email, "a wrong password")

        assert (events()[-1]["outcome"], events()[-1]["reason"]) == ("refused", "too_many_attempts")


class TestSecondFactor:
    def test_a_right_password_alone_is_a_failure(self, eve: Account, events: Callable[[], list[Event]]) -> None:
        add_app(eve)
        sign_in(eve.client, eve.email)

        event = events()[-1]
        expected = {"event": "login", "outcome": "failure", "reason": "second_factor_required"}
        assert (expected | {"account_id": eve.user["id"]}).items() <= event.items()

    def test_a_success_says_how_the_session_was_opened(self, eve: Account, events: Callable[[], list[Event]]) -> None:
        app, codes = add_app(eve)
        device = Authenticator()
        add_passkey(eve, device, code=codes[0])
        sign_in_by(eve.client, eve, code=app.next_code())
        sign_in_by(eve.client, eve, code=codes[1])
        log_in_by_passkey(eve.client, device)

        logins = [event for event in events() if (event["event"], event["outcome"]) == ("login", "success")]
        assert [event["opened_by"] for event in logins] == ["totp", "recovery_code", "passkey"]

    @pytest.mark.parametrize(("code", "reason"), [("000000", "invalid_code"), ("x" * 29, "invalid_code")])
    def test_a_wrong_code_is_a_failure(
        self, eve: Account, events: Callable[[], list[Event]], code: str, reason: str
    ) -> None:
        add_app(eve)
        sign_in_by(eve.client, eve, code=code)

        event = events()[-1]
        assert (event["event"], event["outcome"], event["reason"]) == ("login", "failure", reason)
        assert event["account_id"] == eve.user["id"]

    def test_each_change_of_a_factor_has_an_event(self, eve: Account, events: Callable[[], list[Event]]) -> None:
        app, _ = add_app(eve)
        confirm(eve.client, code="000000")
        confirm(eve.client, code=app.next_code())
        eve.client.post(f"{AUTH}/second-factor/recovery-codes")
        eve.client.delete(f"{AUTH}/second-factor/totp")

        assert [(event["event"], event["outcome"]) for event in events()] == [
            ("confirm", "success"),
            ("second_factor_add", "success"),
            ("confirm", "failure"),
            ("confirm", "success"),
            ("recovery_codes", "success"),
            ("second_factor_remove", "success"),
        ]


class TestRegistration:
    def test_a_success_names_the_account(self, eve: Account, events: Callable[[], list[Event]]) -> None:
        user = register(eve.client)

        (event,) = events()
        assert {"event": "register", "outcome": "success", "account_id": user["id"]}.items() <= event.items()

    @pytest.mark.parametrize(
        ("password", "outcome", "reason"),
        [(PASSWORD, "failure", "email_taken"), ("password", "refused", "common_password")],
    )
    def test_a_refusal_has_its_reason(
        self, eve: Account, events: Callable[[], list[Event]], password: str, outcome: str, reason: str
    ) -> None:
        eve.client.post(f"{AUTH}/register", json={"email": eve.email, "password": password})

        (event,) = events()
        assert (event["outcome"], event["reason"]) == (outcome, reason)


class TestConfirmation:
    @pytest.mark.parametrize(
        ("event_name", "confirm"), [("password_change", change_password), ("close_account", close_account)]
    )
    def test_a_wrong_password_is_a_failure(
        self,
        eve: Account,
        events: Callable[[], list[Event]],
        event_name: str,
        confirm: Callable[[httpx2.Client, str], httpx2.Response],
    ) -> None:
        confirm(eve.client, "a wrong password")

        (event,) = events()
        expected = {
            "event": event_name,
            "outcome": "failure",
            "reason": "wrong_password",
            "account_id": eve.user["id"],
        }
        assert expected.items() <= event.items()

    def test_the_end_of_an_account_is_a_success(self, eve: Account, events: Callable[[], list[Event]]) -> None:
        close_account(eve.client)

        found = [event for event in events() if event["event"] == "close_account"]
        assert [(event["outcome"], event["account_id"]) for event in found] == [("success", eve.user["id"])]


class TestPrivacy:
    def test_no_event_has_an_email_a_password_a_token_or_a_name(
        self, app_surface: Surface, events: Callable[[], list[Event]]
    ) -> None:
        with app_surface.client() as client:
            user = register(client, name="Ada Lovelace")
            sign_in(client, user["email"], "a wrong password")
            sign_in(client, user["email"])
            tokens = [client.cookies["session_token"], client.cookies["device_token"]]
            app, codes = add_app(Account(client, user))
            challenge = begin_second_step(client, Account(client, user))["challenge"]
            code = app.next_code()
            answer(client, challenge, code=code)
            tokens += [app.secret, *codes, challenge, code]
            sign_in(client, f"nobody.{user['email']}")
            change_password(client, "a wrong password")
            close_account(client)

        text = json.dumps(events(), default=str)
        assert len(events()) >= 6
        assert not [secret for secret in (user["email"], PASSWORD, "wrong password", "Ada", *tokens) if secret in text]
