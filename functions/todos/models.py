"""What the todo routes take and answer."""

from datetime import date, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from todo_core.text import Text
from todo_core.todos import Filters, Todo
from todo_core.todos.model import Priority, Tag
from todo_core.web.paging import DEFAULT_PAGE, LARGEST_PAGE


def _require_true_or_false(value: object) -> object:
    if value in {"true", "false"}:
        return value
    raise PydanticCustomError("true_or_false", "Give true or false")


class TodoRead(BaseModel):
    """A todo, as its owner sees it."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22",
                    "title": "Buy milk",
                    "description": "The one in the blue carton",
                    "completed": False,
                    "completed_at": None,
                    "priority": "high",
                    "due_date": None,
                    "due_at": "2030-01-31T17:00:00Z",
                    "tags": ["home"],
                    "order": 1.0,
                    "version": 1,
                    "created_at": "2030-01-01T08:00:00Z",
                    "updated_at": "2030-01-01T08:00:00Z",
                    "url": "https://api.example.com/api/v1/todos/0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22",
                }
            ]
        },
    )

    id: UUID
    title: str
    description: str | None
    completed: bool
    completed_at: datetime | None
    priority: Priority
    due_date: date | None
    due_at: datetime | None
    tags: list[str]
    order: float
    version: int
    created_at: datetime
    updated_at: datetime
    url: str


def fields_of(todo: Todo, collection_url: str) -> dict[str, Any]:
    """The fields of a TodoRead."""
    return {**todo._asdict(), "url": f"{collection_url}/{todo.id}"}


class TodoQuery(BaseModel):
    """The query of a list of todos. All filters must hold."""

    model_config: ClassVar = ConfigDict(extra="forbid")

    completed: Annotated[bool, BeforeValidator(_require_true_or_false)] | None = None
    priority: Priority | None = None
    tag: list[Tag] = Field(default=[], max_length=50, description="Repeatable; the todo must have all of them.")
    q: Annotated[str, Text(max_length=200)] | None = Field(
        default=None, description="Words, or beginnings of words, of title and description."
    )
    limit: int = Field(default=DEFAULT_PAGE, ge=1, le=LARGEST_PAGE)
    cursor: str | None = Field(default=None, max_length=500, description="From the header `Link`.")

    @property
    def filters(self) -> Filters:
        return Filters(self.completed, self.priority, self.tag, self.q)
