"""Stream of this service itself: the events `turn`, `token`, `tool_call`, `tool_result`, and `done` or `error`."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

from fastapi.sse import format_sse_event
from pydantic import BaseModel, JsonValue

from functions.chat.events import CallBegan, CallEnded, TextAdded, TurnBegan, TurnEnded, TurnEvent, TurnFailed
from functions.chat.models import ToolCallRead, TurnRead


class OwnProtocol:
    """Writes each event of a turn as one server-sent event. A repeated request gets only the first and the last."""

    headers: Final[Mapping[str, str]] = {}
    replays_after: Final = None

    def encode(self, event: TurnEvent) -> Iterator[bytes]:
        match event:
            case TurnBegan(turn):
                identity = {"turn_id": str(turn.id), "conversation_id": str(turn.conversation_id), "model": turn.model}
                yield _format("turn", dict(identity))
            case TextAdded(text, round_number, attempt):
                yield _format("token", {"text": text, "round": round_number, "attempt": attempt})
            case CallBegan(call):
                yield _format("tool_call", ToolCallRead.of(call))
            case CallEnded(call):
                yield _format("tool_result", ToolCallRead.of(call))
            case TurnEnded(turn, changed):
                yield _format("done", TurnRead.of(turn, changed))
            case TurnFailed(problem):
                yield _format("error", problem)


def _format(event: str, data: BaseModel | dict[str, JsonValue]) -> bytes:
    text = data.model_dump_json() if isinstance(data, BaseModel) else json.dumps(data)
    return format_sse_event(event=event, data_str=text)
