"""The messages that a model reads: the system prompt, earlier turns that fit, and the current turn so far."""

import re
from collections.abc import Iterable
from typing import Final
from zoneinfo import ZoneInfo

from todo_assistant.models import prompt
from todo_assistant.models.messages import ChatMessage, ToolCallMessage
from todo_assistant.turns import conversations
from todo_assistant.turns.model import ModelResponse, ToolCall, Turn
from todo_core.database.executor import Executor

_MAX_EARLIER_TURNS: Final = 20
_BYTES_PER_TOKEN: Final = 3
"""A low estimate, so that token counts come out too high rather than too low. No tokeniser is loaded."""


async def messages_before(db: Executor, turn: Turn, *, max_tokens: int) -> list[ChatMessage]:
    """Returns the system message and the messages of the latest earlier turns.

    The earlier turns have at most `max_tokens` tokens in all. A turn that does not fit is left out whole,
    and so are all turns before it.
    """
    tokens_left = max_tokens
    kept: list[list[ChatMessage]] = []
    for earlier_turn in await conversations.turns_before(db, turn, limit=_MAX_EARLIER_TURNS):
        messages = [*messages_of(earlier_turn), *_closing_messages(earlier_turn)]
        tokens_left -= estimate_tokens(messages)
        if tokens_left < 0:
            break
        kept.insert(0, messages)
    return [
        prompt.system_message(turn.created_at, ZoneInfo(turn.timezone)),
        *(message for messages in kept for message in messages),
    ]


def messages_of(turn: Turn) -> Iterable[ChatMessage]:
    """Yields the messages of one turn: the user's message, then each model response with its tool results."""
    yield {"role": "user", "content": turn.message}
    for response in turn.model_responses:
        yield from _response_messages(response)


def estimate_tokens(value: object) -> int:
    """Returns an estimate of the tokens of messages or of a completion, by the length of their text."""
    return len(str(value).encode(errors="replace")) // _BYTES_PER_TOKEN


def _closing_messages(turn: Turn) -> Iterable[ChatMessage]:
    """Yields an assistant message about the outcome of an earlier turn that ended without a final answer."""
    if turn.model_responses and not turn.model_responses[-1].calls:
        return
    if turn.stopped_by and turn.response:
        content = turn.response
    elif turn.status == "needs_approval":
        # The stored question quotes titles of todos, which must reach a model inside the data fence only.
        content = "(I asked for approval and was not answered.)"
    else:
        content = "(I was interrupted.)"
    yield {"role": "assistant", "content": content}


def _response_messages(response: ModelResponse) -> Iterable[ChatMessage]:
    """Yields the message of a model response and one message per tool result."""
    if not response.calls:
        yield {"role": "assistant", "content": response.content}
        return
    # The content may be an empty string here: OpenAI accepts null too, but other endpoints do not.
    yield {
        "role": "assistant",
        "content": response.content,
        "tool_calls": [_tool_call_message(call) for call in response.calls],
    }
    for call in response.calls:
        result = call.result if call.result is not None else {"error": "This was not carried out."}
        yield {"role": "tool", "tool_call_id": call.id, "content": prompt.fence(result)}


def _tool_call_message(call: ToolCall) -> ToolCallMessage:
    # Model providers reject the whole request if a tool call has a name with other characters.
    name = re.sub(r"[^A-Za-z0-9_-]", "_", call.name) or "_"
    return {"id": call.id, "type": "function", "function": {"name": name, "arguments": call.arguments}}
