"""The events of AG-UI 1.0, which `HttpAgent` of the npm package `@ag-ui/client` reads.

Written without the package `ag-ui-protocol`, whose import takes 0.15 s of CPU time. Tests validate the events with it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from functions.chat.events import (
    CallBegan,
    CallEnded,
    TextAdded,
    TurnBegan,
    TurnEnded,
    TurnEvent,
    TurnFailed,
    find_unsent_text,
)
from functions.chat.front_ends.input import OpenedTurn, format_approval_id
from functions.chat.models import ApprovalRead, TurnRead
from todo_assistant.turns.model import ToolCall, Turn

type Event = dict[str, Any]
type Message = dict[str, Any]

_PROTOCOL_VERSION: Final = "1.0"
_MAX_ROUNDS: Final = 1_000
_ANSWER_SCHEMA: Final = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}},
    "required": ["approved"],
}


class AgUiProtocol:
    """Writes the events of a turn as those of one run. Each round of the model is a message of the assistant."""

    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, opened: OpenedTurn, thread_id: str, run_id: str, known: Sequence[Message]) -> None:
        self.replays_after: int | None = opened.after_round
        self._run = {"threadId": thread_id, "runId": run_id}
        self._is_begun = False
        # Messages of the client and of this stream. A repeat replaces those of its turn that the client has.
        self._messages = [message for message in known if not _is_after(opened, message)]
        self._has_stale = len(self._messages) < len(known)
        known_rounds = [response for response in opened.turn.model_responses if response.number == opened.after_round]
        self._begun_calls = {call.id for response in known_rounds for call in response.calls}
        self._turn_id = str(opened.turn.id)
        self._round, self._attempt = opened.after_round, 1
        self._sent = "".join(response.content for response in known_rounds)
        self._open_message: str | None = None

    def encode(self, event: TurnEvent) -> Iterator[bytes]:
        for made in self._make_events(event):
            yield f"data: {json.dumps(made)}\n\n".encode()

    def _make_events(self, event: TurnEvent) -> Iterator[Event]:
        if not self._is_begun:
            self._is_begun = True
            yield {"type": "RUN_STARTED", **self._run, "protocolVersion": _PROTOCOL_VERSION}
            if self._has_stale:
                yield self._make_snapshot()
        match event:
            case TurnBegan():
                pass
            case TextAdded(text, number, attempt):
                yield from self._add_text(text, number, attempt)
            case CallBegan(call):
                yield from self._begin_call(call)
            case CallEnded(call):
                yield self._describe_result(call)
            case TurnEnded(turn, changed):
                if rest := find_unsent_text(turn, self._sent):
                    yield from self._add_text(rest, max(len(turn.model_responses), 1), self._attempt)
                yield from self._end_message()
                described = TurnRead.of(turn, changed).model_dump(mode="json", exclude={"tool_calls", "approval"})
                yield {"type": "RUN_FINISHED", **self._run, "outcome": _find_outcome(turn), "result": described}
            case TurnFailed(problem):
                yield from self._end_message()
                yield {"type": "RUN_ERROR", "message": problem["detail"], "code": problem["code"]}

    def _add_text(self, text: str, number: int, attempt: int) -> Iterator[Event]:
        if number != self._round:
            yield from self._end_message()
            self._round, self._attempt, self._sent = number, 1, ""
        if attempt != self._attempt:
            yield from self._end_message()
            # Without the text of the earlier attempt, which was the last message.
            self._messages = self._messages[:-1] if self._sent else self._messages
            self._attempt, self._sent = attempt, ""
            yield self._make_snapshot()
        if self._open_message is None:
            self._open_message = f"{self._turn_id}.{number}.{attempt}.{len(self._sent)}"
            yield {"type": "TEXT_MESSAGE_START", "messageId": self._open_message, "role": "assistant"}
        self._sent += text
        yield {"type": "TEXT_MESSAGE_CONTENT", "messageId": self._open_message, "delta": text}

    def _end_message(self) -> Iterator[Event]:
        if self._open_message is not None:
            self._messages.append({"id": self._open_message, "role": "assistant", "content": self._sent})
            yield {"type": "TEXT_MESSAGE_END", "messageId": self._open_message}
            self._open_message = None

    def _begin_call(self, call: ToolCall) -> Iterator[Event]:
        if call.id in self._begun_calls:
            return
        self._begun_calls.add(call.id)
        yield from self._end_message()
        if call.round != self._round:
            self._round, self._attempt, self._sent = call.round, 1, ""
        parent = f"{self._turn_id}.{call.round}.calls"
        started = {"toolCallId": call.id, "toolCallName": call.name, "parentMessageId": parent}
        function = {"name": call.name, "arguments": call.arguments or "{}"}
        made: Message = {"id": call.id, "type": "function", "function": function}
        if self._messages and self._messages[-1].get("id") == parent:
            self._messages[-1]["toolCalls"].append(made)
        else:
            self._messages.append({"id": parent, "role": "assistant", "toolCalls": [made]})
        yield {"type": "TOOL_CALL_START", **started}
        yield {"type": "TOOL_CALL_ARGS", "toolCallId": call.id, "delta": function["arguments"]}
        yield {"type": "TOOL_CALL_END", "toolCallId": call.id}

    def _describe_result(self, call: ToolCall) -> Event:
        message_id = f"{self._turn_id}.{call.round}.result.{call.position}"
        result = {"toolCallId": call.id, "content": json.dumps(call.result, ensure_ascii=False)}
        self._messages.append({"id": message_id, "role": "tool", **result})
        return {"type": "TOOL_CALL_RESULT", "messageId": message_id, **result}

    def _make_snapshot(self) -> Event:
        return {"type": "MESSAGES_SNAPSHOT", "messages": self._messages}


def _is_after(opened: OpenedTurn, message: Message) -> bool:
    """Returns whether a message of the client is of the turn, and of a round that the stream sends."""
    turn_id, _, rest = str(message.get("id", "")).partition(".")
    number = rest.partition(".")[0]
    is_of_turn = turn_id == str(opened.turn.id) and number in map(str, range(1, _MAX_ROUNDS))
    return is_of_turn and int(number) > opened.after_round


def _find_outcome(turn: Turn) -> Event:
    """Returns the outcome of a run. A turn that waits for approval is an interrupt for all its calls together."""
    if turn.status != "needs_approval" or turn.approval is None:
        return {"type": "success"}
    waiting = ApprovalRead.of(turn.approval).calls
    interrupt = {
        "id": format_approval_id(turn),
        "reason": "tool_call",
        "message": (turn.response or "").rpartition("\n\n")[2],
        "toolCallId": waiting[0].id,
        "responseSchema": _ANSWER_SCHEMA,
        "metadata": {"calls": [call.model_dump(mode="json") for call in waiting]},
    }
    return {"type": "interrupt", "interrupts": [interrupt]}
