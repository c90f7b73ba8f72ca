from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Header, Request, Response

from functions.todos.changes.models import MAX_SEQUENCE_NUMBER, ChangeRead, ChangesQuery, build_change_json
from functions.todos.changes.stream import EVENTS_EXAMPLE, ChangeStream
from functions.todos.changes.waiting import wait_for_page
from functions.todos.paths import API, CHANGES
from todo_core.errors import DatabaseUnavailable, NotAuthenticated
from todo_core.live.errors import TooManyStreams
from todo_core.todos import changes
from todo_core.todos.errors import ChangesExpired
from todo_core.web.event_stream import EVENT_STREAM
from todo_core.web.identity import CurrentUser
from todo_core.web.openapi import register_events
from todo_core.web.paging import link_to_next
from todo_core.web.problems import ValidationFailed, error_responses
from todo_core.web.public_url import build_url
from todo_core.web.query import DIGITS, describe_query, parse_query
from todo_core.web.resources import get_resources
from todo_core.web.stream_schemas import describe_stream, name_events
from todo_core.workload import in_slices

_STREAMED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": (
            "The changes. With `Accept: text/event-stream` they are sent as events `change` with `seq` as their id, as "
            "soon as they happen. The event `error` has a problem document and ends the stream."
        ),
        "content": describe_stream("ChangeStream", EVENTS_EXAMPLE),
    }
}

LastEventId = Annotated[
    int | None,
    Header(
        alias="Last-Event-ID",
        ge=0,
        le=MAX_SEQUENCE_NUMBER,
        description="The id of the last event that a stream's client has got. Replaces `since` in a stream.",
    ),
    DIGITS,
]


def _describe_events(schemas: dict[str, Any]) -> dict[str, Any]:
    """Adds the schemas of the events of a stream. Returns no messages to webhooks."""
    name_events(schemas, "ChangeStream", {"change": {"$ref": "#/components/schemas/ChangeRead"}}, have_ids=True)
    return {}


register_events(_describe_events)

router = APIRouter(
    prefix=CHANGES, tags=["todos"], responses=error_responses(NotAuthenticated, ValidationFailed, DatabaseUnavailable)
)


@router.get(
    "",
    response_model=list[ChangeRead],
    responses=_STREAMED | error_responses(ChangesExpired, TooManyStreams),
    openapi_extra=describe_query(ChangesQuery),
)
async def list_changes(
    user: CurrentUser,
    query: Annotated[ChangesQuery, Depends(parse_query(ChangesQuery))],
    request: Request,
    response: Response,
    last_event_id: LastEventId = None,
) -> Response:
    """Returns the changes after a sequence number, oldest first. A client continues after the last `seq` it got.

    With `wait`, a client that has seen all changes gets the next one when it happens. After that time it gets none.
    A stream begins with the changes after `since` and goes on with later ones. It may end at any time, with the time
    after which to connect again.
    """
    api_url = build_url(request, API)
    if EVENT_STREAM in request.headers.get("accept", ""):
        since = query.since if last_event_id is None else last_event_id
        return ChangeStream(request, user.id, since, api_url, dict(response.headers))
    page = await changes.find_since(get_resources(request).database, user.id, query.since, limit=query.limit)
    if query.wait and not page.changes:
        page = await wait_for_page(request, user.id, query)
    if page.has_more:
        link_to_next(request, response, since=str(page.changes[-1].seq))
    parts: list[bytes] = []
    async for some in in_slices(page.changes, changes.CHANGES_AT_ONCE):
        parts += (msgspec.json.encode(build_change_json(change, api_url)) for change in some)
    content = b"[" + b",".join(parts) + b"]"
    return Response(content, media_type="application/json", headers=response.headers)
