"""The header Idempotency-Key: a repeat of a request with the same key gets the stored response, changes nothing."""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Annotated, Final
from uuid import UUID

from fastapi import Header, Request, Response
from pydantic import BaseModel

from todo_core.database.executor import Executor
from todo_core.database.idempotency import KeyedRequest, StoredResponse, run_once
from todo_core.errors import IdempotencyKeyReused, RequestInProgress
from todo_core.web.problems import ValidationFailed
from todo_core.web.resources import get_resources

REPLAYED: Final = "Idempotent-Replayed"
KEY_ERRORS: Final = (ValidationFailed, IdempotencyKeyReused, RequestInProgress)
"""The errors that routes with an Idempotency-Key declare in OpenAPI.

Includes ValidationFailed, because a 422 response of a route replaces the 422 response of its router.
"""

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="Makes a repeat of the request safe: for 24 hours it gets the response of the first one.",
    ),
]


def hash_body(body: BaseModel) -> bytes:
    """Returns a digest of a validated body. The order of the fields in the request does not change the digest."""
    return sha256(body.model_dump_json().encode()).digest()


async def answer_once(  # noqa: PLR0913 - all that a route knows of its request
    work: Callable[[Executor], Awaitable[StoredResponse]],
    body: BaseModel,
    *,
    user_id: UUID,
    key: str | None,
    request: Request,
    response: Response,
) -> Response:
    """Runs the work and returns its response. With a key, a repeated request gets the stored response instead.

    Raises IdempotencyKeyReused, RequestInProgress and QuotaExceeded.
    """
    resources = get_resources(request)
    db = resources.database
    if key is None:
        answer = await work(db)
    else:
        route = f"{request.method} {request.scope['route'].path_format}"
        max_stored_bytes = resources.settings.quotas.stored_bytes
        answer = await run_once(db, KeyedRequest(user_id, route, key, hash_body(body), max_stored_bytes), work)
    if answer.replayed:
        response.headers[REPLAYED] = "true"
    response.headers.update(answer.headers)
    return Response(answer.body, answer.status, response.headers, media_type="application/json")
