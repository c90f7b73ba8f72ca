"""POST /api/v1/auth/password/forgot and /password/reset."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.accounts import AUTH, PASSWORD, Account, change_password, new_email, problem, read_invalid_field, sign_in
from tests.mailbox import Mailbox
from tests.service_client import PUBLIC_URL
from tests.serving import Surface, new_address
from tests.surfaces.links import (
    INVALID_TOKENS,
    NEW_PASSWORD,
    NO_TOKEN,
    add_credentials,
    change_email,
    count_credentials,
    expire_links,
    forget,
    mark_verified,
    reset,
)
from tests.surfaces.test_auth_limits import FAILURES_PER_ACCOUNT
from tests.surfaces.tokens import ME

FORGOTTEN_PER_ADDRESS = 30
MAILS_PER_MAILBOX = 6


def facts(response: httpx2.Response) -> tuple[int, bytes, dict[str, str]]:
    """Returns all of a response that a client sees, without the id of the request."""
    headers = {name: value for name, value in response.headers.items() if name not in {"x-request-id", "date"}}
    return response.status_code, response.content, headers


def get_reset_token(account: Account, mailbox: Mailbox) -> str:
    before = len(mailbox.find(account.email))
    assert forget(account.client, account.email).status_code == 202
    return mailbox.wait_for_another(account.email, before + 1).token


class TestForgot:
    def test_a_link_is_mailed(self, ada: Account, mailbox: Mailbox) -> None:
        response = forget(ada.client, ada.email)

        assert (response.status_code, response.content) == (202, b"")
        mail = mailbox.wait_for(ada.email)
        assert mail.subject == "Choose a new password"
        assert mail.link == f"{PUBLIC_URL}/account/reset-password?token={mail.token}"

    def test_the_case_of_the_email_is_ignored(self, ada: Account, mailbox: Mailbox) -> None:
        forget(ada.client, ada.email.upper())

        assert mailbox.wait_for(ada.email).to == ada.email

    def test_an_unknown_email_gets_no_mail(self, client: httpx2.Client, ada: Account, mailbox: Mailbox) -> None:
        unknown = new_email()
        forget(client, unknown)
        get_reset_token(ada, mailbox)

        assert mailbox.find(unknown) == []

    def test_the_response_does_not_tell_whether_there_is_an_account(
        self, surface: Surface, ada: Account, mailbox: Mailbox
    ) -> None:
        assert mailbox.find(ada.email) == []
        with surface.client() as one, surface.client() as other:
            known, unknown = facts(forget(one, ada.email)), facts(forget(other, new_email()))

        assert known == unknown

    def test_nor_does_it_at_the_limit_of_the_mailbox(self, surface: Surface, ada: Account, mailbox: Mailbox) -> None:
        for _ in range(MAILS_PER_MAILBOX):
            get_reset_token(ada, mailbox)
        with surface.client() as one, surface.client() as other:
            known, unknown = facts(forget(one, ada.email)), facts(forget(other, new_email()))

        assert known == unknown
        get_reset_token_of_another = mailbox.find(ada.email)
        assert len(get_reset_token_of_another) == MAILS_PER_MAILBOX

    def test_requests_of_one_network_are_limited(self, surface: Surface) -> None:
        address = new_address()

        def attempt(_: int) -> httpx2.Response:
            with surface.client(address=address) as client:
                return forget(client, new_email())

        with ThreadPoolExecutor(8) as pool:
            responses = list(pool.map(attempt, range(FORGOTTEN_PER_ADDRESS + 1)))

        assert sorted(response.status_code for response in responses) == [202] * FORGOTTEN_PER_ADDRESS + [429]
        (limited,) = (response for response in responses if response.status_code == 429)
        problem(limited, 429, "too_many_attempts")
        assert 0 < int(limited.headers["retry-after"]) <= 15 * 60

    def test_the_password_stays_until_the_link_is_used(self, ada: Account, mailbox: Mailbox) -> None:
        get_reset_token(ada, mailbox)

        assert sign_in(ada.client, ada.email).status_code == 200

    @pytest.mark.parametrize("email", ["", "ada", "Ada <ada@example.com>", 7, None, "\ud800@example.com"], ids=ascii)
    def test_an_invalid_email_is_named(self, client: httpx2.Client, email: Any) -> None:
        content = b'{"email": "\\ud800@example.com"}' if email == "\ud800@example.com" else None
        response = (
            client.post(f"{AUTH}/password/forgot", content=content, headers={"Content-Type": "application/json"})
            if content
            else forget(client, email)
        )

        assert read_invalid_field(response) == "email"

    def test_a_page_of_a_foreign_origin_is_refused(self, client: httpx2.Client) -> None:
        body = {"email": new_email()}

        response = client.post(f"{AUTH}/password/forgot", json=body, headers={"Sec-Fetch-Site": "cross-site"})

        problem(response, 403, "cross_origin")


class TestReset:
    def test_the_new_password_replaces_the_old_one(self, ada: Account, surface: Surface, mailbox: Mailbox) -> None:
        token = get_reset_token(ada, mailbox)

        with surface.client() as client:
            response = reset(client, token)

            assert (response.status_code, response.content) == (204, b"")
            problem(sign_in(client, ada.email, PASSWORD), 401, "invalid_credentials")
            assert sign_in(client, ada.email, NEW_PASSWORD).json() == ada.user | {"email_verified": True}

    def test_all_sessions_end(self, ada: Account, surface: Surface, mailbox: Mailbox) -> None:
        with surface.client() as phone:
            sign_in(phone, ada.email)
            reset(ada.client, get_reset_token(ada, mailbox))

            problem(phone.get(ME), 401, "not_authenticated")
            problem(ada.client.get(ME), 401, "not_authenticated")

    def test_a_token_works_once(self, ada: Account, mailbox: Mailbox) -> None:
        token = get_reset_token(ada, mailbox)
        reset(ada.client, token)

        problem(reset(ada.client, token, "yet another password"), 403, "link_invalid")
        assert sign_in(ada.client, ada.email, NEW_PASSWORD).status_code == 200

    def test_of_concurrent_uses_one_succeeds(self, ada: Account, surface: Surface, mailbox: Mailbox) -> None:
        token = get_reset_token(ada, mailbox)

        def attempt(number: int) -> int:
            with surface.client() as client:
                return reset(client, token, f"password number {number}").status_code

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(attempt, range(4))) == [204, 403, 403, 403]

    def test_all_other_links_for_a_password_end(self, ada: Account, mailbox: Mailbox) -> None:
        first, second = get_reset_token(ada, mailbox), get_reset_token(ada, mailbox)
        reset(ada.client, second)

        problem(reset(ada.client, first), 403, "link_invalid")

    def test_a_changed_password_ends_the_links(self, ada: Account, mailbox: Mailbox) -> None:
        token = get_reset_token(ada, mailbox)
        change_password(ada.client)

        problem(reset(ada.client, token), 403, "link_invalid")

    def test_a_link_for_a_new_email_ends(self, ada: Account, mailbox: Mailbox) -> None:
        other = new_email()
        change_email(ada.client, other)
        token = mailbox.wait_for(other).token
        reset(ada.client, get_reset_token(ada, mailbox))

        problem(ada.client.post(f"{AUTH}/email/verify", json={"token": token}), 403, "link_invalid")

    @pytest.mark.parametrize("token", INVALID_TOKENS[:2], ids=ascii)
    def test_an_unknown_token_is_refused(self, client: httpx2.Client, token: str) -> None:
        problem(reset(client, token), 403, "link_invalid")

    def test_used_expired_and_unknown_tokens_have_the_same_response(
        self, ada: Account, bob: Account, client: httpx2.Client, mailbox: Mailbox, database_url: str
    ) -> None:
        used, expired = get_reset_token(ada, mailbox), get_reset_token(bob, mailbox)
        reset(client, used)
        expire_links(database_url, bob)

        documents = [reset(client, token).json() | {"request_id": ""} for token in (used, expired, NO_TOKEN)]

        assert documents[0] == documents[1] == documents[2]

    def test_the_email_is_verified(self, ada: Account, mailbox: Mailbox) -> None:
        reset(ada.client, get_reset_token(ada, mailbox))
        sign_in(ada.client, ada.email, NEW_PASSWORD)

        assert ada.client.get(ME).json()["email_verified"] is True

    def test_it_ends_failed_attempts_to_sign_in(self, ada: Account, surface: Surface, mailbox: Mailbox) -> None:
        for _ in range(FAILURES_PER_ACCOUNT + 1):
            with surface.client() as other:
                sign_in(other, ada.email, "a wrong password")
        reset(ada.client, get_reset_token(ada, mailbox))

        with surface.client() as other:
            assert sign_in(other, ada.email, NEW_PASSWORD).status_code == 200

    def test_the_owner_is_told(self, ada: Account, mailbox: Mailbox) -> None:
        reset(ada.client, get_reset_token(ada, mailbox))

        mail = mailbox.wait_for(ada.email, "was changed")
        assert mail.link == f"{PUBLIC_URL}/account/forgot-password"

    def test_credentials_of_an_unverified_account_end(self, ada: Account, mailbox: Mailbox, database_url: str) -> None:
        add_credentials(database_url, ada, "30 days")

        reset(ada.client, get_reset_token(ada, mailbox))

        assert count_credentials(database_url, ada) == [0, 0, 0, 0, 0, 0]

    def test_credentials_of_a_verified_account_stay(self, ada: Account, mailbox: Mailbox, database_url: str) -> None:
        mark_verified(database_url, ada)
        add_credentials(database_url, ada)

        reset(ada.client, get_reset_token(ada, mailbox))

        assert count_credentials(database_url, ada) == [1, 1, 1, 1, 1, 1]


class TestNewPassword:
    def test_a_common_password_is_refused_and_the_link_stays(self, ada: Account, mailbox: Mailbox) -> None:
        token = get_reset_token(ada, mailbox)

        refusal = problem(reset(ada.client, token, "password"), 422, "common_password")

        assert refusal["field"] == "password"
        assert reset(ada.client, token).status_code == 204

    def test_the_email_as_password_is_refused(self, ada: Account, mailbox: Mailbox) -> None:
        problem(reset(ada.client, get_reset_token(ada, mailbox), ada.email), 422, "common_password")

    def test_a_common_password_does_not_tell_a_valid_token(self, client: httpx2.Client) -> None:
        problem(reset(client, NO_TOKEN, "password"), 403, "link_invalid")

    @pytest.mark.parametrize("password", ["", "a" * 7, "a" * 257, "eight\u0000or more"], ids=["0", "7", "257", "NUL"])
    def test_an_invalid_password_is_named(self, client: httpx2.Client, password: str) -> None:
        assert read_invalid_field(reset(client, NO_TOKEN, password)) == "password"
