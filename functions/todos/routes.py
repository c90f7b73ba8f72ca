from typing import Annotated, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from functions.todos.listing import list_sorted_by
from functions.todos.models import (
    BatchRead,
    ChangeRead,
    ChangesQuery,
    TodoFilters,
    TodoQuery,
    TodoRead,
    batch_json,
    change_json,
    todo_json,
)
from functions.todos.paths import TODO_ID
from todo_core.database.executor import Executor
from todo_core.database.idempotency import Answer
from todo_core.errors import CrossOrigin, DatabaseUnavailable, InvalidCursor, NotAuthenticated
from todo_core.todos import batch, changes, operations
from todo_core.todos.batch_models import Batch
from todo_core.todos.errors import (
    RecurrenceNeedsDue,
    StaleVersion,
    TodoNotFound,
    TreeCycle,
    TreeTooDeep,
    UnknownParent,
    UnknownProject,
)
from todo_core.todos.model import Todo, TodoCreate, TodoUpdate
from todo_core.web.caching import REVALIDATE, register_cache_policy
from todo_core.web.etags import IfMatch, IfNoneMatch, format_etag, is_current, parse_if_match
from todo_core.web.idempotency import KEY_ERRORS, IdempotencyKey, answer_once
from todo_core.web.identity import CurrentUser
from todo_core.web.paging import build_url, fetch_page, link_to_next
from todo_core.web.problems import BODY_ERRORS, ValidationFailed, error_responses
from todo_core.web.query import describe_query, parse_query
from todo_core.web.resources import CurrentDatabase, get_resources

PATH: Final = "/api/v1/todos"

_PLACE_ERRORS: Final = (UnknownParent, UnknownProject, TreeTooDeep)

register_cache_policy(PATH, REVALIDATE)

router = APIRouter(
    prefix=PATH, tags=["todos"], responses=error_responses(NotAuthenticated, ValidationFailed, DatabaseUnavailable)
)


@router.get(
    "",
    response_model=list[TodoRead],
    responses=error_responses(InvalidCursor),
    openapi_extra=describe_query(TodoQuery),
)
async def list_todos(
    user: CurrentUser,
    query: Annotated[TodoQuery, Depends(parse_query(TodoQuery))],
    request: Request,
    response: Response,
) -> Response:
    """The todos that pass all filters, by `order` unless `sort` or a filter says otherwise."""
    # The database is taken from here, because each dependency costs measurably more.
    db, url = get_resources(request).database, build_url(request, PATH)
    filters = query.filters(user.timezone, query.sort)
    todo_list = list_sorted_by(filters.sorted_by)
    page = await operations.find(db, user.id, filters, limit=query.limit, after=todo_list.read_cursor(request, query))
    if page.next:
        todo_list.link_to_page_after(page.next, request, response)
    # Straight to JSON: as pydantic models the page would cost more than reading it from the database.
    content = msgspec.json.encode([todo_json(todo, url) for todo in page.todos])
    return Response(content, media_type="application/json", headers=response.headers)


@router.post(
    "",
    status_code=201,
    response_model=TodoRead,
    responses=error_responses(CrossOrigin, *_PLACE_ERRORS, *BODY_ERRORS, *KEY_ERRORS),
)
async def create_todo(
    new: TodoCreate, user: CurrentUser, request: Request, response: Response, key: IdempotencyKey = None
) -> Response:
    """Adds a todo, at the end of the list unless `order` says otherwise."""

    async def create(db: Executor) -> Answer:
        todo, url = await operations.add(db, user.actor, new), build_url(request, PATH)
        headers = {"Location": f"{url}/{todo.id}", "ETag": format_etag(todo.version)}
        return Answer(201, msgspec.json.encode(todo_json(todo, url)), headers)

    return await answer_once(create, new, user_id=user.id, key=key, request=request, response=response)


@router.post(
    "/batch",
    response_model=BatchRead,
    responses=error_responses(
        CrossOrigin,
        TodoNotFound,
        StaleVersion,
        *_PLACE_ERRORS,
        TreeCycle,
        RecurrenceNeedsDue,
        *BODY_ERRORS,
        *KEY_ERRORS,
    ),
)
async def change_todos(
    asked: Batch, user: CurrentUser, request: Request, response: Response, key: IdempotencyKey = None
) -> Response:
    """Carries out up to 100 operations in their order, all or none. A todo that is created under a `ref` goes by it in
    later operations. When one fails, the problem is its own, and names it by its `index`.
    """

    async def change(db: Executor) -> Answer:
        results = await batch.run_batch(db, user.actor, asked)
        return Answer(200, msgspec.json.encode(batch_json(results, build_url(request, PATH))))

    return await answer_once(change, asked, user_id=user.id, key=key, request=request, response=response)


@router.delete("", status_code=204, responses=error_responses(CrossOrigin), openapi_extra=describe_query(TodoFilters))
async def delete_todos(
    user: CurrentUser, query: Annotated[TodoFilters, Depends(parse_query(TodoFilters))], db: CurrentDatabase
) -> None:
    """Puts all todos that pass the filters, and their subtodos, into the trash; without a filter, every todo."""
    await operations.delete_all(db, user.actor, query.filters(user.timezone))


@router.get("/changes", response_model=list[ChangeRead], openapi_extra=describe_query(ChangesQuery))
async def list_changes(
    user: CurrentUser,
    query: Annotated[ChangesQuery, Depends(parse_query(ChangesQuery))],
    db: CurrentDatabase,
    request: Request,
    response: Response,
) -> Response:
    """Every change after a sequence number, oldest first: keep the last `seq` and ask again from there."""
    url = build_url(request, PATH)
    page, last = await fetch_page(query.limit, lambda limit: changes.find_since(db, user.id, query.since, limit=limit))
    if last is not None:
        link_to_next(request, response, since=str(last.seq))
    content = msgspec.json.encode([change_json(change, url) for change in page])
    return Response(content, media_type="application/json", headers=response.headers)


@router.get(
    f"/{TODO_ID}",
    response_model=TodoRead,
    responses=error_responses(TodoNotFound) | {304: {"description": "The ETag is still the one in If-None-Match."}},
)
async def read_todo(
    todo_id: UUID,
    user: CurrentUser,
    db: CurrentDatabase,
    request: Request,
    response: Response,
    if_none_match: IfNoneMatch = (),
) -> Response:
    todo = await operations.get(db, user.id, todo_id)
    answer = _answer(todo, request, response)
    return Response(status_code=304, headers=response.headers) if is_current(todo.version, if_none_match) else answer


@router.patch(
    f"/{TODO_ID}",
    response_model=TodoRead,
    responses=error_responses(
        CrossOrigin,
        TodoNotFound,
        StaleVersion,
        ValidationFailed,
        *_PLACE_ERRORS,
        TreeCycle,
        RecurrenceNeedsDue,
        *BODY_ERRORS,
    ),
)
async def update_todo(
    todo_id: UUID,
    changes: TodoUpdate,
    user: CurrentUser,
    db: CurrentDatabase,
    request: Request,
    response: Response,
    if_match: IfMatch = (),
) -> Response:
    """A merge patch: what is absent stays, `null` clears.

    Completing sets `completed_at`, of open subtodos too. A todo that recurs moves to its next occurrence instead, by
    the clocks of the user's time zone, and what was completed below it is open again.

    With `parent_id` a todo moves, with its subtodos, to the project of its parent. A subtodo that gets a `project_id`
    of its own leaves its parent.
    """
    todo = await operations.update(db, user.actor, todo_id, changes, parse_if_match(if_match))
    return _answer(todo, request, response)


@router.delete(f"/{TODO_ID}", status_code=204, responses=error_responses(CrossOrigin, TodoNotFound, StaleVersion))
async def delete_todo(todo_id: UUID, user: CurrentUser, db: CurrentDatabase, if_match: IfMatch = ()) -> None:
    """Puts the todo into the trash, with its subtodos."""
    await operations.delete(db, user.actor, todo_id, parse_if_match(if_match))


@router.post(
    f"/{TODO_ID}/restore", response_model=TodoRead, responses=error_responses(CrossOrigin, TodoNotFound, StaleVersion)
)
async def restore_todo(
    todo_id: UUID, user: CurrentUser, db: CurrentDatabase, request: Request, response: Response, if_match: IfMatch = ()
) -> Response:
    """Takes the todo out of the trash, with the subtodos that went there with it. One that is not there is answered
    as it is.

    It comes back below its parent, or at the top level if that one lies in the trash or has no room for it.
    """
    return _answer(await operations.restore(db, user.actor, todo_id, parse_if_match(if_match)), request, response)


def _answer(todo: Todo, request: Request, response: Response) -> Response:
    """The todo as JSON, with its ETag, which is set on the response too."""
    response.headers["ETag"] = format_etag(todo.version)
    content = msgspec.json.encode(todo_json(todo, build_url(request, PATH)))
    return Response(content, media_type="application/json", headers=response.headers)
