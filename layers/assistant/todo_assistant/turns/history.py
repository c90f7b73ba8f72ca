"""What a model gets to read: the rules, as many earlier turns as fit, and the turn so far."""

import re
from collections.abc import Iterable
from typing import Final
from zoneinfo import ZoneInfo

from todo_assistant.models import prompt
from todo_assistant.models.messages import ChatMessage, ToolCallMessage
from todo_assistant.turns import conversations
from todo_assistant.turns.store import ModelResponse, ToolCall, Turn
from todo_core.database.executor import Executor

_MOST_TURNS: Final = 20
_BYTES_PER_TOKEN: Final = 3
"""Rather too few than too many: tokenisers differ, and none is loaded for this."""


async def earlier(db: Executor, turn: Turn, *, most_tokens: int) -> list[ChatMessage]:
    """The rules, and what was said before a turn; earlier turns whole or not at all, the newest first to be kept."""
    left = most_tokens
    kept: list[list[ChatMessage]] = []
    for past in await conversations.turns_before(db, turn, limit=_MOST_TURNS):
        said = [*of_turn(past), *_closing(past)]
        left -= tokens_of(said)
        if left < 0:
            break
        kept.insert(0, said)
    return [
        prompt.system_message(turn.created_at, ZoneInfo(turn.timezone)),
        *(message for said in kept for message in said),
    ]


def of_turn(turn: Turn) -> Iterable[ChatMessage]:
    """What was said in a turn so far."""
    yield {"role": "user", "content": turn.message}
    for each in turn.rounds:
        yield from _round(each)


def tokens_of(said: object) -> int:
    """An estimate of what messages, or a reply, cost."""
    return len(str(said).encode(errors="replace")) // _BYTES_PER_TOKEN


def _closing(turn: Turn) -> Iterable[ChatMessage]:
    """How an earlier turn ended, where its last round does not say so."""
    if turn.rounds and not turn.rounds[-1].calls:
        return
    # The question that a turn asked quotes todos, whose text is data and must not come back outside of the fence.
    ending = (
        "(I asked for approval and was not answered.)" if turn.status == "needs_approval" else "(I was interrupted.)"
    )
    yield {"role": "assistant", "content": (turn.response if turn.stopped_by else None) or ending}


def _round(each: ModelResponse) -> Iterable[ChatMessage]:
    if not each.calls:
        yield {"role": "assistant", "content": each.content}
        return
    # An empty text, where OpenAI would take null: other endpoints do not.
    yield {"role": "assistant", "content": each.content, "tool_calls": [_call(call) for call in each.calls]}
    for call in each.calls:
        result = call.result if call.result is not None else {"error": "This was not carried out."}
        yield {"role": "tool", "tool_call_id": call.id, "content": prompt.fence(result)}


def _call(call: ToolCall) -> ToolCallMessage:
    # Endpoints refuse a name that no tool could have, and with it everything that is said in the conversation.
    name = re.sub(r"[^A-Za-z0-9_-]", "_", call.name) or "_"
    return {"id": call.id, "type": "function", "function": {"name": name, "arguments": call.arguments}}
