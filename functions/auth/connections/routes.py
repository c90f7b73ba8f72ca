from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from functions.auth.connections.models import ConnectionRead
from todo_core.accounts import connections
from todo_core.accounts.audit import record
from todo_core.accounts.connections import Connection
from todo_core.accounts.errors import ConnectionNotFound
from todo_core.errors import CrossOrigin, DatabaseUnavailable, InvalidCursor, NotAuthenticated
from todo_core.web.callers import find_caller
from todo_core.web.identity import SessionUser
from todo_core.web.paging import PagedList, parse_time_and_id
from todo_core.web.problems import ValidationFailed, error_responses
from todo_core.web.query import PageQuery, describe_query, parse_query
from todo_core.web.resources import CurrentDatabase

PATH: Final = "/api/v1/auth/connections"
_CONNECTIONS: Final = PagedList[Connection, tuple[datetime, UUID]](
    "connections",
    position_of=lambda connection: (connection.created_at.isoformat(), connection.id),
    parse=parse_time_and_id,
)

router = APIRouter(
    prefix=PATH,
    tags=["connections"],
    responses=error_responses(NotAuthenticated, ValidationFailed, DatabaseUnavailable),
)


@router.get(
    "",
    response_model=list[ConnectionRead],
    responses=error_responses(InvalidCursor),
    openapi_extra=describe_query(PageQuery),
)
async def list_connections(
    query: Annotated[PageQuery, Depends(parse_query(PageQuery))],
    user: SessionUser,
    db: CurrentDatabase,
    request: Request,
    response: Response,
) -> list[Connection]:
    """Returns the apps that the user has connected by OAuth, the newest first."""
    page = await _CONNECTIONS.read_page(
        request, response, query, lambda limit, after: connections.list_page(db, user.id, limit=limit, after=after)
    )
    return list(page)


@router.delete("/{connection_id}", status_code=204, responses=error_responses(CrossOrigin, ConnectionNotFound))
async def end_connection(connection_id: UUID, user: SessionUser, db: CurrentDatabase, request: Request) -> None:
    """Ends a connection: the app's tokens are refused from then on."""
    await connections.delete(db, user.id, connection_id)
    record("connection_end", "success", find_caller(request), account_id=user.id)
