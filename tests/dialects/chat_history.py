"""Strict checks of the messages in a request of Chat Completions, against the answers that the provider sent."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from tests.dialects.provider import Produced
from tests.dialects.provider_server import Json
from tests.dialects.steps import Step

type Part = Literal["arguments", "names", "calls", "texts", "ids", "thoughts"]
"""Part of an answer that may come back changed, because a provider sends or accepts it in one form only."""

_NOTE: Final = re.compile(r"\(I (was|asked)[^)]*\)")
"""A sentence that the service itself adds in place of an answer that the model never gave."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BEFORE: Final = {"user": {"system", "assistant"}, "assistant": {"user", "tool"}, "tool": {"calls", "tool"}}
"""The roles that may come before each role. A message with tool calls counts as `calls`."""

_FIELDS: Final = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls"},
    "tool": {"role", "content", "tool_call_id"},
}


def answers_of(body: Json) -> list[Json]:
    """Returns the messages of the assistant, without the service's own notes."""
    messages = body.get("messages") or []
    return [message for message in messages if message.get("role") == "assistant" and not _is_note(message)]


def is_note(text: str) -> bool:
    """Returns True for a sentence of the service that stands for an answer that the model never gave."""
    return bool(_NOTE.fullmatch(text))


def _is_note(message: Json) -> bool:
    return not message.get("tool_calls") and is_note(str(message.get("content")))


@dataclass
class HistoryCheck:
    """Compares a request with the answers before it. `returned` and `returnable` are names of extra fields.

    The parts in `broken` may come back changed, but never in a form that no provider accepts.
    """

    produced: Sequence[Produced]
    returned: frozenset[str]
    returnable: frozenset[str]
    broken: frozenset[Part]
    _waiting: list[str] = field(default_factory=list)

    def faults_of(self, body: Json) -> Iterator[str]:
        messages = body.get("messages") or []
        if not messages or messages[0].get("role") not in {"system", "developer"}:
            yield "The first message must be the system message."
            return
        if messages[-1].get("role") not in {"user", "tool"}:
            yield "The last message must have the role user or tool."
        answers = answers_of(body)
        if len(answers) != len(self.produced):
            yield f"The request has {len(answers)} answers of the model, which sent {len(self.produced)}."
            return
        produced = iter(self.produced)
        before = "system"
        for number, message in enumerate(messages[1:], 1):
            place = f"messages[{number}]"
            role = message.get("role")
            if before not in _BEFORE.get(role, set()):
                yield f"{place}: the role {role} cannot follow {before}."
            yield from (f"{place}: {fault}" for fault in self._faults_of_message(message, produced))
            before = "calls" if message.get("tool_calls") else role
        if self._waiting:
            yield f"The tool calls {self._waiting} have no result."

    def _faults_of_message(self, message: Json, produced: Iterator[Produced]) -> Iterator[str]:
        match message.get("role"):
            case "assistant" if not _is_note(message):
                yield from self._faults_of_answer(message, next(produced))
            case "tool":
                yield from self._faults_of_result(message)
            case role:
                if self._waiting:
                    yield f"the tool calls {self._waiting} have no result."
                yield from _faults_of_text(message)
                yield from _unknown_fields(message, _FIELDS.get(str(role), set()))

    def _faults_of_result(self, message: Json) -> Iterator[str]:
        yield from _unknown_fields(message, _FIELDS["tool"])
        yield from _faults_of_text(message)
        if message.get("tool_call_id") not in self._waiting:
            yield f"no tool call waits for a result with the id {message.get('tool_call_id')!r}."
        else:
            self._waiting.remove(message["tool_call_id"])

    def _faults_of_answer(self, message: Json, produced: Produced) -> Iterator[str]:
        [sent] = produced.items
        if self._waiting:
            yield f"the tool calls {self._waiting} have no result."
        yield from _unknown_fields(message, _FIELDS["assistant"] | self._allowed_extras(sent))
        yield from self._changed_extras(message, sent)
        yield from self._faults_of_content(message, produced.step, sent)
        calls = message.get("tool_calls") or []
        if not calls and "calls" in self.broken:
            return
        if len(calls) != len(produced.step.uses):
            yield f"{len(calls)} tool calls instead of {len(produced.step.uses)}."
            return
        if "tool_calls" in message and not calls:
            yield "tool_calls is empty."
        sent_calls = sent.get("tool_calls") or [{} for _ in calls]
        sent_ids = [call.get("id") for call in sent_calls]
        for call, use, sent_call in zip(calls, produced.step.uses, sent_calls, strict=True):
            yield from self._faults_of_call(call, sent_call)
            yield from self._faults_of_function(call.get("function") or {}, use.name, use.arguments)
            is_known = sent_ids.count(sent_call.get("id")) == 1 and "ids" not in self.broken
            if sent_call.get("id") and is_known and call.get("id") != sent_call["id"]:
                yield f"the id {sent_call['id']!r} came back as {call.get('id')!r}."
        self._waiting = [str(call.get("id") or "") for call in calls]
        if len(set(self._waiting)) < len(self._waiting) or "" in self._waiting:
            yield f"the ids of the tool calls must differ and not be empty: {self._waiting}."

    def _faults_of_call(self, call: Json, sent: Json) -> Iterator[str]:
        yield from _unknown_fields(call, {"id", "type", "function"} | self._allowed_extras(sent))
        yield from _unknown_fields(call.get("function") or {}, {"name", "arguments"})
        yield from self._changed_extras(call, sent)
        if call.get("type") != "function":
            yield f"a tool call of the type {call.get('type')!r}."

    def _faults_of_function(self, function: Json, name: str, arguments: Json) -> Iterator[str]:
        called = str(function.get("name"))
        if not _NAME.fullmatch(called) or (called != name and "names" not in self.broken):
            yield f"the function {called!r} instead of {name!r}."
        try:
            given = json.loads(function.get("arguments", ""))
        except (ValueError, TypeError):
            yield f"the arguments are no JSON: {function.get('arguments')!r}."
            return
        if not isinstance(given, dict) or (given != arguments and "arguments" not in self.broken):
            yield f"the arguments {given} instead of {arguments}."

    def _faults_of_content(self, message: Json, step: Step, sent: Json) -> Iterator[str]:
        """Yields a fault if the text differs. Reasoning between `<think>` tags may come back or be left out."""
        content = message.get("content")
        if not message.get("tool_calls") and not content:
            yield f"the content of an answer without tool calls is {content!r}."
        if content is not None and not isinstance(content, str):
            yield f"the content is {content!r}."
            return
        text, given = step.text or step.refusal, (content or "").strip()
        is_extended = "texts" in self.broken and given.startswith(text)
        if text and not is_extended and given not in {text, str(sent.get("content")).strip()}:
            yield f"the text {text!r} came back as {content!r}."

    def _allowed_extras(self, sent: Json) -> set[str]:
        return {name for name in self.returned | self.returnable if name in sent}

    def _changed_extras(self, message: Json, sent: Json) -> Iterator[str]:
        for name in self.returned:
            if name in sent and _joined(message.get(name)) != _joined(sent[name]):
                yield f"{name} came back as {message.get(name)!r} instead of {sent[name]!r}."


def _faults_of_text(message: Json) -> Iterator[str]:
    content = message.get("content")
    if not isinstance(content, str) or not content:
        yield f"the content of the role {message.get('role')} is {content!r}."


def _unknown_fields(message: Json, known: set[str]) -> Iterator[str]:
    for name in message.keys() - known:
        yield f"the field {name} is not permitted."


def _joined(value: object) -> object:
    """Returns the value. In a list, neighbours of the same type and index become one, with their texts joined."""
    if not isinstance(value, list):
        return value
    joined: list[Json] = []
    for item in value:
        key = (item.get("type"), item.get("index"))
        if joined and (joined[-1].get("type"), joined[-1].get("index")) == key and "text" in item:
            joined[-1] = joined[-1] | item | {"text": joined[-1]["text"] + item["text"]}
        else:
            joined.append(item)
    return joined
