"""POST /api/v1/auth/email and /email/take-back: a change of the email, and the way back."""

from datetime import timedelta
from uuid import UUID

import httpx2
import pytest

from tests import postgres
from tests.accounts import (
    AUTH,
    PASSWORD,
    Account,
    change_password,
    new_email,
    problem,
    read_invalid_field,
    register,
    sign_in,
)
from tests.mailbox import Mailbox
from tests.service_client import PUBLIC_URL
from tests.serving import Surface
from tests.surfaces.links import (
    INVALID_TOKENS,
    NEW_PASSWORD,
    add_credentials,
    change_email,
    count_credentials,
    expire_links,
    forget,
    mark_verified,
    reset,
    take_back,
    verify,
)
from tests.surfaces.test_auth_forgot import facts
from tests.surfaces.test_auth_limits import FAILURES_PER_ACCOUNT
from tests.surfaces.test_auth_register import post_registration
from tests.surfaces.tokens import ME

MAILS_PER_ACCOUNT = 12


@pytest.fixture
def verified(ada: Account, database_url: str) -> Account:
    """Ada, whose email is verified."""
    mark_verified(database_url, ada)
    return ada


def complete_change(account: Account, mailbox: Mailbox) -> str:
    """Changes the email of the account. Returns the new one."""
    email = new_email()
    assert change_email(account.client, email).status_code == 202
    assert verify(account.client, mailbox.wait_for(email).token).status_code == 204
    return email


class TestStart:
    def test_the_new_email_gets_a_link_and_the_old_one_stays(self, ada: Account, mailbox: Mailbox) -> None:
        email = new_email()

        response = change_email(ada.client, email)

        assert (response.status_code, response.content) == (202, b"")
        mail = mailbox.wait_for(email)
        assert mail.subject == "Confirm your new email address"
        assert mail.link == f"{PUBLIC_URL}/account/verify-email?token={mail.token}"
        assert ada.client.get(ME).json() == ada.user

    def test_the_verified_old_email_is_told_and_can_take_it_back(self, verified: Account, mailbox: Mailbox) -> None:
        email = new_email()
        change_email(verified.client, email)

        mail = mailbox.wait_for(verified.email)
        assert mail.link == f"{PUBLIC_URL}/account/take-back-email?token={mail.token}"
        assert email in mail.text

    def test_an_unverified_old_email_may_be_of_a_stranger_and_gets_no_mail(
        self, ada: Account, mailbox: Mailbox
    ) -> None:
        email = new_email()
        change_email(ada.client, email)
        mailbox.wait_for(email)

        assert mailbox.find(ada.email) == []

    def test_an_email_with_an_account_has_the_same_response(self, ada: Account, bob: Account, mailbox: Mailbox) -> None:
        free, taken = facts(change_email(ada.client, new_email())), facts(change_email(ada.client, bob.email))

        assert [fact[:2] for fact in (free, taken)] == [(202, b"")] * 2
        assert free[2].keys() == taken[2].keys()
        mail = mailbox.wait_for(bob.email)
        assert mail.subject == "You have an account already"
        assert mail.link == f"{PUBLIC_URL}/account/forgot-password"

    def test_a_wrong_password_is_refused(self, ada: Account) -> None:
        problem(change_email(ada.client, new_email(), "a wrong password"), 403, "wrong_password")

    def test_failed_passwords_are_limited(self, ada: Account) -> None:
        for _ in range(FAILURES_PER_ACCOUNT):
            change_email(ada.client, new_email(), "a wrong password")

        problem(change_email(ada.client, new_email()), 429, "too_many_attempts")

    def test_mails_of_an_account_are_limited(self, ada: Account) -> None:
        for _ in range(MAILS_PER_ACCOUNT):
            assert change_email(ada.client, new_email()).status_code == 202

        problem(change_email(ada.client, new_email()), 429, "too_many_attempts")

    @pytest.mark.parametrize("email", ["", "ada", 7, None], ids=ascii)
    def test_an_invalid_email_is_named(self, ada: Account, email: object) -> None:
        response = ada.client.post(f"{AUTH}/email", json={"email": email, "password": PASSWORD})

        assert read_invalid_field(response) == "email"


class TestCompletion:
    def test_the_account_gets_the_new_email(self, ada: Account, surface: Surface, mailbox: Mailbox) -> None:
        email = complete_change(ada, mailbox)

        assert ada.client.get(ME).json() == ada.user | {"email": email, "email_verified": True}
        with surface.client() as client:
            assert sign_in(client, email).status_code == 200
            problem(sign_in(client, ada.email), 401, "invalid_credentials")

    def test_the_spelling_of_the_same_email_may_change(self, ada: Account, mailbox: Mailbox) -> None:
        change_email(ada.client, ada.email.upper())
        verify(ada.client, mailbox.wait_for(ada.email).token)

        assert ada.client.get(ME).json()["email"].partition("@")[0] == ada.email.upper().partition("@")[0]

    def test_it_expires(self, ada: Account, mailbox: Mailbox, database_url: str) -> None:
        email = new_email()
        change_email(ada.client, email)
        token = mailbox.wait_for(email).token
        expire_links(database_url, ada)

        problem(verify(ada.client, token), 403, "link_invalid")

    def test_an_email_that_was_registered_meanwhile_is_refused(
        self, ada: Account, surface: Surface, mailbox: Mailbox
    ) -> None:
        email = new_email()
        change_email(ada.client, email)
        token = mailbox.wait_for(email, "new email").token
        with surface.client() as client:
            register(client, email)

        problem(verify(ada.client, token), 403, "link_invalid")
        assert ada.client.get(ME).json()["email"] == ada.email

    def test_a_changed_password_ends_the_link(self, ada: Account, mailbox: Mailbox) -> None:
        email = new_email()
        change_email(ada.client, email)
        token = mailbox.wait_for(email).token
        change_password(ada.client)

        problem(verify(ada.client, token), 403, "link_invalid")

    def test_links_for_a_password_that_the_old_email_got_end(self, ada: Account, mailbox: Mailbox) -> None:
        forget(ada.client, ada.email)
        token = mailbox.wait_for(ada.email).token
        complete_change(ada, mailbox)

        problem(reset(ada.client, token), 403, "link_invalid")

    def test_the_old_email_may_be_registered_if_it_was_not_verified(
        self, ada: Account, surface: Surface, mailbox: Mailbox
    ) -> None:
        complete_change(ada, mailbox)

        with surface.client() as client:
            assert post_registration(client, email=ada.email).status_code == 201

    def test_the_old_email_is_kept_for_its_owner_while_it_can_be_taken_back(
        self, verified: Account, surface: Surface, mailbox: Mailbox, database_url: str
    ) -> None:
        complete_change(verified, mailbox)

        with surface.client() as client:
            problem(post_registration(client, email=verified.email), 409, "email_taken")
            expire_links(database_url, verified)
            assert post_registration(client, email=verified.email).status_code == 201

    def test_the_owner_may_change_back(self, verified: Account, mailbox: Mailbox) -> None:
        complete_change(verified, mailbox)
        change_email(verified.client, verified.email)
        verify(verified.client, mailbox.wait_for(verified.email, "Confirm").token)

        assert verified.client.get(ME).json()["email"] == verified.email


class TestTakeBack:
    def test_the_account_gets_its_old_email_and_a_link_for_a_password(
        self, verified: Account, client: httpx2.Client, mailbox: Mailbox
    ) -> None:
        complete_change(verified, mailbox)

        response = take_back(client, mailbox.wait_for(verified.email, "is being changed").token)

        assert (response.status_code, response.content) == (204, b"")
        assert reset(client, mailbox.wait_for(verified.email, "Choose").token).status_code == 204
        signed_in = sign_in(client, verified.email, NEW_PASSWORD)
        assert signed_in.json() == verified.user | {"email_verified": True}

    def test_sessions_and_password_of_the_thief_end(
        self, verified: Account, surface: Surface, mailbox: Mailbox
    ) -> None:
        stolen = complete_change(verified, mailbox)
        with surface.client() as owner, surface.client() as thief:
            sign_in(thief, stolen)
            take_back(owner, mailbox.wait_for(verified.email, "is being changed").token)

            problem(thief.get(ME), 401, "not_authenticated")
            problem(verified.client.get(ME), 401, "not_authenticated")
            for email in (stolen, verified.email):
                problem(sign_in(thief, email), 401, "invalid_credentials")

    def test_it_also_stops_a_change_that_was_not_completed(
        self, verified: Account, client: httpx2.Client, mailbox: Mailbox
    ) -> None:
        email = new_email()
        change_email(verified.client, email)
        take_back(client, mailbox.wait_for(verified.email, "is being changed").token)

        problem(verify(client, mailbox.wait_for(email).token), 403, "link_invalid")

    def test_it_takes_back_later_changes_too(self, verified: Account, client: httpx2.Client, mailbox: Mailbox) -> None:
        second = complete_change(verified, mailbox)
        complete_change(verified, mailbox)

        take_back(client, mailbox.wait_for(verified.email, "is being changed").token)

        problem(take_back(client, mailbox.wait_for(second, "is being changed").token), 403, "link_invalid")
        reset(client, mailbox.wait_for(verified.email, "Choose").token)
        assert sign_in(client, verified.email, NEW_PASSWORD).status_code == 200

    @pytest.mark.parametrize(("age", "left"), [("1 day", [0, 0, 0, 0, 0, 0]), ("8 days", [1, 1, 1, 1, 1, 1])])
    def test_credentials_that_were_added_in_the_week_before_end(  # noqa: PLR0913, PLR0917 - fixtures and examples
        self,
        verified: Account,
        client: httpx2.Client,
        mailbox: Mailbox,
        database_url: str,
        age: str,
        left: list[int],
    ) -> None:
        add_credentials(database_url, verified, age)
        change_email(verified.client, new_email())

        take_back(client, mailbox.wait_for(verified.email, "is being changed").token)

        assert count_credentials(database_url, verified) == left

    def test_it_is_possible_for_seven_days(self, verified: Account, mailbox: Mailbox, database_url: str) -> None:
        change_email(verified.client, new_email())
        mailbox.wait_for(verified.email)

        lifetime = (
            "SELECT expires_at - created_at AS lifetime FROM links WHERE purpose = 'take_back_email' AND user_id = $1"
        )
        (row,) = postgres.query(database_url, lifetime, UUID(verified.user["id"]))
        assert row["lifetime"] == timedelta(days=7)

    def test_a_token_works_once(self, verified: Account, client: httpx2.Client, mailbox: Mailbox) -> None:
        complete_change(verified, mailbox)
        token = mailbox.wait_for(verified.email, "is being changed").token
        take_back(client, token)

        problem(take_back(client, token), 403, "link_invalid")

    def test_an_expired_token_is_refused(self, verified: Account, mailbox: Mailbox, database_url: str) -> None:
        email = complete_change(verified, mailbox)
        token = mailbox.wait_for(verified.email, "is being changed").token
        expire_links(database_url, verified)

        problem(take_back(verified.client, token), 403, "link_invalid")
        assert verified.client.get(ME).json()["email"] == email

    @pytest.mark.parametrize("token", INVALID_TOKENS[:2], ids=ascii)
    def test_an_unknown_token_is_refused(self, client: httpx2.Client, token: str) -> None:
        problem(take_back(client, token), 403, "link_invalid")

    def test_the_link_of_the_new_email_does_not_take_back(self, verified: Account, mailbox: Mailbox) -> None:
        email = new_email()
        change_email(verified.client, email)

        problem(take_back(verified.client, mailbox.wait_for(email).token), 403, "link_invalid")
