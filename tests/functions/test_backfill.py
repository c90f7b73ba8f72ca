"""The upgrade of a database with rows of revision 0007: its accounts get the counters that their rows stand for."""

import json
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from alembic import command
from alembic.config import Config

import functions.purge.app  # noqa: F401 - registers the tables that expire
from functions.migrate.app import upgrade
from tests import postgres
from tests.core.databases import add_user, open_database, run
from todo_core.actors import Actor
from todo_core.limits import Retention
from todo_core.purge import purge
from todo_core.settings import Settings
from todo_core.todos import operations
from todo_core.todos.model import TodoCreate

pytestmark = pytest.mark.pooler

ROW: Final = 600
"""The bytes of a todo, a snapshot in the log, a turn or a stored response besides its texts."""
PART: Final = 200
"""The bytes of a model response or a tool call besides its texts."""

INSERT_TODO = """
    INSERT INTO todos (id, user_id, title, description, tags, "order") VALUES (gen_random_uuid(), $1, $2, $3, $4, 1)
"""
INSERT_TURN = """
    WITH conversation AS (
        INSERT INTO conversations (id, user_id, title) VALUES (gen_random_uuid(), $1, 'Milk') RETURNING id
    )
    INSERT INTO turns (id, user_id, conversation_id, message_id, reply_id, request_digest, message, timezone, model,
        status, response, approval)
    SELECT $2, $1, id, gen_random_uuid(), gen_random_uuid(), '', $3, 'UTC', 'scripted', 'done', $4, $5
    FROM conversation
"""
INSERT_ROUND = """
    INSERT INTO rounds (turn_id, number, content, prompt_tokens, completion_tokens, milliseconds, extras)
    VALUES ($1, 1, $2, 1, 1, 1, $3)
"""
INSERT_CALL = """
    INSERT INTO tool_calls (turn_id, round, position, call_id, name, arguments, result, extras)
    VALUES ($1, 1, 1, $2, $3, $4, $5, $6)
"""
INSERT_KEY = """
    INSERT INTO idempotency_keys (user_id, route, key, request_digest, status, headers, body, expires_at)
    VALUES ($1, 'POST /todos', $2, '', 201, '{}', $3, now() - interval '1 second')
"""
SELECT_COUNTERS = "SELECT last_seq, live_todos, stored_bytes FROM account_usage WHERE user_id = $1"


def configure(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[2] / "migrations"))
    config.attributes["settings"] = settings_of(url)
    return config


def upgrade_to_0007(url: str) -> None:
    command.upgrade(configure(url), "0007")


def downgrade(url: str, revision: str) -> None:
    command.downgrade(configure(url), revision)


def settings_of(url: str) -> Settings:
    return Settings(database={"url": url, "url_unpooled": url})


def size(*texts: str | None) -> int:
    return sum(len(text.encode()) for text in texts if text is not None)


def size_of_todo(todo: dict[str, Any] | None) -> int:
    return 0 if todo is None else ROW + size(todo["title"], todo.get("description"), ",".join(todo["tags"]))


class Owner:
    """A user of the database, whose rows a test adds and counts."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.user_id = add_user(url)
        self.turn_bytes = 0
        self.key_bytes = 0

    def query(self, statement: str, *arguments: object) -> list[dict[str, Any]]:
        return [dict(row) for row in postgres.query(self.url, statement, *arguments)]

    def add_todo(self, title: str, description: str | None, *tags: str) -> None:
        self.query(INSERT_TODO, self.user_id, title, description, list(tags))

    def add_turn(self) -> UUID:
        """Adds a turn with a model response, a tool call, an approval and extras of the provider."""
        turn_id = uuid4()
        message, response, approval = "add m\u00fcsli", "Added.", json.dumps({"kind": "delete"})
        self.query(INSERT_TURN, self.user_id, turn_id, message, response, approval)
        content, extras = "thinking \u2026", json.dumps({"id": "x"})
        self.query(INSERT_ROUND, turn_id, content, extras)
        call = ("call-1", "add_todos", '{"todos":[]}', json.dumps({"ok": True}), extras)
        self.query(INSERT_CALL, turn_id, *call)
        self.turn_bytes = ROW + size(message, response, approval) + PART + size(content, extras) + PART + size(*call)
        return turn_id

    def add_key(self, body: bytes | None) -> None:
        """Adds an expired idempotency key. Without a body, its request has not ended."""
        self.query(INSERT_KEY, self.user_id, uuid4().hex, body)
        self.key_bytes += 0 if body is None else ROW + len(body)

    def count(self) -> dict[str, int]:
        """Counts the rows of the user's todos and log, one by one, and adds the bytes of turns and keys."""
        todos = self.query("SELECT * FROM todos WHERE user_id = $1", self.user_id)
        changes = self.query("SELECT seq, before, after FROM changes WHERE user_id = $1", self.user_id)
        snapshots = [json.loads(row[name]) for row in changes for name in ("before", "after") if row[name]]
        return {
            "last_seq": max((row["seq"] for row in changes), default=0),
            "live_todos": sum(todo["deleted_at"] is None for todo in todos),
            "stored_bytes": sum(map(size_of_todo, [*todos, *snapshots])) + self.turn_bytes + self.key_bytes,
        }

    def read_counters(self) -> dict[str, int]:
        (row,) = self.query(SELECT_COUNTERS, self.user_id)
        return row

    def read_tags(self) -> set[str]:
        return {row["tag"] for row in self.query("SELECT tag FROM known_tags WHERE user_id = $1", self.user_id)}


@pytest.fixture
def database(server_url: str) -> Iterator[str]:
    """URL of a database at revision 0007."""
    with postgres.database(server_url, migrated=False) as url:
        upgrade_to_0007(url)
        yield url


@pytest.fixture
def ada(database: str) -> Owner:
    """A user who has all kinds of rows."""
    ada = Owner(database)
    ada.add_todo("M\u00fcsli", "with 🥛", "home", "shop")
    ada.add_todo("Bread", None, "home")
    ada.add_todo("Shoes", "brown", "gone")
    ada.query("UPDATE todos SET title = 'Blue shoes', tags = '{sold}' WHERE title = 'Shoes'")
    ada.query("UPDATE todos SET deleted_at = now() WHERE title = 'Blue shoes'")
    ada.add_turn()
    ada.add_key('{"title": "\u00fc"}'.encode())
    ada.add_key(None)
    return ada


class TestCounters:
    def test_they_equal_the_rows_of_the_account(self, database: str, ada: Owner) -> None:
        upgrade(settings_of(database))

        assert ada.read_counters() == ada.count()
        assert ada.read_counters() | {"stored_bytes": 0} == {"last_seq": 5, "live_todos": 2, "stored_bytes": 0}

    def test_they_are_zero_for_an_account_without_rows(self, database: str, ada: Owner) -> None:
        bob = Owner(database)
        upgrade(settings_of(database))

        assert bob.read_counters() == {"last_seq": 0, "live_todos": 0, "stored_bytes": 0}
        assert ada.read_counters() == ada.count()

    def test_an_account_with_a_turn_alone_is_counted(self, database: str) -> None:
        bob = Owner(database)
        bob.add_turn()
        upgrade(settings_of(database))

        assert bob.read_counters() == bob.count()

    def test_the_log_begins_with_the_first_change(self, database: str, ada: Owner) -> None:
        ada.query("UPDATE changes SET created_at = now() - interval '80 days' WHERE seq = 1")
        (first,) = ada.query("SELECT min(created_at) AS log_begins_at FROM changes")
        upgrade(settings_of(database))

        assert ada.query("SELECT log_begins_at FROM account_usage") == [first]

    def test_later_writes_go_on_from_them(self, database: str, ada: Owner) -> None:
        upgrade(settings_of(database))

        async def write() -> None:
            async with open_database(database) as db:
                actor = Actor(ada.user_id)
                await operations.add(db, actor, TodoCreate(title="Tea", tags=["kitchen"]))
                await purge(db, Retention(), seconds_left=lambda: inf)

        ada.query("DELETE FROM conversations WHERE user_id = $1", ada.user_id)
        run(write())
        ada.turn_bytes = ada.key_bytes = 0

        assert ada.read_counters() == ada.count()
        assert ada.read_counters()["last_seq"] == 6


SEARCHED = """
    SELECT title FROM todos
    WHERE user_id = $1 AND terms_of(user_id, tags, words) @@ terms_asked($1, $2, $3, '-') AND words @@ words_asked($3)
    ORDER BY title
"""
TITLES = (
    "Οδός Ερμού",
    "买牛奶",
    "Buy 🎉",
    "ซ\u0e37\u0e49อนม",
    "Plain",
)


class TestWords:
    """Revision 0011 computes the words of todos anew where they change, without a version and without a log entry."""

    @pytest.fixture(autouse=True)
    def _old_functions(self, database: str) -> None:
        """Creates the functions of version 0.2.0. The migrations create those of today on a new database."""
        script = (Path(__file__).parents[2] / "migrations" / "versions" / "0009_search.sql").read_text()
        postgres.run(database, f"BEGIN; {script} COMMIT;")

    @pytest.mark.parametrize(
        ("q", "title"),
        list(zip(("ΟΔΟΣ", "牛奶", "🎉", "นม", "plain"), TITLES, strict=True)),
    )
    def test_old_todos_are_found(self, q: str, title: str, database: str, ada: Owner) -> None:
        for each in TITLES:
            ada.add_todo(each, None, "Home", "x")
        before = ada.query("SELECT id, version, updated_at FROM todos ORDER BY id")
        upgrade(settings_of(database))

        assert ada.query("SELECT id, version, updated_at FROM todos ORDER BY id") == before
        assert ada.read_counters() == ada.count()
        found = ada.query(SEARCHED, ada.user_id, ["home"], q)
        assert [row["title"] for row in found] == [title]

    def test_their_words_are_old_again_after_a_downgrade(self, database: str, ada: Owner) -> None:
        for each in TITLES:
            ada.add_todo(each, None)
        before = ada.query("SELECT id, words::text FROM todos ORDER BY id")
        upgrade(settings_of(database))
        assert ada.query("SELECT id, words::text FROM todos ORDER BY id") != before
        downgrade(database, "0010")

        assert ada.query("SELECT id, words::text FROM todos ORDER BY id") == before
        assert ada.read_counters()["last_seq"] == 10


class TestTags:
    def test_known_are_those_of_todos_outside_the_trash(self, database: str, ada: Owner) -> None:
        upgrade(settings_of(database))

        assert ada.read_tags() == {"home", "shop"}
