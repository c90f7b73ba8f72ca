"""The UI message stream of the AI SDK, which `useChat` of the npm package `ai` reads."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from pydantic import JsonValue

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
from functions.chat.models import ApprovalRead, TurnRead, parse_arguments
from todo_assistant.turns.model import ToolCall, Turn

type Chunk = dict[str, Any]

_NOT_RUN: Final = "This was not done: the turn ended before."
_DONE: Final = b"data: [DONE]\n\n"


class AiSdkProtocol:
    """Writes the events of a turn as chunks of one UI message. Each round of the model is a step of the message."""

    headers: ClassVar[Mapping[str, str]] = {"x-vercel-ai-ui-message-stream": "v1"}

    def __init__(self, opened: OpenedTurn) -> None:
        self.replays_after: int | None = opened.after_round
        known = [response for response in opened.turn.model_responses if response.number == opened.after_round]
        self._round = opened.after_round
        self._attempt = 1
        self._text_id: str | None = None
        self._sent = "".join(response.content for response in known)
        self._open_calls = dict.fromkeys(call.id for response in known for call in response.calls)
        # If a later message has answered the approval, its calls belong to another turn.
        self._open_calls |= dict.fromkeys(opened.answered_calls)

    def encode(self, event: TurnEvent) -> Iterator[bytes]:
        for chunk in self._make_chunks(event):
            yield f"data: {json.dumps(chunk)}\n\n".encode()
        if isinstance(event, TurnEnded | TurnFailed):
            yield _DONE

    def _make_chunks(self, event: TurnEvent) -> Iterator[Chunk]:
        match event:
            case TurnBegan(turn):
                metadata = {"turn_id": str(turn.id), "conversation_id": str(turn.conversation_id), "model": turn.model}
                yield {"type": "start", "messageId": str(turn.id), "messageMetadata": metadata}
            case TextAdded(text, round_number, attempt):
                yield from self._add_text(text, round_number, attempt)
            case CallBegan(call):
                yield from self._begin_call(call)
            case CallEnded(call):
                self._open_calls.pop(call.id, None)
                yield {"toolCallId": call.id, **_describe_result(call)}
            case TurnEnded(turn, changed):
                yield from self._end(turn)
                described = TurnRead.of(turn, changed).model_dump(mode="json")
                for name in ("response", "tool_calls", "approval"):
                    del described[name]
                yield {"type": "finish", "finishReason": _find_reason(turn), "messageMetadata": described}
            case TurnFailed(problem):
                yield {"type": "error", "errorText": problem["detail"]}

    def _begin_step(self, number: int) -> Iterator[Chunk]:
        if number != self._round:
            yield from self._end_step()
            self._round, self._attempt, self._sent = number, 1, ""
            yield {"type": "start-step"}

    def _end_step(self) -> Iterator[Chunk]:
        yield from self._end_text()
        if self._round:
            yield {"type": "finish-step"}

    def _end_text(self) -> Iterator[Chunk]:
        if self._text_id is not None:
            yield {"type": "text-end", "id": self._text_id}
            self._text_id = None

    def _add_text(self, text: str, number: int, attempt: int) -> Iterator[Chunk]:
        yield from self._begin_step(number)
        if attempt != self._attempt:
            # Removes the text of the earlier attempt.
            yield {"type": "reset-step"}
            self._attempt, self._text_id, self._sent = attempt, None, ""
        if self._text_id is None:
            self._text_id = f"{number}.{attempt}.{len(self._sent)}"
            yield {"type": "text-start", "id": self._text_id}
        self._sent += text
        yield {"type": "text-delta", "id": self._text_id, "delta": text}

    def _begin_call(self, call: ToolCall) -> Iterator[Chunk]:
        if call.id in self._open_calls:
            return
        yield from self._begin_step(call.round)
        yield from self._end_text()
        self._open_calls[call.id] = None
        named = {"toolCallId": call.id, "toolName": call.name}
        yield {"type": "tool-input-available", **named, "input": parse_arguments(call.arguments)}

    def _end(self, turn: Turn) -> Iterator[Chunk]:
        """Yields the rest of the response, the requests for approval, and an error for each call that did not run."""
        if rest := find_unsent_text(turn, self._sent):
            yield from self._add_text(rest, max(len(turn.model_responses), 1), self._attempt)
        approval = turn.approval if turn.status == "needs_approval" else None
        for waiting in ApprovalRead.of(approval).calls if approval else ():
            self._open_calls.pop(waiting.id, None)
            yield {
                "type": "tool-approval-request",
                "approvalId": format_approval_id(turn),
                "toolCallId": waiting.id,
                "approvalDescriptor": waiting.model_dump(mode="json", include={"deletes", "todos"}),
            }
        # A front end sends an answered approval again, as long as its call has no result.
        for call_id in self._open_calls:
            yield {"type": "tool-output-error", "toolCallId": call_id, "errorText": _NOT_RUN}
        yield from self._end_step()


def _describe_result(call: ToolCall) -> Chunk:
    result: Mapping[str, JsonValue] = call.result or {}
    if call.ok:
        return {"type": "tool-output-available", "output": result}
    if result.get("refused"):
        return {"type": "tool-output-denied"}
    return {"type": "tool-output-error", "errorText": str(result.get("error", result))}


def _find_reason(turn: Turn) -> str:
    if turn.status == "needs_approval":
        return "tool-calls"
    if turn.status == "incomplete":
        return {"tokens": "length", None: "interrupted"}.get(turn.stopped_by, "other")
    return "stop"
