"""The counters of an account are true after every write, and writes beyond its quotas are refused."""

import asyncio
import random
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests import postgres
from tests.core.databases import add_user
from todo_core.actors import Actor
from todo_core.database.executor import Database
from todo_core.errors import QuotaExceeded
from todo_core.limits import Quotas
from todo_core.todos import bulk, changes, operations, projects
from todo_core.todos.errors import InvalidTodo, TodoNotFound
from todo_core.todos.filters import Filters
from todo_core.todos.model import Todo, TodoCreate, TodoUpdate
from todo_core.todos.projects import ProjectCreate, ProjectUpdate

pytestmark = pytest.mark.pooler

SELECT_COUNTERS = "SELECT last_seq, live_todos, stored_bytes FROM account_usage WHERE user_id = $1"
COUNT = """
    SELECT (SELECT max(seq) FROM change_log WHERE user_id = $1) AS last_seq,
        (SELECT count(*) FROM todos WHERE user_id = $1 AND deleted_at IS NULL) AS live_todos,
        (SELECT coalesce(sum(todo_bytes(title, description, tags)), 0) FROM todos WHERE user_id = $1)
        + (SELECT sum(snapshot_bytes(before) + snapshot_bytes(after)) FROM change_log WHERE user_id = $1)
        AS stored_bytes
"""
SELECT_READ_BYTES = """
    SELECT read_bytes, snapshot_bytes(full_snapshot(before, user_id, todo_id, seq))
        + snapshot_bytes(full_snapshot(after, user_id, todo_id, seq)) AS counted
    FROM change_log WHERE user_id = $1
"""


@dataclass
class Writer:
    """A user whose quotas a test may set."""

    url: str
    db: Database
    runner: asyncio.Runner
    user_id: UUID
    quotas: Quotas = Quotas()  # noqa: RUF009 - frozen

    @property
    def actor(self) -> Actor:
        return Actor(self.user_id, quotas=self.quotas)

    def run[Result](self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    def add(self, title: str = "Milk", **fields: Any) -> Todo:
        return self.run(operations.add(self.db, self.actor, TodoCreate(title=title, **fields)))

    def change(self, todo: Todo, **fields: Any) -> Todo:
        return self.run(operations.update(self.db, self.actor, todo.id, TodoUpdate(**fields)))

    def delete(self, todo: Todo) -> None:
        self.run(operations.delete(self.db, self.actor, todo.id))

    def restore(self, todo: Todo) -> Todo:
        return self.run(operations.restore(self.db, self.actor, todo.id))

    def read_counters(self) -> dict[str, int]:
        [row] = postgres.query(self.url, SELECT_COUNTERS, self.user_id)
        return dict(row)

    def set_full(self) -> None:
        """Sets the quota of stored bytes to what is stored."""
        self.quotas = Quotas(stored_bytes=max(self.read_counters()["stored_bytes"], 10_000))

    def refuse(self, quota: str, work: Coroutine[Any, Any, object]) -> None:
        with pytest.raises(QuotaExceeded) as refusal:
            self.run(work)
        assert refusal.value.members == {"quota": quota, "limit": getattr(self.quotas, quota)}

    def refuse_new(self, quota: str, **fields: Any) -> None:
        self.refuse(quota, operations.add(self.db, self.actor, TodoCreate(title="More", **fields)))


@pytest.fixture
def ada(database_url: str) -> Iterator[Writer]:
    with asyncio.Runner() as runner:
        writer = Writer(database_url, Database(database_url), runner, add_user(database_url))
        yield writer
        runner.run(writer.db.close())


class TestCounters:
    def test_of_a_new_account_are_zero(self, ada: Writer) -> None:
        assert ada.read_counters() == {"last_seq": 0, "live_todos": 0, "stored_bytes": 0}

    def test_equal_the_stored_rows_after_random_writes(self, ada: Writer) -> None:
        chance = random.Random(5)  # noqa: S311 - not a secret
        todos: list[Todo] = []
        turn = Actor(ada.user_id, "assistant", uuid4())
        for number in range(150):
            todo = chance.choice(todos) if todos else None
            texts: dict[str, Any] = {
                "title": "ü" * chance.randint(1, 9),
                "description": chance.choice([None, "x" * number, "same"]),
            }
            with suppress(TodoNotFound, InvalidTodo):
                match chance.choice(
                    [
                        "add",
                        "add",
                        "change",
                        "complete",
                        "delete",
                        "restore",
                        "move",
                        "turn",
                        "project",
                        "rename",
                        "tag",
                    ]
                ):
                    case "add":
                        parent = todo.id if todo and chance.random() < 0.5 else None
                        todos.append(ada.add(**texts, tags=["a", "bc"][: chance.randint(0, 2)], parent_id=parent))
                    case "change" if todo:
                        ada.change(todo, **texts)
                    case "complete" if todo:
                        ada.change(todo, completed=True)
                    case "delete" if todo:
                        ada.delete(todo)
                    case "restore" if todo:
                        ada.restore(todo)
                    case "move" if todo:
                        ada.change(todo, parent_id=chance.choice(todos).id)
                    case "turn" if todo:
                        ada.run(operations.update(ada.db, turn, todo.id, TodoUpdate(title="Turn")))
        assert turn.turn_id
        turn_id = turn.turn_id

        async def undo() -> None:
            async with ada.db.transaction() as transaction:
                await changes.undo_turn(transaction, ada.actor, turn_id)

        ada.run(undo())
        postgres.query(ada.url, "DELETE FROM todos WHERE user_id = $1 AND deleted_at IS NOT NULL", ada.user_id)
        ada.run(bulk.delete(ada.db, ada.actor, Filters(completed=True)))
        [counted] = postgres.query(ada.url, COUNT, ada.user_id)
        assert ada.read_counters() == dict(counted)
        rows = postgres.query(ada.url, SELECT_READ_BYTES, ada.user_id)
        assert [row["read_bytes"] for row in rows] == [row["counted"] for row in rows]

    def test_equal_the_stored_rows_after_writes_of_projects_and_tags(self, ada: Writer) -> None:
        ada.add(tags=["home"])
        for number in range(5):
            new = ProjectCreate(name="ü" * (number + 1))
            project = ada.run(projects.add(ada.db, ada.actor, new))
            ada.run(projects.update(ada.db, ada.actor, project.id, ProjectUpdate(name="x" * number or "y")))
            postgres.query(ada.url, "SELECT log_tag($1, 'home', 'häuser')", ada.user_id)
        postgres.query(ada.url, "SELECT log_tag($1, 'häuser', NULL)", ada.user_id)
        postgres.query(ada.url, "DELETE FROM projects WHERE user_id = $1 AND name = 'y'", ada.user_id)
        [counted] = postgres.query(ada.url, COUNT, ada.user_id)
        assert ada.read_counters() == dict(counted)
        rows = postgres.query(ada.url, SELECT_READ_BYTES, ada.user_id)
        assert [row["read_bytes"] for row in rows] == [row["counted"] for row in rows]


class TestQuotaOfTodos:
    def test_a_todo_beyond_it_is_refused(self, ada: Writer) -> None:
        ada.quotas = Quotas(todos=2)
        ada.add()
        ada.add()
        ada.refuse_new("todos")
        assert ada.read_counters()["live_todos"] == 2

    def test_a_deleted_todo_makes_room_for_another(self, ada: Writer) -> None:
        ada.quotas = Quotas(todos=1)
        first = ada.add()
        ada.delete(first)
        ada.add()
        ada.refuse("todos", operations.restore(ada.db, ada.actor, first.id))

    def test_a_tree_that_does_not_fit_is_not_restored(self, ada: Writer) -> None:
        ada.quotas = Quotas(todos=3)
        root = ada.add()
        ada.add(parent_id=root.id)
        ada.delete(root)
        ada.add()
        ada.add()
        ada.refuse("todos", operations.restore(ada.db, ada.actor, root.id))
        assert ada.read_counters()["live_todos"] == 2

    def test_todos_beyond_a_lowered_quota_can_be_changed_completed_and_deleted(self, ada: Writer) -> None:
        todos = [ada.add() for _ in range(3)]
        ada.quotas = Quotas(todos=1)
        ada.change(todos[0], title="Oat milk")
        ada.change(todos[1], completed=True)
        ada.delete(todos[2])
        assert ada.read_counters()["live_todos"] == 2


class TestQuotaOfTags:
    def test_a_new_tag_beyond_it_is_refused_but_not_a_known_one(self, ada: Writer) -> None:
        ada.quotas = Quotas(tags=2)
        todo = ada.add(tags=["a", "b"])
        ada.refuse_new("tags", tags=["c"])
        ada.refuse("tags", operations.update(ada.db, ada.actor, todo.id, TodoUpdate(tags=["a", "b", "c"])))
        ada.add(tags=["b", "a"])

    def test_a_tag_that_no_todo_has_any_more_does_not_count(self, ada: Writer) -> None:
        ada.quotas = Quotas(tags=2)
        todo = ada.add(tags=["a", "b"])
        ada.change(todo, tags=["a", "c"])
        ada.delete(todo)
        ada.add(tags=["d", "e"])
        ada.refuse("tags", operations.restore(ada.db, ada.actor, todo.id))

    def test_todos_with_tags_beyond_a_lowered_quota_can_be_changed(self, ada: Writer) -> None:
        todo = ada.add(tags=["a", "b", "c"])
        ada.quotas = Quotas(tags=1)
        ada.change(todo, title="Oat milk")
        assert ada.change(todo, tags=["a", "b"]).tags == ["a", "b"]


class TestQuotaOfStoredBytes:
    def test_a_todo_beyond_it_is_refused(self, ada: Writer) -> None:
        ada.add(description="x" * 12_000)
        ada.set_full()
        ada.refuse_new("stored_bytes")

    def test_a_project_beyond_it_is_refused(self, ada: Writer) -> None:
        project = ada.run(projects.add(ada.db, ada.actor, ProjectCreate(name="Home")))
        ada.add(description="x" * 12_000)
        ada.set_full()
        ada.refuse("stored_bytes", projects.add(ada.db, ada.actor, ProjectCreate(name="Garden")))
        longer = ProjectUpdate(name="Home and garden")
        ada.refuse("stored_bytes", projects.update(ada.db, ada.actor, project.id, longer))
        postgres.query(ada.url, "DELETE FROM projects WHERE id = $1", project.id)

    def test_a_patch_that_lets_a_todo_grow_beyond_it_is_refused(self, ada: Writer) -> None:
        todo = ada.add(description="x" * 12_000)
        ada.set_full()
        longer = TodoUpdate(title="Milk and bread")
        ada.refuse("stored_bytes", operations.update(ada.db, ada.actor, todo.id, longer))

    def test_completing_shortening_and_deleting_work_beyond_it(self, ada: Writer) -> None:
        todo = ada.add(description="x" * 12_000)
        ada.set_full()
        ada.change(todo, completed=True)
        ada.change(todo, title="M")
        ada.delete(todo)

    def test_changes_that_only_fill_the_log_are_refused_at_a_tenth_more(self, ada: Writer) -> None:
        todo = ada.add(description="x" * 12_000)
        ada.set_full()

        def toggle_on_and_on() -> None:
            for number in range(100):
                ada.change(todo, completed=number % 2 == 0)

        with pytest.raises(QuotaExceeded):
            toggle_on_and_on()
        assert ada.read_counters()["stored_bytes"] <= 1.1 * ada.quotas.stored_bytes
        ada.delete(todo)
