from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from functions.todos.list_versions import UNCHANGED, ListVersion
from functions.todos.tags.models import TagQuery, TagRead
from todo_core.errors import DatabaseUnavailable, InvalidCursor, NotAuthenticated
from todo_core.todos import tags
from todo_core.todos.tags import TagCount
from todo_core.web.caching import REVALIDATE, register_cache_policy
from todo_core.web.etags import IfNoneMatch
from todo_core.web.identity import CurrentUser
from todo_core.web.paging import PagedList, decode_text, encode_text
from todo_core.web.problems import ValidationFailed, error_responses
from todo_core.web.query import describe_query, parse_query
from todo_core.web.resources import get_resources
from todo_core.web.scopes import register_scopes

PATH: Final = "/api/v1/tags"
_TAGS: Final = PagedList[TagCount, tuple[str, str]](
    "tags",
    position_of=lambda tag: (encode_text(tag.key), encode_text(tag.name)),
    parse=lambda key, name: (decode_text(key), decode_text(name)),
)

register_cache_policy(PATH, REVALIDATE)
register_scopes(PATH, read=["todos:read"])

router = APIRouter(
    prefix=PATH, tags=["tags"], responses=error_responses(NotAuthenticated, ValidationFailed, DatabaseUnavailable)
)


@router.get(
    "",
    response_model=list[TagRead],
    responses=error_responses(InvalidCursor) | UNCHANGED,
    openapi_extra=describe_query(TagQuery),
)
async def list_tags(
    user: CurrentUser,
    query: Annotated[TagQuery, Depends(parse_query(TagQuery))],
    request: Request,
    response: Response,
    if_none_match: IfNoneMatch = (),
) -> Response:
    """Returns the tags of all todos outside the trash, by name."""
    version = ListVersion(user, request, response)
    if await version.is_unchanged(if_none_match):
        return Response(status_code=304, headers=response.headers)
    db = get_resources(request).database

    async def fetch(limit: int, after: tuple[str, str] | None) -> list[TagCount]:
        listed = await version.read(lambda: tags.find(db, user.id, limit=limit, after=after))
        return listed.items

    page = await _TAGS.read_page(request, response, query, fetch)
    content = msgspec.json.encode([{"name": tag.name, "count": tag.count} for tag in page])
    return Response(content, media_type="application/json", headers=response.headers)
