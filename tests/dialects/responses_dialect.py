"""Dialects of the Responses API: the form of a provider's output items."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tests.dialects import responses_history
from tests.dialects.chat_history import Part
from tests.dialects.provider import Produced, Rule, is_failure
from tests.dialects.provider_server import HttpRequest, HttpResponse, Json, json_response
from tests.dialects.responses_stream import EventStyle
from tests.dialects.steps import SECRET, Step

_USAGE: Json = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 18,
}


_PLAIN: Json = {"encrypted_content": None, "content": [{"type": "reasoning_text", "text": SECRET}]}
"""Fields of a thought that is not encrypted, as servers of open models send it."""


def _counted_id(response: int, position: int) -> str:
    return f"call_{response}_{position}"


def _complete(_step: Step) -> Json:
    return {"status": "completed"}


@dataclass(frozen=True)
class ResponsesDialect:
    """A dialect of the Responses API.

    `reasons` tells where encrypted thoughts come. With `phases`, messages have a phase. Both must come back. Without
    `encrypts`, thoughts are plain text. `ending` returns the fields of a response that tell how it ended. `broken`
    names the parts of answers that may come back changed.
    """

    rules: Sequence[Rule] = ()
    call_id: Callable[[int, int], str] = _counted_id
    arguments: Callable[[str], str] = str
    ending: Callable[[Step], Json] = _complete
    reasons: Literal["never", "once", "before each item"] = "never"
    phases: bool = False
    encrypts: bool = True
    stream: EventStyle = field(default_factory=EventStyle)
    broken: frozenset[Part] = frozenset()
    path: str = "/v1/responses"

    def count_answers(self, body: Json) -> int:
        return len(responses_history.answers_of(body))

    def has_failed_call(self, body: Json) -> bool:
        item = (body.get("input") or [{}])[-1]
        return item.get("type") == "function_call_output" and is_failure(item.get("output"))

    def faults_of(self, body: Json, produced: Sequence[Produced]) -> Iterator[str]:
        yield from responses_history.faults_of(body, produced, broken=self.broken)

    def produce(self, step: Step, number: int, *, corrected: bool) -> Sequence[Json]:
        """Returns the output items of a step: a thought, a message and tool calls, as far as the step has them."""
        outputs: list[Json] = []
        if step.text or step.refusal:
            outputs.append(self._create_message(step, number))
        for position, use in enumerate(step.uses):
            arguments = json.dumps(use.arguments)
            outputs.append(
                {
                    "type": "function_call",
                    "id": f"fc_{number}_{position}",
                    "call_id": self.call_id(number, position),
                    "name": use.name,
                    "arguments": arguments if corrected else self.arguments(arguments),
                    "status": "completed",
                }
            )
        items: list[Json] = []
        for position, output in enumerate(outputs):
            if self.reasons == "before each item" or (self.reasons == "once" and position == 0):
                thought = _create_thought(number, position)
                items.append(thought if self.encrypts else thought | _PLAIN)
            items.append(output)
        return items

    def adopt(self, step: Step) -> Sequence[Json]:
        return [item | {"id": "", "call_id": ""} for item in ResponsesDialect().produce(step, 0, corrected=True)]

    def _create_message(self, step: Step, number: int) -> Json:
        part: Json = {"type": "output_text", "text": step.text, "annotations": [], "logprobs": []}
        if step.refusal:
            part = {"type": "refusal", "refusal": step.refusal}
        phase = {"phase": "commentary" if step.uses else "final_answer"} if self.phases else {}
        message: Json = {"type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed"}
        return message | {"content": [part]} | phase

    def encode(self, produced: Produced, request: HttpRequest) -> HttpResponse:
        response = _response([*produced.items], self.ending(produced.step))
        return self.stream.respond(response) if request.is_streamed else json_response(response)

    def error(self, status: int, message: str) -> HttpResponse:
        error = {"message": message, "type": "invalid_request_error", "param": "input", "code": None}
        return json_response({"error": error}, status)


def _create_thought(number: int, position: int) -> Json:
    summary = [{"type": "summary_text", "text": SECRET}]
    secret = f"gAAAAABo{number}{position}=="
    return {"type": "reasoning", "id": f"rs_{number}_{position}", "summary": summary, "encrypted_content": secret}


def _response(output: list[Json], ending: Json) -> Json:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_760_000_000,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "model": "scripted",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "metadata": {},
        "store": False,
        "usage": _USAGE,
        **ending,
    }
