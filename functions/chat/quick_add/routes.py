import asyncio
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Request, Response

from functions.chat.quick_add.models import (
    QuickAddRead,
    QuickAddRequest,
    build_created_json,
    build_draft_json,
    build_understood_json,
)
from todo_assistant.errors import TextNotUnderstood
from todo_core.database.executor import Executor
from todo_core.database.idempotency import StoredResponse
from todo_core.errors import CrossOrigin, DatabaseUnavailable, NotAuthenticated, QuotaExceeded
from todo_core.web.idempotency import KEY_ERRORS, IdempotencyKey, answer_once
from todo_core.web.identity import CurrentUser
from todo_core.web.problems import BODY_ERRORS, ValidationFailed, error_responses
from todo_core.web.public_url import build_url
from todo_core.web.request_costs import register_cost
from todo_core.web.scopes import register_scopes

PATH: Final = "/api/v1/quick-add"
_TODOS_PATH: Final = "/api/v1/todos"

register_scopes(PATH, read=["todos:write"], write=["todos:write"])
register_cost("POST", PATH, 3)

router = APIRouter(
    prefix=PATH, tags=["quick add"], responses=error_responses(NotAuthenticated, ValidationFailed, DatabaseUnavailable)
)


@router.post(
    "",
    status_code=201,
    response_model=QuickAddRead,
    responses=error_responses(CrossOrigin, QuotaExceeded, TextNotUnderstood, *BODY_ERRORS, *KEY_ERRORS)
    | {200: {"model": QuickAddRead, "description": "What a `dry_run` would add."}},
)
async def quick_add(
    new: QuickAddRequest, user: CurrentUser, request: Request, response: Response, key: IdempotencyKey = None
) -> Response:
    """Adds the todos that a text means, and tells which part of the text was understood as what.

    The text is read as the built-in commands of the assistant read a new todo, in their seven languages. Each line
    is a todo. Text that would be another command, such as `delete milk`, is a title here.
    """
    now, timezone = datetime.now(UTC), new.timezone or user.timezone
    zone = ZoneInfo(timezone)

    async def add(db: Executor) -> StoredResponse:
        # Loads the grammar at the first request: it takes a tenth of a second.
        from todo_assistant import quick_add as operation  # noqa: PLC0415

        # In a thread, because a long text takes 0.2 s.
        read = await asyncio.to_thread(operation.read_text, new.text, now=now, timezone=zone)
        async with db.transaction() as transaction:
            done = await operation.add(transaction, user.actor, read, is_dry=new.dry_run)
        url = build_url(request, _TODOS_PATH)
        content = {
            "todos": [build_created_json(todo, url) for todo in done.todos],
            "drafts": [build_draft_json(draft.fields, draft.project) for draft in done.drafts],
            "understood": build_understood_json(done.understood, new.text),
        }
        return StoredResponse(200 if new.dry_run else 201, msgspec.json.encode(content))

    return await answer_once(add, new, user_id=user.id, key=key, request=request, response=response)
