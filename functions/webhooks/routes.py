from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from functions.webhooks.models import DeliveryRead, WebhookRead, WebhookSecretRead
from todo_core.accounts import rate_limits
from todo_core.accounts.audit import record
from todo_core.accounts.errors import TooManyAttempts
from todo_core.database.executor import Executor
from todo_core.database.idempotency import StoredResponse
from todo_core.errors import CrossOrigin, DatabaseUnavailable, InvalidCursor, NotAuthenticated, QuotaExceeded
from todo_core.web.callers import find_caller
from todo_core.web.idempotency import KEY_ERRORS, IdempotencyKey, answer_once
from todo_core.web.identity import SessionUser
from todo_core.web.openapi import register_events
from todo_core.web.paging import PagedList, parse_time_and_id
from todo_core.web.problems import BODY_ERRORS, ValidationFailed, error_responses
from todo_core.web.public_url import build_url
from todo_core.web.query import PageQuery, describe_query, parse_query
from todo_core.web.resources import CurrentDatabase, get_resources
from todo_core.webhooks import deliveries, operations
from todo_core.webhooks.errors import DeliveryNotFound, WebhookNotFound, WebhookUrlRefused
from todo_core.webhooks.model import Delivery, Webhook, WebhookCreate, WebhookUpdate, WebhookWithSecret

PATH: Final = "/api/v1/webhooks"
_WEBHOOKS: Final = PagedList[Webhook, tuple[datetime, UUID]](
    "webhooks",
    position_of=lambda webhook: (webhook.created_at.isoformat(), webhook.id),
    parse=parse_time_and_id,
)
_DELIVERIES: Final = PagedList[Delivery, UUID](
    "deliveries of a webhook",
    position_of=lambda delivery: (delivery.id, ""),
    parse=lambda delivery_id, _: UUID(delivery_id),
)

# No scopes: a webhook sends all todos out, also after the API token that made it was revoked.
router = APIRouter(
    prefix=PATH, tags=["webhooks"], responses=error_responses(NotAuthenticated, ValidationFailed, DatabaseUnavailable)
)


def _describe_events(schemas: dict[str, Any]) -> dict[str, Any]:
    from functions.webhooks import events  # noqa: PLC0415 - only the OpenAPI document needs it

    return events.describe(schemas)


register_events(_describe_events)


@router.get(
    "",
    response_model=list[WebhookRead],
    responses=error_responses(InvalidCursor),
    openapi_extra=describe_query(PageQuery),
)
async def list_webhooks(
    query: Annotated[PageQuery, Depends(parse_query(PageQuery))],
    user: SessionUser,
    db: CurrentDatabase,
    request: Request,
    response: Response,
) -> list[Webhook]:
    """Returns the webhooks of the account, the newest first."""
    page = await _WEBHOOKS.read_page(
        request, response, query, lambda limit, after: operations.list_page(db, user.id, limit=limit, after=after)
    )
    return list(page)


@router.post(
    "",
    status_code=201,
    response_model=WebhookSecretRead,
    responses=error_responses(CrossOrigin, QuotaExceeded, ValidationFailed, WebhookUrlRefused, *BODY_ERRORS),
)
async def create_webhook(
    new: WebhookCreate, user: SessionUser, db: CurrentDatabase, request: Request, response: Response
) -> WebhookWithSecret:
    """Makes a webhook: the service sends the account's changes to its URL from now on, as `webhooks` below describes.

    Only this response has the `secret`. A repeated request makes another webhook: the service does not store what it
    would need to answer with the first one.
    """
    resources = get_resources(request)
    created = await operations.create(
        db,
        resources.webhook_secrets,
        user.id,
        new,
        quota=resources.settings.quotas.webhooks,
        allow_private=resources.settings.webhooks.allow_private,
    )
    record("webhook_create", "success", find_caller(request), account_id=user.id)
    response.headers["Location"] = build_url(request, f"{PATH}/{created.id}")
    return created


@router.get("/{webhook_id}", response_model=WebhookRead, responses=error_responses(WebhookNotFound))
async def read_webhook(webhook_id: UUID, user: SessionUser, db: CurrentDatabase) -> Webhook:
    """Returns a webhook without its secret."""
    return await operations.get(db, user.id, webhook_id)


@router.patch(
    "/{webhook_id}",
    response_model=WebhookRead,
    responses=error_responses(CrossOrigin, WebhookNotFound, ValidationFailed, WebhookUrlRefused, *BODY_ERRORS),
)
async def update_webhook(
    webhook_id: UUID, changes: WebhookUpdate, user: SessionUser, db: CurrentDatabase, request: Request
) -> Webhook:
    """Applies a merge patch: an absent field stays. A webhook that is enabled again gets the changes from now on."""
    allow_private = get_resources(request).settings.webhooks.allow_private
    updated = await operations.update(db, user.id, webhook_id, changes, allow_private=allow_private)
    record("webhook_update", "success", find_caller(request), account_id=user.id)
    return updated


@router.delete("/{webhook_id}", status_code=204, responses=error_responses(CrossOrigin, WebhookNotFound))
async def delete_webhook(webhook_id: UUID, user: SessionUser, db: CurrentDatabase, request: Request) -> None:
    """Deletes a webhook with the log of its deliveries."""
    await operations.delete(db, user.id, webhook_id)
    record("webhook_delete", "success", find_caller(request), account_id=user.id)


@router.post(
    "/{webhook_id}/secret", response_model=WebhookSecretRead, responses=error_responses(CrossOrigin, WebhookNotFound)
)
async def rotate_webhook_secret(
    webhook_id: UUID, user: SessionUser, db: CurrentDatabase, request: Request
) -> WebhookWithSecret:
    """Gives the webhook a new secret, which only this response has. For 24 hours, the previous secret signs too."""
    rotated = await operations.rotate_secret(db, get_resources(request).webhook_secrets, user.id, webhook_id)
    record("webhook_secret", "success", find_caller(request), account_id=user.id)
    return rotated


@router.post(
    "/{webhook_id}/test",
    status_code=202,
    response_model=DeliveryRead,
    responses=error_responses(CrossOrigin, WebhookNotFound, TooManyAttempts, *KEY_ERRORS),
)
async def send_webhook_test(
    webhook_id: UUID, user: SessionUser, request: Request, response: Response, key: IdempotencyKey = None
) -> Response:
    """Sends a message of the type `webhook.test` once, soon, also to a webhook that is switched off.

    The deliveries of the webhook show the result.
    """
    await _count_request(request, user.id)

    async def work(db: Executor) -> StoredResponse:
        return _store(await deliveries.request_test(db, user.id, webhook_id))

    answer = await answer_once(work, None, user_id=user.id, key=key, request=request, response=response)
    get_resources(request).outbox.wake()
    return answer


@router.get(
    "/{webhook_id}/deliveries",
    response_model=list[DeliveryRead],
    responses=error_responses(WebhookNotFound, InvalidCursor),
    openapi_extra=describe_query(PageQuery),
)
async def list_webhook_deliveries(
    webhook_id: UUID,
    query: Annotated[PageQuery, Depends(parse_query(PageQuery))],
    user: SessionUser,
    db: CurrentDatabase,
    request: Request,
    response: Response,
) -> list[Delivery]:
    """Returns the messages of the last 30 days, at most 1,000, the newest first, with their results."""
    page = await _DELIVERIES.read_page(
        request,
        response,
        query,
        lambda limit, after: deliveries.list_page(db, user.id, webhook_id, limit=limit, after=after),
    )
    return list(page)


@router.post(
    "/deliveries/{delivery_id}/redeliver",
    status_code=202,
    response_model=DeliveryRead,
    responses=error_responses(CrossOrigin, DeliveryNotFound, TooManyAttempts, *KEY_ERRORS),
)
async def redeliver_webhook_message(
    delivery_id: UUID, user: SessionUser, request: Request, response: Response, key: IdempotencyKey = None
) -> Response:
    """Sends a message again, soon, with the same `webhook-id`.

    A message that waits for its next attempt is tried now instead, in its order.
    """
    await _count_request(request, user.id)

    async def work(db: Executor) -> StoredResponse:
        return _store(await deliveries.repeat(db, user.id, delivery_id))

    answer = await answer_once(work, None, user_id=user.id, key=key, request=request, response=response)
    get_resources(request).outbox.wake()
    return answer


async def _count_request(request: Request, user_id: UUID) -> None:
    """Counts a test or a repeated delivery. Raises TooManyAttempts."""
    limits = get_resources(request).settings.rate_limits
    allowed = {rate_limits.name_webhook_key(user_id): limits.webhook_tests_per_account}
    await rate_limits.count_attempt(get_resources(request).database, allowed, limits.mails_window)


def _store(delivery: Delivery) -> StoredResponse:
    return StoredResponse(202, DeliveryRead.model_validate(delivery).model_dump_json().encode(), {})
