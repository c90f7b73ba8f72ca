"""Transactions that hold their locks while a migration runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from anyio.from_thread import start_blocking_portal

from tests import postgres
from tests.serving import wait_until

SELECT_LOCK_WAITERS = """
SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
SELECT_EXCLUSIVE_WAITERS = """
SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' AND relation = 'todos'::regclass
"""
SELECT_CONNECTIONS = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@contextmanager
def open_transaction(url: str, statement: str) -> Iterator[None]:
    """Runs a statement in a transaction of another connection, which holds its locks until the end of the block."""
    with start_blocking_portal() as portal:
        connection = portal.call(postgres.connect, url)
        portal.call(connection.execute, f"BEGIN; {statement}")
        try:
            yield
        finally:
            portal.call(connection.close)


def wait_for_lock_waiters(url: str, count: int) -> None:
    """Waits until at least `count` connections to the database wait for a lock, at most 30 seconds."""
    wait_until(lambda: len(postgres.query(url, SELECT_LOCK_WAITERS)) >= count, seconds=30)


def wait_for_exclusive_waiter(url: str) -> None:
    """Waits until a connection waits for the todos alone, so that reads wait behind it. At most 30 seconds."""
    wait_until(lambda: len(postgres.query(url, SELECT_EXCLUSIVE_WAITERS)) > 0, seconds=30)


def wait_for_connections(url: str, count: int) -> None:
    """Waits until at least `count` other connections to the database exist, at most 60 seconds."""
    wait_until(lambda: len(postgres.query(url, SELECT_CONNECTIONS)) >= count)
