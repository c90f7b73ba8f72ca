"""Chat for front ends that use the AI SDK or AG-UI. The turns are those of `POST /api/v1/chat`."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from functions.chat.front_ends.ag_ui_request import RunAgentInput
from functions.chat.front_ends.ag_ui_stream import AgUiProtocol
from functions.chat.front_ends.ai_sdk_request import AiSdkRequest
from functions.chat.front_ends.ai_sdk_stream import AiSdkProtocol
from functions.chat.front_ends.input import ChatId, OpenedTurn, identify_conversation, open_turn
from functions.chat.running import CurrentAssistant, follow_turn, stream_turn
from todo_assistant.errors import (
    AssistantBudgetSpent,
    AssistantNotConfigured,
    AssistantUnavailable,
    TooManyTurns,
    TurnInProgress,
    TurnNotFound,
)
from todo_assistant.turns import store
from todo_core.errors import CrossOrigin, DatabaseUnavailable, NotAuthenticated, QuotaExceeded
from todo_core.todos.errors import IdTaken
from todo_core.web.event_stream import EVENT_STREAM
from todo_core.web.idempotency import REPLAYED
from todo_core.web.identity import CurrentUser
from todo_core.web.problems import BODY_ERRORS, ValidationFailed, error_responses
from todo_core.web.request_costs import register_cost

PATH: Final = "/api/v1/chat"
_AI_SDK_EXAMPLE: Final = """\
data: {"type": "start", "messageId": "0198c5a1-9000-7c11-8a70-5b1f0d2e3c44"}

data: {"type": "start-step"}

data: {"type": "text-start", "id": "1.1.0"}

data: {"type": "text-delta", "id": "1.1.0", "delta": "Added “Buy milk”."}

data: {"type": "text-end", "id": "1.1.0"}

data: {"type": "finish-step"}

data: {"type": "finish", "finishReason": "stop"}

data: [DONE]
"""
_AG_UI_EXAMPLE: Final = """\
data: {"type": "RUN_STARTED", "threadId": "t1", "runId": "r1", "protocolVersion": "1.0"}

data: {"type": "TEXT_MESSAGE_START", "messageId": "m1", "role": "assistant"}

data: {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m1", "delta": "Added “Buy milk”."}

data: {"type": "TEXT_MESSAGE_END", "messageId": "m1"}

data: {"type": "RUN_FINISHED", "threadId": "t1", "runId": "r1", "outcome": {"type": "success"}}
"""
_ERRORS: Final = error_responses(
    CrossOrigin,
    TurnNotFound,
    TurnInProgress,
    IdTaken,
    ValidationFailed,
    AssistantBudgetSpent,
    TooManyTurns,
    QuotaExceeded,
    DatabaseUnavailable,
    AssistantUnavailable,
    AssistantNotConfigured,
    *BODY_ERRORS,
)

register_cost("POST", f"{PATH}/ai-sdk", 5)
register_cost("POST", f"{PATH}/ag-ui", 5)

router = APIRouter(
    prefix=PATH, tags=["chat"], responses=error_responses(NotAuthenticated, ValidationFailed, DatabaseUnavailable)
)


def _describe_stream(description: str, example: str) -> dict[int | str, dict[str, Any]]:
    # No type: tools disagree whether the schema is that of the text or of an event.
    content = {EVENT_STREAM: {"schema": {"description": "Server-sent events."}, "example": example}}
    return {200: {"description": description, "content": content}}


@router.post(
    "/ai-sdk",
    response_class=Response,
    responses=_describe_stream("The turn as a UI message stream.", _AI_SDK_EXAMPLE) | _ERRORS,
)
async def chat_by_ai_sdk(
    asked: AiSdkRequest, user: CurrentUser, assistant: CurrentAssistant, request: Request, response: Response
) -> Response:
    """Runs a turn for `useChat` of the AI SDK, or continues one after the answer to its approval.

    Only the last message counts. A message with the same id and text takes effect once: a repeat gets its turn.
    """
    opened = await open_turn(assistant, user, asked.id, asked.read_input(), asked.timezone)
    _mark_repeat(opened, response)
    return stream_turn(opened.turn, AiSdkProtocol(opened), assistant, request, response)


@router.get(
    "/ai-sdk/{chat_id}/stream",
    response_class=Response,
    responses=_describe_stream("The turn that runs in the chat, from its beginning.", _AI_SDK_EXAMPLE)
    | {204: {"description": "No turn of the chat runs."}},
)
async def resume_ai_sdk_stream(
    chat_id: Annotated[ChatId, Path()], user: CurrentUser, assistant: CurrentAssistant, request: Request
) -> Response:
    """Streams the turn of a chat that another request runs, for `resumeStream` of the AI SDK. Changes nothing."""
    turn = await store.find_latest(assistant.db, user.id, identify_conversation(user.id, chat_id))
    if turn is None or turn.status != "running":
        return Response(status_code=204)
    return follow_turn(turn, AiSdkProtocol(OpenedTurn(turn)), assistant, request)


@router.post(
    "/ag-ui",
    response_class=Response,
    responses=_describe_stream("The turn as the events of an AG-UI run.", _AG_UI_EXAMPLE) | _ERRORS,
)
async def chat_by_ag_ui(
    asked: RunAgentInput, user: CurrentUser, assistant: CurrentAssistant, request: Request, response: Response
) -> Response:
    """Runs a turn for an AG-UI client such as `HttpAgent`, or continues one after the answer to its interrupt.

    Only the last user message counts. A message with the same id and text takes effect once: a repeat gets its turn.
    """
    opened = await open_turn(assistant, user, asked.thread_id, asked.read_input(), asked.timezone)
    _mark_repeat(opened, response)
    protocol = AgUiProtocol(opened, asked.thread_id, asked.run_id, asked.known_messages)
    return stream_turn(opened.turn, protocol, assistant, request, response)


def _mark_repeat(opened: OpenedTurn, response: Response) -> None:
    if opened.turn.lease is None:
        response.headers[REPLAYED] = "true"
