"""Locked change logs: the writes of a user wait in the database, as behind a writer in another process."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import asyncpg
from anyio.from_thread import start_blocking_portal

from tests import postgres
from tests.accounts import Account

_WAITING = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'todo-backend' AND wait_event_type = 'Lock'
"""


@contextmanager
def locked_log(url: str, *accounts: Account) -> Iterator[None]:
    """Locks the change logs of the accounts during the block."""
    with start_blocking_portal() as portal:
        connection = portal.call(asyncpg.connect, url)
        try:
            portal.call(connection.execute, "BEGIN")
            for account in accounts:
                portal.call(connection.fetchval, "SELECT lock_change_log($1)", UUID(account.user["id"]))
            yield
        finally:
            portal.call(connection.close)


def count_waiting(url: str) -> int:
    """Returns the number of connections of the service that wait for a lock."""
    return len(postgres.query(url, _WAITING))
