"""Mail on AWS, in the Lambda emulator: from a request over the outbox and the deliver function to an SMTP server."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.accounts import AUTH, new_email, sign_up
from tests.core.outbox.scenarios import pass_time, read_outbox
from tests.deploy.artifacts import Build
from tests.deploy.lambda_service import LambdaService, lambda_service
from tests.emulator import Emulator, OnEmulator, emulator
from tests.mail_server import MailServer, mail_server
from tests.serving import wait_until

DELIVER = "todo-deliver"
NEW_PASSWORD = "wrong donkey charger nail"
SECONDS = 180
LINK = re.compile(r"https://todos\.example\.com/account/reset-password\?token=([\w-]+)")


@pytest.fixture
def own_url(server_url: str) -> Iterator[str]:
    with postgres.database(server_url) as url:
        yield url


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def service() -> Iterator[LambdaService]:
    with lambda_service() as service:
        yield service


@pytest.fixture
def variables(environment: dict[str, str], own_url: str, server: MailServer, service: LambdaService) -> dict[str, str]:
    return {
        **environment,
        **service.environment,
        "DATABASE_URL": own_url,
        "ENVIRONMENT": "production",
        "MAIL_URL": server.url,
        "MAIL_FROM": "Todos <todos@example.com>",
        "PUBLIC_URL": "https://todos.example.com",
        "DELIVER_FUNCTION": DELIVER,
    }


@pytest.fixture
def deliver(build: Build, runtime: Path, variables: dict[str, str], service: LambdaService) -> Iterator[Emulator]:
    """The deliver function, which invocations by its name reach."""
    with emulator(build.functions["DeliverFunction"], runtime, variables, seconds=SECONDS) as deliver:
        service.functions[DELIVER] = lambda: deliver.invoke({})
        yield deliver
        service.wait()


@pytest.fixture
def auth(build: Build, runtime: Path, variables: dict[str, str]) -> Iterator[OnEmulator]:
    with emulator(build.functions["AuthFunction"], runtime, variables) as auth:
        yield OnEmulator({"auth": auth})


def wait_for_link(server: MailServer) -> re.Match[str]:
    """Waits for the mail with a link for a new password. Returns the link, whose group is the token."""
    found: list[re.Match[str]] = []

    def has_arrived() -> bool:
        found.extend(filter(None, (LINK.search(mail.text) for mail in server.mails)))
        return bool(found)

    wait_until(has_arrived)
    return found[0]


class TestRequest:
    @pytest.mark.usefixtures("deliver")
    def test_a_link_comes_at_once_and_works(self, auth: OnEmulator, server: MailServer, service: LambdaService) -> None:
        with auth.client(scheme="https") as client:
            ada = sign_up(client)
            assert client.post(f"{AUTH}/password/forgot", json={"email": ada.email}).status_code == 202
            found = wait_for_link(server)
            reset = {"token": found[1], "password": NEW_PASSWORD}
            assert client.post(f"{AUTH}/password/reset", json=reset).status_code == 204
            login = {"email": ada.email, "password": NEW_PASSWORD}
            assert client.post(f"{AUTH}/login", json=login).status_code == 200
        assert set(service.invoked) == {DELIVER}

    def test_an_email_without_an_account_invokes_the_delivery_too(
        self, auth: OnEmulator, deliver: Emulator, server: MailServer, service: LambdaService
    ) -> None:
        with auth.client(scheme="https") as client:
            assert client.post(f"{AUTH}/password/forgot", json={"email": new_email()}).status_code == 202
        wait_until(lambda: '"Delivered"' in deliver.output())

        assert service.invoked == [DELIVER]
        assert server.mails == []


class TestSchedule:
    def test_it_sends_again_what_was_refused_for_now(
        self, auth: OnEmulator, deliver: Emulator, own_url: str, server: MailServer
    ) -> None:
        with auth.client(scheme="https") as client:
            ada = sign_up(client)
            wait_until(lambda: not read_outbox(own_url))
            server.replies["RCPT"].append("451 4.7.1 Greylisted")
            client.post(f"{AUTH}/password/forgot", json={"email": ada.email})
        wait_until(lambda: any(row["last_error"] for row in read_outbox(own_url)))
        seen = len(server.mails)
        pass_time(own_url, "31 seconds")

        response = deliver.invoke({"detail-type": "Scheduled Event"})
        assert isinstance(response, dict)
        assert (response["delivered"], response["waiting"]) == (1, 0)
        assert len(server.mails) == seen + 1
        oldest = [line["OutboxOldestSeconds"] for line in map(json.loads, metrics_of(deliver))]
        assert len(oldest) >= 2


def metrics_of(function: Emulator) -> list[str]:
    return [line for line in function.output().splitlines() if '"OutboxOldestSeconds"' in line]
