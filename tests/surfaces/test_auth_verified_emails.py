"""Registration and use of accounts while REQUIRE_VERIFIED_EMAIL is on."""

from collections.abc import Iterator

import httpx2
import pytest

from tests import postgres
from tests.accounts import (
    AUTH,
    PASSWORD,
    Account,
    Newcomers,
    close_account,
    new_email,
    problem,
    register,
    sign_in,
)
from tests.mailbox import Mailbox
from tests.service_client import PUBLIC_URL
from tests.serving import Surface
from tests.surfaces.links import NEW_PASSWORD, forget, mark_verified, reset, verify
from tests.surfaces.test_auth import serve
from tests.surfaces.test_auth_forgot import facts
from tests.surfaces.test_auth_invites import make_invite
from tests.surfaces.test_auth_register import post_registration
from tests.surfaces.tokens import ME

MAILS_PER_MAILBOX = 6


@pytest.fixture(scope="module")
def strict(environment: dict[str, str], database_url: str) -> Iterator[Surface]:
    """The service with REQUIRE_VERIFIED_EMAIL. Its outbox is delivered by the mailbox."""
    assert environment
    with serve(database_url, require_verified_email=True, registrations_per_address=1000) as surface:
        yield surface


@pytest.fixture
def guest(strict: Surface) -> Iterator[httpx2.Client]:
    with strict.client() as client:
        yield client


@pytest.fixture
def unverified(strict: Surface, newcomers: Newcomers) -> Iterator[Account]:
    """An account from the time before the setting, whose email is not verified."""
    with strict.client() as client:
        yield newcomers.sign_in(client)


class TestRegistration:
    def test_the_account_begins_with_the_link(self, guest: httpx2.Client, mailbox: Mailbox) -> None:
        email = new_email()
        registered = post_registration(guest, email=email, name="Ada", timezone="Europe/London")
        assert registered.status_code == 201
        problem(sign_in(guest, email), 401, "invalid_credentials")

        mail = mailbox.wait_for(email)
        assert mail.link == f"{PUBLIC_URL}/account/verify-email?token={mail.token}"
        assert verify(guest, mail.token).status_code == 204

        assert sign_in(guest, email).json() == registered.json() | {"email_verified": True}

    def test_an_email_with_an_account_gets_the_same_response(
        self, guest: httpx2.Client, unverified: Account, database_url: str
    ) -> None:
        taken, free = unverified.email, new_email()
        mark_verified(database_url, unverified)

        known, unknown = (post_registration(guest, email=email, name="Eve") for email in (taken, free))

        assert (known.status_code, known.json().keys()) == (201, unknown.json().keys())
        assert known.json()["name"] == unknown.json()["name"] == "Eve"
        assert (known.json()["email"], unknown.json()["email"]) == (taken, free)
        assert known.json()["id"] != unverified.user["id"]
        assert facts(known)[2].keys() == facts(unknown)[2].keys()

    def test_a_login_after_it_does_not_tell_either(self, guest: httpx2.Client, unverified: Account) -> None:
        for email in (unverified.email, new_email()):
            post_registration(guest, email=email, password=NEW_PASSWORD)
            problem(sign_in(guest, email, NEW_PASSWORD), 401, "invalid_credentials")

    def test_the_owner_of_an_email_with_an_account_is_told_by_mail(
        self, guest: httpx2.Client, unverified: Account, mailbox: Mailbox
    ) -> None:
        post_registration(guest, email=unverified.email)

        mail = mailbox.wait_for(unverified.email)
        assert mail.subject == "You have an account already"
        assert mail.link == f"{PUBLIC_URL}/account/forgot-password"

    def test_an_email_belongs_to_the_first_who_proves_it(
        self, guest: httpx2.Client, strict: Surface, mailbox: Mailbox
    ) -> None:
        email = new_email()
        with strict.client() as thief:
            post_registration(thief, email=email, password="the password of a thief")
        mailbox.wait_for(email)
        post_registration(guest, email=email)
        verify(guest, mailbox.wait_for_another(email, 2).token)

        assert sign_in(guest, email).status_code == 200
        problem(verify(guest, mailbox.find(email)[0].token), 403, "link_invalid")

    def test_a_link_works_once(self, guest: httpx2.Client, mailbox: Mailbox) -> None:
        email = new_email()
        post_registration(guest, email=email)
        token = mailbox.wait_for(email).token
        verify(guest, token)

        problem(verify(guest, token), 403, "link_invalid")

    def test_an_expired_link_begins_no_account(self, guest: httpx2.Client, mailbox: Mailbox, database_url: str) -> None:
        email = new_email()
        post_registration(guest, email=email)
        token = mailbox.wait_for(email).token
        postgres.query(database_url, "UPDATE registrations SET expires_at = now() WHERE email = $1", email)

        problem(verify(guest, token), 403, "link_invalid")

    def test_the_limit_of_a_mailbox_does_not_tell(self, guest: httpx2.Client, mailbox: Mailbox) -> None:
        email = new_email()
        statuses = [post_registration(guest, email=email).status_code for _ in range(MAILS_PER_MAILBOX + 1)]

        assert statuses == [201] * (MAILS_PER_MAILBOX + 1)
        mailbox.wait_for_another(email, MAILS_PER_MAILBOX)
        assert len(mailbox.find(email)) == MAILS_PER_MAILBOX

    def test_a_common_password_is_refused(self, guest: httpx2.Client) -> None:
        problem(post_registration(guest, password="password"), 422, "common_password")

    def test_an_invite_is_used_up_by_the_link(
        self, database_url: str, environment: dict[str, str], mailbox: Mailbox
    ) -> None:
        assert environment
        code, email, other = make_invite(database_url), new_email(), new_email()
        settings = {"require_verified_email": True, "registration": "invite"}
        with serve(database_url, **settings) as surface, surface.client() as client:
            problem(post_registration(client, email=email), 403, "invite_required")
            problem(post_registration(client, email=email, invite="unknown"), 403, "invite_invalid")
            for address in (email, other):
                assert post_registration(client, email=address, invite=code).status_code == 201
            assert verify(client, mailbox.wait_for(email).token).status_code == 204

            problem(verify(client, mailbox.wait_for(other).token), 403, "invite_invalid")
            problem(post_registration(client, invite=code), 403, "invite_invalid")


class TestUnverifiedAccount:
    def test_it_can_sign_in_and_read_who_it_is(self, unverified: Account) -> None:
        assert sign_in(unverified.client, unverified.email).status_code == 200
        assert unverified.client.get(ME).json()["email_verified"] is False

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "/sessions", None),
            ("GET", "/me/usage", None),
            ("PATCH", "/me", {"name": "Ada"}),
            ("POST", "/password", {"current_password": PASSWORD, "new_password": NEW_PASSWORD}),
            ("POST", "/email", {"email": "ada@example.org", "password": PASSWORD}),
        ],
    )
    def test_it_can_do_nothing_else(self, unverified: Account, method: str, path: str, body: object) -> None:
        response = unverified.client.request(method, f"{AUTH}{path}", json=body)

        problem(response, 403, "email_not_verified")

    def test_it_can_verify(self, unverified: Account, mailbox: Mailbox) -> None:
        assert unverified.client.post(f"{AUTH}/email/verification").status_code == 202
        verify(unverified.client, mailbox.wait_for(unverified.email).token)

        assert unverified.client.get(f"{AUTH}/sessions").status_code == 200

    def test_a_new_password_by_mail_verifies_too(self, unverified: Account, mailbox: Mailbox) -> None:
        forget(unverified.client, unverified.email)
        reset(unverified.client, mailbox.wait_for(unverified.email).token)
        sign_in(unverified.client, unverified.email, NEW_PASSWORD)

        assert unverified.client.get(f"{AUTH}/sessions").status_code == 200

    def test_it_can_be_exported_and_closed(self, unverified: Account) -> None:
        exported = unverified.client.get(f"{AUTH}/me/export").json()["account"]

        assert (exported["id"], exported["email_verified_at"]) == (unverified.user["id"], None)
        assert close_account(unverified.client).status_code == 204


class TestWithoutMail:
    """Production without MAIL_URL."""

    @pytest.fixture
    def mute(
        self, database_url: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Surface]:
        assert environment
        monkeypatch.delenv("MAIL_URL")
        with serve(database_url, environment="production") as surface:
            yield surface

    def test_routes_that_need_mail_say_so(self, mute: Surface, newcomers: Newcomers) -> None:
        with mute.client() as client:
            ada = newcomers.sign_in(client)
            refusals = [
                forget(client, ada.email),
                client.post(f"{AUTH}/email/verification"),
                client.post(f"{AUTH}/email", json={"email": new_email(), "password": PASSWORD}),
                client.post(f"{AUTH}/email/take-back", json={"token": "x"}),
            ]

        for refusal in refusals:
            problem(refusal, 503, "mail_not_configured")

    def test_registration_works_without_a_link(self, mute: Surface, database_url: str) -> None:
        with mute.client() as client:
            user = register(client)

        rows = postgres.query(database_url, "SELECT FROM outbox WHERE user_id = $1::text::uuid", user["id"])
        assert rows == []

    def test_registration_with_verified_emails_needs_mail(
        self, database_url: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert environment
        monkeypatch.delenv("MAIL_URL")
        settings = {"environment": "production", "require_verified_email": True}
        with serve(database_url, **settings) as surface, surface.client() as client:
            problem(post_registration(client), 503, "mail_not_configured")
