"""Audit events in the log: the ends of sessions, changed passwords, and registrations by invite."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.accounts import (
    AUTH,
    PASSWORD,
    WEBHOOKS,
    Account,
    Newcomers,
    change_password,
    close_account,
    new_email,
    sign_in,
)
from tests.serving import Surface
from tests.surfaces.api_tokens import TOKENS, create_token
from tests.surfaces.test_auth import serve
from tests.surfaces.test_auth_invites import make_invite
from tests.surfaces.test_auth_register import post_registration
from tests.surfaces.tokens import read_claims

NEW = "wrong donkey charger nail"


@pytest.fixture
def ada(app_surface: Surface, newcomers: Newcomers) -> Iterator[Account]:
    with app_surface.client() as client:
        yield newcomers.sign_in(client)


def list_events(log: pytest.LogCaptureFixture) -> list[tuple[Any, ...]]:
    """Returns event, outcome, account and reason of each audit event."""
    lines = [vars(record) for record in log.records if hasattr(record, "event")]
    return [tuple(line.get(name) for name in ("event", "outcome", "account_id", "reason")) for line in lines]


def _end_own_session(ada: Account) -> None:
    ada.client.delete(f"{AUTH}/sessions/{read_claims(ada.token)['sid']}")


def _change_password(ada: Account) -> None:
    change_password(ada.client, new=NEW)


class TestEvents:
    @pytest.mark.parametrize(
        ("act", "event"),
        [
            (lambda ada: ada.client.post(f"{AUTH}/logout"), "logout"),
            (_end_own_session, "session_end"),
            (_change_password, "password_change"),
            (lambda ada: close_account(ada.client), "close_account"),
        ],
        ids=["logout", "end of a session", "password change", "end of the account"],
    )
    def test_a_success_names_the_account(
        self, ada: Account, service_log: pytest.LogCaptureFixture, act: Callable[[Account], object], event: str
    ) -> None:
        act(ada)

        assert list_events(service_log) == [(event, "success", ada.user["id"], None)]

    def test_api_tokens_are_named_by_their_account_alone(
        self, ada: Account, service_log: pytest.LogCaptureFixture
    ) -> None:
        token = create_token(ada, name="Backup of Ada")
        ada.client.delete(f"{TOKENS}/{token['id']}")

        made = [(event, "success", ada.user["id"], None) for event in ("api_token_create", "api_token_delete")]
        assert list_events(service_log) == made
        assert not [line for line in service_log.records if token["token"] in str(vars(line))]
        assert not [line for line in service_log.records if "Backup of Ada" in str(vars(line))]

    def test_webhooks_are_named_by_their_account_alone(
        self, ada: Account, service_log: pytest.LogCaptureFixture
    ) -> None:
        webhook = ada.client.post(WEBHOOKS, json={"url": "https://hooks.example.com/path-of-ada"}).json()
        path = f"{WEBHOOKS}/{webhook['id']}"
        ada.client.patch(path, json={"enabled": False}).raise_for_status()
        ada.client.post(f"{path}/secret").raise_for_status()
        ada.client.delete(path).raise_for_status()

        events = ("webhook_create", "webhook_update", "webhook_secret", "webhook_delete")
        assert list_events(service_log) == [(event, "success", ada.user["id"], None) for event in events]
        texts = [str(vars(line)) for line in service_log.records]
        assert not [text for text in texts if webhook["secret"] in text or "path-of-ada" in text]

    def test_a_login_that_ends_a_session_has_two_events(
        self, ada: Account, service_log: pytest.LogCaptureFixture
    ) -> None:
        sign_in(ada.client, ada.email)

        assert list_events(service_log) == [
            ("login", "success", ada.user["id"], None),
            ("session_end", "success", ada.user["id"], None),
        ]

    def test_a_wrong_current_password_is_a_failure(self, ada: Account, service_log: pytest.LogCaptureFixture) -> None:
        change_password(ada.client, "a wrong password")

        assert list_events(service_log) == [("password_change", "failure", ada.user["id"], "wrong_password")]

    def test_a_logout_without_a_session_has_no_event(
        self, app_surface: Surface, service_log: pytest.LogCaptureFixture
    ) -> None:
        with app_surface.client() as client:
            client.post(f"{AUTH}/logout")

        assert not list_events(service_log)

    @pytest.mark.parametrize(("mode", "reason"), [("invite", "invite_invalid"), ("closed", "registration_closed")])
    def test_a_refused_registration_has_its_reason(
        self, database_url: str, service_log: pytest.LogCaptureFixture, mode: str, reason: str
    ) -> None:
        with serve(database_url, registration=mode) as surface, surface.client() as client:
            # The new app has switched it off.
            logging.getLogger("todo-backend").propagate = True
            post_registration(client, invite="unknown")

        assert list_events(service_log) == [("register", "failure", None, reason)]

    def test_no_line_contains_email_password_token_or_invite(
        self, ada: Account, database_url: str, service_log: pytest.LogCaptureFixture
    ) -> None:
        token, code, email = ada.token, make_invite(database_url), new_email()
        change_password(ada.client, new=NEW)
        with serve(database_url, registration="invite") as surface, surface.client() as client:
            logging.getLogger("todo-backend").propagate = True
            post_registration(client, email=email, invite=code)

        assert [event[0] for event in list_events(service_log)] == ["password_change", "register"]
        written = str([vars(record) for record in service_log.records])
        secrets = (token, ada.token, code, email, ada.email, PASSWORD, NEW)
        assert not [secret for secret in secrets if secret in written]
