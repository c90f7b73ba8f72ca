"""Request and response of quick add."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Final, Literal, get_type_hints
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, create_model

from todo_core.times import TimeZoneName
from todo_core.todos.model import Priority, Todo, TodoCreate

_MAX_CHARACTERS: Final = 4_000
_TODO_URL: Final = "https://api.example.com/api/v1/todos/0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22"
_TEXT: Final = "call mum tomorrow 5pm #family"


class QuickAddRequest(BaseModel):
    model_config: ClassVar = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": _TEXT}]})

    text: Annotated[str, Field(min_length=1, max_length=_MAX_CHARACTERS)] = Field(
        description="One todo per line, with its date, recurrence, tags, priority and project among its words."
    )
    timezone: TimeZoneName | None = Field(default=None, description="The account's if left out.")
    dry_run: StrictBool = Field(default=False, description="Only tells what would be added.")


_CreatedTodo: Any = create_model("QuickAddedTodo", **{**get_type_hints(Todo), "url": str})
"""A todo as the routes of todos return it."""


class DraftRead(BaseModel):
    """A todo as the text means it. `project` is the name of its project, which is added if there is none."""

    title: str
    due_date: date | None
    due_at: datetime | None
    reminder_at: datetime | None
    recurrence: str | None
    priority: Priority
    tags: list[str]
    project: str | None
    parent_id: UUID | None


class UnderstoodRead(BaseModel):
    """A part of the text that was read as a field of a todo. `todo` is the position of the todo in the list, from 0.

    `text` is the part of the text from `start` to before `end`, which count characters (Unicode code points). A field
    may have several parts: of `friday call mum at 5`, the due date has two.
    """

    todo: int
    field: Literal["due", "recurrence", "reminder", "priority", "tag", "project", "parent"]
    text: str
    start: int
    end: int
    value: str


_DRAFT_EXAMPLE: Final[dict[str, JsonValue]] = {
    "title": "call mum",
    "due_date": None,
    "due_at": "2030-01-31T17:00:00Z",
    "reminder_at": None,
    "recurrence": None,
    "priority": "none",
    "tags": ["family"],
    "project": None,
    "parent_id": None,
}
_CREATED_EXAMPLE: Final[dict[str, JsonValue]] = {
    "id": "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22",
    "title": "call mum",
    "description": None,
    "completed": False,
    "completed_at": None,
    "priority": "none",
    "due_date": None,
    "due_at": "2030-01-31T17:00:00Z",
    "reminder_at": None,
    "recurrence": None,
    "recurrence_from": "due",
    "tags": ["family"],
    "project_id": None,
    "parent_id": None,
    "order": 1.0,
    "version": 1,
    "created_at": "2030-01-30T08:00:00Z",
    "updated_at": "2030-01-30T08:00:00Z",
    "deleted_at": None,
    "url": _TODO_URL,
}


class QuickAddRead(BaseModel):
    """The todos of a text. `todos` is empty after a `dry_run`."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "todos": [_CREATED_EXAMPLE],
                    "drafts": [_DRAFT_EXAMPLE],
                    "understood": [
                        {
                            "todo": 0,
                            "field": "due",
                            "text": "tomorrow",
                            "start": 9,
                            "end": 17,
                            "value": "2030-01-31T17:00:00Z",
                        },
                        {
                            "todo": 0,
                            "field": "due",
                            "text": "5pm",
                            "start": 18,
                            "end": 21,
                            "value": "2030-01-31T17:00:00Z",
                        },
                        {
                            "todo": 0,
                            "field": "tag",
                            "text": "#family",
                            "start": 22,
                            "end": 29,
                            "value": "family",
                        },
                    ],
                }
            ]
        }
    )

    todos: list[_CreatedTodo]
    drafts: list[DraftRead]
    understood: list[UnderstoodRead]


class _CreatedJson(Todo, frozen=True):
    url: str


def build_created_json(todo: Todo, collection_url: str) -> _CreatedJson:
    """Returns the todo with its URL. `collection_url` is the URL of the list of todos."""
    values = (*msgspec.structs.astuple(todo), f"{collection_url}/{todo.id}")
    return _CreatedJson(*values)


def build_draft_json(fields: TodoCreate, project: str | None) -> Mapping[str, object]:
    """Returns the fields of a DraftRead."""
    return {name: getattr(fields, name) for name in DraftRead.model_fields if name != "project"} | {"project": project}


def build_understood_json(parts: Sequence[Any], text: str) -> Sequence[Mapping[str, object]]:
    """Returns the fields of an UnderstoodRead for each part of the text."""
    return [
        {
            "todo": part.todo,
            "field": part.field,
            "text": text[part.start : part.end],
            "start": part.start,
            "end": part.end,
            "value": part.value,
        }
        for part in parts
    ]
