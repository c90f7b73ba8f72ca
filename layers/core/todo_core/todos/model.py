"""What a todo is, and what may be said about one."""

from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from uuid import UUID

import msgspec
from pydantic import MISSING, AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from todo_core.text import Text
from todo_core.times import FullDate, Instant
from todo_core.todos.errors import RecurrenceNeedsDue
from todo_core.todos.recurrence_rules import RecurrenceRule

_LARGEST_ORDER: Final = 2**53
"""Up to here a double, and JavaScript, count in steps of one, so that there is always a next place in a list."""


def without_repeats[Item](items: list[Item]) -> list[Item]:
    """Each item once, where it stood first."""
    return list(dict.fromkeys(items))


Title = Annotated[str, Text(min_length=1, max_length=500)]
Description = Annotated[str, Text(max_length=16_384, multiline=True)]
Priority = Literal["none", "low", "medium", "high"]
Tag = Annotated[str, Text(min_length=1, max_length=50)]
Tags = Annotated[list[Tag], Field(max_length=50), AfterValidator(without_repeats)]
OrderNumber = Annotated[float, Field(strict=True, ge=-_LARGEST_ORDER, le=_LARGEST_ORDER, allow_inf_nan=False)]


class Todo(msgspec.Struct, frozen=True):
    """A todo as it is stored. A Struct, because nothing is made faster from a row, or from JSON."""

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
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


_ONE_DUE: Final[dict[str, JsonValue]] = {
    "not": {
        "required": ["due_date", "due_at"],
        "properties": {"due_date": {"type": "string"}, "due_at": {"type": "string"}},
    }
}
"""The rule below, in JSON Schema."""


def _refuse_two_dues(due_date: object, due_at: object) -> None:
    if isinstance(due_date, date) and isinstance(due_at, datetime):
        raise PydanticCustomError("two_dues", "Give due_date (all day) or due_at (an instant), not both")


class TodoCreate(BaseModel):
    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra=_ONE_DUE
        | {
            "examples": [
                {
                    "title": "Buy milk",
                    "description": "The one in the blue carton",
                    "priority": "high",
                    "due_at": "2030-01-31T17:00:00Z",
                    "tags": ["home"],
                }
            ]
        },
    )

    title: Title
    description: Description | None = None
    completed: StrictBool = False
    priority: Priority = "none"
    due_date: FullDate | None = None
    due_at: Instant | None = None
    reminder_at: Instant | None = None
    recurrence: RecurrenceRule | None = None
    tags: Tags = []
    project_id: UUID | None = Field(default=None, description="A subtodo lies in the project of its parent.")
    parent_id: UUID | None = Field(default=None, description="The todo of which this is a subtodo.")
    order: OrderNumber | None = Field(default=None, description="Place in the list; the end if left out.")

    @model_validator(mode="after")
    def _one_due(self) -> Self:
        _refuse_two_dues(self.due_date, self.due_at)
        if self.recurrence is not None and self.due_date is None and self.due_at is None:
            raise PydanticCustomError(RecurrenceNeedsDue.code, RecurrenceNeedsDue.detail)
        return self


class TodoUpdate(BaseModel):
    """A merge patch: absent keeps, `null` clears."""

    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra=_ONE_DUE | {"examples": [{"completed": True}, {"title": "Buy oat milk", "due_at": None}]},
    )

    title: Title | MISSING = MISSING
    description: Description | None | MISSING = MISSING
    completed: StrictBool | MISSING = MISSING
    priority: Priority | None | MISSING = MISSING
    due_date: FullDate | None | MISSING = MISSING
    due_at: Instant | None | MISSING = MISSING
    reminder_at: Instant | None | MISSING = MISSING
    recurrence: RecurrenceRule | None | MISSING = MISSING
    tags: Tags | None | MISSING = MISSING
    project_id: UUID | None | MISSING = MISSING
    parent_id: UUID | None | MISSING = MISSING
    order: OrderNumber | MISSING = MISSING

    @model_validator(mode="after")
    def _one_due(self) -> Self:
        _refuse_two_dues(self.due_date, self.due_at)
        return self

    def values(self) -> dict[str, Any]:
        """What to write, column by column: a cleared field at its default, and no second due beside a new one.

        The project of a parent wins over one that is given beside it, as for a new todo.
        """
        values = self.model_dump()
        if "priority" in values:
            values["priority"] = values["priority"] or "none"
        if "tags" in values:
            values["tags"] = values["tags"] or []
        if values.get("due_date"):
            values["due_at"] = None
        if values.get("due_at"):
            values["due_date"] = None
        if values.get("parent_id"):
            values.pop("project_id", None)
        return values
