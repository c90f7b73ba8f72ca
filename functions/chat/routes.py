from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Request, Response

from functions.chat.models import (
    EVENTS_EXAMPLE,
    ChatRequest,
    ConversationRead,
    ConversationRename,
    Decision,
    HistoryQuery,
    MessageRead,
    TurnRead,
    UndoneRead,
)
from functions.chat.own_protocol import OwnProtocol
from functions.chat.running import CurrentAssistant, get_assistant, load_ended, run_agent, stream_turn
from todo_assistant.assistant import Assistant
from todo_assistant.errors import (
    AssistantBudgetSpent,
    AssistantNotConfigured,
    AssistantUnavailable,
    ConversationNotFound,
    NothingToApprove,
    TooManyTurns,
    TurnInProgress,
    TurnNotFound,
    TurnUndone,
)
from todo_assistant.turns import conversations, store
from todo_assistant.turns.conversations import Conversation, Message, MessagePosition
from todo_assistant.turns.model import NewTurn, Turn
from todo_core.database.executor import Executor
from todo_core.database.idempotency import KeyedRequest, StoredResponse, run_once
from todo_core.errors import (
    CrossOrigin,
    DatabaseUnavailable,
    IdempotencyKeyReused,
    InvalidCursor,
    NotAuthenticated,
    QuotaExceeded,
)
from todo_core.web.event_stream import EVENT_STREAM
from todo_core.web.idempotency import (
    KEY_ERRORS,
    NO_CONTENT,
    REPLAYED,
    IdempotencyKey,
    answer_once,
    build_keyed_request,
    hash_body,
    keep_model,
)
from todo_core.web.identity import CurrentUser
from todo_core.web.openapi import register_events
from todo_core.web.paging import PagedList, parse_time_and_id
from todo_core.web.problems import BODY_ERRORS, ValidationFailed, error_responses
from todo_core.web.query import PageQuery, describe_query, parse_query
from todo_core.web.request_costs import register_cost
from todo_core.web.resources import CurrentDatabase
from todo_core.web.scopes import register_scopes
from todo_core.web.stream_schemas import describe_stream

PATH: Final = "/api/v1/chat"

_TURN_LINKS: Final = {
    operation: {"operationId": operation, "parameters": {"turn_id": "$response.body#/turn_id"}}
    for operation in ("read_turn", "undo_turn", "decide_turn")
}
_STREAMED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": (
            "The turn. With `Accept: text/event-stream` it is sent as the events `turn`, `token`, `tool_call`, "
            "`tool_result`, and at the end `done` with the same object, or `error` with a problem document."
        ),
        "content": describe_stream("Chat", EVENTS_EXAMPLE),
        "links": _TURN_LINKS,
    }
}
_CONVERSATIONS: Final = PagedList[Conversation, tuple[datetime, UUID]](
    "conversations",
    position_of=lambda conversation: (conversation.active_at.isoformat(), conversation.id),
    parse=parse_time_and_id,
)
_HISTORY: Final = PagedList[Message, MessagePosition](
    "history",
    position_of=lambda message: (message.turn_id, 1 if message.role == "user" else 2),
    parse=lambda turn_id, part: MessagePosition(UUID(turn_id), int(part)),
    # A request without a conversation reads the latest one, which may be another one at the next request.
    link_parameters=lambda message: {"conversation_id": str(message.conversation_id)},
)
_FAILURES: Final = (AssistantUnavailable, AssistantNotConfigured)

register_cost("POST", PATH, 5)
register_scopes(PATH, read=["chat"], write=["chat"])

router = APIRouter(
    prefix=PATH, tags=["chat"], responses=error_responses(NotAuthenticated, ValidationFailed, DatabaseUnavailable)
)


def _describe_events(schemas: dict[str, Any]) -> dict[str, Any]:
    from functions.chat import event_schemas  # noqa: PLC0415 - only the OpenAPI document needs it

    return event_schemas.describe(schemas)


register_events(_describe_events)


async def prepare_assistant(app: FastAPI) -> None:
    """Imports the libraries of the model, so that the first turn of the process is not delayed."""
    await get_assistant(app).model.prepare()


async def close_assistant(app: FastAPI) -> None:
    """Closes the connections to the model, if any were opened."""
    if hasattr(app.state, "assistant"):
        await app.state.assistant.model.close()


@router.post(
    "",
    response_model=TurnRead,
    responses=_STREAMED
    | error_responses(
        CrossOrigin,
        ConversationNotFound,
        TurnInProgress,
        IdempotencyKeyReused,
        ValidationFailed,
        AssistantBudgetSpent,
        TooManyTurns,
        QuotaExceeded,
        DatabaseUnavailable,
        *_FAILURES,
        *BODY_ERRORS,
    ),
)
async def chat(
    message: ChatRequest,
    user: CurrentUser,
    assistant: CurrentAssistant,
    request: Request,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> TurnRead | Response:
    """Runs one turn of the assistant. It asks for approval before it deletes todos or changes more than five."""
    new = NewTurn(
        message=message.message,
        conversation_id=message.conversation_id,
        timezone=message.timezone or user.timezone,
        model=assistant.model.name,
        idempotency_key=idempotency_key,
        digest=hash_body(message),
    )
    turn = await assistant.begin(user.id, new)
    if turn.lease is None:
        response.headers[REPLAYED] = "true"
    turn.token_name = user.token_name
    return await _respond(turn, assistant, request, response)


@router.get(
    "/history",
    responses=error_responses(ConversationNotFound, InvalidCursor),
    openapi_extra=describe_query(HistoryQuery),
)
async def read_history(
    query: Annotated[HistoryQuery, Depends(parse_query(HistoryQuery))],
    user: CurrentUser,
    db: CurrentDatabase,
    request: Request,
    response: Response,
) -> list[MessageRead]:
    """Lists the messages of a conversation: the newest page first, in each page the oldest message first."""
    before = _HISTORY.read_cursor(request, query)
    page = await conversations.messages(db, user.id, query.conversation_id, limit=query.limit, before=before)
    if page.has_more:
        _HISTORY.link_to_page_after(page.messages[-1], request, response)
    return [MessageRead.of(message) for message in reversed(page.messages)]


@router.get("/conversations", responses=error_responses(InvalidCursor), openapi_extra=describe_query(PageQuery))
async def list_conversations(
    query: Annotated[PageQuery, Depends(parse_query(PageQuery))],
    user: CurrentUser,
    db: CurrentDatabase,
    request: Request,
    response: Response,
) -> list[ConversationRead]:
    """Lists the conversations, the most recently active first."""
    page = await _CONVERSATIONS.read_page(
        request, response, query, lambda limit, after: conversations.list_page(db, user.id, limit=limit, after=after)
    )
    return [ConversationRead.model_validate(conversation) for conversation in page]


@router.patch(
    "/conversations/{conversation_id}",
    response_model=ConversationRead,
    responses=error_responses(CrossOrigin, ConversationNotFound, *BODY_ERRORS, *KEY_ERRORS),
)
async def rename_conversation(
    conversation_id: UUID,
    renamed: ConversationRename,
    user: CurrentUser,
    request: Request,
    response: Response,
    key: IdempotencyKey = None,
) -> Response:
    """Changes the title of a conversation."""

    async def rename(db: Executor) -> StoredResponse:
        conversation = await conversations.rename(db, user.id, conversation_id, renamed.title)
        return keep_model(200, ConversationRead.model_validate(conversation))

    return await answer_once(rename, renamed, user_id=user.id, key=key, request=request, response=response)


@router.delete(
    "/conversations/{conversation_id}",
    status_code=204,
    responses=error_responses(CrossOrigin, ConversationNotFound, *KEY_ERRORS),
)
async def delete_conversation(
    conversation_id: UUID, user: CurrentUser, request: Request, response: Response, key: IdempotencyKey = None
) -> Response:
    """Deletes the conversation with its messages. Changes of todos stay."""

    async def delete(db: Executor) -> StoredResponse:
        await conversations.delete(db, user.id, conversation_id)
        return NO_CONTENT

    return await answer_once(delete, None, user_id=user.id, key=key, request=request, response=response)


@router.get("/turns/{turn_id}", responses=error_responses(TurnNotFound))
async def read_turn(turn_id: UUID, user: CurrentUser, db: CurrentDatabase) -> TurnRead:
    """Returns a turn in its current state, for a client that lost the answer.

    A turn whose process died is incomplete.
    """
    return await _load_turn(db, user.id, turn_id)


@router.post(
    "/turns/{turn_id}/undo",
    response_model=UndoneRead,
    responses=error_responses(CrossOrigin, QuotaExceeded, TurnNotFound, TurnInProgress, TurnUndone, *KEY_ERRORS),
)
async def undo_turn(
    turn_id: UUID,
    user: CurrentUser,
    assistant: CurrentAssistant,
    request: Request,
    response: Response,
    key: IdempotencyKey = None,
) -> Response:
    """Restores all todos and projects that the turn changed. Those that changed after the turn are only reported."""

    async def undo(db: Executor) -> StoredResponse:
        return keep_model(200, UndoneRead.of(await assistant.undo(db, user.actor, turn_id)))

    return await answer_once(undo, None, user_id=user.id, key=key, request=request, response=response)


@router.post(
    "/turns/{turn_id}/approval",
    response_model=TurnRead,
    responses=_STREAMED
    | error_responses(
        CrossOrigin,
        TurnNotFound,
        TurnInProgress,
        NothingToApprove,
        TooManyTurns,
        DatabaseUnavailable,
        *_FAILURES,
        *BODY_ERRORS,
        *KEY_ERRORS,
    ),
)
async def decide_turn(
    turn_id: UUID,
    decision: Decision,
    user: CurrentUser,
    assistant: CurrentAssistant,
    request: Request,
    response: Response,
    key: IdempotencyKey = None,
) -> TurnRead | Response:
    """Continues a turn that waits for approval. An approval can be given once, for the listed calls only.

    With a key, a repeat gets the turn as it is now.
    """

    async def answer(db: Executor) -> Turn:
        return await assistant.answer_approval(db, user.id, turn_id, approved=decision.approve)

    if key is None:
        turn = await answer(assistant.db)
    else:
        turn = await _answer_once(answer, build_keyed_request(request, decision, user.id, key), assistant, response)
    turn.token_name = user.token_name
    return await _respond(turn, assistant, request, response)


async def _answer_once(
    answer: Callable[[Executor], Awaitable[Turn]], keyed: KeyedRequest, assistant: Assistant, response: Response
) -> Turn:
    """Stores an answer to an approval together with its key, and returns the turn. A repeat returns the same turn.

    Raises the errors of `Assistant.answer_approval` and of `run_once`.
    """
    turns: list[Turn] = []

    async def store_answer(transaction: Executor) -> StoredResponse:
        turns.append(await answer(transaction))
        return StoredResponse(202, str(turns[0].id).encode())

    stored = await run_once(assistant.db, keyed, store_answer)
    if not stored.replayed:
        return turns[0]
    response.headers[REPLAYED] = "true"
    try:
        # Continues a turn whose process died.
        return await answer(assistant.db)
    except NothingToApprove:
        return await store.load(assistant.db, keyed.user_id, UUID(stored.body.decode()))


async def _respond(turn: Turn, assistant: Assistant, request: Request, response: Response) -> TurnRead | Response:
    """Runs the turn unless it is finished. Returns it as JSON or, if the client accepts them, as events."""
    if EVENT_STREAM in request.headers.get("accept", ""):
        return stream_turn(turn, OwnProtocol(), assistant, request, response)
    if turn.lease is not None:
        await run_agent(turn, assistant, request)
    return await _load_turn(assistant.db, turn.user_id, turn.id)


async def _load_turn(db: Executor, user_id: UUID, turn_id: UUID) -> TurnRead:
    ended = await load_ended(db, user_id, turn_id)
    return TurnRead.of(ended.turn, ended.changed)
