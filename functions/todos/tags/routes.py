from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from functions.todos.tags.models import TagQuery, TagRead
from todo_core import todos
from todo_core.errors import DatabaseUnavailable, InvalidCursor, NotAuthenticated
from todo_core.web.identity import CurrentUser
from todo_core.web.paging import link_to_next, read_text, text_part, url_of
from todo_core.web.problems import ValidationFailed, error_responses
from todo_core.web.query import query_of, query_parameters
from todo_core.web.resources import resources_of

PATH: Final = "/api/v1/tags"
_LIST: Final = "tags"

router = APIRouter(
    prefix=PATH, tags=["tags"], responses=error_responses(NotAuthenticated, ValidationFailed, DatabaseUnavailable)
)


@router.get(
    "",
    response_model=list[TagRead],
    responses=error_responses(InvalidCursor),
    openapi_extra=query_parameters(TagQuery),
)
async def list_tags(
    user: CurrentUser,
    query: Annotated[TagQuery, Depends(query_of(TagQuery))],
    request: Request,
    response: Response,
) -> Response:
    """The tags of all todos that are not in the trash, by name."""
    resources = resources_of(request)
    after = resources.cursors.read(_LIST, query.cursor, read_text, read_text) if query.cursor else None
    found = await todos.tags(resources.database, user.id, limit=query.limit + 1, after=after)
    page = found[: query.limit]
    if len(found) > len(page):
        cursor = resources.cursors.write(_LIST, text_part(page[-1].key), text_part(page[-1].name))
        response.headers["Link"] = link_to_next(request, url_of(request, PATH), cursor=cursor)
    content = msgspec.json.encode([{"name": tag.name, "count": tag.count} for tag in page])
    return Response(content, media_type="application/json", headers=response.headers)
