"""The delivery of mails as a Lambda function, as a command, and after requests on Lambda."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, Request

from functions.deliver.app import handler
from functions.reminders.keys import make_private_key
from tests import postgres, serving
from tests.core.databases import add_user, open_database
from tests.core.outbox.scenarios import pass_time, read_outbox
from tests.core.webhooks.scenarios import Owner
from tests.mail_server import MailServer, mail_server
from tests.push_service import Browser, push_service
from tests.python_processes import run_python
from tests.receivers import receiver
from tests.serving import LambdaContext
from todo_core.database.executor import Database
from todo_core.outbox.messages import Mail, enqueue
from todo_core.settings import Settings
from todo_core.web import lambda_handler
from todo_core.web.app import create_app
from todo_core.web.lambda_handler import LambdaHandler
from todo_core.web.resources import get_resources
from todo_core.webhooks import operations as webhooks
from todo_core.webhooks.model import WebhookCreate
from todo_core.webhooks.secrets import WebhookSecrets

LINK = "https://todos.example.com/reset-password?token=x"
SENDER = "Todos <todos@example.com>"
ADD_SUBSCRIPTION = """
    INSERT INTO push_subscriptions (id, user_id, endpoint, p256dh, auth, endpoint_hash)
    SELECT gen_random_uuid(), id, $1, $2, $3, $4 FROM users
"""
ADD_REMINDER = """
    INSERT INTO todos (id, user_id, title, "order", reminder_at) VALUES (gen_random_uuid(), $1, 'Buy milk', 1, now())
"""
KEY = "kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A"


@dataclass(frozen=True)
class DeliverContext(LambdaContext):
    """Context of an invocation of DeliverFunction, which has three minutes."""

    def get_remaining_time_in_millis(self) -> int:
        return 180_000


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """The URL of a new database for each test, because a delivery takes the messages of all users."""
    with postgres.database(server_url) as url:
        yield url


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def add_mails(database_url: str, *addresses: str) -> list[str]:
    """Writes mails into the outbox. Returns their ids as their Message-IDs have them."""

    async def write() -> list[str]:
        db = Database(database_url)
        try:
            mails = [Mail("reset_password", address, parameters={"url": LINK}) for address in addresses]
            return [f"<{await enqueue(db, mail)}@example.com>" for mail in mails]
        finally:
            await db.close()

    return asyncio.run(write())


def add_due_reminder(database_url: str) -> str:
    """Adds a todo whose reminder is due to a user with a verified email. Returns the email."""
    user_id = add_user(database_url)
    [row] = postgres.query(
        database_url, "UPDATE users SET email_verified_at = now() WHERE id = $1 RETURNING email", user_id
    )
    postgres.query(database_url, ADD_REMINDER, user_id)
    return str(row["email"])


def run_job(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return run_python("-m", "functions.deliver", folder=folder, **settings)


class TestFunction:
    @pytest.fixture
    def variables(self, database_url: str, server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = {"DATABASE_URL": database_url, "MAIL_URL": server.url, "MAIL_FROM": SENDER, "PUBLIC_URL": LINK}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)

    @pytest.mark.usefixtures("variables")
    def test_it_sends_the_mails_that_are_due(self, database_url: str, server: MailServer) -> None:
        ids = add_mails(database_url, "ada@example.com", "bob@example.com")

        assert handler({}, DeliverContext("deliver")) == {"delivered": 2, "failed": 0, "waiting": 0}
        assert {mail.id for mail in server.mails} == set(ids)
        assert LINK in server.mails[0].text
        assert read_outbox(database_url) == []

    @pytest.mark.usefixtures("variables")
    def test_it_sends_the_reminders_that_are_due(self, database_url: str, server: MailServer) -> None:
        email = add_due_reminder(database_url)

        assert handler({}, DeliverContext("deliver")) == {"delivered": 1, "failed": 0, "waiting": 0}
        [mail] = server.mails
        assert (mail.recipient, mail.message["Subject"]) == (email, "Reminder: Buy milk")

    @pytest.mark.usefixtures("variables")
    def test_a_reminder_is_pushed_to_browsers_and_ended_ones_are_dropped(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = {"VAPID_PRIVATE_KEY": make_private_key(), "VAPID_SUBJECT": "https://example.com"}
        for name, value in {**settings, "WEBHOOKS_ALLOW_PRIVATE": "true"}.items():
            monkeypatch.setenv(name, value)
        with push_service() as service:
            browser, ended = Browser(service, "browser"), Browser(service, "ended")
            service.statuses["/ended"] = 410
            add_due_reminder(database_url)
            for each in (browser, ended):
                postgres.query(
                    database_url,
                    ADD_SUBSCRIPTION,
                    each.endpoint,
                    each.public_key,
                    each.auth,
                    sha256(each.endpoint.encode()).digest(),
                )
            assert handler({}, DeliverContext("deliver"))["delivered"] == 2

        assert [message["title"] for message in browser.read()] == ["Buy milk"]
        left = postgres.query(database_url, "SELECT endpoint FROM push_subscriptions")
        assert [row["endpoint"] for row in left] == [browser.endpoint]

    @pytest.mark.usefixtures("variables")
    def test_a_greylisted_mail_is_sent_by_a_later_run(self, database_url: str, server: MailServer) -> None:
        [message_id] = add_mails(database_url, "ada@example.com")
        server.replies["RCPT"].append("451 4.7.1 Greylisted")

        assert handler({}, DeliverContext("deliver")) == {"delivered": 0, "failed": 1, "waiting": 1}
        assert handler({}, DeliverContext("deliver")) == {"delivered": 0, "failed": 0, "waiting": 1}
        pass_time(database_url, "31 seconds")
        assert handler({}, DeliverContext("deliver"))["delivered"] == 1
        assert [mail.id for mail in server.mails] == [message_id]

    @pytest.mark.usefixtures("variables")
    def test_a_refused_mail_is_dead(self, database_url: str, server: MailServer) -> None:
        add_mails(database_url, "nobody@example.com")
        server.replies["RCPT"].append("550 5.1.1 No such user")

        assert handler({}, DeliverContext("deliver")) == {"delivered": 0, "failed": 1, "waiting": 0}
        [row] = read_outbox(database_url)
        assert (row["dead_at"] is not None, row["last_error"]) == (True, "550 5.1.1 No such user")

    @pytest.mark.usefixtures("variables")
    def test_it_writes_metrics_for_cloudwatch(
        self, database_url: str, server: MailServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        add_mails(database_url, "ada@example.com", "bob@example.com")
        pass_time(database_url, "2 minutes")
        server.replies["DATA"].append("451 4.7.1 Later")
        handler({}, DeliverContext("deliver"))

        line = read_metrics(capsys, "Outbox")
        assert {name: line[name] for name in line if name.startswith("Outbox")} == {
            "OutboxDelivered": [1.0],
            "OutboxFailed": [1.0],
            "OutboxDied": [0.0],
            "OutboxWaiting": [1.0],
            "OutboxOldestSeconds": line["OutboxOldestSeconds"],
        }
        assert 120 <= line["OutboxOldestSeconds"][0] < 180
        (described,) = line["_aws"]["CloudWatchMetrics"]
        assert described["Dimensions"] == [["service"]]

    @pytest.mark.usefixtures("variables")
    def test_no_log_line_has_an_address_or_a_link(
        self, database_url: str, server: MailServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        add_mails(database_url, "ada@example.com", "bob@example.com")
        server.replies["RCPT"].append("550 5.1.1 <ada@example.com> unknown")
        handler({}, DeliverContext("deliver"))

        output = "".join(capsys.readouterr())
        assert "ada@" not in output
        assert "token=" not in output

    def test_without_a_mail_server_it_leaves_the_mails(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in {"DATABASE_URL": database_url, "ENVIRONMENT": "production"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("MAIL_URL", raising=False)
        add_mails(database_url, "ada@example.com")

        assert handler({}, DeliverContext("deliver")) == {"delivered": 0, "failed": 0, "waiting": 1}
        assert [row["attempts"] for row in read_outbox(database_url)] == [0]

    def test_without_a_mail_server_reminders_fire(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name, value in {"DATABASE_URL": database_url, "ENVIRONMENT": "production"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("MAIL_URL", raising=False)
        add_due_reminder(database_url)

        handler({}, DeliverContext("deliver"))
        assert read_outbox(database_url) == []
        line = read_metrics(capsys, "Reminders")
        assert {name: line[name] for name in line if name.startswith("Reminders")} == {
            "RemindersFired": [1.0],
            "RemindersLate": [0.0],
            "RemindersSent": [0.0],
            "RemindersOverdueSeconds": [0.0],
        }

    def test_it_sends_changes_to_webhooks(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name, value in {"DATABASE_URL": database_url, "WEBHOOKS_ALLOW_PRIVATE": "true"}.items():
            monkeypatch.setenv(name, value)
        answers = iter([200, 500])
        with receiver(lambda _: next(answers)) as subject:
            add_webhook(database_url, subject.url)
            handler({}, DeliverContext("deliver"))

        assert [received.title for received in subject.log] == ["First", "Second"]
        line = read_metrics(capsys, "Webhooks")
        assert {name: line[name] for name in line if name.startswith("Webhooks")} == {
            "WebhooksDelivered": [1.0],
            "WebhooksFailed": [1.0],
            "WebhooksSwitchedOff": [0.0],
            "WebhooksFailing": [1.0],
        }


def read_metrics(capsys: pytest.CaptureFixture[str], prefix: str) -> dict[str, Any]:
    """Returns the line of the output that has metrics with this prefix."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [line] = [line for line in lines if "_aws" in line and any(name.startswith(prefix) for name in line)]
    found: dict[str, Any] = line
    return found


def add_webhook(database_url: str, url: str) -> None:
    """Adds a webhook and two todos of its owner."""

    async def write() -> None:
        async with open_database(database_url) as db:
            ada, secrets = await Owner.add(database_url), WebhookSecrets(Settings().secret_keys)
            await webhooks.create(db, secrets, ada.id, WebhookCreate(url=url), quota=20, allow_private=True)
            for title in ("First", "Second"):
                await ada.add_todo(db, title)

    asyncio.run(write())


class TestJob:
    def test_it_sends_the_mails_that_are_due(self, database_url: str, server: MailServer, tmp_path: Path) -> None:
        add_mails(database_url, "ada@example.com")
        ended = run_job(tmp_path, DATABASE_URL=database_url, MAIL_URL=server.url, MAIL_FROM=SENDER)

        assert ended.returncode == 0, ended.stderr
        assert [mail.recipient for mail in server.mails] == ["ada@example.com"]
        assert json.loads(ended.stdout.splitlines()[-1])["delivered"] == 1

    def test_in_development_it_writes_files(self, database_url: str, tmp_path: Path) -> None:
        add_mails(database_url, "ada@example.com")
        ended = run_job(tmp_path, DATABASE_URL=database_url)

        [file] = (tmp_path / ".data/mail").iterdir()
        assert LINK in file.read_text()
        assert ended.stderr.splitlines()[0] == "Mail to ada@example.com: Choose a new password"

    @pytest.mark.parametrize(
        ("settings", "sentence"),
        [
            ({"MAIL_URL": "http://mail"}, "MAIL_URL: cannot be used: it must look like smtp://"),
            ({"MAIL_URL": "smtp://mail"}, "MAIL_URL needs MAIL_FROM, the address from which mails come."),
            ({"MAIL_FROM": "me"}, "MAIL_FROM: cannot be used: it must be an address"),
            (
                {"MAIL_URL": "smtp://mail", "MAIL_FROM": SENDER, "ENVIRONMENT": "production"},
                "PUBLIC_URL or FRONTEND_URL must be set in production, if MAIL_URL is.",
            ),
        ],
    )
    def test_wrong_settings_are_reported_in_one_sentence(
        self, database_url: str, tmp_path: Path, settings: dict[str, str], sentence: str
    ) -> None:
        ended = run_job(tmp_path, DATABASE_URL=database_url, **settings)

        assert ended.returncode != 0
        assert ended.stderr.startswith(sentence)
        assert ended.stderr.count("\n") == 1


@dataclass
class LambdaService:
    """Substitute for the client of AWS Lambda, which is in Lambda's image only."""

    invoked: list[dict[str, Any]] = field(default_factory=list)
    error: Exception | None = None

    def invoke(self, **request: Any) -> None:
        self.invoked.append(request)
        if self.error is not None:
            raise self.error


class TestAfterRequests:
    @pytest.fixture
    def service(self, monkeypatch: pytest.MonkeyPatch) -> LambdaService:
        service = LambdaService()
        monkeypatch.setattr(lambda_handler, "_make_client", lambda: service)
        monkeypatch.setenv("DELIVER_FUNCTION", "todo-deliver")
        return service

    def request(self, path: str) -> dict[str, Any]:
        """Sends a request to a function, whose route `/calls` wakes the outbox."""
        router = APIRouter()

        @router.get("/calls")
        async def call(request: Request) -> None:
            get_resources(request).outbox.wake()

        @router.get("/silent")
        async def stay_silent() -> None:
            pass

        settings = Settings(database={"url": "postgresql://127.0.0.1:1/todos"}, secret_key=KEY)
        event = serving.gateway_event(httpx2.Request("GET", f"https://api.example.com{path}"))
        handle: Any = LambdaHandler(create_app(router, settings=settings))
        response: dict[str, Any] = handle(event, LambdaContext("request"))
        return response

    def test_a_route_that_calls_invokes_the_delivery(self, service: LambdaService) -> None:
        assert self.request("/calls")["statusCode"] == 200
        assert service.invoked == [{"FunctionName": "todo-deliver", "InvocationType": "Event", "Payload": b"{}"}]

    def test_other_routes_do_not(self, service: LambdaService) -> None:
        self.request("/silent")
        assert service.invoked == []

    def test_a_failed_invocation_does_not_fail_the_request(self, service: LambdaService) -> None:
        service.error = ConnectionError()
        assert self.request("/calls")["statusCode"] == 200
        assert len(service.invoked) == 1

    def test_without_the_function_nothing_is_invoked(
        self, service: LambdaService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("DELIVER_FUNCTION")
        assert self.request("/calls")["statusCode"] == 200
        assert service.invoked == []
