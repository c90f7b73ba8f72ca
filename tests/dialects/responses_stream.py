"""Streams of the Responses API: the typed events of a response."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from tests.dialects.chat_stream import Framing
from tests.dialects.provider_server import HttpResponse, Json

_PART_SIZE = 6


@dataclass(frozen=True)
class EventStyle:
    """The events that a provider sends.

    Without `has_deltas`, texts and arguments come only whole. Without `has_final_output`, the last event repeats no
    item. `before` are events before all others.
    """

    has_deltas: bool = True
    has_final_output: bool = True
    is_interleaved: bool = False
    before: tuple[Json, ...] = ()
    framing: Framing = field(default_factory=Framing)

    def respond(self, response: Json) -> HttpResponse:
        """Returns the stream of a response. The status of the response names its last event."""
        events = [event | {"sequence_number": number} for number, event in enumerate(self._events(response))]
        names = [event["type"] for event in events]
        return self.framing.frame([json.dumps(event, ensure_ascii=False) for event in events], names=names)

    def _events(self, response: Json) -> Iterator[Json]:
        begun = response | {"status": "in_progress", "output": [], "usage": None, "error": None}
        yield from self.before
        yield {"type": "response.created", "response": begun}
        yield {"type": "response.in_progress", "response": begun}
        by_item = [list(self._events_of_item(place, item)) for place, item in enumerate(response["output"])]
        if self.is_interleaved:
            rounds = zip_longest(*by_item)
            yield from (event for events in rounds for event in events if event is not None)
        else:
            yield from (event for events in by_item for event in events)
        last = response if self.has_final_output else response | {"output": []}
        yield {"type": f"response.{response['status']}", "response": last}

    def _events_of_item(self, place: int, item: Json) -> Iterator[Json]:
        at: Json = {"output_index": place, "item_id": item["id"]}
        yield {"type": "response.output_item.added", "output_index": place, "item": _begun(item)}
        match item["type"]:
            case "function_call":
                yield from self._deltas("function_call_arguments", item["arguments"], at)
                yield {"type": "response.function_call_arguments.done", "arguments": item["arguments"], **at}
            case "reasoning":
                for number, part in enumerate(item.get("content", ())):
                    yield from self._deltas("reasoning_text", part["text"], at | {"content_index": number})
                for number, part in enumerate(item["summary"]):
                    summary_at = at | {"summary_index": number}
                    yield from self._deltas("reasoning_summary_text", part["text"], summary_at)
                    yield {"type": "response.reasoning_summary_text.done", "text": part["text"], **summary_at}
            case "message":
                for number, part in enumerate(item["content"]):
                    yield from self._events_of_part(part, at | {"content_index": number})
        yield {"type": "response.output_item.done", "output_index": place, "item": item}

    def _events_of_part(self, part: Json, at: Json) -> Iterator[Json]:
        name, text = ("refusal", part["refusal"]) if part["type"] == "refusal" else ("output_text", part["text"])
        key = "refusal" if name == "refusal" else "text"
        yield {"type": "response.content_part.added", "part": part | {key: ""}, **at}
        yield from self._deltas(name, text, at | ({"logprobs": []} if name == "output_text" else {}))
        yield {"type": f"response.{name}.done", key: text, **at}
        yield {"type": "response.content_part.done", "part": part, **at}

    def _deltas(self, name: str, text: str, at: Json) -> Iterator[Json]:
        if self.has_deltas:
            for start in range(0, len(text), _PART_SIZE):
                yield {"type": f"response.{name}.delta", "delta": text[start : start + _PART_SIZE], **at}


def _begun(item: Json) -> Json:
    """Returns the item as it is announced, without texts. The state of its reasoning is not complete yet."""
    empty: Json = {"status": "in_progress", "arguments": "", "content": [], "summary": [], "encrypted_content": "gAAAA"}
    return item | {name: value for name, value in empty.items() if name in item}
