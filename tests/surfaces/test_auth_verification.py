"""POST /api/v1/auth/email/verification and /email/verify, and the link that a registration sends."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests import postgres
from tests.accounts import AUTH, Account, problem, read_invalid_field, register, sign_up
from tests.mailbox import Mailbox
from tests.service_client import PUBLIC_URL
from tests.serving import Surface
from tests.surfaces.links import INVALID_TOKENS, expire_links, forget, mark_verified, verify

MAILS_PER_MAILBOX = 6
ME = f"{AUTH}/me"
RESEND = f"{AUTH}/email/verification"


def resend(account: Account) -> httpx2.Response:
    return account.client.post(RESEND)


class TestRegistration:
    def test_the_email_of_a_new_account_is_not_verified(self, client: httpx2.Client) -> None:
        assert register(client)["email_verified"] is False

    def test_a_link_is_mailed_to_the_email(self, client: httpx2.Client, mailbox: Mailbox) -> None:
        user = register(client)

        mail = mailbox.wait_for(user["email"])
        assert mail.subject == "Confirm your email address"
        assert mail.link == f"{PUBLIC_URL}/account/verify-email?token={mail.token}"

    def test_a_refused_registration_mails_nothing(self, client: httpx2.Client, mailbox: Mailbox) -> None:
        user = register(client)
        mailbox.wait_for(user["email"])

        again = client.post(f"{AUTH}/register", json={"email": user["email"], "password": "correct horse battery"})

        problem(again, 409, "email_taken")
        assert len(mailbox.find(user["email"])) == 1


class TestVerify:
    def test_the_token_confirms_the_email_without_a_session(
        self, client: httpx2.Client, surface: Surface, mailbox: Mailbox
    ) -> None:
        ada = sign_up(client)

        with surface.client() as other:
            response = verify(other, mailbox.wait_for(ada.email).token)

        assert (response.status_code, response.content) == (204, b"")
        assert client.get(ME).json() == ada.user | {"email_verified": True}

    def test_a_token_works_once(self, client: httpx2.Client, mailbox: Mailbox) -> None:
        token = mailbox.wait_for(register(client)["email"]).token
        verify(client, token)

        problem(verify(client, token), 403, "link_invalid")

    def test_of_concurrent_uses_one_succeeds(self, client: httpx2.Client, surface: Surface, mailbox: Mailbox) -> None:
        token = mailbox.wait_for(register(client)["email"]).token

        def attempt(_: int) -> int:
            with surface.client() as other:
                return verify(other, token).status_code

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(attempt, range(4))) == [204, 403, 403, 403]

    @pytest.mark.parametrize("token", INVALID_TOKENS, ids=ascii)
    def test_an_unknown_token_is_refused(self, client: httpx2.Client, token: str) -> None:
        response = client.post(
            f"{AUTH}/email/verify",
            content=b'{"token": %b}' % ascii(token).replace("'", '"').replace("\\x", "\\u00").encode(),
            headers={"Content-Type": "application/json"},
        )

        problem(response, 403, "link_invalid")

    def test_an_expired_token_is_refused(self, client: httpx2.Client, mailbox: Mailbox, database_url: str) -> None:
        ada = sign_up(client)
        token = mailbox.wait_for(ada.email).token
        expire_links(database_url, ada)

        problem(verify(client, token), 403, "link_invalid")
        assert client.get(ME).json()["email_verified"] is False

    def test_a_token_for_a_new_password_is_refused(self, ada: Account, mailbox: Mailbox) -> None:
        forget(ada.client, ada.email)

        problem(verify(ada.client, mailbox.wait_for(ada.email, "password").token), 403, "link_invalid")

    def test_all_other_links_for_the_same_purpose_end(self, client: httpx2.Client, mailbox: Mailbox) -> None:
        ada = sign_up(client)
        first = mailbox.wait_for(ada.email).token
        resend(ada)
        verify(client, mailbox.wait_for_another(ada.email, 2).token)

        problem(verify(client, first), 403, "link_invalid")

    @pytest.mark.parametrize("token", ["", "a" * 101, 7, None, ["x"]], ids=["empty", "101", "number", "null", "list"])
    def test_a_token_of_another_form_is_named(self, client: httpx2.Client, token: object) -> None:
        response = client.post(f"{AUTH}/email/verify", json={"token": token})

        assert read_invalid_field(response) == "token"

    def test_the_database_has_no_token(self, client: httpx2.Client, mailbox: Mailbox, database_url: str) -> None:
        ada = sign_up(client)
        token = mailbox.wait_for(ada.email).token

        for table in ("links", "outbox", "users"):
            rows = postgres.query(database_url, f"SELECT * FROM {table}")  # noqa: S608 - constants
            assert not any(token in str(dict(row)) for row in rows)


class TestNewLink:
    def test_it_is_mailed_and_confirms_the_email(self, ada: Account, mailbox: Mailbox) -> None:
        response = resend(ada)

        assert (response.status_code, response.content) == (202, b"")
        assert verify(ada.client, mailbox.wait_for(ada.email).token).status_code == 204

    def test_it_differs_from_the_first(self, client: httpx2.Client, mailbox: Mailbox) -> None:
        ada = sign_up(client)
        resend(ada)
        mailbox.wait_for_another(ada.email, 2)

        first, second = mailbox.find(ada.email)
        assert first.token != second.token

    def test_a_verified_email_needs_none(self, ada: Account, database_url: str) -> None:
        mark_verified(database_url, ada)

        problem(resend(ada), 409, "email_already_verified")

    def test_mails_to_one_mailbox_are_limited(self, ada: Account) -> None:
        for _ in range(MAILS_PER_MAILBOX):
            assert resend(ada).status_code == 202

        limited = resend(ada)
        problem(limited, 429, "too_many_attempts")
        assert 0 < int(limited.headers["retry-after"]) <= 3600

    def test_a_page_of_a_foreign_origin_is_refused(self, ada: Account) -> None:
        response = ada.client.post(RESEND, headers={"Sec-Fetch-Site": "cross-site"})

        problem(response, 403, "cross_origin")
