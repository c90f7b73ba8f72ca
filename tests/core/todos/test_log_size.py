"""The change log leaves out descriptions that do not change, and readers see them all the same."""

import asyncio
import json
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from tests import postgres
from tests.core.databases import add_user
from todo_core.accounts.export import stream_document
from todo_core.actors import Actor
from todo_core.database.executor import Database
from todo_core.todos import changes, operations
from todo_core.todos.changes import Snapshot
from todo_core.todos.model import Todo, TodoCreate, TodoUpdate

pytestmark = pytest.mark.pooler

LONG = "€" * 16_384
SELECT_SIZE = """
    SELECT octet_length(coalesce(before::text, '')) + octet_length(coalesce(after::text, '')) AS size FROM change_log
    WHERE user_id = $1 ORDER BY seq DESC LIMIT 1
"""
SELECT_STORED = "SELECT before ? 'description' OR after ? 'description' FROM change_log WHERE user_id = $1 ORDER BY seq"
FILL_IN = """
    UPDATE change_log SET before = full_snapshot(before, user_id, todo_id, seq),
        after = full_snapshot(after, user_id, todo_id, seq)
    WHERE user_id = $1
"""


def read_description(snapshot: dict[str, str | None] | None) -> str | None:
    return "-" if snapshot is None else snapshot["description"]


def description_of(snapshot: Snapshot | None) -> str | None:
    return snapshot.description if isinstance(snapshot, Todo) else "-"


@dataclass
class Writer:
    """A user who changes one todo."""

    url: str
    db: Database
    runner: asyncio.Runner
    actor: Actor

    def run[Result](self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    def add(self, description: str | None) -> UUID:
        return self.run(operations.add(self.db, self.actor, TodoCreate(title="Milk", description=description))).id

    def change(self, todo_id: UUID, **fields: Any) -> None:
        self.run(operations.update(self.db, self.actor, todo_id, TodoUpdate(**fields)))

    def read_descriptions(self) -> list[tuple[str | None, str | None]]:
        """Returns the description before and after each change of the log; `-` stands for no todo."""
        page = self.run(changes.find_since(self.db, self.actor.user_id, 0, limit=200))
        return [(description_of(change.before), description_of(change.after)) for change in page.changes]

    def export_descriptions(self) -> list[tuple[str | None, str | None]]:
        async def collect() -> bytes:
            return b"".join([piece async for piece in stream_document(self.db, self.actor.user_id)])

        document = json.loads(self.run(collect()))
        return [
            (read_description(change["before"]), read_description(change["after"])) for change in document["changes"]
        ]


@pytest.fixture
def ada(database_url: str) -> Iterator[Writer]:
    with asyncio.Runner() as runner:
        writer = Writer(database_url, Database(database_url), runner, Actor(add_user(database_url)))
        yield writer
        runner.run(writer.db.close())


class TestSize:
    def test_a_short_patch_of_a_long_todo_writes_less_than_4_kb(self, ada: Writer) -> None:
        todo_id = ada.add(LONG)
        ada.change(todo_id, title="Oat milk")
        [[size]] = postgres.query(ada.url, SELECT_SIZE, ada.actor.user_id)
        assert size < 4096

    def test_a_todo_without_description_needs_no_look_at_later_changes(self, ada: Writer) -> None:
        ada.change(ada.add(None), title="Oat milk")
        assert [stored for (stored,) in postgres.query(ada.url, SELECT_STORED, ada.actor.user_id)] == [True, True]


def change_in_many_ways(ada: Writer) -> list[tuple[str | None, str | None]]:
    """Changes, deletes, restores and purges a todo beside another one. Returns the true descriptions of each change."""
    todo_id = ada.add("one")
    ada.change(todo_id, title="a")
    ada.change(todo_id, description="two")
    ada.change(todo_id, completed=True)
    other = ada.add("other")
    ada.change(other, title="b")
    ada.change(todo_id, description=None)
    ada.change(todo_id, title="c")
    ada.change(todo_id, description="three", title="d")
    ada.run(operations.delete(ada.db, ada.actor, todo_id))
    ada.run(operations.restore(ada.db, ada.actor, todo_id))
    ada.run(operations.delete(ada.db, ada.actor, todo_id))
    postgres.query(ada.url, "DELETE FROM todos WHERE id = $1", todo_id)
    ada.change(other, title="e")
    return [
        *(("-", "one"), ("one", "one"), ("one", "two"), ("two", "two"), ("-", "other"), ("other", "other")),
        *(("two", None), (None, None), (None, "three"), ("three", "three"), ("three", "three"), ("three", "three")),
        *(("three", "-"), ("other", "other")),
    ]


class TestDescriptions:
    def test_of_each_change_are_those_of_its_time(self, ada: Writer) -> None:
        expected = change_in_many_ways(ada)
        assert ada.read_descriptions() == expected

    def test_of_the_export_are_those_of_their_time(self, ada: Writer) -> None:
        expected = change_in_many_ways(ada)
        assert ada.export_descriptions() == expected

    def test_of_rows_that_have_them_all_are_read_as_they_are(self, ada: Writer) -> None:
        expected = change_in_many_ways(ada)
        postgres.query(ada.url, FILL_IN, ada.actor.user_id)
        assert ada.read_descriptions() == expected

    @pytest.mark.parametrize(
        "steps",
        [
            [{"title": "a"}],
            [{"title": "a"}, {"description": "two"}],
            [{"description": "two"}, {"title": "a"}],
            [{"title": "a"}, {"description": None}, {"title": "b"}, {"description": "three"}, {"title": "c"}],
        ],
    )
    def test_of_an_undone_turn_come_back(self, ada: Writer, steps: list[dict[str, Any]]) -> None:
        user, turn_id = ada.actor, UUID(int=ada.actor.user_id.int ^ 1)
        todo_id = ada.add("one")
        ada.actor = Actor(user.user_id, "assistant", turn_id)
        for fields in steps:
            ada.change(todo_id, **fields)

        async def undo() -> list[UUID]:
            async with ada.db.transaction() as transaction:
                return list(await changes.undo_turn(transaction, user, turn_id))

        assert ada.run(undo()) == [todo_id]
        todo = ada.run(operations.get(ada.db, user.user_id, todo_id))
        assert (todo.title, todo.description) == ("Milk", "one")
        assert ada.read_descriptions()[-1][1] == "one"
