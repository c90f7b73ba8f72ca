from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from functions.auth.tokens.models import ApiTokenCreate, ApiTokenRead, CreatedApiTokenRead
from todo_core.accounts import api_tokens
from todo_core.accounts.api_tokens import ApiToken, CreatedApiToken
from todo_core.accounts.audit import record
from todo_core.accounts.errors import TokenNotFound
from todo_core.errors import CrossOrigin, DatabaseUnavailable, InvalidCursor, NotAuthenticated, QuotaExceeded
from todo_core.web.callers import find_caller
from todo_core.web.identity import SessionUser
from todo_core.web.paging import PagedList, parse_time_and_id
from todo_core.web.problems import BODY_ERRORS, ValidationFailed, error_responses
from todo_core.web.query import PageQuery, describe_query, parse_query
from todo_core.web.resources import CurrentDatabase, get_resources

PATH: Final = "/api/v1/auth/tokens"
_TOKENS: Final = PagedList[ApiToken, tuple[datetime, UUID]](
    "tokens",
    position_of=lambda token: (token.created_at.isoformat(), token.id),
    parse=parse_time_and_id,
)

router = APIRouter(
    prefix=PATH, tags=["tokens"], responses=error_responses(NotAuthenticated, ValidationFailed, DatabaseUnavailable)
)


@router.get(
    "",
    response_model=list[ApiTokenRead],
    responses=error_responses(InvalidCursor),
    openapi_extra=describe_query(PageQuery),
)
async def list_tokens(
    query: Annotated[PageQuery, Depends(parse_query(PageQuery))],
    user: SessionUser,
    db: CurrentDatabase,
    request: Request,
    response: Response,
) -> list[ApiToken]:
    """Returns the API tokens of the account that have not expired, the newest first."""
    page = await _TOKENS.read_page(
        request, response, query, lambda limit, after: api_tokens.list_page(db, user.id, limit=limit, after=after)
    )
    return list(page)


@router.post(
    "",
    status_code=201,
    response_model=CreatedApiTokenRead,
    responses=error_responses(CrossOrigin, QuotaExceeded, *BODY_ERRORS),
)
async def create_token(
    new: ApiTokenCreate, user: SessionUser, db: CurrentDatabase, request: Request
) -> CreatedApiToken:
    """Makes an API token for a program. Only this response has the `token`; send it as `Authorization: Bearer`.

    A repeated request makes another token: the service does not store what it would need to answer with the first one.
    """
    created = await api_tokens.create(
        db,
        user.id,
        name=new.name,
        scopes=new.scopes,
        expires_at=new.expires_at,
        may_delete_unasked=new.may_delete_unasked,
        quota=get_resources(request).settings.quotas.api_tokens,
    )
    record("api_token_create", "success", find_caller(request), account_id=user.id)
    return created


@router.delete("/{token_id}", status_code=204, responses=error_responses(CrossOrigin, TokenNotFound))
async def delete_token(token_id: UUID, user: SessionUser, db: CurrentDatabase, request: Request) -> None:
    """Revokes an API token: requests with it are refused from then on."""
    await api_tokens.delete(db, user.id, token_id)
    record("api_token_delete", "success", find_caller(request), account_id=user.id)
