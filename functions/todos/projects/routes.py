from copy import replace
from typing import Annotated, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from functions.todos.list_versions import UNCHANGED, set_list_version
from functions.todos.paths import PROJECTS as PATH
from functions.todos.projects.models import ProjectQuery, ProjectRead, build_project_json
from todo_core.database.executor import Executor
from todo_core.database.idempotency import StoredResponse
from todo_core.errors import CrossOrigin, DatabaseUnavailable, InvalidCursor, NotAuthenticated, QuotaExceeded
from todo_core.todos import projects
from todo_core.todos.errors import IdTaken, ProjectNotFound, StaleVersion
from todo_core.todos.project import Project
from todo_core.todos.projects import ProjectCreate, ProjectPosition, ProjectUpdate
from todo_core.web.etags import (
    IF_NONE_MATCH,
    IfMatch,
    IfNoneMatch,
    format_etag,
    is_current,
    parse_if_match,
    read_if_none_match,
)
from todo_core.web.idempotency import KEY_ERRORS, NO_CONTENT, IdempotencyKey, answer_once
from todo_core.web.identity import CurrentUser
from todo_core.web.paging import PagedList
from todo_core.web.problems import BODY_ERRORS, ValidationFailed, error_responses
from todo_core.web.public_url import build_url
from todo_core.web.query import describe_query, parse_query
from todo_core.web.resources import CurrentDatabase, get_resources

_PROJECTS: Final = PagedList[Project, tuple[float, UUID]](
    "projects by order",
    position_of=lambda project: (project.order, project.id),
    parse=lambda order, project_id: (float(order), UUID(project_id)),
)

router = APIRouter(
    prefix=PATH, tags=["projects"], responses=error_responses(NotAuthenticated, ValidationFailed, DatabaseUnavailable)
)


@router.get(
    "",
    response_model=list[ProjectRead],
    responses=error_responses(InvalidCursor) | UNCHANGED,
    openapi_extra=describe_query(ProjectQuery, IF_NONE_MATCH),
)
async def list_projects(
    user: CurrentUser,
    query: Annotated[ProjectQuery, Depends(parse_query(ProjectQuery))],
    request: Request,
    response: Response,
) -> Response:
    """Returns the projects by `order`: either the archived ones or the others."""
    if is_current(set_list_version(user, request, response), read_if_none_match(request)):
        return Response(status_code=304, headers=response.headers)
    db, url = get_resources(request).database, build_url(request, PATH)

    async def fetch(limit: int, after: ProjectPosition | None) -> list[Project]:
        return await projects.find(db, user.id, archived=query.archived, limit=limit, after=after)

    page = await _PROJECTS.read_page(request, response, query, fetch)
    content = msgspec.json.encode([build_project_json(project, url) for project in page])
    return Response(content, media_type="application/json", headers=response.headers)


@router.post(
    "",
    status_code=201,
    response_model=ProjectRead,
    responses=error_responses(CrossOrigin, QuotaExceeded, IdTaken, *BODY_ERRORS, *KEY_ERRORS)
    | {200: {"model": ProjectRead, "description": "You have a project with this `id` already, which stays unchanged."}},
)
async def create_project(
    new: ProjectCreate, user: CurrentUser, request: Request, response: Response, key: IdempotencyKey = None
) -> Response:
    """Adds a project, at the end of the list unless `order` is given."""

    async def create(db: Executor) -> StoredResponse:
        added = await projects.add_once(db, user.actor, new)
        kept = _keep(added.project, request, 201 if added.is_new else 200)
        return replace(kept, headers={**kept.headers, "Location": f"{build_url(request, PATH)}/{added.project.id}"})

    return await answer_once(create, new, user_id=user.id, key=key, request=request, response=response)


@router.get(
    "/{project_id}",
    response_model=ProjectRead,
    responses=error_responses(ProjectNotFound) | {304: {"description": "The ETag is still the one in If-None-Match."}},
)
async def read_project(
    project_id: UUID,
    user: CurrentUser,
    db: CurrentDatabase,
    request: Request,
    response: Response,
    if_none_match: IfNoneMatch = (),
) -> ProjectRead | Response:
    """Returns a project with the number of its open todos."""
    project = await projects.get(db, user.id, project_id)
    response.headers["ETag"] = format_etag(project.version)
    if is_current(project.version, if_none_match):
        return Response(status_code=304, headers=response.headers)
    return ProjectRead.model_validate(build_project_json(project, build_url(request, PATH)))


@router.patch(
    "/{project_id}",
    response_model=ProjectRead,
    responses=error_responses(CrossOrigin, QuotaExceeded, ProjectNotFound, StaleVersion, *BODY_ERRORS, *KEY_ERRORS),
)
async def update_project(
    project_id: UUID,
    changes: ProjectUpdate,
    user: CurrentUser,
    request: Request,
    response: Response,
    if_match: IfMatch = (),
    key: IdempotencyKey = None,
) -> Response:
    """Applies a merge patch: an absent field stays. Archiving a project does not change its todos.

    A patch that changes nothing makes no version.
    """

    async def update(db: Executor) -> StoredResponse:
        return _keep(await projects.update(db, user.actor, project_id, changes, parse_if_match(if_match)), request)

    return await answer_once(update, changes, user_id=user.id, key=key, request=request, response=response)


@router.delete(
    "/{project_id}",
    status_code=204,
    responses=error_responses(CrossOrigin, ProjectNotFound, StaleVersion, *KEY_ERRORS),
)
async def delete_project(
    project_id: UUID,
    user: CurrentUser,
    request: Request,
    response: Response,
    if_match: IfMatch = (),
    key: IdempotencyKey = None,
) -> Response:
    """Deletes the project permanently and puts its todos into the trash."""

    async def delete(db: Executor) -> StoredResponse:
        async with db.transaction() as transaction:
            await projects.delete(transaction, user.actor, project_id, parse_if_match(if_match))
        return NO_CONTENT

    return await answer_once(delete, None, user_id=user.id, key=key, request=request, response=response)


def _keep(project: Project, request: Request, status: int = 200) -> StoredResponse:
    """Returns the response with the project as JSON and its ETag."""
    content = msgspec.json.encode(build_project_json(project, build_url(request, PATH)))
    return StoredResponse(status, content, {"ETag": format_etag(project.version)})
