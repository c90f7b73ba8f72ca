"""The purge deletes expired rows and no others."""

import asyncio
from collections.abc import Callable, Iterator
from math import inf
from uuid import UUID, uuid4

import pytest

import functions.purge.app  # noqa: F401 - registers the tables
from tests import postgres
from tests.core.databases import add_user, connect, open_database, run
from todo_core.actors import Actor
from todo_core.database.expiry import expiring_tables
from todo_core.limits import Retention
from todo_core.purge import PurgeResult, purge
from todo_core.schema.tables import all_tables
from todo_core.todos import changes, operations, trash
from todo_core.todos.model import TodoCreate

ADD_TODOS = """
    INSERT INTO todos (id, user_id, title, "order", deleted_at)
    SELECT gen_random_uuid(), $1, $2 || number, number, now() - $3::text::interval
    FROM generate_series(1, $4::int) AS number
"""
SELECT_TITLES = "SELECT title FROM todos WHERE user_id = $1 ORDER BY title"
SELECT_LOG = "SELECT op, actor, after FROM changes WHERE user_id = $1 AND op <> 'create' ORDER BY seq"
SELECT_SEQUENCE_NUMBERS = "SELECT seq FROM changes WHERE user_id = $1 ORDER BY seq"
MOVE_DELETION_BACK = "UPDATE todos SET deleted_at = deleted_at - interval '31 days' WHERE user_id = $1"
SELECT_ID = "SELECT id FROM todos WHERE user_id = $1 AND title = $2"
ADD_SESSION = """
    INSERT INTO sessions (id, user_id, expires_at) VALUES (gen_random_uuid(), $1, now() + $2::text::interval)
"""
ADD_INVITE = "INSERT INTO invites (code_hash, expires_at) VALUES (sha256($1::text::bytea), now() + $2::text::interval)"
ADD_ATTEMPT = "INSERT INTO attempts (key, count, expires_at) VALUES ($1, 1, now() + $2::text::interval)"
ADD_KEY = """
    INSERT INTO idempotency_keys (user_id, route, key, request_digest, expires_at)
    VALUES ($1, 'POST /todos', $2, '', now() + $2::text::interval)
"""
ADD_LINK = """
    INSERT INTO links (id, user_id, purpose, token_hash, expires_at)
    VALUES (gen_random_uuid(), $1, 'verify_email', sha256($2::text::bytea), now() + $3::text::interval)
"""
ADD_API_TOKEN = """
    INSERT INTO api_tokens (id, user_id, name, token_hash, scopes, expires_at)
    VALUES (gen_random_uuid(), $1, 'Phone', sha256($2::text::bytea), '{}', now() + $3::text::interval)
"""
ADD_CONNECTION = """
    WITH connection AS (
        INSERT INTO oauth_connections (
            id, user_id, client_id, client_name, client_host, scopes, resource, refresh_family, refresh_hash, expires_at
        )
        SELECT gen_random_uuid(), $1, CAST(id AS text), 'Planner', 'example.com', '{}', '/mcp',
            sha256($2::text::bytea), '', now() + $3::text::interval
        FROM oauth_clients WHERE name = $2
        RETURNING id
    )
    INSERT INTO oauth_access_tokens (id, connection_id, token_hash, scopes, expires_at)
    SELECT gen_random_uuid(), id, sha256($2::text::bytea), '{}', now() + $3::text::interval FROM connection
"""
ADD_CLIENT = """
    INSERT INTO oauth_clients (id, name, redirect_uris, auth_method, expires_at)
    VALUES (gen_random_uuid(), $1, '{}', 'none', now() + $2::text::interval)
"""
ADD_CODE = """
    INSERT INTO oauth_codes (
        id, user_id, code_hash, client_id, client_name, redirect_uri, code_challenge, scopes, resource, expires_at
    )
    VALUES (gen_random_uuid(), $1, sha256($2::text::bytea), '', '', '', '', '{}', '/mcp', now() + $2::text::interval)
"""
ADD_USED_CHALLENGE = """
    INSERT INTO used_challenges (id, user_id, expires_at)
    VALUES (gen_random_uuid(), $1, now() + $2::text::interval)
"""
ADD_REGISTRATION = """
    INSERT INTO registrations (id, email, email_key, password_hash, timezone, token_hash, expires_at)
    VALUES (gen_random_uuid(), 'a', 'a', '', 'UTC', sha256($1::text::bytea), now() + $2::text::interval)
"""
ADD_MESSAGE = """
    INSERT INTO outbox (id, kind, channel, payload, dead_at)
    VALUES (gen_random_uuid(), 'mail', 'example.com', '{}', now() + $1::text::interval)
"""
NOTHING = dict.fromkeys(
    (
        *("idempotency_keys", "sessions", "invites", "attempts", "changes", "todos"),
        *("links", "registrations", "api_tokens", "used_challenges", "outbox", "webhook_deliveries"),
        *("oauth_clients", "oauth_codes", "oauth_connections", "oauth_access_tokens"),
    ),
    0,
)
"""The result of a purge that has found no expired row: the number of deleted rows per table."""


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """The URL of a new database for each test, because a purge deletes expired rows of all users."""
    with postgres.database(server_url) as url:
        yield url


@pytest.fixture
def ada(database_url: str) -> UUID:
    return add_user(database_url)


def add(database_url: str, user_id: UUID, title: str, deleted_since: str | None, count: int = 1) -> None:
    """Adds `count` todos with numbered titles.

    They were deleted `deleted_since` ago, for example `31 days`. None adds todos outside the trash.
    """
    postgres.query(database_url, ADD_TODOS, user_id, title, deleted_since, count)


def titles(database_url: str, user_id: UUID) -> list[str]:
    return [row["title"] for row in postgres.query(database_url, SELECT_TITLES, user_id)]


def purged(database_url: str, seconds_left: Callable[[], float] = lambda: inf) -> PurgeResult:
    async def scenario() -> PurgeResult:
        async with open_database(database_url) as db:
            return await purge(db, Retention(), seconds_left=seconds_left)

    return run(scenario())


class TestTrash:
    def test_todos_stay_in_the_trash_for_thirty_days(self, database_url: str, ada: UUID) -> None:
        for title, age in [("old", "30 days 1 second"), ("young", "29 days 23:59:00"), ("in use", None)]:
            add(database_url, ada, title, age)

        assert purged(database_url).rows["todos"] == 1
        assert titles(database_url, ada) == ["in use1", "young1"]

    def test_the_trash_of_every_user_is_purged(self, database_url: str, ada: UUID) -> None:
        bob = add_user(database_url)
        for user_id in (ada, bob):
            add(database_url, user_id, "old", "31 days", 3)

        assert purged(database_url) == PurgeResult(NOTHING | {"todos": 6}, complete=True)
        assert titles(database_url, ada) == titles(database_url, bob) == []

    def test_a_large_trash_is_purged_in_chunks(self, database_url: str, ada: UUID) -> None:
        add(database_url, ada, "old", "31 days", 1201)

        async def scenario() -> list[int]:
            async with open_database(database_url) as db:
                return [await trash.delete_expired(db, limit=500) for _ in range(4)]

        assert run(scenario()) == [500, 500, 201, 0]

    def test_the_change_log_has_the_purge_with_the_actor_system(self, database_url: str, ada: UUID) -> None:
        add(database_url, ada, "old", "31 days", 2)
        purged(database_url)

        assert [tuple(row) for row in postgres.query(database_url, SELECT_LOG, ada)] == [("purge", "system", None)] * 2

    def test_subtodos_are_purged_before_their_parents(self, database_url: str, ada: UUID) -> None:
        actor = Actor(ada)

        async def scenario() -> list[int]:
            async with open_database(database_url) as db:
                root = parent = await operations.add(db, actor, TodoCreate(title="0"))
                for level in range(1, 6):
                    parent = await operations.add(db, actor, TodoCreate(title=f"{level}", parent_id=parent.id))
                    await operations.add(db, actor, TodoCreate(title=f"{level} too", parent_id=root.id))
                await operations.delete(db, actor, root.id)
                async with connect(database_url) as connection:
                    await connection.execute(MOVE_DELETION_BACK, ada)
                return [await trash.delete_expired(db, limit=4) for _ in range(8)]

        assert sum(run(scenario())) == 11
        assert titles(database_url, ada) == []
        ops = [row["op"] for row in postgres.query(database_url, SELECT_LOG, ada)]
        assert ops == ["delete"] * 11 + ["update"] * 11 + ["purge"] * 11

    def test_a_todo_that_is_restored_while_the_purge_waits_is_kept(self, database_url: str, ada: UUID) -> None:
        for title in ("a", "b"):
            add(database_url, ada, title, "31 days")
        [row] = postgres.query(database_url, SELECT_ID, ada, "a1")

        async def scenario() -> None:
            async with open_database(database_url) as db:
                async with db.transaction() as transaction:
                    await changes.lock_log(transaction, ada)
                    await operations.restore(transaction, Actor(ada), row["id"])
                    purging = asyncio.create_task(purge(db, Retention(), seconds_left=lambda: inf))
                    await asyncio.sleep(0.3)
                    assert not purging.done()
                assert (await purging).rows["todos"] == 1

        run(scenario())
        assert titles(database_url, ada) == ["a1"]

    def test_the_purge_continues_with_other_users_when_a_whole_trash_is_restored(
        self, database_url: str, ada: UUID
    ) -> None:
        bob = add_user(database_url)
        add(database_url, ada, "old", "40 days")
        add(database_url, bob, "old", "31 days")
        [row] = postgres.query(database_url, SELECT_ID, ada, "old1")

        async def scenario() -> int:
            async with open_database(database_url) as db:
                async with db.transaction() as transaction:
                    await changes.lock_log(transaction, ada)
                    purging = asyncio.create_task(trash.delete_expired(db, limit=500))
                    await asyncio.sleep(0.3)
                    await operations.restore(transaction, Actor(ada), row["id"])
                return await purging

        assert run(scenario()) == 1
        assert (titles(database_url, ada), titles(database_url, bob)) == (["old1"], [])

    def test_concurrent_purges_delete_each_todo_once(self, database_url: str, ada: UUID) -> None:
        for user_id in (ada, add_user(database_url)):
            add(database_url, user_id, "old", "31 days", 700)

        async def scenario() -> list[PurgeResult]:
            async with open_database(database_url) as one, open_database(database_url) as other:
                return await asyncio.gather(
                    *(purge(db, Retention(), seconds_left=lambda: inf) for db in (one, other, one))
                )

        assert sum(result.rows["todos"] for result in run(scenario())) == 1400
        numbers = [row["seq"] for row in postgres.query(database_url, SELECT_SEQUENCE_NUMBERS, ada)]
        assert numbers == list(range(1, 1401))

    def test_the_trash_is_found_by_an_index(self, database_url: str, ada: UUID) -> None:
        add(database_url, ada, "in use", None, 5000)
        add(database_url, ada, "old", "31 days", 5)
        postgres.run(database_url, "ANALYZE todos")
        arguments = trash._SELECT_OWNER.arguments({"kept": trash.RETENTION})  # noqa: SLF001
        plan = postgres.query(database_url, f"EXPLAIN {trash._SELECT_OWNER.sql}", *arguments)  # noqa: SLF001

        assert "todos_to_purge" in str(plan)


class TestTables:
    def test_every_table_with_an_expiry_is_purged(self) -> None:
        expiring = {table.name for table in all_tables().sorted_tables if "expires_at" in table.columns}

        assert {table.name for table in expiring_tables()} == expiring | {
            *("todos", "changes", "outbox", "webhook_deliveries")
        }

    def test_the_trash_comes_last_because_it_may_take_all_the_time(self) -> None:
        assert expiring_tables()[-1].name == "todos"


class TestOtherRows:
    def test_only_expired_rows_are_deleted(self, database_url: str, ada: UUID) -> None:
        for when in ("-1 second", "1 hour"):
            postgres.query(database_url, ADD_SESSION, ada, when)
            postgres.query(database_url, ADD_KEY, ada, when)
            postgres.query(database_url, ADD_ATTEMPT, f"{uuid4()}", when)
            postgres.query(database_url, ADD_INVITE, f"{uuid4()}", when)
            postgres.query(database_url, ADD_LINK, ada, f"{uuid4()}", when)
            postgres.query(database_url, ADD_API_TOKEN, ada, f"{uuid4()}", when)
            postgres.query(database_url, ADD_USED_CHALLENGE, ada, when)
            postgres.query(database_url, ADD_REGISTRATION, f"{uuid4()}", when)

        tables = {name for name in NOTHING if not name.startswith("oauth")}
        tables -= {"todos", "changes", "outbox", "webhook_deliveries"}
        assert purged(database_url).rows == NOTHING | dict.fromkeys(tables, 1)
        for table in tables:
            rows = postgres.query(database_url, f"SELECT expires_at > now() AS live FROM {table}")  # noqa: S608
            assert [row["live"] for row in rows] == [True]

    def test_an_api_token_without_an_end_is_kept(self, database_url: str, ada: UUID) -> None:
        postgres.query(database_url, ADD_API_TOKEN, ada, f"{uuid4()}", None)

        assert purged(database_url).rows == NOTHING

    def test_an_expired_client_is_kept_while_a_user_has_a_connection(self, database_url: str, ada: UUID) -> None:
        for name, end in [("live", "1 hour"), ("expired", "-1 second"), ("unused", None)]:
            postgres.query(database_url, ADD_CLIENT, name, "-1 second")
            if end is not None:
                postgres.query(database_url, ADD_CONNECTION, ada, name, end)

        purged(database_url)
        purged(database_url)

        assert [row["name"] for row in postgres.query(database_url, "SELECT name FROM oauth_clients")] == ["live"]
        for table in ("oauth_connections", "oauth_access_tokens"):
            assert len(postgres.query(database_url, f"SELECT FROM {table}")) == 1

    def test_codes_are_kept_for_an_hour_so_that_a_second_use_is_noticed(self, database_url: str, ada: UUID) -> None:
        for when in ("-1 hour -1 second", "-59 minutes", "1 minute"):
            postgres.query(database_url, ADD_CODE, ada, when)

        assert purged(database_url).rows == NOTHING | {"oauth_codes": 1}

    def test_dead_messages_are_kept_for_thirty_days_and_waiting_ones_for_longer(self, database_url: str) -> None:
        for dead_since in ("-30 days -1 second", "-29 days", None):
            postgres.query(database_url, ADD_MESSAGE, dead_since)

        assert purged(database_url).rows == NOTHING | {"outbox": 1}

    def test_rows_that_another_transaction_locks_are_skipped(self, database_url: str, ada: UUID) -> None:
        for _ in range(2):
            postgres.query(database_url, ADD_SESSION, ada, "-1 second")

        async def scenario() -> PurgeResult:
            async with open_database(database_url) as db, connect(database_url) as connection, connection.transaction():
                await connection.execute("SELECT FROM sessions ORDER BY id LIMIT 1 FOR UPDATE")
                return await purge(db, Retention(), seconds_left=lambda: inf)

        assert run(scenario()).rows["sessions"] == 1


class TestTime:
    def test_no_chunk_begins_when_the_time_is_too_short(self, database_url: str, ada: UUID) -> None:
        add(database_url, ada, "old", "31 days")

        assert purged(database_url, lambda: 10).complete is False
        assert titles(database_url, ada) == ["old1"]

    def test_the_next_run_continues_after_the_time_ended(self, database_url: str, ada: UUID) -> None:
        add(database_url, ada, "old", "31 days", 1100)
        # One look at the clock for each other table, and one for each of two chunks of todos.
        left = iter([100] * (len(expiring_tables()) - 1 + 2) + [0])

        assert purged(database_url, lambda: next(left)) == PurgeResult(NOTHING | {"todos": 1000}, complete=False)
        assert purged(database_url).rows["todos"] == 100
