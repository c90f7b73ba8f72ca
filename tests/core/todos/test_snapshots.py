"""Change log rows that were written under earlier schema revisions can still be read and undone.

`change_log_rows.json` has one logged todo for each revision, with exactly the columns of that revision.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, cast
from uuid import UUID, uuid4

import pytest
from pydantic import Field

from tests import postgres
from tests.core.databases import add_user, open_database, run
from todo_core.actors import Actor
from todo_core.todos import changes, operations
from todo_core.todos.changes import Change, derive_snapshot_defaults
from todo_core.todos.model import Todo, TodoCreate, TodoUpdate

type Json = dict[str, Any]

ROWS: dict[str, Json] = json.loads(Path(__file__).with_name("change_log_rows.json").read_text())
ADD_CHANGE = """
    INSERT INTO change_log (user_id, seq, todo_id, op, actor, before, after)
    VALUES ($1, 1, $2, 'update', 'user', CAST($3 AS jsonb), CAST($3 AS jsonb))
"""
SET_BEFORE = "UPDATE change_log SET before = CAST($2 AS jsonb) WHERE user_id = $1 AND actor = 'assistant'"
SELECT_TODO = "SELECT to_jsonb(todos) FROM todos WHERE user_id = $1"
NEVER_RECURRED: Json = {"due_time": None, "occurrences": 0, "skips": 0, "series": None}
CHANGED_BY_THE_TURN: Json = {
    "title": "Changed",
    "description": "Changed",
    "priority": "low",
    "due_at": "2031-01-01T00:00:00Z",
    "reminder_at": "2031-01-01T00:00:00Z",
    "recurrence": "FREQ=YEARLY",
    "recurrence_from": "due",
    "tags": ["changed"],
}


class NewTodoWithEstimate(TodoCreate):
    effort: int | None = 5
    size: Literal["small", "large"] = "small"
    labels: list[str] = Field(default=[])


class TodoWithEstimate(Todo, frozen=True):
    effort: int | None
    size: Literal["small", "large"]
    labels: list[str]


@pytest.fixture
def ada(database_url: str) -> UUID:
    return add_user(database_url)


def read_log(database_url: str, user_id: UUID) -> list[Change]:
    async def scenario() -> list[Change]:
        async with open_database(database_url) as db:
            return (await changes.find_since(db, user_id, 0, limit=10)).changes

    return run(scenario())


def parse_value(value: object) -> object:
    """Converts an id, day or instant in JSON to the type that it has in a todo.

    Returns other values unchanged, and also ids that do not begin with four digits.
    """
    if not isinstance(value, str) or not value[:4].isdigit():
        return value
    if len(value) == len(str(UUID(int=0))):
        return UUID(value)
    return datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)


class TestFindSince:
    @pytest.mark.parametrize("revision", ROWS)
    def test_a_row_of_an_earlier_revision_is_read(self, database_url: str, ada: UUID, revision: str) -> None:
        row = ROWS[revision]
        postgres.query(database_url, ADD_CHANGE, ada, UUID(row["id"]), json.dumps(row))
        [change] = read_log(database_url, ada)
        assert change.before == change.after
        assert change.after is not None
        fields = {name: getattr(change.after, name) for name in Todo.__struct_fields__}
        assert fields == {name: parse_value(({"recurrence_from": "due"} | row).get(name)) for name in fields}

    def test_a_new_field_has_its_default_in_an_older_row(
        self, database_url: str, ada: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        defaults = derive_snapshot_defaults(TodoWithEstimate, NewTodoWithEstimate)
        monkeypatch.setattr(changes, "Todo", TodoWithEstimate)
        monkeypatch.setattr(changes, "_FIELD_DEFAULTS", defaults)
        postgres.query(database_url, ADD_CHANGE, ada, uuid4(), json.dumps(ROWS["0002"]))
        [change] = read_log(database_url, ada)
        after = cast("TodoWithEstimate", change.after)
        assert (after.title, after.effort, after.size, after.labels) == ("Call the bank", None, "small", [])

    def test_a_stored_value_wins_over_the_default(self, database_url: str, ada: UUID) -> None:
        row = ROWS["0003"]
        postgres.query(database_url, ADD_CHANGE, ada, UUID(row["id"]), json.dumps(row))
        [change] = read_log(database_url, ada)
        assert isinstance(change.after, Todo)
        assert change.after.recurrence == row["recurrence"]


class TestUndoTurn:
    @pytest.mark.parametrize("revision", ROWS)
    def test_a_row_of_an_earlier_revision_is_restored(self, database_url: str, ada: UUID, revision: str) -> None:
        turn_id = uuid4()

        async def change() -> UUID:
            async with open_database(database_url) as db:
                todo = await operations.add(db, Actor(ada), TodoCreate(title="Milk", due_date=date(2030, 1, 1)))
                by_turn = Actor(ada, "assistant", turn_id)
                await operations.update(db, by_turn, todo.id, TodoUpdate.model_validate(CHANGED_BY_THE_TURN))
                await operations.update(db, by_turn, todo.id, TodoUpdate(completed=True))
                return todo.id

        async def undo() -> Sequence[UUID]:
            async with open_database(database_url) as db, db.transaction() as transaction:
                return await changes.undo_turn(transaction, Actor(ada), turn_id)

        todo_id = run(change())
        before = ROWS[revision] | {"id": str(todo_id)}
        postgres.query(database_url, SET_BEFORE, ada, json.dumps(before))
        assert run(undo()) == [todo_id]
        [[stored]] = postgres.query(database_url, SELECT_TODO, ada)
        expected = derive_snapshot_defaults(Todo, TodoCreate) | NEVER_RECURRED | before
        names = expected.keys() - {"id", "version", "created_at", "updated_at"}
        todo = json.loads(stored)
        assert {name: parse_value(todo[name]) for name in names} == {
            name: parse_value(expected[name]) for name in names
        }
