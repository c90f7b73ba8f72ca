"""The header Idempotency-Key: whatever creates something does so once, however often it is asked to."""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Annotated, Final
from uuid import UUID

from fastapi import Header, Request, Response
from pydantic import BaseModel

from todo_core.database.executor import Executor
from todo_core.database.idempotency import Answer, KeyedRequest, run_once
from todo_core.errors import IdempotencyKeyReused, RequestInProgress
from todo_core.web.problems import ValidationFailed
from todo_core.web.resources import get_resources

REPLAYED: Final = "Idempotent-Replayed"
KEY_ERRORS: Final = (ValidationFailed, IdempotencyKeyReused, RequestInProgress)
"""With the router's own 422, which would not show beside another one."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="Makes it safe to send the request again: for 24 hours, a repeat gets the answer of the first.",
    ),
]


def hash_body(asked: BaseModel) -> bytes:
    """Tells one body from another, whatever the order of its fields."""
    return sha256(asked.model_dump_json().encode()).digest()


async def answer_once(  # noqa: PLR0913 - what a route has at hand
    work: Callable[[Executor], Awaitable[Answer]],
    asked: BaseModel,
    *,
    user_id: UUID,
    key: str | None,
    request: Request,
    response: Response,
) -> Response:
    """Answers with what the work makes of `asked`: with a key, once; without one, each time."""
    db = get_resources(request).database
    if key is None:
        answer = await work(db)
    else:
        route = f"{request.method} {request.scope['route'].path_format}"
        answer = await run_once(db, KeyedRequest(user_id, route, key, hash_body(asked)), work)
    if answer.replayed:
        response.headers[REPLAYED] = "true"
    response.headers.update(answer.headers)
    return Response(answer.body, answer.status, response.headers, media_type="application/json")
