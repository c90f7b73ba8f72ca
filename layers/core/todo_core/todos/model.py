"""A todo as it is stored, and the fields that a client may send to create or change a todo."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from uuid import UUID

import msgspec
from pydantic import (
    MISSING,
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    model_validator,
)
from pydantic_core import PydanticCustomError

from todo_core.schema.sort_keys import NIL_ID, NO_ID
from todo_core.text import Text
from todo_core.times import FullDate, Instant
from todo_core.todos.errors import RecurrenceNeedsDue
from todo_core.todos.recurrence_rules import RecurrenceRule

_SMALLEST_ORDER: Final = 1e-200
_MAX_ORDER: Final = 2**53
"""Doubles, and so numbers in JavaScript, represent every integer up to this one.

A new todo at the end of a list gets the highest number plus 1, which needs exact integers.
"""


def tag_key(tag: str) -> str:
    """Returns the tag as it is compared with others: in lower case, with one small Greek sigma, as in PostgreSQL."""
    return tag.lower().replace("\u03c2", "\u03c3")


def tag_keys(tags: Iterable[str]) -> list[str]:
    """Returns the key of each tag."""
    return [tag_key(tag) for tag in tags]


def _remove_repeated_tags(tags: list[str]) -> list[str]:
    """Returns the tags without repetitions in any case, each in its first spelling and position."""
    first: dict[str, str] = {}
    for tag in tags:
        first.setdefault(tag_key(tag), tag)
    return list(first.values())


def _refuse_reserved_id(value: UUID) -> UUID:
    """Returns the id of a client. Raises PydanticCustomError for the ids that stand for no todo and no project."""
    if value in {NIL_ID, NO_ID}:
        raise PydanticCustomError("reserved_id", "Choose another id: this one is reserved")
    return value


def remove_repeats[Item](items: list[Item]) -> list[Item]:
    """Returns the items without repetitions, each at its first position."""
    return list(dict.fromkeys(items))


def _parse_whole_number(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE_NUMBER: Final = BeforeValidator(_parse_whole_number)
"""A validator that lets a strict integer accept `7.0`, as JSON Schema does.

In `Annotated`, it must follow the bounds; otherwise the generated JSON Schema lacks the bounds.
"""

Title = Annotated[str, Text(min_length=1, max_length=500)]
Description = Annotated[str, Text(max_length=16_384, multiline=True)]
Priority = Literal["none", "low", "medium", "high"]
Tag = Annotated[str, Text(min_length=1, max_length=50)]
Tags = Annotated[list[Tag], Field(max_length=50), AfterValidator(_remove_repeated_tags)]
ClientId = Annotated[
    UUID,
    AfterValidator(_refuse_reserved_id),
    Field(description="An id that the client chooses. The same create again then returns the same object, unchanged."),
]
"""A UUID of any version."""
RecurrenceFrom = Literal["due", "completion"]


def _round_to_zero(order: float) -> float:
    """Returns 0 for a number so close to it that PostgreSQL refuses to compute with it."""
    return order if abs(order) >= _SMALLEST_ORDER else 0.0


OrderNumber = Annotated[
    float,
    Field(strict=True, ge=-_MAX_ORDER, le=_MAX_ORDER, allow_inf_nan=False),
    AfterValidator(_round_to_zero),
]


class Todo(msgspec.Struct, frozen=True):
    """A todo as it is stored. A msgspec Struct, because it is fast to build from a row or from JSON."""

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
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


_ONE_DUE_DATE: Final[dict[str, JsonValue]] = {
    "not": {
        "required": ["due_date", "due_at"],
        "properties": {"due_date": {"type": "string"}, "due_at": {"type": "string"}},
    }
}
"""The JSON Schema of the rule that a todo may have `due_date` or `due_at`, but not both."""


def _refuse_two_due_dates(due_date: object, due_at: object) -> None:
    if isinstance(due_date, date) and isinstance(due_at, datetime):
        raise PydanticCustomError("two_dues", "Give due_date (all day) or due_at (an instant), not both")


class TodoCreate(BaseModel):
    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra=_ONE_DUE_DATE
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

    id: ClientId | None = None
    title: Title
    description: Description | None = None
    completed: StrictBool = False
    priority: Priority = "none"
    due_date: FullDate | None = None
    due_at: Instant | None = None
    reminder_at: Instant | None = None
    recurrence: RecurrenceRule | None = None
    recurrence_from: RecurrenceFrom = Field(
        default="due",
        description="The start of the rule for the next occurrence: the due date, or the day of the completion.",
    )
    tags: Tags = []
    project_id: UUID | None = Field(default=None, description="A subtodo gets the project of its parent.")
    parent_id: UUID | None = Field(default=None, description="The todo of which this is a subtodo.")
    order: OrderNumber | None = Field(
        default=None, description="The position in the list. Without it, the todo goes to the end."
    )

    @model_validator(mode="after")
    def _check_due_dates(self) -> Self:
        _refuse_two_due_dates(self.due_date, self.due_at)
        if self.recurrence is not None and self.due_date is None and self.due_at is None:
            raise PydanticCustomError(RecurrenceNeedsDue.code, RecurrenceNeedsDue.detail)
        return self


class TodoUpdate(BaseModel):
    """A merge patch: an absent field stays, `null` clears it."""

    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra=_ONE_DUE_DATE
        | {"examples": [{"completed": True}, {"title": "Buy oat milk", "due_at": None}]},
    )

    title: Title | MISSING = MISSING
    description: Description | None | MISSING = MISSING
    completed: StrictBool | MISSING = MISSING
    priority: Priority | None | MISSING = MISSING
    due_date: FullDate | None | MISSING = MISSING
    due_at: Instant | None | MISSING = MISSING
    reminder_at: Instant | None | MISSING = MISSING
    recurrence: RecurrenceRule | None | MISSING = MISSING
    recurrence_from: RecurrenceFrom | None | MISSING = MISSING
    tags: Tags | None | MISSING = MISSING
    project_id: UUID | None | MISSING = MISSING
    parent_id: UUID | None | MISSING = MISSING
    order: OrderNumber | MISSING = MISSING

    @model_validator(mode="after")
    def _check_due_dates(self) -> Self:
        _refuse_two_due_dates(self.due_date, self.due_at)
        return self

    def to_columns(self) -> dict[str, Any]:
        """Returns the columns to write and their values. A cleared priority becomes `none`, cleared tags become [].

        A cleared `recurrence_from` becomes `due`.
        A new `due_date` clears `due_at` and vice versa. A `project_id` beside a `parent_id` is left out: a subtodo gets
        the project of its parent.
        """
        values = self.model_dump()
        if "priority" in values:
            values["priority"] = values["priority"] or "none"
        if "recurrence_from" in values:
            values["recurrence_from"] = values["recurrence_from"] or "due"
        if "tags" in values:
            values["tags"] = values["tags"] or []
        if values.get("due_date"):
            values["due_at"] = None
        if values.get("due_at"):
            values["due_date"] = None
        if values.get("parent_id"):
            values.pop("project_id", None)
        return values
