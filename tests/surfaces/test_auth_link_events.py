"""Audit events in the log: links in mails, new passwords and changed emails."""

from collections.abc import Iterator

import pytest

from tests.accounts import Account, Newcomers, new_email
from tests.mailbox import Mailbox
from tests.serving import Surface
from tests.surfaces.links import (
    NEW_PASSWORD,
    NO_TOKEN,
    change_email,
    forget,
    mark_verified,
    reset,
    take_back,
    verify,
)
from tests.surfaces.test_auth_audit import list_events

MAILS_PER_MAILBOX = 6


@pytest.fixture
def ada(app_surface: Surface, newcomers: Newcomers, database_url: str) -> Iterator[Account]:
    with app_surface.client() as client:
        account = newcomers.sign_in(client)
        mark_verified(database_url, account)
        yield account


class TestForgottenPassword:
    def test_the_log_tells_what_the_answer_does_not(self, ada: Account, service_log: pytest.LogCaptureFixture) -> None:
        for email in (ada.email, new_email()):
            forget(ada.client, email)

        assert list_events(service_log) == [
            ("password_forgot", "success", ada.user["id"], None),
            ("password_forgot", "failure", None, "account_not_found"),
        ]

    def test_the_limit_of_a_mailbox_is_a_refusal(self, ada: Account, service_log: pytest.LogCaptureFixture) -> None:
        for _ in range(MAILS_PER_MAILBOX + 1):
            forget(ada.client, ada.email)

        assert list_events(service_log)[-1] == ("password_forgot", "refused", ada.user["id"], "too_many_attempts")


class TestLinks:
    def test_a_new_password_names_the_account(
        self, ada: Account, mailbox: Mailbox, service_log: pytest.LogCaptureFixture
    ) -> None:
        forget(ada.client, ada.email)
        reset(ada.client, mailbox.wait_for(ada.email).token)

        assert list_events(service_log)[-1] == ("password_reset", "success", ada.user["id"], None)

    def test_a_changed_email_and_its_way_back_have_an_event_each(
        self, ada: Account, mailbox: Mailbox, service_log: pytest.LogCaptureFixture
    ) -> None:
        email = new_email()
        change_email(ada.client, email)
        verify(ada.client, mailbox.wait_for(email).token)
        take_back(ada.client, mailbox.wait_for(ada.email).token)

        events = [(event, outcome, account) for event, outcome, account, _ in list_events(service_log)]
        assert events == [
            (event, "success", ada.user["id"]) for event in ("email_change", "email_verification", "email_take_back")
        ]

    def test_an_invalid_token_is_a_failure(self, ada: Account, service_log: pytest.LogCaptureFixture) -> None:
        for use in (reset, verify, take_back):
            use(ada.client, NO_TOKEN)

        assert list_events(service_log) == [
            (event, "failure", None, "link_invalid")
            for event in ("password_reset", "email_verification", "email_take_back")
        ]

    def test_no_line_contains_an_email_a_password_or_a_token(
        self, ada: Account, mailbox: Mailbox, service_log: pytest.LogCaptureFixture
    ) -> None:
        email = new_email()
        change_email(ada.client, email)
        tokens = [mailbox.wait_for(address).token for address in (email, ada.email)]
        verify(ada.client, tokens[0])
        take_back(ada.client, tokens[1])
        tokens.append(mailbox.wait_for(ada.email, "Choose").token)
        reset(ada.client, tokens[2])

        written = str([vars(record) for record in service_log.records])
        assert not [secret for secret in (*tokens, email, ada.email, NEW_PASSWORD) if secret in written]
