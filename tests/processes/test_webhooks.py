"""Processes that send to webhooks, and die while they do: each change arrives, and a repeat has the same id."""

import asyncio
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Final

import pytest

from tests import postgres, serving
from tests.accounts import TODOS as TODOS_PATH
from tests.accounts import WEBHOOKS, sign_up
from tests.core.databases import open_database
from tests.core.webhooks.scenarios import Owner
from tests.python_processes import environment_without_settings
from tests.receivers import Receiver, receiver
from tests.room import ROOM_SECONDS
from todo_core.webhooks import operations
from todo_core.webhooks.model import WebhookCreate
from todo_core.webhooks.secrets import WebhookSecrets

KEY: Final = "kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A"
CHANGES: Final = 200
KILLS: Final = 5
END_LEASES = "UPDATE webhooks SET due_at = now(), leased_until = NULL"


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    with postgres.database(server_url) as url:
        yield url


def list_settings(database_url: str) -> dict[str, str]:
    return {"DATABASE_URL": database_url, "SECRET_KEY": KEY, "WEBHOOKS_ALLOW_PRIVATE": "true", "OUTBOX_SECONDS": "1"}


async def add_changes(database_url: str, *urls: str) -> None:
    """Adds a webhook for each URL, and then todos of their user."""
    async with open_database(database_url) as db:
        ada = await Owner.add(database_url)
        for url in urls:
            new = WebhookCreate(url=url)
            await operations.create(db, WebhookSecrets([KEY]), ada.id, new, quota=20, allow_private=True)
        for number in range(CHANGES):
            await ada.add_todo(db, f"{number:03}")


@contextmanager
def delivering(folder: Path, database_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Runs `python -m functions.deliver`, and kills it at the end of the block if it still runs."""
    process = subprocess.Popen(
        (sys.executable, "-m", "functions.deliver"),
        cwd=folder,
        env=environment_without_settings() | list_settings(database_url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def slow(_body: bytes) -> int:
    sleep(0.01)
    return 200


def requires_order(subject: Receiver) -> None:
    """Asserts that all changes have arrived in order, and that repeats are the same messages."""
    copies: defaultdict[str, set[bytes]] = defaultdict(set)
    for received in subject.log:
        copies[received.id].add(received.body)
    assert len(copies) == CHANGES
    assert all(len(bodies) == 1 for bodies in copies.values())
    titles = [received.title for received in subject.taken]
    assert sorted(set(titles)) == [f"{number:03}" for number in range(CHANGES)]
    assert titles == sorted(titles)


def test_every_change_arrives_in_order_although_the_process_is_killed_again_and_again(
    database_url: str, tmp_path: Path
) -> None:
    with receiver(slow) as first, receiver(slow) as second:
        asyncio.run(add_changes(database_url, first.url, second.url))
        for kill in range(1, KILLS + 1):
            with delivering(tmp_path, database_url) as process:
                first.wait_for(kill * (CHANGES - 20) // KILLS, seconds=ROOM_SECONDS)
                assert process.poll() is None
            postgres.query(database_url, END_LEASES)
        with delivering(tmp_path, database_url) as process:
            assert process.wait(timeout=2 * ROOM_SECONDS) == 0

    for subject in (first, second):
        requires_order(subject)
        assert len(subject.log) - CHANGES <= KILLS


def test_a_change_reaches_the_receiver_at_once(database_url: str, tmp_path: Path) -> None:
    # Nothing is found by the regular looks, which are an hour apart.
    settings = list_settings(database_url) | {"OUTBOX_SECONDS": "3600", "OPENAI_API_KEY": ""}
    with receiver() as subject, serving.on_port(settings, folder=str(tmp_path)) as surface, surface.client() as client:
        ada = sign_up(client)
        client.post(WEBHOOKS, json={"url": subject.url}).raise_for_status()
        for number in range(1, 6):
            client.post(TODOS_PATH, json={"title": f"{number}"}).raise_for_status()
            subject.wait_for(number, seconds=ROOM_SECONDS)
        webhook = client.get(WEBHOOKS).json()[0]
        client.post(f"{WEBHOOKS}/{webhook['id']}/test").raise_for_status()
        subject.wait_for(6, seconds=ROOM_SECONDS)

    assert ada.user["id"]
    assert [received.content["type"] for received in subject.log] == ["todo.created"] * 5 + ["webhook.test"]
