"""What the todo routes take and answer."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from todo_core.actors import ActorKind
from todo_core.text import Text
from todo_core.times import DayOrInstant
from todo_core.todos.batch import OperationResult
from todo_core.todos.changes import Change, Operation
from todo_core.todos.filters import DueBound, Filters, ListSort
from todo_core.todos.model import Priority, Tag, Todo
from todo_core.web.query import DEFAULT_PAGE_ITEMS, Limit, PageQuery


def _require_true_or_false(value: object) -> object:
    if value in {"true", "false"}:
        return value
    raise PydanticCustomError("true_or_false", "Give true or false")


def _read_id_or_none(value: object) -> object:
    try:
        return value if value == "none" else UUID(str(value))
    except ValueError:
        raise PydanticCustomError("id_or_none", "Give an id, or none") from None


TrueOrFalse = Annotated[bool, BeforeValidator(_require_true_or_false)]
IdOrNone = Annotated[
    UUID | Literal["none"],
    PlainValidator(_read_id_or_none),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "uuid"}, {"const": "none"}]}),
]


TODO_EXAMPLE: Final[dict[str, JsonValue]] = {
    "id": "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22",
    "title": "Buy milk",
    "description": "The one in the blue carton",
    "completed": False,
    "completed_at": None,
    "priority": "high",
    "due_date": None,
    "due_at": "2030-01-31T17:00:00Z",
    "reminder_at": "2030-01-31T16:00:00Z",
    "recurrence": "FREQ=WEEKLY;BYDAY=TH",
    "tags": ["home"],
    "project_id": "0198c5a0-11d2-7c1b-9a43-6f1f0a7b3c55",
    "parent_id": None,
    "order": 1.0,
    "url": "https://api.example.com/api/v1/todos/0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22",
    "version": 1,
    "created_at": "2030-01-01T08:00:00Z",
    "updated_at": "2030-01-01T08:00:00Z",
    "deleted_at": None,
}


class TodoRead(BaseModel):
    """A todo, as its owner sees it."""

    model_config: ClassVar = ConfigDict(from_attributes=True, json_schema_extra={"examples": [TODO_EXAMPLE]})

    id: UUID
    title: str
    description: str | None
    completed: bool
    completed_at: datetime | None
    priority: Priority
    due_date: date | None
    due_at: datetime | None
    reminder_at: datetime | None
    recurrence: str | None
    tags: list[str]
    project_id: UUID | None
    parent_id: UUID | None
    order: float
    url: str
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class TodoJson(Todo, frozen=True):
    """A todo as a response contains it. msgspec encodes a Struct faster than pydantic encodes a TodoRead."""

    url: str


def todo_json(todo: Todo, collection_url: str) -> TodoJson:
    """Returns the todo with its URL. `collection_url` is the URL of the list of todos."""
    values = (*msgspec.structs.astuple(todo), f"{collection_url}/{todo.id}")
    return TodoJson(*values)


class TodoFilters(BaseModel):
    """The query that selects todos. All filters must hold."""

    model_config: ClassVar = ConfigDict(extra="forbid")

    completed: TrueOrFalse | None = None
    priority: Priority | None = None
    tag: list[Tag] = Field(default=[], max_length=50, description="Repeatable; the todo must have all of them.")
    q: Annotated[str, Text(max_length=200)] | None = Field(
        default=None, description="Words, or beginnings of words, of title and description."
    )
    project_id: IdOrNone | None = Field(default=None, description="A project, or `none` for those in no project.")
    parent_id: IdOrNone | None = Field(default=None, description="A todo, or `none` for those at the top level.")
    due_after: DayOrInstant | None = Field(
        default=None, description="Due on this day, in the user's time zone, or at this instant, or later."
    )
    due_before: DayOrInstant | None = Field(
        default=None, description="Due before this day, in the user's time zone, or before this instant."
    )
    overdue: TrueOrFalse | None = Field(
        default=None, description="Open and due before now, or before today in the user's time zone; or all others."
    )
    trashed: TrueOrFalse = Field(default=False, description="The trash, instead of what is not in it.")

    def filters(self, timezone: str, sort: ListSort | None = None) -> Filters:
        """In the user's time zone."""
        return Filters(
            completed=self.completed,
            priority=self.priority,
            tags=self.tag,
            q=self.q,
            trashed=self.trashed,
            project_id=self.project_id,
            parent_id=self.parent_id,
            sort=sort,
            **self._dues(timezone),
        )

    def _dues(self, timezone: str) -> dict[str, DueBound]:
        now = {"overdue": self.overdue, "not_overdue": self.overdue is False}
        dues = {"due_from": self.due_after, "due_until": self.due_before}
        dues |= {name: datetime.now(UTC) for name, asked in now.items() if asked}
        return {name: DueBound.of(when, ZoneInfo(timezone)) for name, when in dues.items() if when is not None}


class TodoQuery(PageQuery, TodoFilters):
    """The query of a list of todos."""

    sort: ListSort | None = Field(
        default=None,
        description="Backwards with `-`. If left out, `order`; `due` with a filter for dues; with `q` by relevance.",
    )
    cursor: str | None = Field(default=None, max_length=2000, description="From the header `Link`.")


class ResultRead(BaseModel):
    """What became of one operation: the todo as it was right after it, null if it is in the trash."""

    op: Literal["create", "update", "delete", "restore"]
    id: UUID
    ref: str | None
    todo: TodoRead | None


class BatchRead(BaseModel):
    """A result for each operation, in their order."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "results": [
                        {"op": "create", "id": TODO_EXAMPLE["id"], "ref": "milk", "todo": TODO_EXAMPLE},
                        {"op": "delete", "id": TODO_EXAMPLE["id"], "ref": None, "todo": None},
                    ]
                }
            ]
        },
    )

    results: list[ResultRead]


def batch_json(results: Sequence[OperationResult], collection_url: str) -> dict[str, Any]:
    """Returns the fields of a BatchRead."""
    return {
        "results": [
            {
                "op": result.op,
                "id": result.id,
                "ref": result.ref,
                "todo": result.todo and todo_json(result.todo, collection_url),
            }
            for result in results
        ]
    }


_LARGEST_SEQ: Final = 2**63 - 1


class ChangesQuery(BaseModel):
    """From where on to read the change log."""

    model_config: ClassVar = ConfigDict(extra="forbid")

    since: int = Field(default=0, ge=0, le=_LARGEST_SEQ, description="The last `seq` that was seen; 0 for all.")
    limit: Limit = DEFAULT_PAGE_ITEMS


class ActorRead(BaseModel):
    """Who made a change: the user on a page, a program with a bearer token, the assistant, or maintenance."""

    kind: ActorKind
    turn_id: UUID | None = None


class ChangeRead(BaseModel):
    """One change of one todo. `before` is null for a creation, `after` once a todo is purged from the trash."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "seq": 7,
                    "todo_id": "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22",
                    "op": "create",
                    "actor": {"kind": "user", "turn_id": None},
                    "before": None,
                    "after": TODO_EXAMPLE,
                    "created_at": "2030-01-01T08:00:00Z",
                }
            ]
        },
    )

    seq: int
    todo_id: UUID
    op: Operation
    actor: ActorRead
    before: TodoRead | None
    after: TodoRead | None
    created_at: datetime


def change_json(change: Change, collection_url: str) -> dict[str, Any]:
    """Returns the fields of a ChangeRead."""
    return {
        "seq": change.seq,
        "todo_id": change.todo_id,
        "op": change.op,
        "actor": {"kind": change.actor, "turn_id": change.turn_id},
        "before": change.before and todo_json(change.before, collection_url),
        "after": change.after and todo_json(change.after, collection_url),
        "created_at": change.created_at,
    }
