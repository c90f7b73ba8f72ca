from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError

from functions.reminders.models import (
    ChannelsFields,
    PushKeyRead,
    PushSubscriptionCreate,
    PushSubscriptionRead,
)
from todo_core import outgoing_urls
from todo_core.database.executor import Executor
from todo_core.database.idempotency import StoredResponse
from todo_core.errors import CrossOrigin, DatabaseUnavailable, InvalidCursor, NotAuthenticated, QuotaExceeded
from todo_core.outgoing_urls import UrlRefused
from todo_core.reminders import channels, push_keys, push_subscriptions
from todo_core.reminders.errors import PushNotConfigured, SubscriptionNotFound
from todo_core.reminders.push_subscriptions import PushSubscription
from todo_core.settings import Settings
from todo_core.web.idempotency import KEY_ERRORS, IdempotencyKey, answer_once
from todo_core.web.identity import CurrentUser, UserWithSession
from todo_core.web.paging import PagedList, parse_time_and_id
from todo_core.web.problems import BODY_ERRORS, ValidationFailed, error_responses
from todo_core.web.query import PageQuery, describe_query, parse_query
from todo_core.web.resources import CurrentDatabase, get_resources
from todo_core.web.scopes import register_scopes

PATH: Final = "/api/v1/reminders"
_SUBSCRIPTIONS: Final = PagedList[PushSubscription, tuple[datetime, UUID]](
    "push subscriptions",
    position_of=lambda subscription: (subscription.created_at.isoformat(), subscription.id),
    parse=parse_time_and_id,
)

# Reminders have the titles of todos, so choosing their receivers is reading too.
register_scopes(PATH, read=["todos:read"], write=["todos:read", "todos:write"])

router = APIRouter(prefix=PATH, tags=["reminders"], responses=error_responses(NotAuthenticated, DatabaseUnavailable))


@router.get("/channels")
async def read_channels(user: CurrentUser, db: CurrentDatabase) -> ChannelsFields:
    """Returns the channels by which the user gets reminders, and the quiet hours."""
    return ChannelsFields.of(await channels.read(db, user.id))


@router.put("/channels", responses=error_responses(CrossOrigin, ValidationFailed, *BODY_ERRORS))
async def replace_channels(new: ChannelsFields, user: CurrentUser, db: CurrentDatabase) -> ChannelsFields:
    """Replaces the channels and the quiet hours. They hold also for reminders that have fired and wait to be sent."""
    return ChannelsFields.of(await channels.replace(db, user.id, new.to_channels()))


@router.get("/push-key", responses=error_responses(PushNotConfigured, DatabaseUnavailable))
async def read_push_key(user: CurrentUser, request: Request) -> PushKeyRead:  # noqa: ARG001 - only users may ask
    """Returns the key with which a browser subscribes."""
    return PushKeyRead(key=push_keys.find_public_key(_require_push(request).push))


@router.get(
    "/push-subscriptions",
    response_model=list[PushSubscriptionRead],
    responses=error_responses(InvalidCursor, ValidationFailed),
    openapi_extra=describe_query(PageQuery),
)
async def list_push_subscriptions(
    query: Annotated[PageQuery, Depends(parse_query(PageQuery))],
    user: CurrentUser,
    db: CurrentDatabase,
    request: Request,
    response: Response,
) -> list[PushSubscription]:
    """Returns the browsers that get the user's reminders, the newest first."""
    page = await _SUBSCRIPTIONS.read_page(
        request,
        response,
        query,
        lambda limit, after: push_subscriptions.list_page(db, user.id, limit=limit, after=after),
    )
    return list(page)


@router.post(
    "/push-subscriptions",
    status_code=201,
    response_model=PushSubscriptionRead,
    responses=error_responses(
        CrossOrigin, QuotaExceeded, PushNotConfigured, DatabaseUnavailable, *BODY_ERRORS, *KEY_ERRORS
    )
    | {200: {"model": PushSubscriptionRead, "description": "The endpoint was known, and has these keys now."}},
)
async def create_push_subscription(
    new: PushSubscriptionCreate,
    user: CurrentUser,
    request: Request,
    response: Response,
    key: IdempotencyKey = None,
) -> Response:
    """Sends the user's reminders to a browser, too. Ending the session of this request ends the subscription."""
    settings = _require_push(request)
    _check_endpoint(new.endpoint, settings)

    async def create(db: Executor) -> StoredResponse:
        stored = await push_subscriptions.add(
            db,
            user.id,
            new.to_subscription(),
            session_id=user.session_id if isinstance(user, UserWithSession) else None,
            user_agent=request.headers.get("user-agent"),
            quota=settings.quotas.push_subscriptions,
        )
        content = PushSubscriptionRead.model_validate(stored).model_dump_json().encode()
        return StoredResponse(201 if stored.is_new else 200, content)

    return await answer_once(create, new, user_id=user.id, key=key, request=request, response=response)


@router.delete(
    "/push-subscriptions/{subscription_id}",
    status_code=204,
    responses=error_responses(CrossOrigin, SubscriptionNotFound, ValidationFailed),
)
async def delete_push_subscription(subscription_id: UUID, user: CurrentUser, db: CurrentDatabase) -> None:
    """Sends no reminders to a browser any more."""
    await push_subscriptions.delete(db, user.id, subscription_id)


def _require_push(request: Request) -> Settings:
    """Returns the settings. Raises PushNotConfigured without a key for web push."""
    settings = get_resources(request).settings
    if not settings.can_push:
        raise PushNotConfigured
    return settings


def _check_endpoint(endpoint: str, settings: Settings) -> None:
    """Checks that the service may send to an endpoint. Raises RequestValidationError."""
    try:
        outgoing_urls.parse(endpoint, allow_private=settings.webhooks.allow_private)
    except UrlRefused as refusal:
        fault = {"type": "url", "loc": ("body", "endpoint"), "msg": str(refusal)}
        raise RequestValidationError([fault]) from None
