"""Random sequences of operations on todos: after each one, the database must equal a simple model in Python.

`TODO_MODEL_STEPS=50000 pytest tests/stateful` runs at least 50,000 operations instead of 2,000.
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from typing import Any, ClassVar, Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.core.databases import add_user
from tests.stateful.model import Refusal, Todo, TodoModel, Turn
from todo_core.actors import Actor
from todo_core.database.executor import Database
from todo_core.database.statements import Statement
from todo_core.errors import ServiceError
from todo_core.todos import batch, changes, operations, projects
from todo_core.todos.batch_models import Batch
from todo_core.todos.model import TodoCreate, TodoUpdate
from todo_core.todos.projects import ProjectCreate

STEPS: Final = int(os.environ.get("TODO_MODEL_STEPS", "2000"))
STEPS_PER_RUN: Final = 100
ZONE: Final = ZoneInfo("Europe/Berlin")
UNKNOWN_ID: Final = UUID(int=7)

STATE: Final = Statement("""
    SELECT id, title, "order", priority, tags, completed, completed_at, due_date, due_at, reminder_at, recurrence,
        project_id, parent_id, version, deleted_at
    FROM todos WHERE user_id = :user_id
""")
LOG: Final = Statement("""
    SELECT todo_id, seq, (after->>'version')::int AS version, turn_id FROM changes
    WHERE user_id = :user_id ORDER BY seq
""")

indexes = st.integers(0, 11)
"""Indexes into the last eleven created todos; the index after the last todo stands for an unknown id."""
versions = st.sampled_from([None, None, None, "current", "stale"])
actors = st.sampled_from(["user", "user", "turn", "turn", "new turn"])
titles = st.sampled_from(["Milk", "Bread", "Eggs"])
dues: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"due_date": date(2030, 1, 31)},
        # 09:00 in Berlin on the days before the clocks change, so a daily recurrence crosses the change.
        {"due_at": datetime(2030, 3, 30, 8, tzinfo=UTC)},
        {"due_at": datetime(2030, 10, 26, 7, tzinfo=UTC)},
    ]
)
recurrence_rules = st.sampled_from(
    ["FREQ=DAILY", "FREQ=WEEKLY", "FREQ=DAILY;COUNT=2", "FREQ=DAILY;UNTIL=20300201", "FREQ=DAILY;UNTIL=20300331"]
)
reminders = st.sampled_from([None, datetime(2030, 3, 29, 20, tzinfo=UTC), datetime(2030, 1, 31, 7, tzinfo=UTC)])
recurring_dues = st.builds(lambda due, recurrence: {**due, "recurrence": recurrence}, dues, recurrence_rules)
other_fields = st.fixed_dictionaries({}, optional={"order": st.integers(-2, 5), "reminder_at": reminders})
places: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.builds(lambda at: {"parent_id": at}, indexes),
    st.builds(lambda at: {"parent_id": at}, indexes),
    st.builds(lambda at: {"project_id": at}, st.integers(0, 3)),
    st.builds(lambda at, other: {"parent_id": at, "project_id": other}, indexes, st.integers(0, 3)),
    st.just({"parent_id": None}),
    st.just({"project_id": None}),
)
new_todos = st.builds(
    lambda title, others, due, place: {"title": title, **others, **due, **place},
    titles,
    other_fields,
    st.one_of(st.just({}), dues, recurring_dues),
    places,
)
patches = st.builds(
    lambda fields, due, place: {**fields, **due, **place},
    st.fixed_dictionaries(
        {},
        optional={"title": titles, "completed": st.booleans(), "order": st.integers(-2, 5), "reminder_at": reminders},
    ),
    st.one_of(
        st.just({}),
        dues,
        recurring_dues,
        st.sampled_from([{"due_date": None}, {"due_at": None}, {"recurrence": None}, {"recurrence": "FREQ=WEEKLY"}]),
    ),
    st.one_of(st.just({}), places),
)


@dataclass(frozen=True)
class DrawnOperation:
    """A random operation of a batch. `target` is an index of a todo, or from 8 on means a todo of the same batch."""

    op: str
    target: int
    fields: dict[str, Any]
    version: str | None


drawn_operations = st.builds(
    DrawnOperation,
    st.sampled_from(["create", "update", "update", "delete", "restore"]),
    indexes,
    new_todos | patches,
    versions,
)


class TodoOperations(RuleBasedStateMachine):
    """Runs random operations on the database and on the model. Both must refuse the same and store the same todos."""

    database_url: ClassVar[str]
    portal: ClassVar[BlockingPortal]
    db: ClassVar[Database]
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.user_id = add_user(self.database_url)
        self.model = TodoModel(ZONE)
        self.transaction_numbers: dict[datetime, int] = {}
        self.deletion_numbers: dict[datetime, int] = {}
        self.fractions = count(1)
        self.turns: list[UUID] = []
        self.created_projects: list[UUID] = []

    @initialize(tree=st.booleans())
    def begin(self, tree: bool) -> None:  # noqa: FBT001 - drawn
        self.created_projects += [self._create_project() for _ in range(2)]
        for title in ("Milk", "Bread", "Eggs", "Trip"):
            parent = {"parent_id": len(self.model.todos) - 1} if tree and self.model.todos else {}
            self.create({"title": title, **parent}, "user")

    @rule(fields=new_todos, by=actors)
    def create(self, fields: dict[str, Any], by: str) -> None:
        given = self._with_ids(fields)
        actor = self._begin_transaction(by)
        added: list[UUID] = []

        async def add() -> None:
            added.append((await operations.add(self.db, actor, TodoCreate.model_validate(given))).id)

        refusal = self._run(add)
        self._expect(refusal, lambda: self.model.create(added[0] if added else UNKNOWN_ID, given))

    @rule(at=indexes, fields=patches, version=versions, by=actors)
    def patch(self, at: int, fields: dict[str, Any], version: str | None, by: str) -> None:
        todo_id, given = self._todo_id(at), self._with_ids(fields)
        expected = self._version(todo_id, version)
        actor = self._begin_transaction(by)

        async def update() -> None:
            changed = TodoUpdate.model_validate(given)
            await operations.update(self.db, actor, todo_id, changed, None if expected is None else [expected])

        self._expect(self._run(update), lambda: self.model.patch(todo_id, given, expected))

    @rule(at=indexes, by=actors)
    def complete(self, at: int, by: str) -> None:
        self.patch(at, {"completed": True}, None, by)

    @rule(at=indexes, place=places, by=actors)
    def move(self, at: int, place: dict[str, Any], by: str) -> None:
        self.patch(at, place, None, by)

    @rule(at=indexes, version=versions, by=actors)
    def delete(self, at: int, version: str | None, by: str) -> None:
        todo_id = self._todo_id(at)
        expected = self._version(todo_id, version)
        actor = self._begin_transaction(by)

        async def delete() -> None:
            await operations.delete(self.db, actor, todo_id, None if expected is None else [expected])

        self._expect(self._run(delete), lambda: self.model.delete(todo_id, expected))

    @rule(at=indexes, version=versions, by=actors)
    def restore(self, at: int, version: str | None, by: str) -> None:
        todo_id = self._todo_id(at)
        expected = self._version(todo_id, version)
        actor = self._begin_transaction(by)

        async def restore() -> None:
            await operations.restore(self.db, actor, todo_id, None if expected is None else [expected])

        self._expect(self._run(restore), lambda: self.model.restore(todo_id, expected))

    @rule(asked=st.lists(drawn_operations, min_size=1, max_size=5), by=actors)
    def batch(self, asked: list[DrawnOperation], by: str) -> None:
        actor = self._begin_transaction(by)
        sent = [self._to_json(index, each) for index, each in enumerate(asked)]
        ids: dict[str, UUID] = {}

        async def send() -> None:
            results = await batch.run_batch(self.db, actor, Batch.model_validate({"operations": sent}))
            ids.update({result.ref: result.id for result in results if result.ref is not None})

        refusal = self._run(send)
        self._expect(refusal, lambda: self._batch_in_model(sent, ids))

    @rule(by=actors, at=st.integers(0, 3))
    def delete_project(self, by: str, at: int) -> None:
        project_id = self._project_id(at)
        if project_id not in self.model.projects:
            return
        actor = self._begin_transaction(by)

        async def delete() -> None:
            async with self.db.transaction() as transaction:
                await projects.delete(transaction, actor, project_id)

        self._expect(self._run(delete), lambda: self.model.delete_project(project_id))
        self.created_projects.append(self._create_project())

    @rule(at=st.integers(0, 3), by=actors)
    def undo(self, at: int, by: str) -> None:
        if not self.turns:
            return
        turn = self.turns[-1 - at % len(self.turns)]
        actor = self._begin_transaction("new turn" if by == "turn" else by)

        async def undo() -> None:
            async with self.db.transaction() as transaction:
                await changes.lock_log(transaction, self.user_id)
                await changes.undo_turn(transaction, actor, turn)

        self._expect(self._run(undo), lambda: self.model.undo(turn))

    @invariant()
    def database_equals_model(self) -> None:
        rows = self.portal.call(lambda: self.db.fetch_all(STATE, user_id=self.user_id))
        found = {row["id"]: self._to_model_todo(dict(row)) for row in rows}
        assert found == self.model.todos

    def teardown(self) -> None:
        rows = self.portal.call(lambda: self.db.fetch_all(LOG, user_id=self.user_id))
        # The numbers between them are those of changes of projects.
        assert len({row["seq"] for row in rows}) == len(rows)
        assert {row["todo_id"]: row["version"] for row in rows} == {
            todo.id: todo.version for todo in self.model.todos.values()
        }
        assert sorted((row["todo_id"], str(row["turn_id"])) for row in rows) == sorted(
            (change.todo_id, str(change.turn)) for change in self.model.log
        )

    def _begin_transaction(self, by: str) -> Actor:
        turn: Turn = None
        if by != "user":
            if by == "new turn" or not self.turns:
                self.turns.append(uuid4())
            turn = self.turns[-1]
        self.model.begin(turn)
        return Actor(self.user_id, "user" if turn is None else "assistant", turn, ZONE.key)

    def _run(self, work: Callable[[], Awaitable[None]]) -> Refusal | None:
        type(self).steps += 1
        try:
            self.portal.call(work)
        except ServiceError as error:
            index = error.members.get("index")
            return Refusal(error.code, index if isinstance(index, int) else None)
        return None

    def _expect(self, refusal: Refusal | None, change: Callable[[], None]) -> None:
        expected = self._refusal_of(change)
        assert (refusal and refusal.args) == (expected and expected.args)

    def _refusal_of(self, change: Callable[[], None]) -> Refusal | None:
        """Applies a change to the model and returns None. If the model refuses, restores it and returns the refusal."""
        before = self.model.copy()
        try:
            change()
        except Refusal as refusal:
            self.model = before
            return refusal
        return None

    def _batch_in_model(self, sent: list[dict[str, Any]], ids: dict[str, UUID]) -> None:
        for index, operation in enumerate(sent):
            # A batch that the service refused returned no ids, so the model gets placeholders for the created todos.
            known = {ref: ids.get(ref, UUID(int=1000 + at)) for at, ref in enumerate(_refs(sent[:index]))}
            try:
                self._operation_in_model(operation, known, ids.get(f"new {index}", UUID(int=1000 + len(known))))
            except Refusal as refusal:
                raise Refusal(refusal.code, index) from None

    def _operation_in_model(self, operation: dict[str, Any], known: dict[str, UUID], new_id: UUID) -> None:
        def resolved(fields: dict[str, Any]) -> dict[str, Any]:
            parent_id = fields.get("parent_id")
            return {**fields, "parent_id": known.get(parent_id, UNKNOWN_ID)} if isinstance(parent_id, str) else fields

        if operation["op"] == "create":
            self.model.create(new_id, resolved(operation["todo"]))
            return
        target, version = operation["id"], operation.get("version")
        todo_id = known.get(target, UNKNOWN_ID) if isinstance(target, str) else target
        match operation["op"]:
            case "update":
                self.model.patch(todo_id, resolved(operation["changes"]), version)
            case "delete":
                self.model.delete(todo_id, version)
            case "restore":
                self.model.restore(todo_id, version)

    def _to_json(self, index: int, operation: DrawnOperation) -> dict[str, Any]:
        """Returns the operation as JSON for a batch: indexes become ids, and targets from 8 on become refs."""
        ref = f"new {operation.target - 8}" if operation.target >= 8 else None
        fields = self._with_ids(operation.fields)
        if ref and "parent_id" in fields:
            fields["parent_id"] = ref
        if operation.op == "create":
            todo = {"title": "New", **fields}
            if todo.get("recurrence") and not (todo.get("due_date") or todo.get("due_at")):
                del todo["recurrence"]
            return {"op": "create", "ref": f"new {index}", "todo": todo}
        target = ref or self._todo_id(operation.target)
        sent: dict[str, Any] = {"op": operation.op, "id": target}
        if isinstance(target, UUID) and (version := self._version(target, operation.version)) is not None:
            sent["version"] = version
        return sent | ({"changes": fields} if operation.op == "update" else {})

    def _with_ids(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Returns the fields of a todo with ids of parent and project instead of indexes, and with a new order."""
        given = dict(fields)
        if "order" in given:
            # Equal orders move apart at some moves: see test_orders.py.
            given["order"] += next(self.fractions) / 2**20
        if given.get("parent_id") is not None:
            given["parent_id"] = self._todo_id(given["parent_id"])
        if given.get("project_id") is not None:
            given["project_id"] = self._project_id(given["project_id"])
        return given

    def _todo_id(self, at: int) -> UUID:
        latest = list(self.model.todos)[-11:]
        return [*latest, UNKNOWN_ID][at % (len(latest) + 1)]

    def _project_id(self, at: int) -> UUID:
        return [*self.created_projects[-3:], UNKNOWN_ID][at % (len(self.created_projects[-3:]) + 1)]

    def _version(self, todo_id: UUID, wanted: str | None) -> int | None:
        todo = self.model.todos.get(todo_id)
        current = todo.version if todo else 1
        return {None: None, "current": current, "stale": current + 1}[wanted]

    def _create_project(self) -> UUID:
        actor = Actor(self.user_id)
        created: UUID = self.portal.call(lambda: projects.add(self.db, actor, ProjectCreate(name="Home"))).id
        self.model.projects.add(created)
        return created

    def _to_model_todo(self, values: dict[str, Any]) -> Todo:
        due_date, due_at = values.pop("due_date"), values.pop("due_at")
        assert values.pop("completed") is (values["completed_at"] is not None)
        moments = {
            "completed_at": self._transaction_number(values["completed_at"]),
            "deleted_at": self._deletion_number(values["id"], values["deleted_at"]),
        }
        return Todo(**values | moments, due=due_at or due_date)

    def _deletion_number(self, todo_id: UUID, when: datetime | None) -> int | None:
        """Returns the number of the deletion at `when`. For a new instant it is that of the todo in the model."""
        if when is None:
            return None
        if when not in self.deletion_numbers:
            number = self.model.todos[todo_id].deleted_at
            assert number is not None
            assert number not in self.deletion_numbers.values()
            self.deletion_numbers[when] = number
        return self.deletion_numbers[when]

    def _transaction_number(self, when: datetime | None) -> int | None:
        """Returns the number of the transaction that stored `when`, which is the current one for a new instant."""
        if when is None:
            return None
        if when not in self.transaction_numbers:
            assert self.model.now not in self.transaction_numbers.values()
            self.transaction_numbers[when] = self.model.now
        return self.transaction_numbers[when]


def _refs(sent: list[dict[str, Any]]) -> list[str]:
    return [operation["ref"] for operation in sent if operation["op"] == "create"]


def test_todos_equal_the_model_after_random_operations(database_url: str) -> None:
    with start_blocking_portal() as portal:
        db = Database(database_url)

        class OnThisDatabase(TodoOperations):
            pass

        OnThisDatabase.database_url, OnThisDatabase.portal, OnThisDatabase.db = database_url, portal, db
        try:
            run_state_machine_as_test(
                OnThisDatabase,
                settings=settings(
                    # A quarter more examples than STEPS needs, because some rules have nothing to do and count no step.
                    max_examples=STEPS * 5 // (STEPS_PER_RUN * 4) + 1,
                    stateful_step_count=STEPS_PER_RUN,
                    derandomize=True,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                    phases=[Phase.generate],  # without Phase.shrink: shrinking a failing sequence would take minutes
                ),
            )
        finally:
            portal.call(db.close)
    assert OnThisDatabase.steps >= STEPS
