"""Requests and responses of the project routes."""

from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from functions.todos.models import TrueOrFalse
from todo_core.todos.project import Project
from todo_core.web.query import PageQuery

_EXAMPLE: Final[dict[str, JsonValue]] = {
    "id": "0198c5a0-11d2-7c1b-9a43-6f1f0a7b3c55",
    "name": "Home",
    "order": 1.0,
    "archived": False,
    "version": 1,
    "created_at": "2030-01-01T08:00:00Z",
    "updated_at": "2030-01-01T08:00:00Z",
    "url": "https://api.example.com/api/v1/projects/0198c5a0-11d2-7c1b-9a43-6f1f0a7b3c55",
}


class ProjectRead(BaseModel):
    """A project."""

    model_config: ClassVar = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    name: str
    order: float
    archived: bool
    version: int
    created_at: datetime
    updated_at: datetime
    url: str


class ProjectJson(Project, frozen=True):
    """A project as a response contains it. msgspec encodes a Struct faster than pydantic encodes a ProjectRead."""

    url: str


def build_project_json(project: Project, collection_url: str) -> ProjectJson:
    """Returns the project with its URL. `collection_url` is the URL of the list of projects."""
    values = (*msgspec.structs.astuple(project), f"{collection_url}/{project.id}")
    return ProjectJson(*values)


class ProjectQuery(PageQuery):
    """The query of the list of projects."""

    archived: TrueOrFalse = Field(default=False, description="The archived ones, instead of those in use.")
