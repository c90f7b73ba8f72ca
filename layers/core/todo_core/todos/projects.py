"""Projects and the operations on them. Each operation includes the owner in its statements.

Database triggers of the table `todos`, not this module, enforce which todos belong to which project.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, ClassVar, Final
from uuid import UUID

from msgspec import Struct
from pydantic import MISSING, BaseModel, ConfigDict, Field, StrictBool

from todo_core.actors import SET_ACTOR, Actor
from todo_core.database.executor import Executor, Row, Transaction
from todo_core.database.statements import Statement
from todo_core.identifiers import new_id
from todo_core.text import Text
from todo_core.todos.changes import lock_log
from todo_core.todos.columns import THIS_DELETION
from todo_core.todos.errors import IdTaken, ProjectNotFound, StaleVersion
from todo_core.todos.model import ClientId, OrderNumber
from todo_core.todos.operations import Versions
from todo_core.todos.project import Project

ProjectName = Annotated[str, Text(min_length=1, max_length=200)]

type ProjectPosition = tuple[float, UUID]
"""The position at which a page of projects begins: `order` and id of the last project on the page before."""


class ProjectCreate(BaseModel):
    model_config: ClassVar = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Home"}]})

    id: ClientId | None = None
    name: ProjectName
    order: OrderNumber | None = Field(
        default=None, description="The position in the list. Without it, the project goes to the end."
    )


class ProjectUpdate(BaseModel):
    """A merge patch: an absent field stays."""

    model_config: ClassVar = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "House"}, {"archived": True}]}
    )

    name: ProjectName | MISSING = MISSING
    order: OrderNumber | MISSING = MISSING
    archived: StrictBool | MISSING = MISSING


_MAX_ATTEMPTS: Final = 20
_COLUMNS: Final = ", ".join(f'"{name}"' for name in Project.__struct_fields__)
_THIS: Final = "id = :project_id AND user_id = :user_id"

_SELECT_ONE = Statement(f"SELECT {_COLUMNS} FROM projects WHERE {_THIS}")  # noqa: S608 - constants, as all below
_SELECT_NAMES = Statement("SELECT id, name FROM projects WHERE user_id = :user_id AND id = ANY(:project_ids)")
_INSERT: Final = f"""
    INSERT INTO projects (id, user_id, name, "order")
    SELECT :project_id, CASE WHEN require_room_for_project(:user_id, :max_projects) THEN :user_id::uuid END, :name,
        order_of_new('projects', :user_id, :order, :actor)
    {{unless_exists}} RETURNING {_COLUMNS}, {SET_ACTOR}
"""
_ADD = Statement(_INSERT.format(unless_exists=""))
# The first condition keeps a create that is repeated at the quota of projects from failing.
_ADD_UNLESS_EXISTS = Statement(
    _INSERT.format(
        unless_exists="WHERE NOT EXISTS (SELECT FROM projects WHERE id = :project_id) ON CONFLICT (id) DO NOTHING"
    )
)
_DELETE_TODOS = Statement(f"""
    UPDATE todos SET deleted_at = {THIS_DELETION}, version = version + 1, updated_at = {THIS_DELETION}
    WHERE user_id = :user_id AND project_id = :project_id AND deleted_at IS NULL
    RETURNING {SET_ACTOR}
""")  # noqa: S608
_DELETE = Statement(f"DELETE FROM projects WHERE {_THIS} RETURNING {SET_ACTOR}")  # noqa: S608


@cache
def _select_page(*, after: bool) -> Statement:
    after_position = 'AND ("order", id) > (:after_order, :after_id)' if after else ""
    return Statement(f"""
        SELECT {_COLUMNS} FROM projects
        WHERE user_id = :user_id AND archived = :archived {after_position}
        ORDER BY "order", id LIMIT :limit
    """)  # noqa: S608


@cache
def _update_columns(columns: frozenset[str], *, checked: bool) -> Statement:
    """Returns a statement that writes the named columns of one project, unless all have these values already."""
    expected = "AND version = ANY(:versions)" if checked else ""
    new_values = {name: f":{name}" for name in sorted(columns)}
    changed = " OR ".join(f'"{name}" IS DISTINCT FROM {value}' for name, value in new_values.items())
    # Locks the change log first, because room for an order may move other projects.
    room = "CASE WHEN lock_change_log(:user_id) THEN room_for('projects', :user_id, :project_id, :order, 2, :actor) END"
    assigned = ", ".join(f'"{name}" = {room if name == "order" else value}' for name, value in new_values.items())
    return Statement(f"""
        UPDATE projects SET {assigned}, version = version + 1, updated_at = now()
        WHERE {_THIS} {expected} AND ({changed}) AND (SELECT lock_change_log(:user_id))
        RETURNING {_COLUMNS}, {SET_ACTOR}
    """)  # noqa: S608


async def find(
    db: Executor, user_id: UUID, *, archived: bool, limit: int, after: ProjectPosition | None = None
) -> list[Project]:
    """Returns at most `limit` of the user's projects, sorted by `order`: only archived ones, or only the others."""
    position: Mapping[str, object] = {} if after is None else {"after_order": after[0], "after_id": after[1]}
    page = _select_page(after=after is not None)
    rows = await db.fetch_all(page, user_id=user_id, archived=archived, limit=limit, **position)
    return [Project(*row) for row in rows]


async def get(db: Executor, user_id: UUID, project_id: UUID) -> Project:
    """Returns the user's project with this id. Raises ProjectNotFound."""
    return _require(await db.fetch_one(_SELECT_ONE, user_id=user_id, project_id=project_id))


async def find_names(db: Executor, user_id: UUID, project_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Returns the names of the user's projects that have one of these ids."""
    rows = await db.fetch_all(_SELECT_NAMES, user_id=user_id, project_ids=list(project_ids))
    return {row["id"]: row["name"] for row in rows}


class AddedProject(Struct, frozen=True):
    """The project of a create. `is_new` is False if an earlier create with the same id stored it."""

    project: Project
    is_new: bool


async def add(db: Executor, actor: Actor, new: ProjectCreate) -> Project:
    """Adds a project and returns it, like `add_once`."""
    return (await add_once(db, actor, new)).project


async def add_once(db: Executor, actor: Actor, new: ProjectCreate) -> AddedProject:
    """Adds a project, unless the user has one with its id, which stays unchanged.

    Raises QuotaExceeded when the user has too many projects, or too much is stored. Raises IdTaken when another user's
    project has this id.
    """
    statement, project_id = (_ADD, new_id()) if new.id is None else (_ADD_UNLESS_EXISTS, new.id)
    values = {"user_id": actor.user_id, "project_id": project_id, "max_projects": actor.quotas.projects}
    row = await db.write(statement, **values, actor=actor.signature, **dict(new))
    if row is not None:
        return AddedProject(Project(*row[:-1]), is_new=True)
    found = await db.fetch_one(_SELECT_ONE, user_id=actor.user_id, project_id=project_id)
    if found is None:
        raise IdTaken
    return AddedProject(Project(*found), is_new=False)


async def update(
    db: Executor, actor: Actor, project_id: UUID, changes: ProjectUpdate, versions: Versions = None
) -> Project:
    """Applies the changes to the project. Raises ProjectNotFound, StaleVersion and QuotaExceeded.

    Changes that give the project no other value make no version.
    """
    values = changes.model_dump()
    if not values:
        return _check_version(await get(db, actor.user_id, project_id), versions)
    statement = _update_columns(frozenset(values), checked=versions is not None)
    parameters = {"user_id": actor.user_id, "actor": actor.signature, "project_id": project_id, "versions": versions}
    for _ in range(_MAX_ATTEMPTS):
        if (row := await db.write(statement, **parameters, **values)) is not None:
            return Project(*row[:-1])
        project = _check_version(await get(db, actor.user_id, project_id), versions)
        if all(getattr(project, name) == value for name, value in values.items()):
            return project
        # Another writer changed the row during the statement, and the next attempt sees that change.
    raise StaleVersion


async def delete(transaction: Transaction, actor: Actor, project_id: UUID, versions: Versions = None) -> None:
    """Puts the todos of a project into the trash and deletes the project. Raises ProjectNotFound and StaleVersion."""
    # Writes of todos lock the user's change log too: until the transaction ends, none adds a todo to the project.
    await lock_log(transaction, actor.user_id)
    _check_version(await get(transaction, actor.user_id, project_id), versions)
    parameters = {"user_id": actor.user_id, "project_id": project_id}
    await transaction.write(_DELETE_TODOS, **parameters, actor=actor.signature)
    # Deleting the project sets `project_id` of its todos to null. The change log records that, so the statement needs
    # the actor too.
    await transaction.write(_DELETE, **parameters, actor=actor.signature)


def _require(row: Row | None) -> Project:
    if row is None:
        raise ProjectNotFound
    return Project(*row)


def _check_version(project: Project, versions: Versions) -> Project:
    if versions is not None and project.version not in versions:
        raise StaleVersion
    return project
