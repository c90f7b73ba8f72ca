from functools import partial
from typing import Annotated, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from functions.todos.list_versions import UNCHANGED, set_list_version
from functions.todos.listing import list_sorted_by
from functions.todos.models import (
    BatchRead,
    BulkFilters,
    TodoQuery,
    TodoRead,
    UpdatedTodoRead,
    build_batch_json,
    build_todo_json,
    build_updated_json,
)
from functions.todos.paths import TODOS as PATH
from todo_core.database.executor import Executor
from todo_core.database.idempotency import StoredResponse
from todo_core.errors import CrossOrigin, DatabaseUnavailable, InvalidCursor, NotAuthenticated, QuotaExceeded
from todo_core.todos import batch, bulk, operations
from todo_core.todos.batch_models import Batch
from todo_core.todos.errors import (
    BatchTooLarge,
    DoesNotRecur,
    IdTaken,
    RecurrenceEnds,
    RecurrenceNeedsDue,
    RecurrenceNeverComes,
    StaleVersion,
    TodoNotFound,
    TreeCycle,
    TreeTooDeep,
    UnknownParent,
    UnknownProject,
)
from todo_core.todos.model import Todo, TodoCreate, TodoUpdate
from todo_core.web.direct_routes import DirectRoute
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
from todo_core.web.path_ids import register_id
from todo_core.web.problems import BODY_ERRORS, ValidationFailed, error_responses
from todo_core.web.public_url import build_url
from todo_core.web.query import describe_query, parse_query
from todo_core.web.readers import CurrentReader

_TODO_ID: Final = register_id("todo_id", "batch", "changes", "restore")

_LOCATION_ERRORS: Final = (UnknownParent, UnknownProject, TreeTooDeep)

router = APIRouter(
    prefix=PATH,
    tags=["todos"],
    route_class=DirectRoute,
    responses=error_responses(NotAuthenticated, ValidationFailed, DatabaseUnavailable),
)


@router.get(
    "",
    response_model=list[TodoRead],
    responses=error_responses(InvalidCursor) | UNCHANGED,
    openapi_extra=describe_query(TodoQuery, IF_NONE_MATCH),
)
async def list_todos(
    reader: CurrentReader,
    query: Annotated[TodoQuery, Depends(parse_query(TodoQuery))],
    request: Request,
    response: Response,
) -> Response:
    """Returns the todos that meet all filters, by `order` unless `sort` or a filter implies another sort order."""
    set_version = partial(
        set_list_version, request=request, response=response, depends_on_now=query.overdue is not None
    )
    known_versions = read_if_none_match(request)
    if known_versions and is_current(set_version(await reader.find_owner()), known_versions):
        return Response(status_code=304, headers=response.headers)
    timezone = (await reader.find_owner()).timezone if query.needs_timezone else "UTC"
    filters = query.build_filters(timezone, query.sort, trashed=query.trashed)
    todo_list = list_sorted_by(filters.sorted_by)
    after = todo_list.read_cursor(request, query)
    page = await operations.find(reader, reader.user_id, filters, limit=query.limit, after=after)
    set_version(await reader.find_owner())
    url = build_url(request, PATH)
    if page.next:
        todo_list.link_to_page_after(page.next, request, response)
    # Encoded by msgspec: pydantic models would cost more than reading the page from the database.
    content = msgspec.json.encode([build_todo_json(todo, url) for todo in page.todos])
    return Response(content, media_type="application/json", headers=response.headers)


@router.post(
    "",
    status_code=201,
    response_model=TodoRead,
    responses=error_responses(
        CrossOrigin, QuotaExceeded, *_LOCATION_ERRORS, RecurrenceNeverComes, IdTaken, *BODY_ERRORS, *KEY_ERRORS
    )
    | {200: {"model": TodoRead, "description": "You have a todo with this `id` already, which stays unchanged."}},
)
async def create_todo(
    new: TodoCreate, user: CurrentUser, request: Request, response: Response, key: IdempotencyKey = None
) -> Response:
    """Adds a todo, at the end of the list unless `order` is given."""

    async def create(db: Executor) -> StoredResponse:
        added, url = await operations.add_once(db, user.actor, new), build_url(request, PATH)
        todo = added.todo
        headers = {"Location": f"{url}/{todo.id}", "ETag": format_etag(todo.version)}
        content = msgspec.json.encode(build_todo_json(todo, url))
        return StoredResponse(201 if added.is_new else 200, content, headers)

    return await answer_once(create, new, user_id=user.id, key=key, request=request, response=response)


@router.post(
    "/batch",
    response_model=BatchRead,
    responses=error_responses(
        CrossOrigin,
        QuotaExceeded,
        TodoNotFound,
        StaleVersion,
        *_LOCATION_ERRORS,
        TreeCycle,
        RecurrenceNeedsDue,
        RecurrenceNeverComes,
        IdTaken,
        BatchTooLarge,
        *BODY_ERRORS,
        *KEY_ERRORS,
    ),
)
async def change_todos(
    new: Batch, user: CurrentUser, request: Request, response: Response, key: IdempotencyKey = None
) -> Response:
    """Runs up to 100 operations in order, all or none.

    Later operations may name a todo by the `ref` under which it was created. When an operation fails, the response is
    the problem of that operation, with its `index`.
    """

    async def change(db: Executor) -> StoredResponse:
        results = await batch.run_batch(db, user.actor, new)
        return StoredResponse(200, msgspec.json.encode(build_batch_json(results, build_url(request, PATH))))

    return await answer_once(change, new, user_id=user.id, key=key, request=request, response=response)


@router.delete(
    "",
    status_code=204,
    responses=error_responses(CrossOrigin, *KEY_ERRORS),
    openapi_extra=describe_query(BulkFilters),
)
async def delete_todos(
    user: CurrentUser,
    query: Annotated[BulkFilters, Depends(parse_query(BulkFilters))],
    request: Request,
    response: Response,
    key: IdempotencyKey = None,
) -> Response:
    """Puts all todos that meet the filters, with their subtodos, into the trash.

    Without a filter, `all=true` is needed. An empty `q` is refused, so that an empty search field does not delete
    everything.
    """

    async def delete(db: Executor) -> StoredResponse:
        await bulk.delete(db, user.actor, query.build_filters(user.timezone))
        return NO_CONTENT

    return await answer_once(delete, None, user_id=user.id, key=key, request=request, response=response)


@router.post(
    "/restore",
    status_code=204,
    responses=error_responses(CrossOrigin, QuotaExceeded, *KEY_ERRORS),
    openapi_extra=describe_query(BulkFilters),
)
async def restore_todos(
    user: CurrentUser,
    query: Annotated[BulkFilters, Depends(parse_query(BulkFilters))],
    request: Request,
    response: Response,
    key: IdempotencyKey = None,
) -> Response:
    """Takes all todos that meet the filters out of the trash.

    Without a filter, `all=true` is needed. Subtodos that were deleted with one of them come back too.
    """

    async def restore(db: Executor) -> StoredResponse:
        await bulk.restore(db, user.actor, query.build_filters(user.timezone))
        return NO_CONTENT

    return await answer_once(restore, None, user_id=user.id, key=key, request=request, response=response)


@router.get(
    f"/{_TODO_ID}",
    response_model=TodoRead,
    responses=error_responses(TodoNotFound) | {304: {"description": "The ETag is still the one in If-None-Match."}},
)
async def read_todo(
    todo_id: UUID,
    reader: CurrentReader,
    request: Request,
    response: Response,
    if_none_match: IfNoneMatch = (),
) -> Response:
    """Returns a todo that is not in the trash."""
    todo = await operations.get(reader, reader.user_id, todo_id)
    answer = _respond(todo, request, response)
    return Response(status_code=304, headers=response.headers) if is_current(todo.version, if_none_match) else answer


@router.patch(
    f"/{_TODO_ID}",
    response_model=UpdatedTodoRead,
    responses=error_responses(
        CrossOrigin,
        QuotaExceeded,
        TodoNotFound,
        StaleVersion,
        ValidationFailed,
        *_LOCATION_ERRORS,
        TreeCycle,
        RecurrenceNeedsDue,
        RecurrenceNeverComes,
        *BODY_ERRORS,
        *KEY_ERRORS,
    ),
)
async def update_todo(
    todo_id: UUID,
    changes: TodoUpdate,
    user: CurrentUser,
    request: Request,
    response: Response,
    if_match: IfMatch = (),
    key: IdempotencyKey = None,
) -> Response:
    """Applies a merge patch: an absent field stays, `null` clears it. A patch that changes nothing makes no version.

    Completing a todo sets `completed_at`, also of open subtodos. A recurring todo moves to its next occurrence instead,
    in the user's time zone: the first one later than its due date and than now. Its completed subtodos are opened
    again. `completion` in the answer says which of both happened.

    A due date without `recurrence` moves only the current occurrence. With a `recurrence`, the rule begins there.

    `parent_id` moves a todo with its subtodos to the project of its parent. A subtodo that gets its own `project_id`
    leaves its parent.
    """

    async def update(db: Executor) -> StoredResponse:
        updated = await operations.apply(db, user.actor, todo_id, changes, parse_if_match(if_match))
        content = msgspec.json.encode(build_updated_json(updated, build_url(request, PATH)))
        return StoredResponse(200, content, {"ETag": format_etag(updated.todo.version)})

    return await answer_once(update, changes, user_id=user.id, key=key, request=request, response=response)


@router.delete(
    f"/{_TODO_ID}", status_code=204, responses=error_responses(CrossOrigin, TodoNotFound, StaleVersion, *KEY_ERRORS)
)
async def delete_todo(
    todo_id: UUID,
    user: CurrentUser,
    request: Request,
    response: Response,
    if_match: IfMatch = (),
    key: IdempotencyKey = None,
) -> Response:
    """Puts the todo into the trash, with its subtodos."""

    async def delete(db: Executor) -> StoredResponse:
        await operations.delete(db, user.actor, todo_id, parse_if_match(if_match))
        return NO_CONTENT

    return await answer_once(delete, None, user_id=user.id, key=key, request=request, response=response)


@router.post(
    f"/{_TODO_ID}/restore",
    response_model=TodoRead,
    responses=error_responses(CrossOrigin, QuotaExceeded, TodoNotFound, StaleVersion, *KEY_ERRORS),
)
async def restore_todo(
    todo_id: UUID,
    user: CurrentUser,
    request: Request,
    response: Response,
    if_match: IfMatch = (),
    key: IdempotencyKey = None,
) -> Response:
    """Takes the todo out of the trash, with the subtodos that were deleted with it.

    The todo keeps its parent. It moves to the top level if the parent is in the trash or the tree would be too deep.
    A todo that is not in the trash is returned as it is.
    """

    async def restore(db: Executor) -> StoredResponse:
        return _keep(await operations.restore(db, user.actor, todo_id, parse_if_match(if_match)), request)

    return await answer_once(restore, None, user_id=user.id, key=key, request=request, response=response)


def _keep(todo: Todo, request: Request) -> StoredResponse:
    """Returns the response with the todo as JSON and its ETag."""
    content = msgspec.json.encode(build_todo_json(todo, build_url(request, PATH)))
    return StoredResponse(200, content, {"ETag": format_etag(todo.version)})


@router.post(
    f"/{_TODO_ID}/skip",
    response_model=TodoRead,
    responses=error_responses(
        CrossOrigin, QuotaExceeded, TodoNotFound, StaleVersion, DoesNotRecur, RecurrenceEnds, *KEY_ERRORS
    ),
)
async def skip_todo(
    todo_id: UUID,
    user: CurrentUser,
    request: Request,
    response: Response,
    if_match: IfMatch = (),
    key: IdempotencyKey = None,
) -> Response:
    """Moves an open recurring todo to its next occurrence without completing it.

    This is the first one later than its due date and than now. Its completed subtodos are opened again.
    """

    async def skip(db: Executor) -> StoredResponse:
        return _keep(await operations.skip(db, user.actor, todo_id, parse_if_match(if_match)), request)

    return await answer_once(skip, None, user_id=user.id, key=key, request=request, response=response)


def _respond(todo: Todo, request: Request, response: Response) -> Response:
    """Returns the todo as JSON with its ETag, and with the headers of `response`."""
    response.headers["ETag"] = format_etag(todo.version)
    content = msgspec.json.encode(build_todo_json(todo, build_url(request, PATH)))
    return Response(content, media_type="application/json", headers=response.headers)
