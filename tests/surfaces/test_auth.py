"""Auth routes with settings that the surfaces do not have. Each test runs its own app in this process."""

import logging
import statistics
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from time import perf_counter, process_time, sleep
from typing import Any, NoReturn

import httpx2
import pytest
from fastapi import FastAPI

from functions.groups import load_routers
from tests.accounts import AUTH, PASSWORD, new_email, problem, register, sign_in
from tests.conftest import SECRET_KEY
from tests.serving import Surface, in_process
from tests.settings_fields import FIELDS
from tests.surfaces.tokens import read_claims, read_session_cookies
from todo_core.accounts.passwords import PasswordHasher
from todo_core.errors import TooBusy
from todo_core.settings import Settings, nest_variables
from todo_core.web.app import create_app
from todo_core.web.resources import get_resources

DEFAULT_ROUNDS: int = FIELDS["BCRYPT_ROUNDS"].default


@asynccontextmanager
async def _close_database(app: FastAPI) -> AsyncIterator[None]:
    yield
    await get_resources(app).database.close()


@contextmanager
def serve(database_url: str, **changes: Any) -> Iterator[Surface]:
    """Serves accounts, OAuth and health from a new app in this process. `changes` override its test settings."""
    settings: dict[str, Any] = {"database_url": database_url, "secret_key": SECRET_KEY, "bcrypt_rounds": 4}
    with in_process(
        create_app(
            *load_routers("auth", "oauth", "meta"),
            settings=Settings(**nest_variables(settings | changes)),
            lifespan=_close_database,
        )
    ) as surface:
        yield surface


class TestCookieSettings:
    def cookie(self, database_url: str, scheme: str, **settings: str) -> dict[str, str]:
        """Returns value and attributes of the session cookie that a login sets under these settings."""
        with serve(database_url, **settings) as surface, surface.client(scheme=scheme) as client:
            (cookie,) = read_session_cookies(sign_in(client, register(client)["email"]))
        return cookie

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_a_setting_makes_it_secure(self, database_url: str, scheme: str) -> None:
        cookie = self.cookie(database_url, scheme, session_cookie="secure")

        assert "secure" in cookie
        assert cookie["samesite"] == "none"

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_a_setting_makes_it_lax(self, database_url: str, scheme: str) -> None:
        cookie = self.cookie(database_url, scheme, session_cookie="lax")

        assert "secure" not in cookie
        assert cookie["samesite"] == "lax"

    def test_a_setting_extends_it_to_a_domain(self, database_url: str) -> None:
        assert self.cookie(database_url, "https", cookie_domain="example.com")["domain"] == "example.com"

    def test_logout_clears_it_on_host_and_domain(self, database_url: str) -> None:
        with serve(database_url, cookie_domain="example.com") as surface, surface.client() as client:
            response = client.post(f"{AUTH}/logout")

        variants = [(one.get("domain"), "secure" in one, one["samesite"]) for one in read_session_cookies(response)]
        assert sorted(variants, key=str) == [
            ("example.com", False, "lax"),
            ("example.com", True, "none"),
            (None, False, "lax"),
            (None, True, "none"),
        ]

    @pytest.mark.parametrize("session_cookie", ["auto", "secure", "lax"])
    def test_logout_clears_cookies_of_earlier_settings(self, database_url: str, session_cookie: str) -> None:
        with serve(database_url, session_cookie=session_cookie) as surface, surface.client() as client:
            response = client.post(f"{AUTH}/logout")

        assert {one["samesite"] for one in read_session_cookies(response)} == {"none", "lax"}

    def test_cookie_and_token_last_as_long_as_the_setting_says(self, database_url: str) -> None:
        cookie = self.cookie(database_url, "http", session_seconds="3600")

        assert cookie["max-age"] == "3600"
        assert read_claims(cookie["value"])["exp"] - read_claims(cookie["value"])["iat"] == 3600


class TestTimingOfWrongCredentials:
    ATTEMPTS = 15

    def test_it_does_not_reveal_whether_the_account_exists(self, database_url: str) -> None:
        limits = {"failed_logins_per_account": 1000, "failed_logins_per_address": 1000}
        with serve(database_url, bcrypt_rounds=10, **limits) as surface, surface.client() as client:
            email = register(client)["email"]
            times = [
                (self.measure_cpu_seconds(client, email), self.measure_cpu_seconds(client, new_email()))
                for _ in range(self.ATTEMPTS)
            ]

        known, unknown = (statistics.median(column) for column in zip(*times, strict=True))
        assert 0.8 < unknown / known < 1.25

    def measure_cpu_seconds(self, client: httpx2.Client, email: str) -> float:
        # Measures CPU time: on a busy machine, wall-clock time would include waits for other processes.
        started = process_time()
        problem(sign_in(client, email, "a wrong password"), 401, "invalid_credentials")
        return process_time() - started


class TestHashing:
    LOGINS = 2

    def test_other_requests_are_answered_during_logins(self, database_url: str) -> None:
        with serve(database_url, bcrypt_rounds=DEFAULT_ROUNDS) as surface, surface.client() as client:
            sign_in(client, new_email())
            started = perf_counter()
            with ThreadPoolExecutor(self.LOGINS) as pool:
                logins = [pool.submit(self.sign_in_without_account, surface) for _ in range(self.LOGINS)]
                waits = [self.measure_wait(client)]
                while not all(login.done() for login in logins):
                    waits.append(self.measure_wait(client))
            seconds_per_hash = (perf_counter() - started) / self.LOGINS

        assert len(waits) > 10 * self.LOGINS
        # Compares the 99th percentile: the slowest 1% may have waited for other processes of the machine.
        assert statistics.quantiles(waits, n=100)[-1] < seconds_per_hash / 4

    def sign_in_without_account(self, surface: Surface) -> None:
        with surface.client() as client:
            problem(sign_in(client, new_email()), 401, "invalid_credentials")

    def measure_wait(self, client: httpx2.Client) -> float:
        """Returns the wall-clock seconds that a request to /health takes."""
        # Pauses, because requests without a break would starve the low-priority thread that hashes passwords.
        sleep(0.002)
        started = perf_counter()
        assert client.get("/health").status_code == 200
        return perf_counter() - started

    def test_a_flood_of_one_account_does_not_refuse_logins_of_another(self, database_url: str) -> None:
        settings = {"bcrypt_rounds": DEFAULT_ROUNDS, "logins_per_account": 6}
        with serve(database_url, **settings) as surface, surface.client() as one, surface.client() as two:
            flooded, other = register(one)["email"], register(two)["email"]

            def flood(_: int) -> set[int]:
                statuses = {200}
                while statuses == {200}:
                    with surface.client() as client:
                        statuses.add(sign_in(client, flooded).status_code)
                return statuses

            with ThreadPoolExecutor(45) as pool:
                floods = pool.map(flood, range(45))
                others = [sign_in(two, other).status_code for _ in range(3)]

        assert others == [200] * 3
        assert set.union(*floods) == {200, 429}

    def test_a_full_queue_is_no_error_in_the_log(
        self, database_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_self: PasswordHasher, *_: str) -> NoReturn:
            raise TooBusy

        monkeypatch.setattr(PasswordHasher, "slot", refuse)
        with serve(database_url) as surface, surface.client() as client:
            monkeypatch.setattr(logging.getLogger("todo-backend"), "propagate", True)
            refusal = sign_in(client, new_email())

        problem(refusal, 503, "too_busy")
        assert refusal.headers["retry-after"] == "5"
        assert not [record for record in caplog.records if record.levelno > logging.INFO]

    def test_concurrent_logins_all_succeed(self, database_url: str) -> None:
        with serve(database_url, bcrypt_rounds=4) as surface, surface.client() as client:
            emails = [register(client)["email"] for _ in range(8)]

            def attempt(email: str) -> int:
                with surface.client() as client:
                    return sign_in(client, email, PASSWORD).status_code

            with ThreadPoolExecutor(8) as pool:
                assert set(pool.map(attempt, emails)) == {200}
