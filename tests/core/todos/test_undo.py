"""Undo of a turn from the change log, for todos with subtodos, projects and recurrences."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from tests import postgres
from tests.core.databases import add_user
from todo_core.actors import Actor
from todo_core.database.executor import Database, Executor, Transaction
from todo_core.todos import changes, operations, projects
from todo_core.todos.errors import InvalidTodo, TreeCycle
from todo_core.todos.model import Todo, TodoCreate, TodoUpdate
from todo_core.todos.projects import ProjectCreate

STATE = """
    SELECT id, title, completed, deleted_at IS NOT NULL AS trashed, due_date, recurrence, occurrences, project_id,
        parent_id
    FROM todos WHERE user_id = $1 ORDER BY id
"""


@dataclass
class Scene:
    """A user's todos, changed by the user and by one turn of the assistant."""

    url: str
    db: Database
    runner: asyncio.Runner
    ada: Actor

    @property
    def turn(self) -> Actor:
        return Actor(self.ada.user_id, "assistant", UUID(int=self.ada.user_id.int ^ 1))

    def add(self, title: str, parent: UUID | None = None, actor: Actor | None = None, **fields: Any) -> UUID:
        new = TodoCreate(title=title, parent_id=parent, **fields)
        return self.runner.run(operations.add(self.db, actor or self.ada, new)).id

    def chain(self, length: int) -> list[UUID]:
        """Adds a todo and its subtodos, one on each level, and returns their ids."""
        ids = [self.add("0")]
        while len(ids) < length:
            ids.append(self.add(str(len(ids)), ids[-1]))
        return ids

    def project(self, name: str) -> UUID:
        return self.runner.run(projects.add(self.db, self.ada, ProjectCreate(name=name))).id

    def change(self, actor: Actor, todo_id: UUID, **changes: Any) -> Todo:
        return self.runner.run(operations.update(self.db, actor, todo_id, TodoUpdate(**changes)))

    def delete(self, actor: Actor, todo_id: UUID) -> None:
        self.runner.run(operations.delete(self.db, actor, todo_id))

    def restore(self, actor: Actor, todo_id: UUID) -> None:
        self.runner.run(operations.restore(self.db, actor, todo_id))

    def delete_project(self, project_id: UUID) -> None:
        self.in_transaction(lambda db: projects.delete(db, self.ada, project_id))

    def in_transaction(self, act: Callable[[Any], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            async with self.db.transaction() as transaction:
                return await act(transaction)

        return self.runner.run(run())

    def undo(self) -> set[UUID]:
        assert self.turn.turn_id
        turn_id = self.turn.turn_id
        return set(self.in_transaction(lambda db: changes.undo_turn(db, self.ada, turn_id)))

    def state(self) -> dict[UUID, dict[str, Any]]:
        return {row["id"]: dict(row) for row in postgres.query(self.url, STATE, self.ada.user_id)}

    def values_of(self, todo_id: UUID, *names: str) -> tuple[Any, ...]:
        return tuple(self.state()[todo_id][name] for name in names)


@pytest.fixture
def scene(database_url: str) -> Iterator[Scene]:
    with asyncio.Runner() as runner:
        scene = Scene(database_url, Database(database_url), runner, Actor(add_user(database_url)))
        yield scene
        runner.run(scene.db.close())


class TestUndo:
    def test_a_deleted_tree_is_restored(self, scene: Scene) -> None:
        ids = scene.chain(6)
        before = scene.state()
        scene.delete(scene.turn, ids[0])
        assert scene.undo() == set(ids)
        assert scene.state() == before

    def test_each_todo_is_restored_once(self, scene: Scene) -> None:
        ids = scene.chain(6)
        scene.delete(scene.turn, ids[0])
        scene.undo()
        log = postgres.query(scene.url, "SELECT op FROM changes WHERE user_id = $1 AND seq > 12", scene.ada.user_id)
        assert [row["op"] for row in log] == ["restore"] * 6

    def test_todos_completed_with_their_parent_are_opened(self, scene: Scene) -> None:
        ids = scene.chain(3)
        before = scene.state()
        scene.change(scene.turn, ids[0], completed=True)
        assert scene.undo() == set(ids)
        assert scene.state() == before

    def test_a_moved_tree_gets_its_project_back(self, scene: Scene) -> None:
        first, second = scene.project("First"), scene.project("Second")
        ids = scene.chain(4)
        scene.change(scene.ada, ids[0], project_id=first)
        before = scene.state()
        scene.change(scene.turn, ids[1], project_id=second)
        scene.change(scene.turn, ids[0], project_id=None)
        assert scene.undo() == set(ids)
        assert scene.state() == before

    def test_a_parent_and_subtodo_that_were_swapped_are_swapped_back(self, scene: Scene) -> None:
        upper, lower = scene.chain(2)
        before = scene.state()
        scene.change(scene.turn, lower, parent_id=None)
        scene.change(scene.turn, upper, parent_id=lower)
        scene.undo()
        assert scene.state() == before

    def test_a_recurring_todo_moves_back_and_its_opened_subtodo_is_completed(self, scene: Scene) -> None:
        todo = scene.add("Milk", due_date=date(2030, 1, 1), recurrence="FREQ=DAILY;COUNT=5")
        scene.change(scene.ada, scene.add("Child", todo), completed=True)
        before = scene.state()
        scene.change(scene.turn, todo, completed=True)
        scene.change(scene.turn, todo, completed=True)
        assert scene.values_of(todo, "due_date", "recurrence", "occurrences") == (
            date(2030, 1, 3),
            "FREQ=DAILY;COUNT=3",
            2,
        )
        scene.undo()
        assert scene.state() == before
        [last] = postgres.query(scene.url, "SELECT op FROM changes WHERE todo_id = $1 ORDER BY seq DESC LIMIT 1", todo)
        assert last["op"] == "reopen"

    def test_created_todos_go_into_the_trash_with_later_subtodos(self, scene: Scene) -> None:
        added = scene.add("Added", actor=scene.turn)
        child = scene.add("Child", added, scene.turn)
        own = scene.add("Ada's", child)
        assert scene.undo() == {added, child}
        assert [scene.values_of(todo, "trashed") for todo in (added, child, own)] == [(True,)] * 3

    def test_a_todo_moved_below_a_created_one_is_not_deleted_with_it(self, scene: Scene) -> None:
        todo = scene.add("Milk")
        added = scene.add("Added", actor=scene.turn)
        scene.change(scene.turn, todo, parent_id=added)
        scene.undo()
        assert scene.values_of(todo, "trashed", "parent_id") == (False, None)

    def test_a_todo_changed_by_someone_else_since_is_left_out(self, scene: Scene) -> None:
        ids = scene.chain(3)
        scene.delete(scene.turn, ids[0])
        scene.restore(scene.ada, ids[2])
        assert scene.undo() == set(ids[:2])
        assert scene.values_of(ids[2], "trashed", "parent_id") == (False, None)

    def test_later_statements_of_the_transaction_keep_the_rules_of_the_tree(self, scene: Scene) -> None:
        todo = scene.add("Milk")
        scene.change(scene.turn, todo, title="Oat")

        async def go(db: Transaction) -> None:
            assert scene.turn.turn_id
            assert list(await changes.undo_turn(db, scene.ada, scene.turn.turn_id)) == [todo]
            await operations.update(db, scene.ada, todo, TodoUpdate(parent_id=todo))

        with pytest.raises(TreeCycle):
            scene.in_transaction(go)


class TestUndoOfDeletedReferences:
    """A project or parent that is gone is no error, and no rule of the tree is broken."""

    def test_a_deleted_project_is_left_out(self, scene: Scene) -> None:
        project_id = scene.project("Home")
        todo = scene.add("Milk", project_id=project_id)
        scene.change(scene.turn, todo, project_id=None)
        scene.delete_project(project_id)
        assert scene.undo() == {todo}
        assert scene.values_of(todo, "project_id", "trashed") == (None, False)

    @pytest.mark.parametrize("purged", [False, True])
    def test_a_deleted_parent_is_left_out(self, scene: Scene, *, purged: bool) -> None:
        parent, todo, child = scene.chain(3)
        scene.change(scene.turn, todo, parent_id=None)
        scene.delete(scene.ada, parent)
        if purged:
            postgres.query(scene.url, "DELETE FROM todos WHERE id = $1", parent)
        assert scene.undo() == {todo}
        assert scene.values_of(todo, "parent_id", "trashed") == (None, False)
        assert scene.values_of(child, "parent_id") == (todo,)

    def test_a_parent_that_is_now_a_subtodo_is_left_out(self, scene: Scene) -> None:
        parent, todo = scene.chain(2)
        scene.change(scene.turn, todo, parent_id=None)
        scene.change(scene.ada, parent, parent_id=todo)
        scene.undo()
        assert scene.values_of(todo, "parent_id") == (None,)
        assert scene.values_of(parent, "parent_id") == (todo,)

    def test_a_parent_on_too_deep_a_level_is_left_out(self, scene: Scene) -> None:
        parent, todo = scene.chain(2)
        scene.change(scene.turn, todo, parent_id=None)
        upper = scene.chain(5)
        scene.change(scene.ada, parent, parent_id=upper[4])
        scene.undo()
        assert scene.values_of(todo, "parent_id") == (None,)

    def test_the_project_is_the_current_one_of_the_parent(self, scene: Scene) -> None:
        home = scene.project("Home")
        parent, todo, child = scene.chain(3)
        scene.change(scene.turn, todo, parent_id=None)
        scene.change(scene.ada, parent, project_id=home)
        scene.undo()
        assert scene.values_of(todo, "parent_id", "project_id") == (parent, home)
        assert scene.values_of(child, "parent_id", "project_id") == (todo, home)


class TestRawStatements:
    """The triggers enforce the rules for statements outside the service too."""

    def test_subtodos_of_a_purged_parent_move_to_the_top_level(self, scene: Scene) -> None:
        parent, todo = scene.chain(2)
        postgres.query(scene.url, "DELETE FROM todos WHERE id = $1", parent)
        assert scene.values_of(todo, "parent_id") == (None,)
        log = postgres.query(
            scene.url, "SELECT op, after->>'version' FROM changes WHERE todo_id = $1 ORDER BY seq", todo
        )
        assert [tuple(row) for row in log] == [("create", "1"), ("update", "2")]

    def test_trees_of_a_deleted_project_keep_their_shape(self, scene: Scene) -> None:
        project_id = scene.project("Home")
        ids = scene.chain(3)
        scene.change(scene.ada, ids[0], project_id=project_id)
        postgres.query(scene.url, "DELETE FROM projects WHERE id = $1", project_id)
        assert [scene.values_of(todo, "parent_id", "project_id") for todo in ids] == [
            (None, None),
            (ids[0], None),
            (ids[1], None),
        ]

    def test_all_todos_are_deleted_with_the_account(self, scene: Scene) -> None:
        ids = scene.chain(3)
        scene.change(scene.ada, ids[0], project_id=scene.project("Home"))
        postgres.query(scene.url, "DELETE FROM users WHERE id = $1", scene.ada.user_id)
        assert scene.state() == {}

    def test_a_broken_rule_is_raised_within_the_transaction(self, scene: Scene) -> None:
        todo = scene.add("Milk")

        async def go(db: Executor) -> str:
            try:
                await operations.update(db, scene.ada, todo, TodoUpdate(parent_id=todo))
            except InvalidTodo as error:
                return error.code
            return "nothing"

        assert scene.in_transaction(go) == "tree_cycle"
