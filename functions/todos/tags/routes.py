from copy import replace
from typing import Annotated, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from functions.todos.list_versions import UNCHANGED, set_list_version
from functions.todos.paths import TAGS as PATH
from functions.todos.tags.models import TagChangeRead, TagQuery, TagRead, TagRename, UndoneTagRead
from todo_core.database.executor import Executor
from todo_core.database.idempotency import StoredResponse
from todo_core.errors import CrossOrigin, DatabaseUnavailable, InvalidCursor, NotAuthenticated, QuotaExceeded
from todo_core.identifiers import new_id
from todo_core.todos import tags
from todo_core.todos.errors import TagChangeNotFound, TagNotFound, TagTooLarge
from todo_core.todos.model import Tag
from todo_core.todos.tags import TagCount
from todo_core.web.etags import IF_NONE_MATCH, is_current, read_if_none_match
from todo_core.web.idempotency import KEY_ERRORS, IdempotencyKey, answer_once, keep_model
from todo_core.web.identity import CurrentUser
from todo_core.web.paging import PagedList, decode_text, encode_text
from todo_core.web.path_ids import register_text
from todo_core.web.problems import BODY_ERRORS, ValidationFailed, error_responses
from todo_core.web.query import describe_query, parse_query
from todo_core.web.resources import get_resources

_TAGS: Final = PagedList[TagCount, tuple[str, str]](
    "tags",
    position_of=lambda tag: (encode_text(tag.key), encode_text(tag.name)),
    parse=lambda key, name: (decode_text(key), decode_text(name)),
)

_TAG: Final = register_text("tag")

router = APIRouter(
    prefix=PATH, tags=["tags"], responses=error_responses(NotAuthenticated, ValidationFailed, DatabaseUnavailable)
)


@router.get(
    "",
    response_model=list[TagRead],
    responses=error_responses(InvalidCursor) | UNCHANGED,
    openapi_extra=describe_query(TagQuery, IF_NONE_MATCH),
)
async def list_tags(
    user: CurrentUser,
    query: Annotated[TagQuery, Depends(parse_query(TagQuery))],
    request: Request,
    response: Response,
) -> Response:
    """Returns the tags of all todos outside the trash, by name."""
    if is_current(set_list_version(user, request, response), read_if_none_match(request)):
        return Response(status_code=304, headers=response.headers)
    db = get_resources(request).database

    async def fetch(limit: int, after: tuple[str, str] | None) -> list[TagCount]:
        return await tags.find(db, user.id, limit=limit, after=after)

    page = await _TAGS.read_page(request, response, query, fetch)
    content = msgspec.json.encode([{"name": tag.name, "count": tag.count} for tag in page])
    return Response(content, media_type="application/json", headers=response.headers)


@router.patch(
    f"/{_TAG}",
    response_model=TagChangeRead,
    responses=error_responses(CrossOrigin, QuotaExceeded, TagNotFound, TagTooLarge, *BODY_ERRORS, *KEY_ERRORS),
)
async def rename_tag(
    tag: Tag, renamed: TagRename, user: CurrentUser, request: Request, response: Response, key: IdempotencyKey = None
) -> Response:
    """Renames the tag in all todos, those in the trash included. Merges it with a tag that has the new name already."""

    async def rename(db: Executor) -> StoredResponse:
        # A turn of its own, by which the changes can be undone together.
        turn_id = new_id()
        actor = replace(user.actor, turn_id=turn_id)
        async with db.transaction() as transaction:
            done = await tags.rename(transaction, actor, tag, renamed.name)
        return keep_model(200, TagChangeRead(name=done.name, changed=done.count, turn_id=turn_id))

    return await answer_once(rename, renamed, user_id=user.id, key=key, request=request, response=response)


@router.delete(
    f"/{_TAG}",
    response_model=TagChangeRead,
    responses=error_responses(CrossOrigin, QuotaExceeded, TagNotFound, TagTooLarge, *KEY_ERRORS),
)
async def delete_tag(
    tag: Tag, user: CurrentUser, request: Request, response: Response, key: IdempotencyKey = None
) -> Response:
    """Removes the tag from all todos, those in the trash included. The todos stay."""

    async def delete(db: Executor) -> StoredResponse:
        # A turn of its own, by which the changes can be undone together.
        turn_id = new_id()
        actor = replace(user.actor, turn_id=turn_id)
        async with db.transaction() as transaction:
            changed = await tags.delete(transaction, actor, tag)
        return keep_model(200, TagChangeRead(name=tag, changed=changed, turn_id=turn_id))

    return await answer_once(delete, None, user_id=user.id, key=key, request=request, response=response)


@router.post(
    "/changes/{tag_change_id}/undo",
    response_model=UndoneTagRead,
    responses=error_responses(CrossOrigin, QuotaExceeded, TagChangeNotFound, *KEY_ERRORS),
)
async def undo_tag_change(
    tag_change_id: UUID, user: CurrentUser, request: Request, response: Response, key: IdempotencyKey = None
) -> Response:
    """Puts back what a rename or a deletion of a tag has changed, except todos that were changed since.

    The id is the `turn_id` of its answer. The undo is such a change too, and can be undone in the same way.
    """

    async def undo(db: Executor) -> StoredResponse:
        # A turn of its own, by which the changes can be undone together.
        turn_id = new_id()
        actor = replace(user.actor, turn_id=turn_id)
        async with db.transaction() as transaction:
            done = await tags.undo(transaction, actor, tag_change_id)
        return keep_model(200, UndoneTagRead(undone=done.undone, conflicts=done.conflicts, turn_id=turn_id))

    return await answer_once(undo, None, user_id=user.id, key=key, request=request, response=response)
