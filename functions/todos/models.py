"""Requests and responses of the todo routes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from todo_core.text import Text, is_visible
from todo_core.times import DayOrInstant
from todo_core.todos.batch import OperationResult
from todo_core.todos.filters import DueBound, Filters, ListSort
from todo_core.todos.model import Priority, RecurrenceFrom, Tag, Todo
from todo_core.todos.operations import Completion, Updated
from todo_core.web.query import PageQuery


def _require_true_or_false(value: object) -> object:
    if value in {"true", "false"}:
        return value
    raise PydanticCustomError("true_or_false", "Give true or false")


def _parse_id_or_none(value: object) -> object:
    try:
        return value if value == "none" else UUID(str(value))
    except ValueError:
        raise PydanticCustomError("id_or_none", "Give an id, or none") from None


TrueOrFalse = Annotated[bool, BeforeValidator(_require_true_or_false)]
IdOrNone = Annotated[
    UUID | Literal["none"],
    PlainValidator(_parse_id_or_none),
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
    "recurrence_from": "due",
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
    """A todo."""

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
    recurrence_from: RecurrenceFrom
    tags: list[str]
    project_id: UUID | None
    parent_id: UUID | None
    order: float
    url: str
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class CompletionRead(BaseModel):
    """The result of completing a todo: `completed`, or `moved` to the next occurrence of its recurrence.

    `completed_due` is the due date that was completed, `next_due` that to which the todo was moved.
    """

    result: Literal["completed", "moved"]
    completed_due: date | datetime | None
    next_due: date | datetime | None


class UpdatedTodoRead(TodoRead):
    """A todo after a change. `completion` is absent unless the change completes the todo."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={
            "examples": [
                TODO_EXAMPLE
                | {
                    "completion": {
                        "result": "moved",
                        "completed_due": "2030-01-24T17:00:00Z",
                        "next_due": "2030-01-31T17:00:00Z",
                    }
                }
            ]
        }
    )

    completion: CompletionRead | None = None


class TodoJson(Todo, frozen=True):
    """A todo as a response contains it. msgspec encodes a Struct faster than pydantic encodes a TodoRead."""

    url: str


def build_todo_json(todo: Todo, collection_url: str) -> TodoJson:
    """Returns the todo with its URL. `collection_url` is the URL of the list of todos."""
    values = (*msgspec.structs.astuple(todo), f"{collection_url}/{todo.id}")
    return TodoJson(*values)


class UpdatedTodoJson(TodoJson, frozen=True):
    """A changed todo as a response contains it. Without a completion, the field is left out."""

    completion: Completion | msgspec.UnsetType = msgspec.UNSET


def build_updated_json(updated: Updated, collection_url: str) -> TodoJson:
    """Returns the todo with its URL, and with its completion if there is one."""
    todo = build_todo_json(updated.todo, collection_url)
    if updated.completion is None:
        return todo
    return UpdatedTodoJson(**msgspec.structs.asdict(todo), completion=updated.completion)


class TodoFilters(BaseModel):
    """The query that selects todos, which meet all filters."""

    model_config: ClassVar = ConfigDict(extra="forbid")

    completed: TrueOrFalse | None = None
    priority: Priority | None = None
    tag: list[Tag] = Field(default=[], max_length=50, description="May be repeated: a todo must have all these tags.")
    q: Annotated[str, Text(max_length=200)] | None = Field(
        default=None, description="Words, or beginnings of words, that the title and the description contain."
    )
    project_id: IdOrNone | None = Field(
        default=None, description="The id of a project, or `none` for todos without a project."
    )
    parent_id: IdOrNone | None = Field(
        default=None, description="The id of a todo, or `none` for todos at the top level."
    )
    due_after: DayOrInstant | None = Field(
        default=None, description="Due on or after this day in the user's time zone, or at or after this instant."
    )
    due_before: DayOrInstant | None = Field(
        default=None, description="Due before this day, in the user's time zone, or before this instant."
    )
    overdue: TrueOrFalse | None = Field(
        default=None,
        description="`true`: open and due before now, or before today in the user's time zone. `false`: all others.",
    )

    def build_filters(self, timezone: str, sort: ListSort | None = None, *, trashed: bool = False) -> Filters:
        """Returns the filters in the user's time zone."""
        now, zone = datetime.now(UTC), ZoneInfo(timezone)
        return Filters(
            completed=self.completed,
            priority=self.priority,
            tags=self.tag,
            # An empty search field lists all.
            q=self.q if self.q and is_visible(self.q) else None,
            trashed=trashed,
            project_id=self.project_id,
            parent_id=self.parent_id,
            sort=sort,
            timezone=zone,
            due_from=_build_bound(self.due_after, zone),
            due_until=_build_bound(self.due_before, zone),
            overdue=_build_bound(now, zone) if self.overdue else None,
            not_overdue=_build_bound(now, zone) if self.overdue is False else None,
        )


class BulkFilters(TodoFilters):
    """The query that selects the todos to delete or to restore: at least one filter, or `all=true`."""

    q: Annotated[str, Text(min_length=1, max_length=200)] | None = Field(
        default=None, description="Words, or beginnings of words, that the title and the description contain."
    )
    all: TrueOrFalse = Field(default=False, description="`true` is needed if there is no filter, to select all todos.")

    @model_validator(mode="after")
    def _require_filter_or_all(self) -> Self:
        if not self.all and self.model_fields_set <= {"all"}:
            raise PydanticCustomError("filter_or_all", "Give a filter, or all=true to select all todos")
        return self


def _build_bound(when: date | datetime | None, timezone: ZoneInfo) -> DueBound | None:
    return None if when is None else DueBound.of(when, timezone)


class TodoQuery(PageQuery, TodoFilters):
    """The query of a list of todos."""

    trashed: TrueOrFalse = Field(default=False, description="Selects from the trash instead of live todos.")
    sort: ListSort | None = Field(
        default=None,
        description="Descending with `-`. Default: relevance with `q`, `due` with a filter by due date, else `order`.",
    )
    cursor: str | None = Field(default=None, max_length=2000, description="From the header `Link`.")

    @property
    def needs_timezone(self) -> bool:
        """True if days are compared with instants, by the filters or by the sort order."""
        bounds = (self.due_after, self.due_before, self.overdue)
        return self.sort in {"due", "-due"} or any(bound is not None for bound in bounds)


class ResultRead(BaseModel):
    """The result of one operation: the todo right after it, or null for a delete.

    `completion` is absent unless the operation completes the todo.
    """

    op: Literal["create", "update", "delete", "restore"]
    id: UUID
    ref: str | None
    todo: TodoRead | None
    completion: CompletionRead | None = None


class BatchRead(BaseModel):
    """The results of all operations, in order."""

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


def build_batch_json(results: Sequence[OperationResult], collection_url: str) -> dict[str, Any]:
    """Returns the fields of a BatchRead."""
    return {"results": [_build_result_json(result, collection_url) for result in results]}


def _build_result_json(result: OperationResult, collection_url: str) -> dict[str, Any]:
    todo = result.todo and build_todo_json(result.todo, collection_url)
    fields = {"op": result.op, "id": result.id, "ref": result.ref, "todo": todo}
    return fields if result.completion is None else fields | {"completion": result.completion}
