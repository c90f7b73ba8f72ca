"""The todos of a user and the conduct of the assistant, both read from the database."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

import asyncpg

_SELECT_TODOS: Final = """
    SELECT todos.id, todos.title, coalesce(todos.description, '') AS description, todos.completed, todos.priority,
        todos.due_date, todos.due_at, todos.reminder_at, coalesce(todos.recurrence, '') AS recurrence, todos.tags,
        coalesce(projects.name, '') AS project, coalesce(parents.title, '') AS parent,
        todos.deleted_at IS NOT NULL AS trashed
    FROM todos
    LEFT JOIN projects ON projects.id = todos.project_id
    LEFT JOIN todos parents ON parents.id = todos.parent_id
    WHERE todos.user_id = $1 ORDER BY todos.id
"""
_SELECT_PROJECTS: Final = "SELECT name FROM projects WHERE user_id = $1 ORDER BY id"
_SELECT_TURNS: Final = """
    SELECT id, EXISTS (SELECT FROM tool_calls WHERE turn_id = turns.id AND name ~ '^(undo|redo)') AS undoes
    FROM turns WHERE user_id = $1 ORDER BY id
"""
_SELECT_CHANGES: Final = """
    SELECT todo_id, op, turn_id FROM change_log WHERE user_id = $1 AND actor = 'assistant' AND todo_id IS NOT NULL
    ORDER BY seq
"""
_SELECT_USAGE: Final = """
    SELECT coalesce(sum(prompt_tokens), 0)::int AS prompt_tokens,
        coalesce(sum(completion_tokens), 0)::int AS completion_tokens, count(*)::int AS model_calls,
        (SELECT count(*)::int FROM tool_calls JOIN turns ON turns.id = turn_id WHERE user_id = $1) AS tool_calls
    FROM rounds JOIN turns ON turns.id = turn_id WHERE user_id = $1
"""


@dataclass(frozen=True, slots=True)
class TodoState:
    """A todo with the title of its parent and the name of its project. Missing texts are empty."""

    id: UUID
    title: str
    description: str
    completed: bool
    priority: str
    due: date | datetime | None
    reminder: datetime | None
    recurrence: str
    tags: frozenset[str]
    project: str
    parent: str
    trashed: bool


@dataclass(frozen=True, slots=True)
class State:
    """All todos of a user, those in the trash included, and the names of the user's projects."""

    todos: dict[UUID, TodoState] = field(default_factory=dict)
    projects: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """A turn of the assistant. `undoes` is true if it called the tool that undoes or redoes another turn."""

    id: UUID
    undoes: bool


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """A change of a todo by the assistant, in the order of the change log."""

    todo_id: UUID
    op: str
    turn_id: UUID


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, completions and tool calls of all turns of a run."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    model_calls: int = 0
    tool_calls: int = 0


async def read_state(database: asyncpg.Pool, user_id: UUID) -> State:
    rows = await database.fetch(_SELECT_TODOS, user_id)
    projects = [row["name"] for row in await database.fetch(_SELECT_PROJECTS, user_id)]
    return State({row["id"]: _todo_from_row(row) for row in rows}, projects)


async def read_conduct(
    database: asyncpg.Pool, user_id: UUID
) -> tuple[Sequence[TurnRecord], Sequence[LoggedChange], Usage]:
    """Returns the turns of a user, the changes that the assistant has made in them, and their usage."""
    turns = [TurnRecord(**row) for row in await database.fetch(_SELECT_TURNS, user_id)]
    changes = [LoggedChange(**row) for row in await database.fetch(_SELECT_CHANGES, user_id)]
    (usage,) = await database.fetch(_SELECT_USAGE, user_id)
    return turns, changes, Usage(**usage)


def _todo_from_row(row: asyncpg.Record) -> TodoState:
    values = dict(row)
    due_date, due_at = values.pop("due_date"), values.pop("due_at")
    values |= {"due": due_at or due_date, "reminder": values.pop("reminder_at"), "tags": frozenset(values["tags"])}
    return TodoState(**values)
