"""Random conversations: undos and redos must move along the states of todos and projects, like those of an editor.

After each action, all must be as they were in that state. Todos that came later must be in the trash, and projects that
came later must be gone.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.core.databases import add_user
from todo_assistant.tools.registry import ToolContext, ToolResult
from todo_assistant.tools.undo import RedoneTurn, UndoneTurn, redo_last_undo, undo_last_turn
from todo_core.actors import Actor
from todo_core.database.executor import Database, Transaction
from todo_core.database.statements import Statement
from todo_core.errors import ServiceError
from todo_core.identifiers import new_id
from todo_core.todos import operations, projects
from todo_core.todos.model import TodoCreate, TodoUpdate
from todo_core.todos.projects import ProjectCreate

CONVERSATIONS: Final = int(os.environ.get("TODO_UNDO_CONVERSATIONS", "60"))
ZONE: Final = "Europe/Berlin"
UNKNOWN_ID: Final = UUID(int=7)
NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)

INSERT_CONVERSATION: Final = Statement(
    "INSERT INTO conversations (id, user_id, title) VALUES (:conversation_id, :user_id, '')"
)
INSERT_TURN: Final = Statement("""
    INSERT INTO turns (id, user_id, conversation_id, message_id, reply_id, request_digest, message, timezone, model,
        status)
    VALUES (:turn_id, :user_id, :conversation_id, :turn_id, :turn_id, '', '', 'UTC', '', 'done')
""")
STATE: Final = Statement("""
    SELECT id, deleted_at, to_jsonb(todos) - ARRAY['version', 'updated_at', 'words'] AS fields
    FROM todos WHERE user_id = :user_id
""")
PROJECTS: Final = Statement("""
    SELECT id, version, to_jsonb(projects) - ARRAY['version', 'updated_at'] AS fields
    FROM projects WHERE user_id = :user_id
""")


@dataclass(frozen=True)
class Step:
    """One change of a turn. `target`, and the parent and project in `fields`, are indexes of todos and projects."""

    kind: str
    target: int
    fields: dict[str, Any] = field(default_factory=dict)


indexes = st.integers(0, 6)
dues: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {"due_date": date(2030, 1, 31)},
        {"due_at": datetime(2030, 3, 30, 8, tzinfo=UTC)},
        {"due_date": date(2030, 1, 31), "recurrence": "FREQ=DAILY;COUNT=3"},
        {"due_at": datetime(2030, 3, 30, 1, 30, tzinfo=UTC), "recurrence": "FREQ=DAILY"},
    ]
)
places = st.fixed_dictionaries({}, optional={"parent_id": st.none() | indexes, "project_id": st.none() | indexes})
plain_fields = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["Milk", "Bread"]),
        "tags": st.sampled_from([[], ["home"], ["home", "shop"]]),
        "completed": st.booleans(),
        "reminder_at": st.sampled_from([None, datetime(2030, 3, 29, 20, tzinfo=UTC)]),
        "description": st.sampled_from([None, "The blue one"]),
    },
)
changes = st.builds(lambda plain, due, place: {**plain, **due, **place}, plain_fields, dues, places)
new_todos = st.builds(lambda due, place: {"title": "New", **due, **place}, dues, places)
steps = st.one_of(
    st.builds(Step, st.just("add"), indexes, new_todos),
    st.builds(Step, st.just("update"), indexes, changes),
    st.builds(Step, st.just("update"), indexes, st.just({"completed": True})),
    st.builds(Step, st.sampled_from(["delete", "restore"]), indexes),
    st.builds(Step, st.just("add project"), indexes, st.sampled_from([{}, {"title": "In the new project"}])),
)
turns = st.lists(steps, min_size=1, max_size=3)
type Action = Literal["undo", "redo"] | list[Step]
reversals: st.SearchStrategy[Action] = st.sampled_from(["undo", "undo", "redo"])
# Each part has some turns, and then some undos and redos.
parts = st.builds(lambda some, moves: [*some, *moves], st.lists(turns, max_size=3), st.lists(reversals, max_size=5))
action_lists = st.lists(parts, min_size=1, max_size=4).map(lambda drawn: [action for part in drawn for action in part])


@dataclass(frozen=True)
class State:
    """The columns of each todo and each project, without those that every change renews."""

    todos: dict[UUID, str]
    projects: dict[UUID, str]


class Conversation:
    """A conversation of one user on the database, with turns that change todos, add projects, undo and redo."""

    def __init__(self, db: Database, user_id: UUID) -> None:
        self._db = db
        self._user_id = user_id
        self._id = new_id()
        self._todos: list[UUID] = []
        self._projects: list[UUID] = []

    async def begin(self) -> None:
        await self._db.write(INSERT_CONVERSATION, conversation_id=self._id, user_id=self._user_id)
        user = Actor(self._user_id, timezone=ZONE)
        for name in ("Home", "Work"):
            self._projects.append((await projects.add(self._db, user, ProjectCreate(name=name))).id)
        cake = await operations.add(self._db, user, TodoCreate(title="Cake"))
        flour = await operations.add(self._db, user, TodoCreate(title="Flour", parent_id=cake.id))
        self._todos += [cake.id, flour.id]

    async def run_turn(self, turn: list[Step]) -> bool:
        """Runs a turn and returns whether it changed anything. The service may refuse some of its steps."""
        before = await self.read_versions()
        await self._run(lambda context: self._take_steps(context, turn))
        return await self.read_versions() != before

    async def undo(self) -> ToolResult:
        return await self._run(lambda context: undo_last_turn(context, UndoneTurn()))

    async def redo(self) -> ToolResult:
        return await self._run(lambda context: redo_last_undo(context, RedoneTurn()))

    async def read_state(self) -> State:
        todos, found = [await self._db.fetch_all(each, user_id=self._user_id) for each in (STATE, PROJECTS)]
        return State({row["id"]: row["fields"] for row in todos}, {row["id"]: row["fields"] for row in found})

    async def read_trash(self) -> set[UUID]:
        rows = await self._db.fetch_all(STATE, user_id=self._user_id)
        return {row["id"] for row in rows if row["deleted_at"] is not None}

    async def read_versions(self) -> dict[UUID, int]:
        todos = await operations.find_by_id(self._db, self._user_id, self._todos)
        found = await self._db.fetch_all(PROJECTS, user_id=self._user_id)
        return {todo.id: todo.version for todo in todos} | {row["id"]: row["version"] for row in found}

    async def _run[Result](self, work: Callable[[ToolContext], Awaitable[Result]]) -> Result:
        turn_id = new_id()
        await self._db.write(INSERT_TURN, turn_id=turn_id, user_id=self._user_id, conversation_id=self._id)
        actor = Actor(self._user_id, "assistant", turn_id, ZONE)
        async with self._db.transaction() as transaction:
            return await work(ToolContext(transaction, actor, self._id, NOW, ZoneInfo(ZONE)))

    async def _take_steps(self, context: ToolContext, turn: list[Step]) -> None:
        for step in turn:
            with suppress(ServiceError):
                async with context.db.savepoint():
                    await self._take_step(context.db, context.actor, step)

    async def _take_step(self, db: Transaction, actor: Actor, step: Step) -> None:
        todo_id, fields = self._todos[step.target % len(self._todos)], self._with_ids(step.fields)
        match step.kind:
            case "add":
                self._todos.append((await operations.add(db, actor, TodoCreate.model_validate(fields))).id)
            case "update":
                await operations.update(db, actor, todo_id, TodoUpdate.model_validate(fields))
            case "delete":
                await operations.delete(db, actor, todo_id)
            case "restore":
                await operations.restore(db, actor, todo_id)
            case "add project":
                self._projects.append((await projects.add(db, actor, ProjectCreate(name="New"))).id)
                if fields:
                    new = TodoCreate(project_id=self._projects[-1], **fields)
                    self._todos.append((await operations.add(db, actor, new)).id)

    def _with_ids(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Returns the fields with the ids of parent and project instead of their indexes."""
        found = dict(fields)
        for name, ids in (("parent_id", self._todos), ("project_id", self._projects)):
            if found.get(name) is not None:
                found[name] = [*ids, UNKNOWN_ID][found[name] % (len(ids) + 1)]
        return found


async def check(db: Database, user_id: UUID, actions: list[Action]) -> None:
    """Runs actions and compares the state after each with a list of states, like the history of an editor."""
    conversation = Conversation(db, user_id)
    await conversation.begin()
    states, at = [await conversation.read_state()], 0
    for action in actions:
        match action:
            case "undo":
                at = await move(await conversation.undo(), at, at - 1, len(states))
            case "redo":
                at = await move(await conversation.redo(), at, at + 1, len(states))
            case turn if await conversation.run_turn(turn):
                states = [*states[: at + 1], await conversation.read_state()]
                at += 1
        await check_state(conversation, states[at])


async def move(result: ToolResult, old: int, new: int, number_of_states: int) -> int:
    """Returns the index of the state after an undo or redo. Checks that the call failed at the ends of the states."""
    if 0 <= new < number_of_states:
        assert result.ok
        return new
    assert result.result["code"] == ("nothing_to_undo" if new < old else "nothing_to_redo")
    return old


async def check_state(conversation: Conversation, expected: State) -> None:
    """Checks that todos and projects are as expected. Todos that came later must be in the trash."""
    found = await conversation.read_state()
    assert found.projects == expected.projects
    assert {todo_id: found.todos[todo_id] for todo_id in expected.todos} == expected.todos
    assert found.todos.keys() - expected.todos.keys() <= await conversation.read_trash()


def test_undos_and_redos_move_along_the_states_of_todos_and_projects(database_url: str) -> None:
    with asyncio.Runner() as runner:
        db = Database(database_url)

        @settings(
            max_examples=CONVERSATIONS,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(actions=action_lists)
        def run(actions: list[Action]) -> None:
            runner.run(check(db, add_user(database_url), actions))

        try:
            run()
        finally:
            runner.run(db.close())
