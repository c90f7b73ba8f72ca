"""Requests and responses of the routes of the change log."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from functions.todos.models import TODO_EXAMPLE, TodoRead, build_todo_json
from functions.todos.projects.models import ProjectRead, build_project_json
from todo_core.actors import ActorKind
from todo_core.todos.changes import Change, ChangeKind, Operation, Snapshot
from todo_core.todos.model import Todo
from todo_core.todos.project import Project
from todo_core.web.query import DEFAULT_PAGE_ITEMS, DIGITS, Limit

MAX_SEQUENCE_NUMBER: Final = 2**63 - 1
_MAX_WAIT_SECONDS: Final = 25


class ChangesQuery(BaseModel):
    """The start of a page of the change log, its length, and the time to wait for a change."""

    model_config: ClassVar = ConfigDict(extra="forbid")

    since: Annotated[int, Field(ge=0, le=MAX_SEQUENCE_NUMBER), DIGITS] = Field(
        default=0,
        description="The last `seq` that the client has seen, or 0 for all changes.",
    )
    limit: Limit = DEFAULT_PAGE_ITEMS
    wait: Annotated[int, Field(ge=0, le=_MAX_WAIT_SECONDS), DIGITS] = Field(
        default=0,
        description="Seconds to wait for the next change if there is none yet. A stream always waits.",
    )


class ActorRead(BaseModel):
    """The author of a change: the user on a page, a program with a bearer token, the assistant, or the system.

    `token` is the name of the API token of the request, and absent without one.
    """

    kind: ActorKind
    turn_id: UUID | None = None
    token: str | None = None


class TagNameRead(BaseModel):
    """A tag before or after a change."""

    name: str


class ChangeRead(BaseModel):
    """One change of a todo, a project or a tag, as `kind` tells. The ids of the other kinds are null.

    `before` is null for a creation. `after` is null if a todo was purged from the trash, or if a project or a tag was
    deleted. A tag that is renamed or deleted is named in `tag`. Its todos have changes of their own.
    """

    model_config: ClassVar = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "seq": 7,
                    "kind": "todo",
                    "todo_id": "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22",
                    "project_id": None,
                    "tag": None,
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
    kind: ChangeKind
    todo_id: UUID | None
    project_id: UUID | None
    tag: str | None
    op: Operation
    actor: ActorRead
    before: TodoRead | ProjectRead | TagNameRead | None
    after: TodoRead | ProjectRead | TagNameRead | None
    created_at: datetime


def build_change_json(change: Change, api_url: str) -> dict[str, Any]:
    """Returns the fields of a ChangeRead. `api_url` is the URL below which the collections are."""
    return {
        "seq": change.seq,
        "kind": change.kind,
        "todo_id": change.todo_id,
        "project_id": change.project_id,
        "tag": change.tag,
        "op": change.op,
        "actor": _build_actor_json(change),
        "before": _build_snapshot_json(change.before, api_url),
        "after": _build_snapshot_json(change.after, api_url),
        "created_at": change.created_at,
    }


def _build_snapshot_json(snapshot: Snapshot | None, api_url: str) -> object:
    match snapshot:
        case Todo():
            return build_todo_json(snapshot, f"{api_url}/todos")
        case Project():
            return build_project_json(snapshot, f"{api_url}/projects")
        case _:
            return snapshot


def _build_actor_json(change: Change) -> dict[str, Any]:
    actor = {"kind": change.actor, "turn_id": change.turn_id}
    return actor if change.token_name is None else actor | {"token": change.token_name}
