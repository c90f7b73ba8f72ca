"""The time of a forgotten password does not tell whether there is an account. All routes: `make bench WHICH=logins`."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

import httpx2
import pytest

from tests.accounts import AUTH, new_email, register
from tests.mailbox import Mailbox
from tests.service import Service

ATTEMPTS = 40
MAX_DIFFERENCE = 0.05


@pytest.fixture
def service(environment: dict[str, str], tmp_path: Path) -> Iterator[Service]:
    unlimited = {"FORGOTTEN_PASSWORDS_PER_ADDRESS": "1000000", "MAILS_PER_MAILBOX": "1000000"}
    service = Service(environment | unlimited, tmp_path / "log")
    service.start()
    yield service
    service.kill()


@pytest.mark.cpu_time
def test_a_forgotten_password_takes_as_long_without_an_account(service: Service, mailbox: Mailbox) -> None:
    with httpx2.Client(base_url=service.url) as client:
        email = register(client)["email"]
        times: dict[bool, list[float]] = {True: [], False: []}
        for attempt in range(ATTEMPTS):
            for known in (True, False) if attempt % 2 else (False, True):
                started = perf_counter()
                answer = client.post(f"{AUTH}/password/forgot", json={"email": email if known else new_email()})
                times[known].append(perf_counter() - started)
                assert answer.status_code == 202

    mailbox.wait_for_another(email, ATTEMPTS)
    assert abs(median(times[True]) / median(times[False]) - 1) < MAX_DIFFERENCE
