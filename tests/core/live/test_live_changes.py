"""A process hears of changes: by LISTEN, and by asking once a second while it cannot listen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests import postgres
from tests.core.databases import add_user, connect, open_database, run
from tests.streams import INSERT
from todo_core.database import postgres_url
from todo_core.live import live_changes
from todo_core.live.following import CHANNEL, follow, unfollow
from todo_core.live.live_changes import LiveChanges
from todo_core.live.watchers import Watch

LONG_SECONDS = 20.0
PROMPT_SECONDS = 5.0
LISTENERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'todo-backend-listener'
"""
KILL_LISTENERS = LISTENERS.replace("count(*)", "pg_terminate_backend(pid, 5000)")


@pytest.fixture
def ada(database_url: str) -> UUID:
    return add_user(database_url)


@asynccontextmanager
async def live_on(database_url: str, *, listens: bool = True) -> AsyncIterator[LiveChanges]:
    """Yields the live changes of a process, which listens to the database or asks once a second."""
    async with open_database(database_url) as db:
        live = LiveChanges(db, max_per_user=10)
        direct = postgres_url.parse(database_url)
        async with live.listening(None if direct.pooled or not listens else direct):
            yield live


async def change(database_url: str, user_id: UUID) -> None:
    async with connect(database_url) as connection:
        await connection.execute(INSERT, user_id, 1)


async def until_listening(live: LiveChanges) -> None:
    while not live.is_listening:  # noqa: ASYNC110 - the service has no event for it
        await asyncio.sleep(0.01)


def read_followed(database_url: str, user_id: UUID) -> datetime | None:
    [row] = postgres.query(database_url, "SELECT followed_until FROM account_usage WHERE user_id = $1", user_id)
    followed: datetime | None = row["followed_until"]
    return followed


class TestListening:
    def test_a_change_wakes_the_watches_of_its_user_at_once(self, database_url: str, ada: UUID) -> None:
        bob = add_user(database_url)

        async def scenario() -> None:
            async with (
                live_on(database_url) as live,
                live.watch(ada, "stream", 0) as watch,
                live.watch(bob, "stream", 0) as other,
            ):
                await until_listening(live)
                await change(database_url, ada)
                assert await watch.wait(PROMPT_SECONDS)
                assert not await other.wait(0)

        run(scenario())

    def test_it_connects_only_while_somebody_waits(
        self, database_url: str, ada: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("todo_core.live.listener._LOOK_SECONDS", 0.1)

        async def scenario() -> None:
            async with live_on(database_url) as live, connect(database_url) as connection:
                # Other tests of this process may have a listener too.
                others = await connection.fetchval(LISTENERS)
                async with live.watch(ada, "wait", 0):
                    await until_listening(live)
                    assert await connection.fetchval(LISTENERS) == others + 1
                while live.is_listening or await connection.fetchval(LISTENERS) > others:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)

        run(scenario())

    def test_a_lost_connection_is_replaced_and_misses_nothing(self, database_url: str, ada: UUID) -> None:
        async def scenario() -> None:
            async with live_on(database_url) as live, live.watch(ada, "stream", 0) as watch:
                for seq in range(1, 6):
                    await until_listening(live)
                    async with connect(database_url) as connection:
                        await connection.execute(KILL_LISTENERS)
                        await connection.execute(INSERT, ada, 1)
                    while watch.seq < seq:
                        assert await watch.wait(LONG_SECONDS)
                        watch.seq = await read_last_seq(database_url, ada)

        run(scenario())

    def test_callbacks_hear_of_followed_users(self, database_url: str, ada: UUID) -> None:
        async def scenario() -> None:
            heard: asyncio.Queue[UUID] = asyncio.Queue()
            async with live_on(database_url) as live, open_database(database_url) as db:
                live.on_change(heard.put_nowait)
                await until_listening(live)
                await change(database_url, ada)
                await follow(db, ada, None)
                await change(database_url, ada)
                async with asyncio.timeout(PROMPT_SECONDS):
                    assert await heard.get() == ada
                assert heard.empty()

        run(scenario())

    def test_foreign_notifications_are_ignored(self, database_url: str, ada: UUID) -> None:
        async def scenario() -> None:
            async with live_on(database_url) as live, live.watch(ada, "stream", 0) as watch:
                await until_listening(live)
                async with connect(database_url) as connection:
                    for payload in ("", "x", "'; DROP TABLE todos", str(ada)):
                        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, payload)
                assert await watch.wait(PROMPT_SECONDS)
                assert live.is_listening

        run(scenario())


async def read_last_seq(database_url: str, user_id: UUID) -> int:
    async with connect(database_url) as connection:
        last: int = await connection.fetchval("SELECT last_seq FROM account_usage WHERE user_id = $1", user_id)
        return last


class TestAsking:
    def test_a_change_wakes_the_watches_within_seconds(self, database_url: str, ada: UUID) -> None:
        async def scenario() -> None:
            async with live_on(database_url, listens=False) as live, live.watch(ada, "wait", 0) as watch:
                await change(database_url, ada)
                assert await watch.wait(PROMPT_SECONDS)
                assert not live.is_listening

        run(scenario())

    def test_one_statement_asks_for_all_users(
        self, database_url: str, ada: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        users = [ada, *(add_user(database_url) for _ in range(4))]
        monkeypatch.setattr(live_changes, "_POLL_SECONDS", 0.2)

        async def scenario() -> int:
            async with live_on(database_url, listens=False) as live:
                watches = [live.watch(user_id, "stream", 0) for user_id in users]
                waiting = [await watch.__aenter__() for watch in watches]
                before = live._db.pool_use.uses  # noqa: SLF001 - the statements of the process
                await change(database_url, users[-1])
                assert await waiting[-1].wait(PROMPT_SECONDS)
                uses = live._db.pool_use.uses - before  # noqa: SLF001
                for watch in watches:
                    await watch.__aexit__(None, None, None)
                return uses

        assert run(scenario()) <= 3

    def test_nothing_is_asked_while_nobody_waits(self, database_url: str, ada: UUID) -> None:
        async def scenario() -> None:
            async with live_on(database_url, listens=False) as live:
                async with live.watch(ada, "wait", 0):
                    pass
                while live._polling and not live._polling.done():  # noqa: SLF001, ASYNC110
                    await asyncio.sleep(0.05)
                before = live._db.pool_use.uses  # noqa: SLF001
                await asyncio.sleep(0.1)
                assert live._db.pool_use.uses == before  # noqa: SLF001

        run(scenario())

    def test_the_end_of_the_process_ends_the_watches_and_later_ones(self, database_url: str, ada: UUID) -> None:
        async def scenario() -> None:
            async with live_on(database_url, listens=False) as live, live.watch(ada, "stream", 0) as watch:
                live.end_watches()
                assert await watch.wait(0)
                assert watch.has_ended
                async with live.watch(ada, "stream", 0) as later:
                    assert later.has_ended

        run(scenario())


class TestFollowing:
    def test_only_changes_of_followed_users_are_notified(self, database_url: str, ada: UUID) -> None:
        bob = add_user(database_url)

        async def scenario() -> list[str]:
            heard: list[str] = []
            async with open_database(database_url) as db, connect(database_url) as listening:
                await listening.add_listener(CHANNEL, lambda *event: heard.append(str(event[-1])))
                await change(database_url, ada)
                await follow(db, ada, datetime.now(UTC) + timedelta(minutes=1))
                await follow(db, bob, datetime.now(UTC) - timedelta(minutes=1))
                await change(database_url, ada)
                await change(database_url, bob)
                await change(database_url, ada)
                await listening.execute("SELECT 1")
            return heard

        assert run(scenario()) == [str(ada)] * 2

    def test_one_transaction_notifies_once(self, database_url: str, ada: UUID) -> None:
        async def scenario() -> int:
            heard: list[object] = []
            async with open_database(database_url) as db, connect(database_url) as listening:
                await follow(db, ada, None)
                await listening.add_listener(CHANNEL, lambda *event: heard.append(event))
                async with connect(database_url) as connection, connection.transaction():
                    for _ in range(3):
                        await connection.execute(INSERT, ada, 2)
                await listening.execute("SELECT 1")
            return len(heard)

        assert run(scenario()) == 1

    def test_an_earlier_time_does_not_shorten_a_later_one(self, database_url: str, ada: UUID) -> None:
        late = datetime.now(UTC) + timedelta(hours=1)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                await follow(db, ada, late)
                await follow(db, ada, late - timedelta(minutes=5))

        run(scenario())
        assert read_followed(database_url, ada) == late

    def test_a_user_who_is_followed_for_good_stays_so_until_the_end(self, database_url: str, ada: UUID) -> None:
        async def begin() -> None:
            async with open_database(database_url) as db:
                await follow(db, ada, None)
                await follow(db, ada, datetime.now(UTC) + timedelta(hours=1))

        async def end() -> None:
            async with open_database(database_url) as db:
                await unfollow(db, ada)

        run(begin())
        forever = "SELECT followed_until = 'infinity' AS forever FROM account_usage WHERE user_id = $1"
        assert postgres.query(database_url, forever, ada)[0]["forever"]
        run(end())
        followed = read_followed(database_url, ada)
        assert followed is not None
        assert timedelta(minutes=4) < followed - datetime.now(UTC) < timedelta(minutes=6)

    def test_a_watch_follows_its_user_and_renews_rarely(self, database_url: str, ada: UUID) -> None:
        async def scenario() -> tuple[datetime | None, int]:
            async with live_on(database_url) as live, live.watch(ada, "stream", 0):
                followed = await asyncio.to_thread(read_followed, database_url, ada)
                before = live._db.pool_use.uses  # noqa: SLF001
                for _ in range(5):
                    await live.keep_following(ada)
                return followed, live._db.pool_use.uses - before  # noqa: SLF001

        followed, uses = run(scenario())
        assert followed is not None
        assert followed > datetime.now(UTC) + timedelta(minutes=4)
        assert uses <= 1  # the process may ask for changes while it connects

    def test_changes_around_the_beginning_are_read_or_notified(self, database_url: str, ada: UUID) -> None:
        """A writer changes todos all the time, while watches begin at random moments."""

        async def write(stop: asyncio.Event) -> None:
            async with connect(database_url) as connection:
                while not stop.is_set():
                    await connection.execute(INSERT, ada, 1)

        async def read(watch: Watch) -> None:
            watch.seq = await read_last_seq(database_url, ada)
            assert await watch.wait(PROMPT_SECONDS)

        async def scenario() -> None:
            async with live_on(database_url) as live:
                stop = asyncio.Event()
                writer = asyncio.create_task(write(stop))
                for _ in range(30):
                    async with live.watch(ada, "wait", 0) as watch:
                        await read(watch)
                stop.set()
                await writer

        run(scenario())
