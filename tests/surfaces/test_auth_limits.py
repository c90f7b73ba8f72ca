"""The limits on failed logins per account and per address, counted in the database for all processes together."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests import postgres
from tests.accounts import AUTH, PASSWORD, Account, new_email, problem, sign_in
from tests.serving import Surface, new_address
from todo_core.accounts.login_limits import digest_email

FAILURES_PER_ACCOUNT = 5
FAILURES_PER_ADDRESS = 12
WINDOW_SECONDS = 15 * 60


class TestLimitPerAccount:
    def fail(self, surface: Surface, email: str, *, times: int = FAILURES_PER_ACCOUNT) -> None:
        """Fails to sign in to one account, each time from another address. Only the limit per account counts these."""
        for _ in range(times):
            with surface.client() as client:
                problem(sign_in(client, email, "a wrong password"), 401, "invalid_credentials")

    def test_repeated_failures_are_limited(self, surface: Surface, ada: Account) -> None:
        self.fail(surface, ada.email)

        refusal = sign_in(ada.client, ada.email, "a wrong password")

        problem(refusal, 429, "too_many_attempts")
        assert 0 < int(refusal.headers["retry-after"]) <= WINDOW_SECONDS

    def test_the_right_password_is_limited_too(self, surface: Surface, ada: Account) -> None:
        self.fail(surface, ada.email)

        refusal = sign_in(ada.client, ada.email)

        problem(refusal, 429, "too_many_attempts")
        assert "set-cookie" not in refusal.headers

    def test_a_login_by_form_is_limited_too(self, surface: Surface, ada: Account) -> None:
        self.fail(surface, ada.email)

        form = {"username": ada.email, "password": PASSWORD}
        problem(ada.client.post(f"{AUTH}/login", data=form), 429, "too_many_attempts")

    def test_the_case_of_the_email_is_ignored(self, surface: Surface, ada: Account) -> None:
        self.fail(surface, ada.email.upper())

        problem(sign_in(ada.client, ada.email), 429, "too_many_attempts")

    def test_an_unknown_account_is_limited_like_a_known_one(self, surface: Surface) -> None:
        email = new_email()
        self.fail(surface, email)

        with surface.client() as client:
            problem(sign_in(client, email), 429, "too_many_attempts")

    def test_other_accounts_are_not_limited(self, surface: Surface, ada: Account, bob: Account) -> None:
        self.fail(surface, ada.email)

        assert sign_in(bob.client, bob.email).status_code == 200

    def test_existing_sessions_stay_valid(self, surface: Surface, ada: Account) -> None:
        self.fail(surface, ada.email)

        assert ada.client.get(f"{AUTH}/me").status_code == 200

    def test_a_success_clears_the_count(self, surface: Surface, ada: Account) -> None:
        self.fail(surface, ada.email, times=FAILURES_PER_ACCOUNT - 1)
        assert sign_in(ada.client, ada.email).status_code == 200

        self.fail(surface, ada.email, times=FAILURES_PER_ACCOUNT - 1)
        assert sign_in(ada.client, ada.email).status_code == 200

    def test_the_limit_ends_with_the_window(self, surface: Surface, ada: Account, database_url: str) -> None:
        self.fail(surface, ada.email)
        problem(sign_in(ada.client, ada.email), 429, "too_many_attempts")

        self.end_windows(database_url, ada.email, seconds=-1)

        assert sign_in(ada.client, ada.email).status_code == 200

    def test_a_new_window_counts_from_one(self, surface: Surface, ada: Account, database_url: str) -> None:
        self.fail(surface, ada.email)
        self.end_windows(database_url, ada.email, seconds=-1)

        self.fail(surface, ada.email)
        problem(sign_in(ada.client, ada.email), 429, "too_many_attempts")

    def test_further_attempts_do_not_prolong_the_wait(self, surface: Surface, ada: Account, database_url: str) -> None:
        self.fail(surface, ada.email)
        self.end_windows(database_url, ada.email, seconds=60)

        waits = [int(sign_in(ada.client, ada.email).headers["retry-after"]) for _ in range(3)]

        assert all(0 < wait <= 60 for wait in waits)

    def test_concurrent_failures_do_not_exceed_the_limit(self, surface: Surface, ada: Account) -> None:
        def attempt(_: int) -> int:
            with surface.client() as client:
                return sign_in(client, ada.email, "a wrong password").status_code

        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(attempt, range(3 * FAILURES_PER_ACCOUNT)))

        assert statuses.count(401) == FAILURES_PER_ACCOUNT
        assert statuses.count(429) == 2 * FAILURES_PER_ACCOUNT

    def test_concurrent_successes_are_not_limited(self, surface: Surface, ada: Account) -> None:
        self.fail(surface, ada.email, times=FAILURES_PER_ACCOUNT - 1)
        address = new_address()

        def attempt(_: int) -> int:
            with surface.client(address=address) as client:
                return sign_in(client, ada.email).status_code

        with ThreadPoolExecutor(20) as pool:
            assert set(pool.map(attempt, range(20))) == {200}

    def end_windows(self, database_url: str, email: str, *, seconds: int) -> None:
        postgres.query(
            database_url,
            "UPDATE attempts SET expires_at = now() + $1 * interval '1 second' WHERE strpos(key, $2) > 0",
            seconds,
            digest_email(email),
        )


class TestLimitPerAddress:
    def fail(self, client: httpx2.Client, *, times: int = FAILURES_PER_ADDRESS) -> None:
        """Fails to sign in from one address, each time to another account. Only the limit per address counts these."""
        for _ in range(times):
            problem(sign_in(client, new_email(), "a wrong password"), 401, "invalid_credentials")

    def test_failures_over_many_accounts_are_limited(self, client: httpx2.Client) -> None:
        self.fail(client)

        refusal = sign_in(client, new_email(), "a wrong password")

        problem(refusal, 429, "too_many_attempts")
        assert 0 < int(refusal.headers["retry-after"]) <= WINDOW_SECONDS

    def test_the_right_password_is_limited_too(self, ada: Account) -> None:
        self.fail(ada.client)

        problem(sign_in(ada.client, ada.email), 429, "too_many_attempts")

    def test_other_addresses_are_not_limited(self, surface: Surface, ada: Account) -> None:
        self.fail(ada.client)

        with surface.client() as elsewhere:
            assert sign_in(elsewhere, ada.email).status_code == 200

    def test_successes_do_not_count(self, ada: Account) -> None:
        for _ in range(FAILURES_PER_ADDRESS + 1):
            assert sign_in(ada.client, ada.email).status_code == 200

    def test_successes_do_not_clear_the_count(self, ada: Account) -> None:
        for _ in range(FAILURES_PER_ADDRESS):
            self.fail(ada.client, times=1)
            sign_in(ada.client, ada.email)

        problem(sign_in(ada.client, new_email(), "a wrong password"), 429, "too_many_attempts")

    def test_concurrent_failures_do_not_exceed_the_limit(self, surface: Surface) -> None:
        address = new_address()

        def attempt(_: int) -> int:
            with surface.client(address=address) as client:
                return sign_in(client, new_email(), "a wrong password").status_code

        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(attempt, range(2 * FAILURES_PER_ADDRESS)))

        assert statuses.count(401) == FAILURES_PER_ADDRESS
        assert statuses.count(429) == FAILURES_PER_ADDRESS

    def test_addresses_of_one_ipv6_network_share_a_limit(self, surface: Surface) -> None:
        network = new_address().removesuffix("::1")
        with surface.client(address=f"{network}::1") as client:
            self.fail(client)

        with surface.client(address=f"{network}:1234:5678:9abc:def0") as neighbour:
            problem(sign_in(neighbour, new_email()), 429, "too_many_attempts")

    def test_an_ipv4_mapped_ipv6_address_counts_as_ipv4(self, surface: Surface) -> None:
        with surface.client(address=f"::ffff:{_ipv4(surface)}") as client:
            self.fail(client)

        with surface.client(address=_ipv4(surface)) as same:
            problem(sign_in(same, new_email()), 429, "too_many_attempts")

    def test_an_address_forged_by_the_client_is_ignored(self, surface: Surface) -> None:
        address = new_address()
        with surface.client(address=address) as client:
            for _ in range(FAILURES_PER_ADDRESS):
                forged = {"X-Forwarded-For": f"{new_address()}, {address}"}
                client.post(f"{AUTH}/login", json={"email": new_email(), "password": PASSWORD}, headers=forged)

            problem(sign_in(client, new_email()), 429, "too_many_attempts")

    @pytest.mark.parametrize("length", [10, 8000])
    def test_an_address_that_is_none_is_not_an_error(self, surface: Surface, length: int) -> None:
        with surface.client(address="x" * length) as client:
            problem(sign_in(client, new_email()), 401, "invalid_credentials")

    def test_texts_that_are_no_addresses_share_one_limit(self, surface: Surface, database_url: str) -> None:
        try:
            for number in range(FAILURES_PER_ADDRESS):
                with surface.client(address=f"no-address-{number}") as client:
                    sign_in(client, new_email())

            with surface.client(address="another text") as client:
                problem(sign_in(client, new_email()), 429, "too_many_attempts")
        finally:
            # Other tests without an address have the same limit.
            postgres.run(database_url, "DELETE FROM attempts WHERE key LIKE 'login:network:%'")


def _ipv4(surface: Surface) -> str:
    """Returns an IPv4 address that differs between the default surfaces, whose failures count in one database."""
    return f"198.51.100.{len(surface.name)}"


class TestLimitAcrossProcesses:
    def test_failures_of_one_account_count_in_all_processes(
        self, app_surface: Surface, uvicorn_surface: Surface, lambda_surface: Surface
    ) -> None:
        surfaces = [app_surface, uvicorn_surface, lambda_surface]
        email = new_email()
        for number in range(FAILURES_PER_ACCOUNT):
            with surfaces[number % 3].client() as client:
                problem(sign_in(client, email), 401, "invalid_credentials")

        for surface in surfaces:
            with surface.client() as client:
                problem(sign_in(client, email), 429, "too_many_attempts")

    def test_failures_of_one_address_count_in_all_processes(
        self, app_surface: Surface, uvicorn_surface: Surface, lambda_surface: Surface
    ) -> None:
        surfaces = [app_surface, uvicorn_surface, lambda_surface]
        address = new_address()
        for number in range(FAILURES_PER_ADDRESS):
            with surfaces[number % 3].client(address=address) as client:
                problem(sign_in(client, new_email()), 401, "invalid_credentials")

        for surface in surfaces:
            with surface.client(address=address) as client:
                problem(sign_in(client, new_email()), 429, "too_many_attempts")
