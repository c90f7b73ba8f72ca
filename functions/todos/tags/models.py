"""Requests and responses of the tag routes."""

from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from todo_core.todos.model import Tag
from todo_core.web.query import PageQuery

_TURN_ID = "0198c5a4-3c21-7e0f-8d11-5a0c9b7e2f61"


class TagQuery(PageQuery):
    """The query of a list of tags."""

    cursor: str | None = Field(default=None, max_length=1000, description="From the header `Link`.")


class TagRead(BaseModel):
    """A tag and the number of todos outside the trash that have it, completed ones included."""

    model_config: ClassVar = ConfigDict(json_schema_extra={"examples": [{"name": "home", "count": 12}]})

    name: str
    count: int


class TagRename(BaseModel):
    model_config: ClassVar = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "household"}]})

    name: Tag


class TagChangeRead(BaseModel):
    """The changed tag and the number of changed todos, those in the trash included. `turn_id` serves to undo it."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={"examples": [{"name": "household", "changed": 12, "turn_id": _TURN_ID}]}
    )

    name: str
    changed: int
    turn_id: UUID


class UndoneTagRead(BaseModel):
    """The numbers of todos that an undo restored and, as conflicts, of those that were changed since.

    `turn_id` serves to undo the undo.
    """

    model_config: ClassVar = ConfigDict(
        json_schema_extra={"examples": [{"undone": 12, "conflicts": 0, "turn_id": _TURN_ID}]}
    )

    undone: int
    conflicts: int
    turn_id: UUID
