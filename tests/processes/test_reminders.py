"""Reminders and processes that die: none is lost, none is sent again as another one, and none comes much too late.

By default 10,000 reminders within six minutes. REMINDERS and REMINDER_SECONDS set their number, and the time in
which they become due: `make test SUITE=reminders` plays 100,000 within an hour.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from tests import postgres
from tests.accounts import TODOS, sign_up
from tests.mail_server import MailServer, ReceivedMail, mail_server
from tests.processes.reminder_storm import Storm, run
from tests.serving import on_port, wait_until

REMINDERS: Final = int(os.environ.get("REMINDERS", "10000"))
SECONDS: Final = float(os.environ.get("REMINDER_SECONDS", "360"))
MAX_LATENESS_SECONDS: Final = 75


@pytest.fixture
def receiver() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def test_all_arrive_although_processes_are_killed_and_the_database_crashes(receiver: MailServer) -> None:
    report = run(Storm(REMINDERS, SECONDS, seconds_between_kills=min(30, SECONDS / 4)), receiver)

    print(report)  # noqa: T201 - the figures of the run
    assert report.expected > REMINDERS * 0.8
    assert (report.lost, report.spared_but_sent, report.repeats_with_another_id) == (0, 0, 0)
    assert report.percentile(99) <= MAX_LATENESS_SECONDS


def find_reminder(receiver: MailServer) -> ReceivedMail | None:
    """Returns the mail that reminds of the milk, if it has arrived. Others confirm emails."""
    return next((mail for mail in receiver.mails if mail.message["Subject"] == "Reminder: Buy milk"), None)


class TestLoop:
    @pytest.fixture
    def settings(self, environment: dict[str, str], server_url: str, receiver: MailServer) -> Iterator[dict[str, str]]:
        """Settings of a service on an own database, which looks for messages of others once an hour."""
        with postgres.database(server_url) as url:
            yield environment | {"DATABASE_URL": url, "MAIL_URL": receiver.url, "OUTBOX_SECONDS": "3600"}

    def test_a_reminder_that_is_set_to_a_time_soon_comes_then(
        self, settings: dict[str, str], receiver: MailServer, tmp_path: Path
    ) -> None:
        with on_port(settings, folder=str(tmp_path)) as service, service.client() as client:
            ada = sign_up(client)
            postgres.query(settings["DATABASE_URL"], "UPDATE users SET email_verified_at = now()")
            due = datetime.now(UTC) + timedelta(seconds=3)
            ada.add("Buy milk", reminder_at=due.isoformat())
            wait_until(lambda: find_reminder(receiver) is not None)

        reminder = find_reminder(receiver)
        assert reminder is not None
        assert 0 <= reminder.arrived_at - due.timestamp() < 20

    def test_a_reminder_that_is_moved_to_a_time_soon_comes_then(
        self, settings: dict[str, str], receiver: MailServer, tmp_path: Path
    ) -> None:
        with on_port(settings, folder=str(tmp_path)) as service, service.client() as client:
            ada = sign_up(client)
            postgres.query(settings["DATABASE_URL"], "UPDATE users SET email_verified_at = now()")
            todo = ada.add("Buy milk", reminder_at="2130-01-01T00:00:00Z")
            soon = datetime.now(UTC) + timedelta(seconds=2)
            client.patch(f"{TODOS}/{todo['id']}", json={"reminder_at": soon.isoformat()}).raise_for_status()
            wait_until(lambda: find_reminder(receiver) is not None)
            wait_until(lambda: client.get(f"{TODOS}/changes").json()[-1]["op"] == "reminder")
