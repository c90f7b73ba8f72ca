"""Undo of the changes of projects that a turn has made, by the change log."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from tests import postgres
from tests.core.databases import add_user
from todo_core.actors import Actor
from todo_core.database.executor import Database, Transaction
from todo_core.errors import QuotaExceeded
from todo_core.limits import Quotas
from todo_core.todos import changes, operations, projects
from todo_core.todos.model import TodoCreate
from todo_core.todos.project import Project
from todo_core.todos.project_undo import (
    ProjectChange,
    find_project_changes,
    remove_added_projects,
    restore_removed_projects,
)
from todo_core.todos.projects import ProjectCreate, ProjectUpdate

CHANGES = [{"name": "House"}, {"archived": True}, {"order": 9}]


@dataclass
class Scenario:
    """Projects of one user, with methods that change them as the user or as turns of the assistant."""

    url: str
    db: Database
    runner: asyncio.Runner
    ada: Actor
    quotas: Quotas = field(default_factory=Quotas)

    def turn(self) -> Actor:
        return Actor(self.ada.user_id, "assistant", uuid4(), quotas=self.quotas)

    def add(self, name: str = "Home", actor: Actor | None = None, **fields: object) -> UUID:
        new = ProjectCreate.model_validate({"name": name, **fields})
        return self.runner.run(projects.add(self.db, actor or self.ada, new)).id

    def change(self, project_id: UUID, **fields: object) -> Project:
        patch = ProjectUpdate.model_validate(fields)
        return self.runner.run(projects.update(self.db, self.ada, project_id, patch))

    def add_todo(self, project_id: UUID) -> UUID:
        return self.runner.run(operations.add(self.db, self.ada, TodoCreate(title="Milk", project_id=project_id))).id

    def remove(self, turn: Actor, actor: Actor | None = None) -> list[UUID]:
        """Removes the projects that a turn has added, and returns their ids."""
        return self._act(remove_added_projects, turn, actor)

    def restore(self, turn: Actor, actor: Actor | None = None) -> list[UUID]:
        """Restores the projects that a turn has removed, and returns their ids."""
        return self._act(restore_removed_projects, turn, actor)

    def changes_of(self, turn: Actor) -> list[ProjectChange]:
        assert turn.turn_id
        return self.runner.run(find_project_changes(self.db, turn.user_id, turn.turn_id))

    def projects(self) -> list[Project]:
        return self.runner.run(projects.find(self.db, self.ada.user_id, archived=False, limit=10))

    def _act(
        self,
        work: Callable[[Transaction, Actor, UUID], Awaitable[list[UUID]]],
        turn: Actor,
        actor: Actor | None,
    ) -> list[UUID]:
        assert turn.turn_id
        turn_id = turn.turn_id

        async def run() -> list[UUID]:
            async with self.db.transaction() as transaction:
                await changes.lock_log(transaction, self.ada.user_id)
                return await work(transaction, actor or self.turn(), turn_id)

        return self.runner.run(run())


@pytest.fixture
def scenario(database_url: str) -> Iterator[Scenario]:
    with asyncio.Runner() as runner:
        scenario = Scenario(database_url, Database(database_url), runner, Actor(add_user(database_url)))
        yield scenario
        runner.run(scenario.db.close())


def without_versions(project: Project) -> tuple[object, ...]:
    return project.id, project.name, project.order, project.archived, project.created_at


class TestAddedProjects:
    def test_are_removed(self, scenario: Scenario) -> None:
        kept, adding, undoing = scenario.add("Work"), scenario.turn(), scenario.turn()
        added = [scenario.add(name, adding) for name in ("Home", "Garden")]
        expected = [ProjectChange(added[0], "Home"), ProjectChange(added[1], "Garden")]
        assert scenario.changes_of(adding) == expected
        assert set(scenario.remove(adding, undoing)) == set(added)
        assert [project.id for project in scenario.projects()] == [kept]
        assert scenario.changes_of(adding) == scenario.changes_of(undoing) == expected

    @pytest.mark.parametrize("change", CHANGES)
    def test_that_were_changed_since_are_left(self, scenario: Scenario, change: dict[str, object]) -> None:
        turn = scenario.turn()
        changed, same = scenario.add(actor=turn), scenario.add("Garden", turn)
        name = scenario.change(changed, **change).name
        assert scenario.remove(turn) == [same]
        assert scenario.changes_of(turn)[0] == ProjectChange(changed, name)

    def test_that_were_changed_and_changed_back_are_removed(self, scenario: Scenario) -> None:
        turn = scenario.turn()
        added = scenario.add("Home", turn)
        for name in ("House", "Home"):
            scenario.change(added, name=name)
        assert scenario.remove(turn) == [added]

    def test_with_todos_outside_the_trash_are_left(self, scenario: Scenario) -> None:
        turn = scenario.turn()
        added = scenario.add(actor=turn)
        todo = scenario.add_todo(added)
        assert scenario.remove(turn) == []
        scenario.runner.run(operations.delete(scenario.db, scenario.ada, todo))
        assert scenario.remove(turn) == [added]
        [row] = postgres.query(scenario.url, "SELECT project_id FROM todos WHERE id = $1", todo)
        assert row["project_id"] is None

    def test_that_are_gone_are_told_by_their_last_name(self, scenario: Scenario) -> None:
        turn = scenario.turn()
        added = scenario.add("Home", turn)
        postgres.query(scenario.url, "DELETE FROM projects WHERE id = $1", added)
        assert scenario.remove(turn) == []
        assert scenario.changes_of(turn) == [ProjectChange(added, "Home")]

    def test_of_another_user_are_left(self, scenario: Scenario) -> None:
        turn = scenario.turn()
        scenario.add(actor=turn)
        bob = Actor(add_user(scenario.url), "assistant", turn.turn_id)
        assert scenario.remove(bob, bob) == []
        assert scenario.changes_of(bob) == []
        assert len(scenario.projects()) == 1

    def test_that_only_made_room_are_left(self, scenario: Scenario) -> None:
        turn = scenario.turn()
        moved = scenario.add("Work", order=2**53)
        added = scenario.add("Home", turn)
        [row] = postgres.query(
            scenario.url, "SELECT count(*) FROM change_log WHERE turn_id = $1 AND project_id = $2", turn.turn_id, moved
        )
        assert row["count"] == 1
        assert scenario.remove(turn) == [added]
        assert [project.id for project in scenario.projects()] == [moved]


class TestRemovedProjects:
    def test_come_back_as_they_were(self, scenario: Scenario) -> None:
        adding, undoing = scenario.turn(), scenario.turn()
        scenario.add("Home", adding, order=3.5)
        scenario.add("Garden", adding)
        before = scenario.projects()
        scenario.remove(adding, undoing)
        assert set(scenario.restore(undoing)) == {project.id for project in before}
        assert [*map(without_versions, scenario.projects())] == [*map(without_versions, before)]

    def test_get_a_version_that_they_never_had(self, scenario: Scenario) -> None:
        adding, undoing, redoing = scenario.turn(), scenario.turn(), scenario.turn()
        added = scenario.add("Home", adding)
        scenario.remove(adding, undoing)
        scenario.restore(undoing, redoing)
        scenario.change(added, name="House")
        latest = scenario.change(added, name="Home").version
        # The undo of the redo, and then the first undo is undone again.
        scenario.remove(redoing)
        scenario.restore(undoing)
        assert [project.version for project in scenario.projects()] == [latest + 1]

    @pytest.mark.parametrize("is_hers", [True, False])
    def test_whose_ids_are_taken_are_left(self, scenario: Scenario, *, is_hers: bool) -> None:
        adding, undoing = scenario.turn(), scenario.turn()
        added = scenario.add("Home", adding)
        scenario.remove(adding, undoing)
        owner = scenario.ada if is_hers else Actor(add_user(scenario.url))
        scenario.add("Taken", owner, id=str(added))
        scenario.quotas = Quotas(projects=1)
        assert scenario.restore(undoing) == []
        assert scenario.changes_of(undoing) == [ProjectChange(added, "Taken" if is_hers else "Home")]

    def test_beyond_the_quota_are_refused(self, scenario: Scenario) -> None:
        adding, undoing = scenario.turn(), scenario.turn()
        scenario.add("Home", adding)
        scenario.add("Garden", adding)
        scenario.remove(adding, undoing)
        scenario.quotas = Quotas(projects=1)
        with pytest.raises(QuotaExceeded):
            scenario.restore(undoing)
        assert scenario.projects() == []
        scenario.quotas = Quotas(projects=2)
        assert len(scenario.restore(undoing)) == 2

    def test_of_another_user_are_left(self, scenario: Scenario) -> None:
        adding, undoing = scenario.turn(), scenario.turn()
        scenario.add("Home", adding)
        scenario.remove(adding, undoing)
        bob = Actor(add_user(scenario.url), "assistant", undoing.turn_id)
        assert scenario.restore(bob, bob) == []
        assert scenario.projects() == []

    def test_that_came_back_in_the_same_turn_are_no_changes(self, scenario: Scenario) -> None:
        adding, both = scenario.turn(), scenario.turn()
        scenario.add("Home", adding)
        scenario.remove(adding, both)
        scenario.restore(both, both)
        assert scenario.changes_of(both) == []
        assert len(scenario.projects()) == 1
