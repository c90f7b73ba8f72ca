"""The method `tools/call`: runs a tool as a turn, and asks the person where the tool needs it."""

from typing import Any, Final
from uuid import UUID

import msgspec
from fastapi import Response

from functions.mcp.caller import Caller
from functions.mcp.questions import FIELD, open_question, read_answer, require_input, seal_question
from functions.mcp.waiting import WAIT_SECONDS, QuestionStream
from functions.mcp.wire import INVALID_PARAMS, Call, Json, Reply, RpcError, complete
from todo_assistant.direct_calls import DirectCall, encode_arguments
from todo_assistant.tools.executor import MAX_ARGUMENT_CHARACTERS
from todo_assistant.tools.registry import Tool, describe_failure
from todo_assistant.tools.todo_tools import TODO_TOOLS
from todo_assistant.turns.model import Turn
from todo_core.deadlines import CHANGE_SECONDS
from todo_core.errors import InsufficientScope, ServiceError

_RUN_SECONDS: Final = CHANGE_SECONDS - 2
_MAX_KEY_CHARACTERS: Final = 255
_IDEMPOTENCY_KEY: Final = "idempotency-key"
_CANNOT_ASK: Final = (
    "This needs the person's yes, and this client cannot ask them. Nothing was changed. Tell the person to do it in "
    "the app, or to allow this client to delete without asking where the app lists its tokens and connections."
)
_TOO_LONG: Final = "The arguments are too long, so nothing was done; call with fewer items."
_STALE_STATE: Final = "The requestState does not belong to this call, or is too old. Call the tool again without it."
_OUT_OF_TIME: Final = "There was no time left for this call, so nothing was done. Call again."


async def call_tool(caller: Caller, call: Call) -> Json | Response:
    """Runs a tool. Returns its result, a question in the newest revision, or a stream with one in an older revision.

    Raises RpcError for an unknown tool, InsufficientScope, and errors of the service with a status of 500 or more.
    """
    tool, direct = _read_call(caller, call)
    try:
        if "requestState" in call.params and caller.peer.is_stateless:
            return await _continue(caller, call, direct, tool)
        if len(direct.arguments) > MAX_ARGUMENT_CHARACTERS:
            return _fail(caller, "too_long", _TOO_LONG)
        turn = await caller.direct_calls.run(
            direct,
            seconds=_RUN_SECONDS,
            may_do_all=caller.user.may_delete_unasked,
            refusal=None if caller.can_ask else _CANNOT_ASK,
        )
    except ServiceError as error:
        if error.status >= 500:  # noqa: PLR2004 - the client may repeat the request
            raise
        return _fail(caller, error.code, error.sentence)
    return _respond(caller, turn, direct, tool)


async def take_answer(caller: Caller, reply: Reply) -> None:
    """Takes the answer to a question of an older revision, and runs the tool if it is a yes. Ignores other messages."""
    question, approved = open_question(caller, reply.id), read_answer(reply.result)
    if question is not None and approved is not None:
        await caller.direct_calls.answer(
            caller.user.id, UUID(question.turn_id), caller.client, approved=approved, seconds=_RUN_SECONDS
        )


def _read_call(caller: Caller, call: Call) -> tuple[Tool[Any], DirectCall]:
    name, arguments = call.params.get("name"), call.params.get("arguments", {})
    tool = TODO_TOOLS.find(name) if isinstance(name, str) else None
    if tool is None:
        raise RpcError(INVALID_PARAMS, f"Unknown tool: {str(name)[:100]}")
    if not isinstance(arguments, dict):
        raise RpcError(INVALID_PARAMS, "The arguments must be an object.")
    if not tool.traits.reads and "todos:write" not in (caller.user.scopes or ()):
        raise InsufficientScope(["todos:read", "todos:write"])
    key = None if tool.traits.reads else caller.request.headers.get(_IDEMPOTENCY_KEY)
    if key is not None and not (0 < len(key) <= _MAX_KEY_CHARACTERS and key.isascii() and key.isprintable()):
        raise RpcError(INVALID_PARAMS, "An Idempotency-Key has 1 to 255 characters of ASCII.")
    direct = DirectCall(
        caller.user.id,
        caller.token_id,
        caller.client,
        caller.user.timezone,
        tool.name,
        encode_arguments(arguments),
        key,
    )
    return tool, direct


async def _continue(caller: Caller, call: Call, direct: DirectCall, tool: Tool[Any]) -> Json:
    """Goes on with a call for which the person was asked. Asks again if the answer is missing or unclear."""
    question = open_question(caller, call.params["requestState"], direct)
    if question is None:
        raise RpcError(INVALID_PARAMS, _STALE_STATE)
    responses = call.params.get("inputResponses")
    approved = read_answer(responses.get(FIELD)) if isinstance(responses, dict) else None
    turn_id, calls = UUID(question.turn_id), caller.direct_calls
    if approved is None:
        turn = await calls.load(caller.user.id, turn_id)
        if turn.status == "needs_approval":
            return complete(caller.peer, require_input(turn, call.params["requestState"]))
    else:
        turn = await calls.answer(caller.user.id, turn_id, caller.client, approved=approved, seconds=_RUN_SECONDS)
    return to_result(caller, turn, tool)


def _respond(caller: Caller, turn: Turn, direct: DirectCall, tool: Tool[Any]) -> Json | Response:
    if turn.status != "needs_approval":
        return to_result(caller, turn, tool)
    if caller.peer.is_stateless:
        return complete(caller.peer, require_input(turn, seal_question(caller, turn, direct)))
    question = seal_question(caller, turn, direct, seconds=WAIT_SECONDS)
    return QuestionStream(caller, turn, question, lambda finished: to_result(caller, finished, tool))


def to_result(caller: Caller, turn: Turn, tool: Tool[Any]) -> Json:
    """Returns the result of a finished turn: JSON, and the same as text."""
    call = next(iter(turn.calls), None)
    if call is None or call.ok is None or call.result is None:
        return _fail(caller, "incomplete", turn.response or _OUT_OF_TIME)
    content = dict(call.result) if tool.traits.reads else {**call.result, "turn_id": str(turn.id)}
    return _make_result(caller, content, is_error=not call.ok and not _has_success(call.result))


def _has_success(result: Json) -> bool:
    """Returns True if some items succeeded: a client that takes the whole for an error would repeat them."""
    results = result.get("results")
    return isinstance(results, list) and any(item.get("ok") for item in results)


def _fail(caller: Caller, code: str, sentence: str) -> Json:
    return _make_result(caller, describe_failure(code, sentence, {}), is_error=True)


def _make_result(caller: Caller, content: Json, *, is_error: bool) -> Json:
    text = msgspec.json.encode(content).decode()
    result: Json = {"content": [{"type": "text", "text": text}], "structuredContent": content, "isError": is_error}
    return complete(caller.peer, result)
