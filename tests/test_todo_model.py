"""Whatever is done to todos, in whatever order, they are what a plain model of them says.

`TODO_MODEL_STEPS=50000 pytest tests/test_todo_model.py` takes more steps than the 2,000 that are taken by default.
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.core.test_changes import new_user
from tests.todo_model import Model, Refused, Todo, Turn
from todo_core import todos
from todo_core.actors import Actor
from todo_core.database.executor import Database
from todo_core.database.statements import Statement
from todo_core.errors import ServiceError
from todo_core.todos import TodoCreate, TodoUpdate, batch, changes, projects
from todo_core.todos.batch import Batch
from todo_core.todos.projects import ProjectCreate

STEPS: Final = int(os.environ.get("TODO_MODEL_STEPS", "2000"))
STEPS_OF_A_RUN: Final = 100
ZONE: Final = ZoneInfo("Europe/Berlin")
NOBODYS: Final = UUID(int=7)

STATE: Final = Statement("""
    SELECT id, title, "order", completed, completed_at, due_date, due_at, reminder_at, recurrence, project_id,
        parent_id, version, deleted_at
    FROM todos WHERE user_id = :user_id
""")
LOG: Final = Statement("""
    SELECT todo_id, seq, (after->>'version')::int AS version, turn_id FROM changes
    WHERE user_id = :user_id ORDER BY seq
""")

which = st.integers(0, 11)
"""A todo by its place in the order of creation, which begins anew at the end; one of the last is nobody's."""
versions = st.sampled_from([None, None, None, "current", "stale"])
acting = st.sampled_from(["user", "user", "turn", "turn", "new turn"])
titles = st.sampled_from(["Milk", "Bread", "Eggs"])
dues: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"due_date": date(2030, 1, 31)},
        # Nine o'clock, on the days before the clocks change.
        {"due_at": datetime(2030, 3, 30, 8, tzinfo=UTC)},
        {"due_at": datetime(2030, 10, 26, 7, tzinfo=UTC)},
    ]
)
rules = st.sampled_from(
    ["FREQ=DAILY", "FREQ=WEEKLY", "FREQ=DAILY;COUNT=2", "FREQ=DAILY;UNTIL=20300201", "FREQ=DAILY;UNTIL=20300331"]
)
reminders = st.sampled_from([None, datetime(2030, 3, 29, 20, tzinfo=UTC), datetime(2030, 1, 31, 7, tzinfo=UTC)])
recurring = st.builds(lambda due, recurrence: {**due, "recurrence": recurrence}, dues, rules)
plain = st.fixed_dictionaries({}, optional={"order": st.integers(-2, 5), "reminder_at": reminders})
places: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.builds(lambda at: {"parent_id": at}, which),
    st.builds(lambda at: {"parent_id": at}, which),
    st.builds(lambda at: {"project_id": at}, st.integers(0, 3)),
    st.builds(lambda at, other: {"parent_id": at, "project_id": other}, which, st.integers(0, 3)),
    st.just({"parent_id": None}),
    st.just({"project_id": None}),
)
new_todos = st.builds(
    lambda title, more, due, place: {"title": title, **more, **due, **place},
    titles,
    plain,
    st.one_of(st.just({}), dues, recurring),
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
        recurring,
        st.sampled_from([{"due_date": None}, {"due_at": None}, {"recurrence": None}, {"recurrence": "FREQ=WEEKLY"}]),
    ),
    st.one_of(st.just({}), places),
)


@dataclass(frozen=True)
class Operation:
    """One of a batch; `ref` names a todo that the batch creates, `target` is a place as in `which`, or such a ref."""

    op: str
    target: int
    fields: dict[str, Any]
    version: str | None


operations = st.builds(
    Operation,
    st.sampled_from(["create", "update", "update", "delete", "restore"]),
    which,
    new_todos | patches,
    versions,
)


class Todos(RuleBasedStateMachine):
    """Every rule does the same to the service's todos and to the model's, and both must refuse the same."""

    database_url: ClassVar[str]
    portal: ClassVar[BlockingPortal]
    db: ClassVar[Database]
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.user_id = new_user(self.database_url)
        self.model = Model(ZONE)
        self.moments: dict[datetime, int] = {}
        self.turns: list[UUID] = []
        self.made_projects: list[UUID] = []

    @initialize(tree=st.booleans())
    def begin(self, tree: bool) -> None:  # noqa: FBT001 - drawn
        self.made_projects += [self._new_project() for _ in range(2)]
        for title in ("Milk", "Bread", "Eggs", "Trip"):
            parent = {"parent_id": len(self.model.todos) - 1} if tree and self.model.todos else {}
            self.create({"title": title, **parent}, "user")

    @rule(fields=new_todos, by=acting)
    def create(self, fields: dict[str, Any], by: str) -> None:
        given = self._given(fields)
        actor = self._begin(by)
        added: list[UUID] = []

        async def add() -> None:
            added.append((await todos.add(self.db, actor, TodoCreate.model_validate(given))).id)

        refusal = self._ask(add)
        self._expect(refusal, lambda: self.model.create(added[0] if added else NOBODYS, given))

    @rule(at=which, fields=patches, version=versions, by=acting)
    def patch(self, at: int, fields: dict[str, Any], version: str | None, by: str) -> None:
        todo_id, given = self._todo(at), self._given(fields)
        expected = self._version(todo_id, version)
        actor = self._begin(by)

        async def update() -> None:
            changed = TodoUpdate.model_validate(given)
            await todos.update(self.db, actor, todo_id, changed, None if expected is None else [expected])

        self._expect(self._ask(update), lambda: self.model.patch(todo_id, given, expected))

    @rule(at=which, by=acting)
    def complete(self, at: int, by: str) -> None:
        self.patch(at, {"completed": True}, None, by)

    @rule(at=which, place=places, by=acting)
    def move(self, at: int, place: dict[str, Any], by: str) -> None:
        self.patch(at, place, None, by)

    @rule(at=which, version=versions, by=acting)
    def delete(self, at: int, version: str | None, by: str) -> None:
        todo_id = self._todo(at)
        expected = self._version(todo_id, version)
        actor = self._begin(by)

        async def delete() -> None:
            await todos.delete(self.db, actor, todo_id, None if expected is None else [expected])

        self._expect(self._ask(delete), lambda: self.model.delete(todo_id, expected))

    @rule(at=which, version=versions, by=acting)
    def restore(self, at: int, version: str | None, by: str) -> None:
        todo_id = self._todo(at)
        expected = self._version(todo_id, version)
        actor = self._begin(by)

        async def restore() -> None:
            await todos.restore(self.db, actor, todo_id, None if expected is None else [expected])

        self._expect(self._ask(restore), lambda: self.model.restore(todo_id, expected))

    @rule(asked=st.lists(operations, min_size=1, max_size=5), by=acting)
    def batch(self, asked: list[Operation], by: str) -> None:
        actor = self._begin(by)
        sent = [self._sent(index, each) for index, each in enumerate(asked)]
        ids: dict[str, UUID] = {}

        async def send() -> None:
            results = await batch.carry_out(self.db, actor, Batch.model_validate({"operations": sent}))
            ids.update({result.ref: result.id for result in results if result.ref is not None})

        refusal = self._ask(send)
        self._expect(refusal, lambda: self._batch_in_model(sent, ids))

    @rule(by=acting, at=st.integers(0, 3))
    def delete_project(self, by: str, at: int) -> None:
        project_id = self._project(at)
        if project_id not in self.model.projects:
            return
        actor = self._begin(by)

        async def delete() -> None:
            async with self.db.transaction() as transaction:
                await projects.delete(transaction, actor, project_id)

        self._expect(self._ask(delete), lambda: self.model.delete_project(project_id))
        self.made_projects.append(self._new_project())

    @rule(at=st.integers(0, 3), by=acting)
    def undo(self, at: int, by: str) -> None:
        if not self.turns:
            return
        turn = self.turns[-1 - at % len(self.turns)]
        actor = self._begin("new turn" if by == "turn" else by)

        async def undo() -> None:
            async with self.db.transaction() as transaction:
                await changes.lock(transaction, self.user_id)
                await changes.undo(transaction, actor, turn)

        self._expect(self._ask(undo), lambda: self.model.undo(turn))

    @invariant()
    def they_are_the_same(self) -> None:
        rows = self.portal.call(lambda: self.db.fetch_all(STATE, user_id=self.user_id))
        found = {row["id"]: self._todo_of(dict(row)) for row in rows}
        assert found == self.model.todos

    def teardown(self) -> None:
        rows = self.portal.call(lambda: self.db.fetch_all(LOG, user_id=self.user_id))
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        assert {row["todo_id"]: row["version"] for row in rows} == {
            todo.id: todo.version for todo in self.model.todos.values()
        }
        assert sorted((row["todo_id"], str(row["turn_id"])) for row in rows) == sorted(
            (change.todo_id, str(change.turn)) for change in self.model.log
        )

    def _begin(self, by: str) -> Actor:
        turn: Turn = None
        if by != "user":
            if by == "new turn" or not self.turns:
                self.turns.append(uuid4())
            turn = self.turns[-1]
        self.model.begin(turn)
        return Actor(self.user_id, "user" if turn is None else "assistant", turn, ZONE.key)

    def _ask(self, work: Callable[[], Awaitable[None]]) -> Refused | None:
        type(self).steps += 1
        try:
            self.portal.call(work)
        except ServiceError as error:
            index = error.members.get("index")
            return Refused(error.code, index if isinstance(index, int) else None)
        return None

    def _expect(self, refusal: Refused | None, change: Callable[[], None]) -> None:
        expected = self._refusal_of(change)
        assert (refusal and refusal.args) == (expected and expected.args)

    def _refusal_of(self, change: Callable[[], None]) -> Refused | None:
        """Changes the model, or leaves it as it is and tells why."""
        before = self.model.copy()
        try:
            change()
        except Refused as refused:
            self.model = before
            return refused
        return None

    def _batch_in_model(self, sent: list[dict[str, Any]], ids: dict[str, UUID]) -> None:
        for index, operation in enumerate(sent):
            # What a batch that is refused would have created has no id.
            known = {ref: ids.get(ref, UUID(int=1000 + at)) for at, ref in enumerate(_refs(sent[:index]))}
            try:
                self._operation_in_model(operation, known, ids.get(f"new {index}", UUID(int=1000 + len(known))))
            except Refused as refused:
                raise Refused(refused.code, index) from None

    def _operation_in_model(self, operation: dict[str, Any], known: dict[str, UUID], new_id: UUID) -> None:
        def resolved(fields: dict[str, Any]) -> dict[str, Any]:
            parent_id = fields.get("parent_id")
            return {**fields, "parent_id": known.get(parent_id, NOBODYS)} if isinstance(parent_id, str) else fields

        if operation["op"] == "create":
            self.model.create(new_id, resolved(operation["todo"]))
            return
        target, version = operation["id"], operation.get("version")
        todo_id = known.get(target, NOBODYS) if isinstance(target, str) else target
        match operation["op"]:
            case "update":
                self.model.patch(todo_id, resolved(operation["changes"]), version)
            case "delete":
                self.model.delete(todo_id, version)
            case "restore":
                self.model.restore(todo_id, version)

    def _sent(self, index: int, operation: Operation) -> dict[str, Any]:
        """As it is sent; the higher places are those of todos that the batch itself creates."""
        ref = f"new {operation.target - 8}" if operation.target >= 8 else None
        fields = self._given(operation.fields)
        if ref and "parent_id" in fields:
            fields["parent_id"] = ref
        if operation.op == "create":
            todo = {"title": "New", **fields}
            if todo.get("recurrence") and not (todo.get("due_date") or todo.get("due_at")):
                del todo["recurrence"]
            return {"op": "create", "ref": f"new {index}", "todo": todo}
        target = ref or self._todo(operation.target)
        sent: dict[str, Any] = {"op": operation.op, "id": target}
        if isinstance(target, UUID) and (version := self._version(target, operation.version)) is not None:
            sent["version"] = version
        return sent | ({"changes": fields} if operation.op == "update" else {})

    def _given(self, fields: dict[str, Any]) -> dict[str, Any]:
        """With ids in the place of places."""
        given = dict(fields)
        if given.get("parent_id") is not None:
            given["parent_id"] = self._todo(given["parent_id"])
        if given.get("project_id") is not None:
            given["project_id"] = self._project(given["project_id"])
        return given

    def _todo(self, at: int) -> UUID:
        made = list(self.model.todos)[-11:]
        return [*made, NOBODYS][at % (len(made) + 1)]

    def _project(self, at: int) -> UUID:
        return [*self.made_projects[-3:], NOBODYS][at % (len(self.made_projects[-3:]) + 1)]

    def _version(self, todo_id: UUID, wanted: str | None) -> int | None:
        todo = self.model.todos.get(todo_id)
        current = todo.version if todo else 1
        return {None: None, "current": current, "stale": current + 1}[wanted]

    def _new_project(self) -> UUID:
        actor = Actor(self.user_id)
        made: UUID = self.portal.call(lambda: projects.add(self.db, actor, ProjectCreate(name="Home"))).id
        self.model.projects.add(made)
        return made

    def _todo_of(self, values: dict[str, Any]) -> Todo:
        due_date, due_at = values.pop("due_date"), values.pop("due_at")
        assert values.pop("completed") is (values["completed_at"] is not None)
        moments = {name: self._moment(values[name]) for name in ("completed_at", "deleted_at")}
        return Todo(**values | moments, due=due_at or due_date)

    def _moment(self, when: datetime | None) -> int | None:
        """The number of the transaction in which it was. One that was not seen before is the last one's only one."""
        if when is None:
            return None
        if when not in self.moments:
            assert self.model.now not in self.moments.values()
            self.moments[when] = self.model.now
        return self.moments[when]


def _refs(sent: list[dict[str, Any]]) -> list[str]:
    return [operation["ref"] for operation in sent if operation["op"] == "create"]


def test_todos_are_what_the_model_says(database_url: str) -> None:
    with start_blocking_portal() as portal:
        db = Database(database_url)

        class OnThisDatabase(Todos):
            pass

        OnThisDatabase.database_url, OnThisDatabase.portal, OnThisDatabase.db = database_url, portal, db
        try:
            run_state_machine_as_test(
                OnThisDatabase,
                settings=settings(
                    # Some rules find nothing to do, and are no step.
                    max_examples=STEPS * 5 // (STEPS_OF_A_RUN * 4) + 1,
                    stateful_step_count=STEPS_OF_A_RUN,
                    derandomize=True,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                    phases=[Phase.generate],  # to shrink a failure would take minutes
                ),
            )
        finally:
            portal.call(db.close)
    assert OnThisDatabase.steps >= STEPS
