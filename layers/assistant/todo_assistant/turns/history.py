"""Messages for a model request: the system prompt, earlier turns within a token limit, and the current turn."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

from todo_assistant.models import prompt
from todo_assistant.models.messages import AssistantMessage, Message, ToolCallRequest, ToolMessage, UserMessage
from todo_assistant.turns import conversations
from todo_assistant.turns.model import ModelResponse, Turn
from todo_assistant.turns.shortening import list_todos, shorten
from todo_core.database.executor import Executor

UNANSWERED_APPROVAL: Final = "(I asked for approval and was not answered.)"
"""The last message of an earlier turn that waits for approval."""
_MAX_EARLIER_TURNS: Final = 20
_MAX_SHORTENED_ITEMS: Final = 10
"""The items that each list of a shortened turn keeps."""
_BYTES_PER_TOKEN: Final = 3
"""The assumed size of a token, as no tokeniser is loaded: low, so that estimates are too high rather than too low."""


async def messages_before(db: Executor, turn: Turn, *, max_tokens: int) -> list[Message]:
    """Returns the system message and the messages of up to 20 turns before this turn in its conversation.

    The messages of those turns have at most `max_tokens` estimated tokens in all, without their extras. The newest
    turns are kept. A turn that does not fit is shortened; the newest list of todos keeps the ids and titles of all its
    todos if possible.
    The first turn that does not fit even then is left out, and so are all turns before it.
    """
    tokens_left = max_tokens
    kept: list[list[Message]] = []
    has_newest_list = False
    for earlier_turn in await conversations.turns_before(db, turn, limit=_MAX_EARLIER_TURNS):
        messages = [*_all_messages_of(earlier_turn), *_closing_messages(earlier_turn)]
        is_newest_list = not has_newest_list and list_todos(messages)
        fitting = _fit(messages, tokens_left, keeps_lists=is_newest_list)
        if fitting is None:
            break
        has_newest_list = has_newest_list or is_newest_list
        tokens_left -= _estimate_without_extras(fitting)
        kept.insert(0, fitting)
    return [
        prompt.system_message(turn.created_at, ZoneInfo(turn.timezone)),
        *(message for messages in kept for message in messages),
    ]


def messages_of(turn: Turn, *, max_tokens: int) -> list[Message]:
    """Returns the messages of this turn only: the user's message, then each model response with its tool results.

    If they have more than `max_tokens` estimated tokens, all before the last model response are shortened. The result
    may still have more tokens.
    """
    messages = [*_all_messages_of(turn)]
    if estimate_tokens(messages) <= max_tokens or not turn.model_responses:
        return messages
    latest = [*_response_messages(turn.model_responses[-1])]
    earlier = messages[1 : len(messages) - len(latest)]
    return [messages[0], *shorten(earlier, max_items=None), *latest]


def estimate_tokens(value: object) -> int:
    """Estimates the number of tokens in messages or in a completion from the UTF-8 length of their text."""
    return len(str(value).encode(errors="replace")) // _BYTES_PER_TOKEN


def _fit(messages: list[Message], max_tokens: int, *, keeps_lists: bool) -> list[Message] | None:
    """Returns the messages, shortened if they do not fit otherwise, or None if they do not fit even then."""
    if _estimate_without_extras(messages) <= max_tokens:
        return messages
    for max_items in (None, _MAX_SHORTENED_ITEMS) if keeps_lists else (_MAX_SHORTENED_ITEMS,):
        shortened = shorten(messages, max_items=max_items)
        if _estimate_without_extras(shortened) <= max_tokens:
            return shortened
    return None


def _estimate_without_extras(messages: Iterable[Message]) -> int:
    """Estimates the tokens of an earlier turn. Providers do not count the encrypted reasoning of earlier turns."""
    return estimate_tokens([_without_extras(message) for message in messages])


def _without_extras(message: Message) -> Message:
    if not isinstance(message, AssistantMessage):
        return message
    return replace(message, calls=[replace(call, extras={}) for call in message.calls], extras={})


def _all_messages_of(turn: Turn) -> Iterable[Message]:
    yield UserMessage(turn.message)
    for response in turn.model_responses:
        yield from _response_messages(response)


def _closing_messages(turn: Turn) -> Iterable[Message]:
    """Yields one assistant message that states how an earlier turn ended, if the model gave no final answer in it."""
    last = turn.model_responses[-1] if turn.model_responses else None
    if last is not None and last.content and not last.calls:
        return
    if turn.stopped_by and turn.response:
        content = turn.response
    elif turn.status == "needs_approval":
        # The response of such a turn is a question to the user that quotes titles of todos. Titles may reach a model
        # only inside the data fence, as they may contain instructions.
        content = UNANSWERED_APPROVAL
    elif turn.status == "done":
        content = "(I asked for approval. The user answers in the next message.)"
    else:
        content = "(I was interrupted.)"
    yield AssistantMessage(content)


def _response_messages(response: ModelResponse) -> Iterable[Message]:
    """Yields the assistant message of a model response, then a tool message for each of its calls.

    Yields nothing for a response that the next turn took over.
    """
    if not response.content and not response.calls:
        return
    calls = [ToolCallRequest(call.id, call.name, call.arguments, call.extras) for call in response.calls]
    yield AssistantMessage(response.content, calls, response.extras, response.question)
    for call in response.calls:
        result = call.result if call.result is not None else {"error": "This was not carried out."}
        yield ToolMessage(call.id, call.name, result)
