"""Undo of a turn of the assistant, by the change log, for todos with subtodos, projects and recurrences."""

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
        parent_id, recurrence_from, skips, series
    FROM todos WHERE user_id = $1 ORDER BY id
"""


@dataclass
class Scenario:
    """Todos of one user, with methods that change them as the user or as one turn of the assistant."""

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
        """Adds `length` todos, each the only subtodo of the one before, and returns their ids."""
        ids = [self.add("0")]
        while len(ids) < length:
            ids.append(self.add(str(len(ids)), ids[-1]))
        return ids

    def project(self, name: str) -> UUID:
        return self.runner.run(projects.add(self.db, self.ada, ProjectCreate(name=name))).id

    def change(self, actor: Actor, todo_id: UUID, **changes: Any) -> Todo:
        return self.runner.run(operations.update(self.db, actor, todo_id, TodoUpdate(**changes)))

    def skip(self, actor: Actor, todo_id: UUID) -> Todo:
        return self.runner.run(operations.skip(self.db, actor, todo_id))

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
def scenario(database_url: str) -> Iterator[Scenario]:
    with asyncio.Runner() as runner:
        scenario = Scenario(database_url, Database(database_url), runner, Actor(add_user(database_url)))
        yield scenario
        runner.run(scenario.db.close())


class TestUndo:
    def test_a_deleted_tree_is_restored(self, scenario: Scenario) -> None:
        ids = scenario.chain(6)
        before = scenario.state()
        scenario.delete(scenario.turn, ids[0])
        assert scenario.undo() == set(ids)
        assert scenario.state() == before

    def test_each_todo_is_restored_once(self, scenario: Scenario) -> None:
        ids = scenario.chain(6)
        scenario.delete(scenario.turn, ids[0])
        scenario.undo()
        log = postgres.query(
            scenario.url, "SELECT op FROM changes WHERE user_id = $1 AND seq > 12", scenario.ada.user_id
        )
        assert [row["op"] for row in log] == ["restore"] * 6

    def test_todos_completed_with_their_parent_are_opened(self, scenario: Scenario) -> None:
        ids = scenario.chain(3)
        before = scenario.state()
        scenario.change(scenario.turn, ids[0], completed=True)
        assert scenario.undo() == set(ids)
        assert scenario.state() == before

    def test_a_moved_tree_gets_its_project_back(self, scenario: Scenario) -> None:
        first, second = scenario.project("First"), scenario.project("Second")
        ids = scenario.chain(4)
        scenario.change(scenario.ada, ids[0], project_id=first)
        before = scenario.state()
        scenario.change(scenario.turn, ids[1], project_id=second)
        scenario.change(scenario.turn, ids[0], project_id=None)
        assert scenario.undo() == set(ids)
        assert scenario.state() == before

    def test_a_parent_and_subtodo_that_were_swapped_are_swapped_back(self, scenario: Scenario) -> None:
        upper, lower = scenario.chain(2)
        before = scenario.state()
        scenario.change(scenario.turn, lower, parent_id=None)
        scenario.change(scenario.turn, upper, parent_id=lower)
        scenario.undo()
        assert scenario.state() == before

    def test_a_recurring_todo_moves_back_and_its_opened_subtodo_is_completed(self, scenario: Scenario) -> None:
        todo = scenario.add("Milk", due_date=date(2030, 1, 1), recurrence="FREQ=DAILY;COUNT=5")
        scenario.change(scenario.ada, scenario.add("Child", todo), completed=True)
        before = scenario.state()
        scenario.change(scenario.turn, todo, completed=True)
        scenario.change(scenario.turn, todo, completed=True)
        assert scenario.values_of(todo, "due_date", "recurrence", "occurrences") == (
            date(2030, 1, 3),
            "FREQ=DAILY;COUNT=3",
            2,
        )
        scenario.undo()
        assert scenario.state() == before
        [last] = postgres.query(
            scenario.url, "SELECT op FROM changes WHERE todo_id = $1 ORDER BY seq DESC LIMIT 1", todo
        )
        assert last["op"] == "reopen"

    def test_a_skipped_todo_moves_back_to_its_postponed_due_date(self, scenario: Scenario) -> None:
        todo = scenario.add("Milk", due_date=date(2030, 1, 1), recurrence="FREQ=WEEKLY")
        scenario.change(scenario.ada, todo, due_date=date(2030, 1, 3))
        before = scenario.state()
        assert scenario.skip(scenario.turn, todo).due_date == date(2030, 1, 8)
        assert scenario.undo() == {todo}
        assert scenario.state() == before
        [last] = postgres.query(
            scenario.url, "SELECT op FROM changes WHERE todo_id = $1 ORDER BY seq DESC LIMIT 1", todo
        )
        assert last["op"] == "update"
        assert scenario.change(scenario.ada, todo, completed=True).due_date == date(2030, 1, 8)

    def test_a_todo_that_recurs_from_its_completion_does_so_again(self, scenario: Scenario) -> None:
        todo = scenario.add("Milk", due_date=date(2030, 1, 1), recurrence="FREQ=DAILY", recurrence_from="completion")
        before = scenario.state()
        scenario.change(scenario.turn, todo, recurrence=None, recurrence_from="due")
        scenario.undo()
        assert scenario.state() == before

    def test_created_todos_go_into_the_trash_with_later_subtodos(self, scenario: Scenario) -> None:
        added = scenario.add("Added", actor=scenario.turn)
        child = scenario.add("Child", added, scenario.turn)
        own = scenario.add("Ada's", child)
        assert scenario.undo() == {added, child}
        assert [scenario.values_of(todo, "trashed") for todo in (added, child, own)] == [(True,)] * 3

    def test_a_todo_moved_below_a_created_one_is_not_deleted_with_it(self, scenario: Scenario) -> None:
        todo = scenario.add("Milk")
        added = scenario.add("Added", actor=scenario.turn)
        scenario.change(scenario.turn, todo, parent_id=added)
        scenario.undo()
        assert scenario.values_of(todo, "trashed", "parent_id") == (False, None)

    def test_a_todo_changed_by_someone_else_since_is_left_out(self, scenario: Scenario) -> None:
        ids = scenario.chain(3)
        scenario.delete(scenario.turn, ids[0])
        scenario.restore(scenario.ada, ids[2])
        assert scenario.undo() == set(ids[:2])
        assert scenario.values_of(ids[2], "trashed", "parent_id") == (False, None)

    def test_later_statements_of_the_transaction_keep_the_rules_of_the_tree(self, scenario: Scenario) -> None:
        todo = scenario.add("Milk")
        scenario.change(scenario.turn, todo, title="Oat")

        async def go(db: Transaction) -> None:
            assert scenario.turn.turn_id
            assert list(await changes.undo_turn(db, scenario.ada, scenario.turn.turn_id)) == [todo]
            await operations.update(db, scenario.ada, todo, TodoUpdate(parent_id=todo))

        with pytest.raises(TreeCycle):
            scenario.in_transaction(go)


class TestUndoOfDeletedReferences:
    """Undo of a turn leaves out a former project or parent that is deleted or no longer allowed."""

    def test_a_deleted_project_is_left_out(self, scenario: Scenario) -> None:
        project_id = scenario.project("Home")
        todo = scenario.add("Milk", project_id=project_id)
        scenario.change(scenario.turn, todo, project_id=None)
        scenario.delete_project(project_id)
        assert scenario.undo() == {todo}
        assert scenario.values_of(todo, "project_id", "trashed") == (None, False)

    @pytest.mark.parametrize("purged", [False, True])
    def test_a_deleted_parent_is_left_out(self, scenario: Scenario, *, purged: bool) -> None:
        parent, todo, child = scenario.chain(3)
        scenario.change(scenario.turn, todo, parent_id=None)
        scenario.delete(scenario.ada, parent)
        if purged:
            postgres.query(scenario.url, "DELETE FROM todos WHERE id = $1", parent)
        assert scenario.undo() == {todo}
        assert scenario.values_of(todo, "parent_id", "trashed") == (None, False)
        assert scenario.values_of(child, "parent_id") == (todo,)

    def test_a_parent_that_is_now_a_subtodo_is_left_out(self, scenario: Scenario) -> None:
        parent, todo = scenario.chain(2)
        scenario.change(scenario.turn, todo, parent_id=None)
        scenario.change(scenario.ada, parent, parent_id=todo)
        scenario.undo()
        assert scenario.values_of(todo, "parent_id") == (None,)
        assert scenario.values_of(parent, "parent_id") == (todo,)

    def test_a_parent_on_too_deep_a_level_is_left_out(self, scenario: Scenario) -> None:
        parent, todo = scenario.chain(2)
        scenario.change(scenario.turn, todo, parent_id=None)
        upper = scenario.chain(5)
        scenario.change(scenario.ada, parent, parent_id=upper[4])
        scenario.undo()
        assert scenario.values_of(todo, "parent_id") == (None,)

    def test_the_project_is_the_current_one_of_the_parent(self, scenario: Scenario) -> None:
        home = scenario.project("Home")
        parent, todo, child = scenario.chain(3)
        scenario.change(scenario.turn, todo, parent_id=None)
        scenario.change(scenario.ada, parent, project_id=home)
        scenario.undo()
        assert scenario.values_of(todo, "parent_id", "project_id") == (parent, home)
        assert scenario.values_of(child, "parent_id", "project_id") == (todo, home)


class TestRawStatements:
    """Database triggers keep the trees of todos valid even if a statement does not come from the service."""

    def test_subtodos_of_a_purged_parent_move_to_the_top_level(self, scenario: Scenario) -> None:
        parent, todo = scenario.chain(2)
        postgres.query(scenario.url, "DELETE FROM todos WHERE id = $1", parent)
        assert scenario.values_of(todo, "parent_id") == (None,)
        log = postgres.query(
            scenario.url, "SELECT op, after->>'version' FROM changes WHERE todo_id = $1 ORDER BY seq", todo
        )
        assert [tuple(row) for row in log] == [("create", "1"), ("update", "2")]

    def test_trees_of_a_deleted_project_keep_their_shape(self, scenario: Scenario) -> None:
        project_id = scenario.project("Home")
        ids = scenario.chain(3)
        scenario.change(scenario.ada, ids[0], project_id=project_id)
        postgres.query(scenario.url, "DELETE FROM projects WHERE id = $1", project_id)
        assert [scenario.values_of(todo, "parent_id", "project_id") for todo in ids] == [
            (None, None),
            (ids[0], None),
            (ids[1], None),
        ]

    def test_all_todos_are_deleted_with_the_account(self, scenario: Scenario) -> None:
        ids = scenario.chain(3)
        scenario.change(scenario.ada, ids[0], project_id=scenario.project("Home"))
        postgres.query(scenario.url, "DELETE FROM users WHERE id = $1", scenario.ada.user_id)
        assert scenario.state() == {}

    def test_a_broken_rule_is_raised_within_the_transaction(self, scenario: Scenario) -> None:
        todo = scenario.add("Milk")

        async def go(db: Executor) -> str:
            try:
                await operations.update(db, scenario.ada, todo, TodoUpdate(parent_id=todo))
            except InvalidTodo as error:
                return error.code
            return "nothing"

        assert scenario.in_transaction(go) == "tree_cycle"
