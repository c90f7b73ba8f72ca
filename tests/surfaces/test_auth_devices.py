"""Devices and networks that have signed in before. They still sign in while others guess the account's password."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest import mock
from uuid import UUID

import httpx2
import pytest

from tests import postgres
from tests.accounts import (
    AUTH,
    PASSWORD,
    Account,
    change_password,
    close_account,
    new_email,
    problem,
    register,
    sign_in,
)
from tests.conftest import FRONT_END, RETIRED_KEY, SECRET_KEY
from tests.serving import Surface, new_address
from tests.surfaces.test_auth_limits import FAILURES_PER_ACCOUNT, FAILURES_PER_ADDRESS
from tests.surfaces.tokens import read_cookies
from todo_core.accounts.devices import Devices

DEVICE = "device_token"
YEAR = 365 * 24 * 3600


def attack(surface: Surface, email: str, *, times: int = 10) -> None:
    """Fails to sign in to one account, each time from another address, until others are refused."""
    for _ in range(times):
        with surface.client() as client:
            sign_in(client, email, "a wrong password")
    with surface.client() as client:
        problem(sign_in(client, email), 429, "too_many_attempts")


def sign_in_with(client: httpx2.Client, email: str, token: str | None, password: str = PASSWORD) -> httpx2.Response:
    """Signs in with this device token as the only cookie."""
    client.cookies.clear()
    headers = {} if token is None else {"Cookie": f"{DEVICE}={token}"}
    return client.post(f"{AUTH}/login", json={"email": email, "password": password}, headers=headers)


@pytest.fixture
def token(surface: Surface, ada: Account) -> str:
    """The device token of a login of Ada, from an address that the test does not use again."""
    with surface.client() as client:
        return str(sign_in(client, ada.email).cookies[DEVICE])


class TestCookie:
    @pytest.mark.parametrize("encoding", ["json", "form"])
    def test_a_login_sets_it_for_a_year(self, client: httpx2.Client, ada: Account, encoding: str) -> None:
        form = {"username": ada.email, "password": PASSWORD}
        response = client.post(f"{AUTH}/login", data=form) if encoding == "form" else sign_in(client, ada.email)

        (cookie,) = read_cookies(response, DEVICE)
        assert "httponly" in cookie
        assert (cookie["path"], cookie["max-age"]) == ("/", str(YEAR))

    @pytest.mark.parametrize(("scheme", "same_site"), [("http", "lax"), ("https", "none")])
    def test_its_attributes_are_those_of_the_session_cookie(
        self, surface: Surface, ada: Account, scheme: str, same_site: str
    ) -> None:
        with surface.client(scheme=scheme) as client:
            response = client.post(
                f"{AUTH}/login", json={"email": ada.email, "password": PASSWORD}, headers={"Origin": FRONT_END}
            )

        (cookie,) = read_cookies(response, DEVICE)
        assert (cookie["samesite"], "secure" in cookie) == (same_site, scheme == "https")

    def test_each_login_sets_another_one(self, client: httpx2.Client, ada: Account) -> None:
        tokens = {sign_in(client, ada.email).cookies[DEVICE] for _ in range(3)}

        assert len(tokens) == 3

    def test_it_does_not_contain_the_email(self, token: str, ada: Account) -> None:
        assert ada.email not in token
        assert len(token) < 150

    def test_a_failed_login_sets_none(self, client: httpx2.Client, ada: Account) -> None:
        assert not read_cookies(sign_in(client, ada.email, "a wrong password"), DEVICE)

    def test_logout_and_a_password_change_do_not_clear_it(self, client: httpx2.Client, ada: Account) -> None:
        sign_in(client, ada.email)

        assert not read_cookies(change_password(client, new=PASSWORD), DEVICE)
        assert not read_cookies(client.post(f"{AUTH}/logout"), DEVICE)


class TestKnownDevice:
    def test_it_signs_in_while_others_are_refused(self, surface: Surface, ada: Account, token: str) -> None:
        attack(surface, ada.email)

        with surface.client() as client:
            assert sign_in_with(client, ada.email, token).status_code == 200

    def test_it_signs_in_by_form(self, surface: Surface, ada: Account, token: str) -> None:
        attack(surface, ada.email)

        with surface.client() as client:
            client.cookies.set(DEVICE, token)
            form = {"username": ada.email, "password": PASSWORD}
            assert client.post(f"{AUTH}/login", data=form).status_code == 200

    def test_it_signs_in_after_logout(self, surface: Surface, client: httpx2.Client, ada: Account) -> None:
        sign_in(client, ada.email)
        client.post(f"{AUTH}/logout")
        device = client.cookies[DEVICE]
        attack(surface, ada.email)

        with surface.client() as elsewhere:
            assert sign_in_with(elsewhere, ada.email, device).status_code == 200

    def test_failures_of_its_network_do_not_lock_it_out(self, client: httpx2.Client, ada: Account, token: str) -> None:
        for _ in range(FAILURES_PER_ADDRESS + 1):
            sign_in(client, new_email(), "a wrong password")
        problem(sign_in(client, ada.email), 429, "too_many_attempts")

        assert sign_in_with(client, ada.email, token).status_code == 200

    def test_its_own_failures_are_limited(self, surface: Surface, ada: Account, token: str) -> None:
        for _ in range(FAILURES_PER_ACCOUNT):
            with surface.client() as client:
                problem(sign_in_with(client, ada.email, token, "a wrong one"), 401, "invalid_credentials")

        with surface.client() as client:
            problem(sign_in_with(client, ada.email, token), 429, "too_many_attempts")
            assert sign_in_with(client, ada.email, None).status_code == 200

    def test_its_success_does_not_give_others_more_attempts(self, surface: Surface, ada: Account, token: str) -> None:
        attack(surface, ada.email)
        with surface.client() as client:
            sign_in_with(client, ada.email, token)

        with surface.client() as client:
            problem(sign_in(client, ada.email), 429, "too_many_attempts")

    def test_its_token_is_worth_nothing_for_another_account(self, surface: Surface, bob: Account, token: str) -> None:
        attack(surface, bob.email)

        with surface.client() as client:
            problem(sign_in_with(client, bob.email, token), 429, "too_many_attempts")

    def test_a_token_of_an_unknown_account_is_worth_nothing(self, surface: Surface, token: str) -> None:
        email = new_email()
        attack(surface, email)

        with surface.client() as client:
            problem(sign_in_with(client, email, token), 429, "too_many_attempts")


class TestToken:
    @contextmanager
    def refused(self, surface: Surface, ada: Account) -> Iterator[httpx2.Client]:
        attack(surface, ada.email)
        with surface.client() as client:
            yield client

    def test_a_token_of_a_retired_key_is_accepted(self, surface: Surface, ada: Account) -> None:
        with self.refused(surface, ada) as client:
            assert sign_in_with(client, ada.email, Devices([RETIRED_KEY]).sign(ada.email)).status_code == 200

    @pytest.mark.parametrize("fault", ["key", "age", "signature", "time", "length", "empty", "letters"])
    def test_another_token_is_worth_nothing(self, surface: Surface, ada: Account, fault: str) -> None:
        valid = Devices([SECRET_KEY]).sign(ada.email)
        device_id, time, signature = valid.split(".")
        with mock.patch(
            "todo_core.accounts.devices.time", return_value=int(time) - timedelta(days=365).total_seconds()
        ):
            old = Devices([SECRET_KEY]).sign(ada.email)
        tokens = {
            "key": Devices(["another key"]).sign(ada.email),
            "age": old,
            "signature": f"{device_id}.{time}.{signature[::-1]}",
            "time": f"{device_id}.{int(time) + 1}.{signature}",
            "length": "a" * 4000,
            "empty": "",
            "letters": "..é",
        }
        with self.refused(surface, ada) as client:
            client.cookies.clear()
            cookie = f"{DEVICE}={tokens[fault]}".encode()
            body = {"email": ada.email, "password": PASSWORD}
            refusal = client.post(f"{AUTH}/login", json=body, headers={b"Cookie": cookie})
            problem(refusal, 429, "too_many_attempts")


class TestKnownNetwork:
    def test_a_program_without_cookies_signs_in_from_its_network(self, surface: Surface, ada: Account) -> None:
        address = new_address()
        with surface.client(address=address) as program:
            sign_in(program, ada.email)
        attack(surface, ada.email)

        with surface.client(address=address) as program:
            assert sign_in(program, ada.email).status_code == 200

    def test_its_own_failures_are_limited(self, surface: Surface, ada: Account) -> None:
        with surface.client() as program:
            sign_in(program, ada.email)
            for _ in range(FAILURES_PER_ACCOUNT):
                problem(sign_in_with(program, ada.email, None, "a wrong one"), 401, "invalid_credentials")

            problem(sign_in_with(program, ada.email, None), 429, "too_many_attempts")

    def test_only_digests_of_the_last_eight_are_stored(self, surface: Surface, ada: Account, database_url: str) -> None:
        addresses = [new_address() for _ in range(9)]
        for address in (*addresses, addresses[-1]):
            with surface.client(address=address) as program:
                sign_in(program, ada.email)

        statement = "SELECT known_networks FROM users WHERE id = $1"
        (row,) = postgres.query(database_url, statement, UUID(ada.user["id"]))
        networks = [address.removesuffix("1") for address in addresses]
        digests = [Devices([SECRET_KEY]).digest_network(network, ada.email) for network in networks]
        assert row["known_networks"] == digests[1:]


class TestLiveSession:
    def test_it_changes_the_password_while_others_are_refused(self, surface: Surface, ada: Account) -> None:
        attack(surface, ada.email)

        assert change_password(ada.client).status_code == 204

    def test_it_closes_the_account_while_others_are_refused(self, surface: Surface, ada: Account) -> None:
        attack(surface, ada.email)

        assert close_account(ada.client).status_code == 204


class TestSuccessfulLogins:
    LOGINS_PER_ACCOUNT = 40
    LOGINS_PER_ADDRESS = 60

    def test_those_of_an_account_are_limited(self, surface: Surface, ada: Account) -> None:
        for _ in range(self.LOGINS_PER_ACCOUNT):
            with surface.client() as client:
                assert sign_in(client, ada.email).status_code == 200

        with surface.client() as client:
            refusal = sign_in(client, ada.email)
            problem(refusal, 429, "too_many_attempts")
            assert int(refusal.headers["retry-after"]) > 0
            assert sign_in(client, register(client)["email"]).status_code == 200

    def test_those_of_an_address_are_limited(self, surface: Surface, ada: Account, bob: Account) -> None:
        with surface.client() as client:
            for number in range(self.LOGINS_PER_ADDRESS):
                client.cookies.clear()
                assert sign_in(client, (ada, bob)[number % 2].email).status_code == 200
            client.cookies.clear()
            problem(sign_in(client, ada.email), 429, "too_many_attempts")
