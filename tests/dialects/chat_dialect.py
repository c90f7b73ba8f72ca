"""Dialects of Chat Completions: the form of a provider's messages, and the fields that must come back."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.dialects import chat_history
from tests.dialects.chat_history import Part
from tests.dialects.chat_stream import USAGE, StreamStyle
from tests.dialects.provider import Produced, Rule, is_failure
from tests.dialects.provider_server import HttpRequest, HttpResponse, Json, json_response
from tests.dialects.steps import Step


def _counted_id(response: int, position: int) -> str:
    return f"call_{response}_{position}"


def _plain_content(step: Step) -> str | None:
    return step.text or None


def _no_call_extras(_response: int, _position: int) -> Json:
    return {}


def _no_message_extras(_response: int) -> Json:
    return {}


def _usual_finish(step: Step) -> str:
    return "tool_calls" if step.uses else "stop"


def _keep(response: HttpResponse) -> HttpResponse:
    return response


@dataclass(frozen=True)
class ChatMessages:
    """The form of a provider's messages. Responses and the calls of one are counted from 0.

    `arguments` turns the JSON of arguments into the value that the provider sends. `reshape` changes a whole message.
    """

    call_id: Callable[[int, int], str | None] = _counted_id
    name: Callable[[str], str] = str
    arguments: Callable[[str], object] = str
    content: Callable[[Step], str | None] = _plain_content
    call_extras: Callable[[int, int], Json] = _no_call_extras
    message_extras: Callable[[int], Json] = _no_message_extras
    finish: Callable[[Step], str | None] = _usual_finish
    reshape: Callable[[Json], Json] = dict

    def create(self, step: Step, number: int, *, corrected: bool) -> Json:
        """Returns the message of a step, which is the response with this number."""
        message: Json = {"role": "assistant", "content": self.content(step), **self.message_extras(number)}
        if step.refusal:
            message |= {"refusal": step.refusal}
        if step.uses:
            message["tool_calls"] = [
                self._create_call(number, position, use.name, json.dumps(use.arguments), corrected=corrected)
                for position, use in enumerate(step.uses)
            ]
        return self.reshape(message)

    def _create_call(self, number: int, position: int, name: str, arguments: str, *, corrected: bool) -> Json:
        call_id = self.call_id(number, position)
        given = arguments if corrected else self.arguments(arguments)
        called = name if corrected else self.name(name)
        call: Json = {} if call_id is None else {"id": call_id}
        return (
            call
            | {"type": "function", "function": {"name": called, "arguments": given}}
            | self.call_extras(number, position)
        )


@dataclass(frozen=True)
class ChatDialect:
    """A dialect of Chat Completions.

    `returned` names the extra fields of a message or a call that must come back unchanged. `returnable` names those
    that may come back. All other extra fields are refused. `broken` names the
    parts of messages that may come back changed. `wrap` changes the JSON of a body, and `convert` its bytes.
    """

    rules: Sequence[Rule] = ()
    messages: ChatMessages = field(default_factory=ChatMessages)
    stream: StreamStyle = field(default_factory=StreamStyle)
    returned: frozenset[str] = frozenset()
    returnable: frozenset[str] = frozenset()
    broken: frozenset[Part] = frozenset()
    path: str = "/v1/chat/completions"
    wrap: Callable[[Json], Any] = dict
    convert: Callable[[HttpResponse], HttpResponse] = _keep

    def count_answers(self, body: Json) -> int:
        return len(chat_history.answers_of(body))

    def has_failed_call(self, body: Json) -> bool:
        messages = body.get("messages") or [{}]
        return messages[-1].get("role") == "tool" and is_failure(messages[-1].get("content"))

    def faults_of(self, body: Json, produced: Sequence[Produced]) -> Iterator[str]:
        check = chat_history.HistoryCheck(
            produced,
            self.returned,
            self.returnable,
            self.broken,
        )
        yield from check.faults_of(body)

    def produce(self, step: Step, number: int, *, corrected: bool) -> Sequence[Json]:
        return [self.messages.create(step, number, corrected=corrected)]

    def adopt(self, step: Step) -> Sequence[Json]:
        return [ChatMessages(call_id=lambda _, __: None).create(step, 0, corrected=True)]

    def encode(self, produced: Produced, request: HttpRequest) -> HttpResponse:
        [message] = produced.items
        finish = self.messages.finish(produced.step)
        if request.is_streamed:
            options = request.body.get("stream_options") or {}
            return self.stream.respond(message, finish, wants_usage=options.get("include_usage") is True)
        choice = {"index": 0, "message": message, "finish_reason": finish}
        body: Json = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1_760_000_000, "model": "scripted"}
        return self.convert(json_response(self.wrap(body | {"choices": [choice], "usage": USAGE})))

    def error(self, status: int, message: str) -> HttpResponse:
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
        return json_response({"error": error}, status)
