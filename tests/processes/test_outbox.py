"""Processes that deliver mails, and die while they do: every mail arrives, and a repeat has the same id."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests import postgres
from tests.core.outbox.scenarios import end_leases, read_outbox
from tests.mail_server import MailServer, mail_server
from tests.python_processes import environment_without_settings
from tests.room import ROOM_SECONDS
from tests.serving import on_port, wait_until
from todo_core.database.executor import Database
from todo_core.outbox.messages import Mail, enqueue
from todo_core.outbox.places import MAX_AT_ONCE

MAILS: Final = 1000
KILLS: Final = 20
DOMAINS: Final = 50
LINK: Final = "https://todos.example.com/reset-password?token=x"


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    with postgres.database(server_url) as url:
        yield url


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def add_mails(database_url: str, count: int) -> set[str]:
    """Writes mails to many domains into the outbox. Returns their ids as their Message-IDs have them."""

    async def write() -> set[str]:
        db = Database(database_url)
        try:
            async with db.transaction() as transaction:
                mails = [
                    Mail("reset_password", f"{number}@{number % DOMAINS}.example", parameters={"url": LINK})
                    for number in range(count)
                ]
                return {f"<{await enqueue(transaction, mail)}@example.com>" for mail in mails}
        finally:
            await db.close()

    return asyncio.run(write())


def list_settings(database_url: str, server: MailServer) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "MAIL_URL": server.url,
        "MAIL_FROM": "Todos <todos@example.com>",
        "PUBLIC_URL": "https://todos.example.com",
        "OUTBOX_SECONDS": "1",
    }


@contextmanager
def delivering(folder: Path, database_url: str, server: MailServer) -> Iterator[subprocess.Popen[bytes]]:
    """Runs `python -m functions.deliver`, and kills it at the end of the block if it still runs."""
    process = subprocess.Popen(
        (sys.executable, "-m", "functions.deliver"),
        cwd=folder,
        env=environment_without_settings() | list_settings(database_url, server),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def deliver_all(folder: Path, database_url: str, server: MailServer) -> None:
    with delivering(folder, database_url, server) as process:
        assert process.wait(timeout=2 * ROOM_SECONDS) == 0


def test_every_mail_arrives_although_the_process_is_killed_again_and_again(
    database_url: str, server: MailServer, tmp_path: Path
) -> None:
    written = add_mails(database_url, MAILS)
    server.delay_seconds = 0.01

    for kill in range(1, KILLS + 1):
        with delivering(tmp_path, database_url, server) as process:
            server.wait_for(kill * (MAILS - 100) // KILLS)
            assert process.poll() is None
        end_leases(database_url)
    deliver_all(tmp_path, database_url, server)

    received: defaultdict[str, list[bytes]] = defaultdict(list)
    for mail in server.mails:
        received[mail.id].append(mail.message.as_bytes())
    assert received.keys() == written
    # Only mails that were under way at a kill may arrive twice, as the same mail.
    assert len(server.mails) - MAILS <= KILLS * MAX_AT_ONCE
    assert all(len(set(copies)) == 1 for copies in received.values())
    assert read_outbox(database_url) == []


class TestDeath:
    def test_a_mail_that_was_claimed_but_not_sent_is_taken_over_after_the_lease(
        self, database_url: str, server: MailServer, tmp_path: Path
    ) -> None:
        written = add_mails(database_url, 1)
        server.hangs_at = "MAIL"
        with delivering(tmp_path, database_url, server):
            wait_until(lambda: read_outbox(database_url)[0]["attempts"] == 1)
        server.hangs_at = None

        deliver_all(tmp_path, database_url, server)
        assert server.mails == []
        end_leases(database_url)
        deliver_all(tmp_path, database_url, server)
        assert {mail.id for mail in server.mails} == written

    def test_a_mail_that_was_sent_but_not_marked_comes_again_as_the_same_mail(
        self, database_url: str, server: MailServer, tmp_path: Path
    ) -> None:
        written = add_mails(database_url, 1)
        server.takes_and_hangs = True
        with delivering(tmp_path, database_url, server):
            server.wait_for(1)
        server.takes_and_hangs = False
        end_leases(database_url)

        deliver_all(tmp_path, database_url, server)
        first, second = server.mails
        assert {first.id, second.id} == written
        assert first.message.as_bytes() == second.message.as_bytes()


class TestService:
    def test_each_process_delivers_what_another_one_has_left(
        self, database_url: str, server: MailServer, tmp_path: Path
    ) -> None:
        settings = list_settings(database_url, server)
        with on_port(settings, folder=str(tmp_path)), on_port(settings, folder=str(tmp_path)) as other:
            written = add_mails(database_url, 20)
            server.wait_for(20)
            other.process.send_signal(signal.SIGSTOP)
            written |= add_mails(database_url, 20)
            server.wait_for(40)
            other.process.send_signal(signal.SIGCONT)
            wait_until(lambda: not read_outbox(database_url))

        assert {mail.id for mail in server.mails} == written
        assert len(server.mails) == 40

    def test_production_without_a_mail_server_says_so_at_the_start(self, database_url: str, tmp_path: Path) -> None:
        settings = {"DATABASE_URL": database_url, "ENVIRONMENT": "production", "METRICS_PORT": ""}
        output = tmp_path / "output"
        with (
            output.open("w") as file,
            subprocess.Popen(
                (sys.executable, "-m", "functions", "--port", "0"),
                cwd=tmp_path,
                env=environment_without_settings()
                | settings
                | {"SECRET_KEY": "kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A", "PATH": os.defpath},
                stdout=file,
                stderr=file,
            ) as process,
        ):
            wait_until(lambda: "Serving on" in output.read_text())
            process.terminate()
        assert "MAIL_URL is not set" in output.read_text()
