"""Projects: what they are, and what can be done with them. The owner is part of every question.

Which todos may lie in which project is a rule of the table `todos`.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, ClassVar
from uuid import UUID

import asyncpg
import msgspec
from pydantic import MISSING, BaseModel, ConfigDict, Field, StrictBool
from sqlalchemy import (
    ColumnElement,
    Double,
    Integer,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    insert,
    select,
    tuple_,
)
from sqlalchemy import delete as delete_from
from sqlalchemy import update as update_table
from sqlalchemy.dialects.postgresql import ARRAY

from todo_core.actors import Actor
from todo_core.database import Executor, Transaction
from todo_core.errors import ProjectNotFound, StaleVersion
from todo_core.identifiers import new_id
from todo_core.statements import Statement
from todo_core.tables import table_of
from todo_core.tables.projects import ProjectRow
from todo_core.tables.todos import TodoRow
from todo_core.text import Text
from todo_core.todos import changes as log
from todo_core.todos.model import Order
from todo_core.todos.operations import Versions

ProjectName = Annotated[str, Text(min_length=1, max_length=200)]

type Place = tuple[float, UUID]
"""Where a page of the list begins: right after the project with this order and id."""


class Project(msgspec.Struct, frozen=True):
    """A project as it is stored. An archived one is left out of the list; its todos are not touched by that."""

    id: UUID
    name: str
    order: float
    archived: bool
    version: int
    created_at: datetime
    updated_at: datetime


class ProjectCreate(BaseModel):
    model_config: ClassVar = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Home"}]})

    name: ProjectName
    order: Order | None = Field(default=None, description="Place in the list; the end if left out.")


class ProjectUpdate(BaseModel):
    """A merge patch: absent keeps."""

    model_config: ClassVar = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "House"}, {"archived": True}]}
    )

    name: ProjectName | MISSING = MISSING
    order: Order | MISSING = MISSING
    archived: StrictBool | MISSING = MISSING


_projects = table_of(ProjectRow)
_todos = table_of(TodoRow)
_COLUMNS = [_projects.c[name] for name in Project.__struct_fields__]
_OWNED = _projects.c.user_id == bindparam("of_user")
_THIS = (_projects.c.id == bindparam("project_id")) & _OWNED
_EXPECTED = _projects.c.version == any_(cast(bindparam("versions"), ARRAY(Integer)))
_AFTER = tuple_(_projects.c.order, _projects.c.id) > tuple_(
    bindparam("after_order", type_=Double), bindparam("after_id", type_=Uuid)
)
_SIGNED = func.set_config("todo.actor", bindparam("actor"), True)  # noqa: FBT003 - PostgreSQL's is_local
_END_OF_LIST = select(func.coalesce(func.max(_projects.c.order) + 1, 1)).where(_OWNED).scalar_subquery()

_SELECT_ONE = Statement(select(*_COLUMNS).where(_THIS))
_INSERT = Statement(
    insert(_projects)
    .values(
        id=bindparam("project_id"),
        user_id=bindparam("of_user"),
        name=bindparam("name"),
        order=func.coalesce(bindparam("order", type_=Double), _END_OF_LIST),
    )
    .returning(*_COLUMNS)
)
_TRASH_TODOS = Statement(
    update_table(_todos)
    .where(
        _todos.c.user_id == bindparam("of_user"),
        _todos.c.project_id == bindparam("project_id"),
        _todos.c.deleted_at.is_(None),
    )
    .values(deleted_at=func.now(), version=_todos.c.version + 1, updated_at=func.now())
    .returning(_SIGNED)
)
_DELETE = Statement(delete_from(_projects).where(_THIS).returning(_SIGNED))


@cache
def _select_page(*, after: bool) -> Statement:
    conditions = [_OWNED, _projects.c.archived == bindparam("archived"), *([_AFTER] if after else [])]
    page = select(*_COLUMNS).where(*conditions).order_by(_projects.c.order, _projects.c.id)
    return Statement(page.limit(bindparam("most", type_=Integer)))


@cache
def _update_columns(columns: frozenset[str], *, checked: bool) -> Statement:
    values: dict[str, ColumnElement[Any]] = {name: bindparam(name) for name in columns}
    return Statement(
        update_table(_projects)
        .where(_THIS, *([_EXPECTED] if checked else []))
        .values(**values, version=_projects.c.version + 1, updated_at=func.now())
        .returning(*_COLUMNS)
    )


async def find(db: Executor, user_id: UUID, *, archived: bool, most: int, after: Place | None = None) -> list[Project]:
    """At most `most` of the user's projects, by `order`: those in use, or those that are archived."""
    place: Mapping[str, object] = {} if after is None else {"after_order": after[0], "after_id": after[1]}
    page = _select_page(after=after is not None)
    rows = await db.fetch_all(page, of_user=user_id, archived=archived, most=most, **place)
    return [Project(*row) for row in rows]


async def get(db: Executor, user_id: UUID, project_id: UUID) -> Project:
    """Raises ProjectNotFound."""
    return _found(await db.fetch_one(_SELECT_ONE, of_user=user_id, project_id=project_id))


async def add(db: Executor, actor: Actor, new: ProjectCreate) -> Project:
    return _found(await db.write(_INSERT, of_user=actor.user_id, project_id=new_id(), **dict(new)))


async def update(
    db: Executor, actor: Actor, project_id: UUID, changes: ProjectUpdate, versions: Versions = None
) -> Project:
    """Applies the changes. Raises ProjectNotFound and StaleVersion."""
    values = changes.model_dump()
    if not values:
        return _expected(await get(db, actor.user_id, project_id), versions)
    statement = _update_columns(frozenset(values), checked=versions is not None)
    row = await db.write(statement, of_user=actor.user_id, project_id=project_id, versions=versions, **values)
    if row is None:
        await get(db, actor.user_id, project_id)
        raise StaleVersion
    return Project(*row)


async def delete(transaction: Transaction, actor: Actor, project_id: UUID, versions: Versions = None) -> None:
    """Puts the todos of a project into the trash and lets go of it. Raises ProjectNotFound and StaleVersion."""
    # Under this lock nothing comes into the project meanwhile.
    await log.lock(transaction, actor.user_id)
    _expected(await get(transaction, actor.user_id, project_id), versions)
    of_project = {"of_user": actor.user_id, "project_id": project_id}
    await transaction.write(_TRASH_TODOS, **of_project, actor=actor.signature)
    # Signed again: what lies in the trash already lets go of it too.
    await transaction.write(_DELETE, **of_project, actor=actor.signature)


def _found(row: asyncpg.Record | None) -> Project:
    if row is None:
        raise ProjectNotFound
    return Project(*row)


def _expected(project: Project, versions: Versions) -> Project:
    if versions is not None and project.version not in versions:
        raise StaleVersion
    return project
