"""Triggers log every write to a todo, with the todo before and after the write and the write's author."""

import json
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests import postgres
from tests.core.databases import add_user, connect, open_database, run
from todo_core.actors import Actor
from todo_core.todos import changes, operations
from todo_core.todos.changes import Change, TagName
from todo_core.todos.model import TodoCreate, TodoUpdate

pytestmark = pytest.mark.pooler

type Logged = tuple[str, str | None, str | None]
"""The operation of a logged change, and the todo's titles before and after the change."""

SELECT_LOG = """
    SELECT seq, todo_id, op, actor, turn_id, before, after FROM changes WHERE user_id = $1 ORDER BY seq
"""
SELECT_SNAPSHOT = """
    SELECT (to_jsonb(todos) - ARRAY['user_id', 'words', 'skips', 'series', 'reminded_at'])::text FROM todos
    WHERE user_id = $1 AND title = $2
"""
SELECT_TITLES = """
    SELECT op, before->>'title', after->>'title' FROM changes WHERE user_id = $1 AND seq > 2 ORDER BY seq
"""


@pytest.fixture
def ada(database_url: str) -> UUID:
    return add_user(database_url)


@pytest.fixture
def ada_with_two(database_url: str, ada: UUID) -> UUID:
    """A user with the todos "First" and "Second". Their creation is the first two changes in the user's log."""
    add = """INSERT INTO todos (id, user_id, title, "order") VALUES (gen_random_uuid(), $1, $2, $3)"""
    for order, title in enumerate(["First", "Second"]):
        postgres.query(database_url, add, ada, title, order)
    return ada


def logged(database_url: str, user_id: UUID) -> list[Logged]:
    """Returns the user's logged changes without the first two, which created the todos of `ada_with_two`."""
    return [(row[0], row[1], row[2]) for row in postgres.query(database_url, SELECT_TITLES, user_id)]


WRITES: dict[str, tuple[str, list[Logged]]] = {
    "an insert": (
        """INSERT INTO todos (id, user_id, title, "order") VALUES (gen_random_uuid(), $1, 'New', 1)""",
        [("create", None, "New")],
    ),
    "an insert of several rows": (
        """
        INSERT INTO todos (id, user_id, title, "order")
        VALUES (gen_random_uuid(), $1, 'One', 1), (gen_random_uuid(), $1, 'Two', 2)
        """,
        [("create", None, "One"), ("create", None, "Two")],
    ),
    "an insert from a query": (
        """
        INSERT INTO todos (id, user_id, title, "order")
        SELECT gen_random_uuid(), user_id, title || ' again', 9 FROM todos WHERE user_id = $1 ORDER BY "order"
        """,
        [("create", None, "First again"), ("create", None, "Second again")],
    ),
    "an insert that becomes an update": (
        """
        INSERT INTO todos (id, user_id, title, "order")
        SELECT id, user_id, title, 9 FROM todos WHERE user_id = $1 AND title = 'First'
        ON CONFLICT (id) DO UPDATE SET title = 'Changed'
        """,
        [("update", "First", "Changed")],
    ),
    "an insert that becomes nothing": (
        """
        INSERT INTO todos (id, user_id, title, "order") SELECT id, user_id, title, 9 FROM todos WHERE user_id = $1
        ON CONFLICT DO NOTHING
        """,
        [],
    ),
    "an update": (
        "UPDATE todos SET title = 'Changed' WHERE user_id = $1 AND title = 'First'",
        [("update", "First", "Changed")],
    ),
    "an update of several rows": (
        "UPDATE todos SET title = title || '!' WHERE user_id = $1",
        [("update", "First", "First!"), ("update", "Second", "Second!")],
    ),
    "an update from another table": (
        """
        UPDATE todos SET title = todos.title || users.timezone FROM users
        WHERE users.id = todos.user_id AND users.id = $1 AND title = 'First'
        """,
        [("update", "First", "FirstUTC")],
    ),
    "an update that completes": (
        "UPDATE todos SET completed = true, completed_at = now() WHERE user_id = $1 AND title = 'First'",
        [("complete", "First", "First")],
    ),
    "an update that fills the trash": (
        "UPDATE todos SET deleted_at = now() WHERE user_id = $1 AND title = 'First'",
        [("delete", "First", "First")],
    ),
    "a delete": ("DELETE FROM todos WHERE user_id = $1 AND title = 'First'", [("purge", "First", None)]),
    "a delete with another table": (
        "DELETE FROM todos USING users WHERE users.id = todos.user_id AND users.id = $1",
        [("purge", "First", None), ("purge", "Second", None)],
    ),
    "a query that writes on the side": (
        """
        WITH gone AS (DELETE FROM todos WHERE user_id = $1 AND title = 'First' RETURNING *)
        INSERT INTO todos (id, user_id, title, "order") SELECT gen_random_uuid(), user_id, 'Instead', 1 FROM gone
        """,
        [("purge", "First", None), ("create", None, "Instead")],
    ),
    "a merge": (
        """
        MERGE INTO todos USING (VALUES ('First'), ('Third')) AS wanted (title)
        ON todos.user_id = $1 AND todos.title = wanted.title
        WHEN MATCHED THEN UPDATE SET title = 'Merged'
        WHEN NOT MATCHED THEN INSERT (id, user_id, title, "order") VALUES (gen_random_uuid(), $1, wanted.title, 3)
        """,
        [("update", "First", "Merged"), ("create", None, "Third")],
    ),
}


ADD_PROJECTS = """
    INSERT INTO projects (id, user_id, name, "order")
    VALUES (gen_random_uuid(), $1, 'One', 1), (gen_random_uuid(), $1, 'Two', 2)
"""
SELECT_PROJECTS = """
    SELECT op, before->>'name', after->>'name' FROM change_log WHERE user_id = $1 AND seq > 2 AND project_id IS NOT NULL
    ORDER BY seq
"""


class TestWrites:
    @pytest.mark.parametrize("write", WRITES)
    def test_of_every_statement_are_logged(self, database_url: str, ada_with_two: UUID, write: str) -> None:
        statement, expected = WRITES[write]
        postgres.query(database_url, statement, ada_with_two)
        assert sorted(logged(database_url, ada_with_two), key=str) == sorted(expected, key=str)

    def test_by_copy_are_logged(self, database_url: str, ada_with_two: UUID) -> None:
        async def copy() -> None:
            async with connect(database_url) as connection:
                await connection.copy_records_to_table(
                    "todos",
                    columns=["id", "user_id", "title", "order"],
                    records=[(uuid4(), ada_with_two, title, 1.0) for title in ("One", "Two")],
                )

        run(copy())
        assert logged(database_url, ada_with_two) == [("create", None, "One"), ("create", None, "Two")]

    def test_in_one_string_of_statements_are_logged(self, database_url: str, ada_with_two: UUID) -> None:
        postgres.run(
            database_url,
            f"UPDATE todos SET completed = true, completed_at = now() WHERE user_id = '{ada_with_two}';"  # noqa: S608
            f"DELETE FROM todos WHERE user_id = '{ada_with_two}' AND title = 'First'",
        )
        assert sorted(logged(database_url, ada_with_two), key=str) == [
            ("complete", "First", "First"),
            ("complete", "Second", "Second"),
            ("purge", "First", None),
        ]

    def test_are_numbered_without_gaps(self, database_url: str, ada_with_two: UUID) -> None:
        for statement, _ in WRITES.values():
            postgres.query(database_url, statement, ada_with_two)
        rows = postgres.query(database_url, SELECT_LOG, ada_with_two)
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))

    def test_that_are_rolled_back_are_not_logged(self, database_url: str, ada_with_two: UUID) -> None:
        async def change_and_fail() -> None:
            async with connect(database_url) as connection, connection.transaction():
                await connection.execute("UPDATE todos SET title = 'Changed' WHERE user_id = $1", ada_with_two)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            run(change_and_fail())
        assert logged(database_url, ada_with_two) == []


PROJECT_WRITES: dict[str, tuple[str, list[Logged]]] = {
    "an insert": (
        """INSERT INTO projects (id, user_id, name, "order") VALUES (gen_random_uuid(), $1, 'New', 1)""",
        [("create", None, "New")],
    ),
    "an update of several rows": (
        "UPDATE projects SET name = name || '!' WHERE user_id = $1",
        [("update", "One", "One!"), ("update", "Two", "Two!")],
    ),
    "a delete": ("DELETE FROM projects WHERE user_id = $1 AND name = 'One'", [("delete", "One", None)]),
    "a delete of several rows": (
        "DELETE FROM projects WHERE user_id = $1",
        [("delete", "One", None), ("delete", "Two", None)],
    ),
}


class TestWritesOfProjects:
    @pytest.mark.parametrize("write", PROJECT_WRITES)
    def test_of_every_statement_are_logged(self, database_url: str, ada: UUID, write: str) -> None:
        statement, expected = PROJECT_WRITES[write]
        postgres.query(database_url, ADD_PROJECTS, ada)
        postgres.query(database_url, statement, ada)
        rows = postgres.query(database_url, SELECT_PROJECTS, ada)
        assert sorted([tuple(row) for row in rows], key=str) == sorted(expected, key=str)
        numbers = postgres.query(database_url, "SELECT seq FROM change_log WHERE user_id = $1 ORDER BY seq", ada)
        assert [row["seq"] for row in numbers] == list(range(1, len(numbers) + 1))

    def test_are_not_in_the_log_for_the_code_of_0_2_0(self, database_url: str, ada_with_two: UUID) -> None:
        postgres.query(database_url, ADD_PROJECTS, ada_with_two)
        postgres.query(database_url, "SELECT log_tag($1, 'home', 'house')", ada_with_two)
        rows = postgres.query(database_url, SELECT_LOG, ada_with_two)
        assert [row["seq"] for row in rows] == [1, 2]

    def test_by_truncate_are_refused(self, database_url: str) -> None:
        with pytest.raises(asyncpg.PostgresError, match="change log"):
            postgres.run(database_url, "TRUNCATE projects CASCADE")

    def test_are_deleted_with_the_account(self, database_url: str, ada: UUID) -> None:
        postgres.query(database_url, ADD_PROJECTS, ada)
        postgres.query(database_url, "DELETE FROM users WHERE id = $1", ada)
        assert postgres.query(database_url, "SELECT FROM change_log WHERE user_id = $1", ada) == []


class TestTags:
    def test_a_renamed_and_a_deleted_tag_are_logged_with_their_actor(self, database_url: str, ada: UUID) -> None:
        turn_id = uuid4()

        async def scenario() -> list[Change]:
            async with open_database(database_url) as db:
                async with db.transaction() as transaction:
                    await changes.log_tag(transaction, Actor(ada, "assistant", turn_id), "home", "house")
                    await changes.log_tag(transaction, Actor(ada, token_name="Import"), "shop", None)
                assert await changes.find_changed_todos(db, ada, turn_id) == {}
                assert await changes.find_versions(db, ada, turn_id) == {}
                assert await changes.find_turn_changes(db, ada, turn_id) == []
                return (await changes.find_since(db, ada, 0, limit=10)).changes

        renamed, deleted = run(scenario())
        assert (renamed.kind, renamed.op, renamed.tag, renamed.turn_id) == ("tag", "rename", "home", turn_id)
        assert (renamed.before, renamed.after) == (TagName("home"), TagName("house"))
        assert (deleted.op, deleted.tag, deleted.token_name) == ("delete", "shop", "Import")
        assert (deleted.before, deleted.after) == (TagName("shop"), None)


class TestLogRows:
    @pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/St_Johns"])
    def test_contain_the_todo_before_and_after_in_utc_in_every_session_time_zone(
        self, database_url: str, ada_with_two: UUID, zone: str
    ) -> None:
        async def change() -> tuple[str, str]:
            async with connect(database_url) as connection:
                await connection.execute("SET timezone = 'UTC'")
                before = await connection.fetchval(SELECT_SNAPSHOT, ada_with_two, "First")
                await connection.execute(f"SET timezone = '{zone}'")
                await connection.execute(
                    "UPDATE todos SET title = 'Changed', due_at = now(), tags = '{a,b}', version = 2 "
                    "WHERE user_id = $1 AND title = 'First'",
                    ada_with_two,
                )
                await connection.execute("SET timezone = 'UTC'")
                return before, await connection.fetchval(SELECT_SNAPSHOT, ada_with_two, "Changed")

        before, after = run(change())
        *_, entry = postgres.query(database_url, SELECT_LOG, ada_with_two)
        assert (entry["before"], entry["after"]) == (before, after)

    @pytest.mark.parametrize("change", ["recurrence = 'FREQ=DAILY', due_date = '2030-01-01'", "skips = 1"])
    def test_of_a_todo_that_recurs_or_did_so_contain_its_series(
        self, database_url: str, ada_with_two: UUID, change: str
    ) -> None:
        postgres.query(database_url, f"UPDATE todos SET {change} WHERE user_id = $1", ada_with_two)  # noqa: S608
        *_, entry = postgres.query(database_url, SELECT_LOG, ada_with_two)
        before, after = (json.loads(entry[side]) for side in ("before", "after"))
        assert not {"skips", "series"} & before.keys()
        assert {"skips", "series"} <= after.keys()

    def test_of_a_write_without_an_actor_belong_to_the_system(self, database_url: str, ada_with_two: UUID) -> None:
        for statement, _ in WRITES.values():
            postgres.query(database_url, statement, ada_with_two)
        rows = postgres.query(database_url, SELECT_LOG, ada_with_two)
        assert {(row["actor"], row["turn_id"]) for row in rows} == {("system", None)}

    def test_have_the_actor_of_each_write_on_a_shared_connection(self, database_url: str, ada: UUID) -> None:
        turn_id = uuid4()

        async def write() -> None:
            async with open_database(database_url, pool_size=1) as db:
                for actor in (Actor(ada), Actor(ada, "assistant", turn_id), Actor(ada, "token")):
                    await operations.add(db, actor, TodoCreate(title=actor.kind))

        run(write())
        rows = postgres.query(database_url, SELECT_LOG, ada)
        assert [(row["actor"], row["turn_id"]) for row in rows] == [
            ("user", None),
            ("assistant", turn_id),
            ("token", None),
        ]

    @pytest.mark.parametrize("name", ["Backup", ":", "a:b::c", "Ünïcode €"])
    def test_have_the_name_of_the_api_token(self, database_url: str, ada: UUID, name: str) -> None:
        async def write() -> None:
            async with open_database(database_url) as db:
                actor = Actor(ada, "token", token_name=name)
                todo = await operations.add(db, actor, TodoCreate(title="Milk"))
                await operations.update(db, Actor(ada, "token"), todo.id, TodoUpdate(title="Oat milk"))
                await operations.delete(db, actor, todo.id)

        run(write())
        log = "SELECT token_name FROM change_log WHERE user_id = $1 ORDER BY seq"
        assert [row["token_name"] for row in postgres.query(database_url, log, ada)] == [name, None, name]

    def test_do_not_take_the_actor_of_an_earlier_transaction(self, database_url: str, ada_with_two: UUID) -> None:
        async def write() -> None:
            async with connect(database_url) as connection:
                async with connection.transaction():
                    await connection.execute("SELECT set_config('todo.actor', 'assistant:' || $1, true)", str(uuid4()))
                    await connection.execute("UPDATE todos SET title = 'Signed' WHERE title = 'First'")
                await connection.execute("UPDATE todos SET title = 'Unsigned' WHERE user_id = $1", ada_with_two)

        run(write())
        rows = postgres.query(database_url, SELECT_LOG, ada_with_two)
        assert [row["actor"] for row in rows] == ["system", "system", "assistant", "system", "system"]

    def test_are_deleted_with_the_account(self, database_url: str, ada_with_two: UUID) -> None:
        postgres.query(database_url, "UPDATE todos SET title = 'Changed' WHERE user_id = $1", ada_with_two)
        postgres.query(database_url, "DELETE FROM users WHERE id = $1", ada_with_two)
        assert postgres.query(database_url, SELECT_LOG, ada_with_two) == []
        assert postgres.query(database_url, "SELECT FROM todos WHERE user_id = $1", ada_with_two) == []
