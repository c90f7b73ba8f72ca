"""Auth under settings other than those of the surfaces: an app in process for each."""

import statistics
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from time import perf_counter, process_time, sleep
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from functions.groups import load_routers
from tests.accounts import AUTH, PASSWORD, new_email, problem, register, sign_in
from tests.conftest import SECRET_KEY
from tests.serving import Surface, in_process
from tests.settings_fields import FIELDS
from tests.surfaces.test_auth_session import cookies_set
from tests.surfaces.test_auth_tokens import claims_of
from todo_core.settings import Settings, nest_variables
from todo_core.web.app import create_app
from todo_core.web.resources import get_resources

FULL_FACTOR: int = FIELDS["BCRYPT_ROUNDS"].default


@asynccontextmanager
async def _closing(app: FastAPI) -> AsyncIterator[None]:
    yield
    await get_resources(app).database.close()


@contextmanager
def served(database_url: str, **changes: Any) -> Iterator[Surface]:
    """The auth routes under the settings of the tests, with these changes."""
    settings: dict[str, Any] = {"database_url": database_url, "secret_key": SECRET_KEY, "bcrypt_rounds": 4}
    with in_process(
        create_app(
            *load_routers("auth", "meta"), settings=Settings(**nest_variables(settings | changes)), lifespan=_closing
        )
    ) as surface:
        yield surface


class TestCookieSettings:
    def cookie(self, database_url: str, scheme: str, **settings: str) -> dict[str, str]:
        """The session_token that a login sets under these settings."""
        with served(database_url, **settings) as surface, surface.client(scheme=scheme) as client:
            (cookie,) = cookies_set(sign_in(client, register(client)["email"]))
        return cookie

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_it_can_be_forced_to_be_secure(self, database_url: str, scheme: str) -> None:
        cookie = self.cookie(database_url, scheme, session_cookie="secure")

        assert "secure" in cookie
        assert cookie["samesite"] == "none"

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_it_can_be_forced_to_be_lax(self, database_url: str, scheme: str) -> None:
        cookie = self.cookie(database_url, scheme, session_cookie="lax")

        assert "secure" not in cookie
        assert cookie["samesite"] == "lax"

    def test_it_can_be_for_a_whole_domain(self, database_url: str) -> None:
        assert self.cookie(database_url, "https", cookie_domain="example.com")["domain"] == "example.com"

    def test_signing_out_clears_it_on_the_host_and_on_the_domain(self, database_url: str) -> None:
        with served(database_url, cookie_domain="example.com") as surface, surface.client() as client:
            response = client.post(f"{AUTH}/logout")

        variants = [(one.get("domain"), "secure" in one, one["samesite"]) for one in cookies_set(response)]
        assert sorted(variants, key=str) == [
            ("example.com", False, "lax"),
            ("example.com", True, "none"),
            (None, False, "lax"),
            (None, True, "none"),
        ]

    @pytest.mark.parametrize("session_cookie", ["auto", "secure", "lax"])
    def test_signing_out_clears_what_earlier_settings_set(self, database_url: str, session_cookie: str) -> None:
        with served(database_url, session_cookie=session_cookie) as surface, surface.client() as client:
            response = client.post(f"{AUTH}/logout")

        assert {one["samesite"] for one in cookies_set(response)} == {"none", "lax"}

    def test_cookie_and_token_live_as_long_as_the_setting_says(self, database_url: str) -> None:
        cookie = self.cookie(database_url, "http", session_seconds="3600")

        assert cookie["max-age"] == "3600"
        assert claims_of(cookie["value"])["exp"] - claims_of(cookie["value"])["iat"] == 3600


class TestTimeOfWrongCredentials:
    TRIES = 15

    def test_it_does_not_tell_whether_the_account_exists(self, database_url: str) -> None:
        limits = {"failed_logins_per_account": 1000, "failed_logins_per_address": 1000}
        with served(database_url, bcrypt_rounds=10, **limits) as surface, surface.client() as client:
            email = register(client)["email"]
            times = [(self.seconds(client, email), self.seconds(client, new_email())) for _ in range(self.TRIES)]

        known, unknown = (statistics.median(column) for column in zip(*times, strict=True))
        assert 0.8 < unknown / known < 1.25

    def seconds(self, client: httpx2.Client, email: str) -> float:
        # Of the processor: on a busy machine the clock on the wall would tell more of the others than of us.
        started = process_time()
        problem(sign_in(client, email, "a wrong one"), 401, "invalid_credentials")
        return process_time() - started


class TestHashing:
    LOGINS = 2

    def test_others_are_answered_meanwhile(self, database_url: str) -> None:
        with served(database_url, bcrypt_rounds=FULL_FACTOR) as surface, surface.client() as client:
            sign_in(client, new_email())
            started = perf_counter()
            with ThreadPoolExecutor(self.LOGINS) as pool:
                logins = [pool.submit(self.sign_in_as_nobody, surface) for _ in range(self.LOGINS)]
                waits = [self.wait(client)]
                while not all(login.done() for login in logins):
                    waits.append(self.wait(client))
            one_hash = (perf_counter() - started) / self.LOGINS

        assert len(waits) > 10 * self.LOGINS
        # The slowest in a hundred may have waited for the machine instead.
        assert statistics.quantiles(waits, n=100)[-1] < one_hash / 4

    def sign_in_as_nobody(self, surface: Surface) -> None:
        with surface.client() as client:
            problem(sign_in(client, new_email()), 401, "invalid_credentials")

    def wait(self, client: httpx2.Client) -> float:
        """Seconds until the service says that it is alive."""
        # Without a pause in between, asking alone would keep the low-priority thread from its work.
        sleep(0.002)
        started = perf_counter()
        assert client.get("/health").status_code == 200
        return perf_counter() - started

    def test_logins_at_once_are_all_answered(self, database_url: str) -> None:
        with served(database_url, bcrypt_rounds=4) as surface, surface.client() as client:
            emails = [register(client)["email"] for _ in range(8)]

            def attempt(email: str) -> int:
                with surface.client() as client:
                    return sign_in(client, email, PASSWORD).status_code

            with ThreadPoolExecutor(8) as pool:
                assert set(pool.map(attempt, emails)) == {200}
