"""The header Idempotency-Key: a repeat of a request with the same key gets the stored response, changes nothing."""

from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Annotated, Final
from uuid import UUID

from fastapi import Header, Request, Response
from pydantic import BaseModel

from todo_core.database.executor import Executor
from todo_core.database.idempotency import KeyedRequest, StoredResponse, run_once
from todo_core.errors import IdempotencyKeyReused, QuotaExceeded, RequestInProgress
from todo_core.web.problems import ValidationFailed
from todo_core.web.resources import get_resources

REPLAYED: Final = "Idempotent-Replayed"
KEY_ERRORS: Final = (ValidationFailed, IdempotencyKeyReused, RequestInProgress, QuotaExceeded)
"""The errors that routes with an Idempotency-Key declare in OpenAPI.

Includes QuotaExceeded, because stored responses count for the quota of bytes.
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


def _hash_request(request: Request, body: BaseModel | None) -> bytes:
    """Returns a digest of a request: of its body, its path, its query and its If-Match."""
    target = [*request.path_params.values(), request.url.query, request.headers.get("if-match", "")]
    if body is not None and not any(target):
        # As in version 0.2.0, whose stored digests still count.
        return hash_body(body)
    content = "" if body is None else body.model_dump_json()
    return sha256("\n".join([*map(str, target), content]).encode()).digest()


def build_keyed_request(request: Request, body: BaseModel | None, user_id: UUID, key: str) -> KeyedRequest:
    """Returns the request as it is stored with its key. The quota of stored bytes is that of the settings."""
    route = f"{request.method} {request.scope['route'].path_format}"
    # Deletes make room, so they work without any.
    quota = None if request.method == "DELETE" else get_resources(request).settings.quotas.stored_bytes
    return KeyedRequest(user_id, route, key, _hash_request(request, body), quota)


async def answer_once(  # noqa: PLR0913 - all that a route knows of its request
    work: Callable[[Executor], Awaitable[StoredResponse]],
    body: BaseModel | None,
    *,
    user_id: UUID,
    key: str | None,
    request: Request,
    response: Response,
) -> Response:
    """Runs the work and returns its response. With a key, a repeated request gets the stored response instead.

    `body` is None for a route without one. Raises IdempotencyKeyReused, RequestInProgress and QuotaExceeded.
    """
    db = get_resources(request).database
    if key is None:
        answer = await work(db)
    else:
        answer = await run_once(db, build_keyed_request(request, body, user_id, key), work)
    if answer.replayed:
        response.headers[REPLAYED] = "true"
    response.headers.update(answer.headers)
    media_type = "application/json" if answer.body else None
    return Response(answer.body, answer.status, response.headers, media_type=media_type)


def keep_model(status: int, model: BaseModel, headers: Mapping[str, str] | None = None) -> StoredResponse:
    """Returns the response with a model as JSON."""
    return StoredResponse(status, model.model_dump_json().encode(), headers or {})


NO_CONTENT: Final = StoredResponse(204, b"")
