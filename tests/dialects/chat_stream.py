"""Streams of Chat Completions: the chunks of a message, in the style of a provider."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from tests.dialects.provider_server import HttpResponse, Json, compress

USAGE: Json = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


@dataclass(frozen=True)
class Framing:
    """The bytes around the events of a stream. With `piece`, the body is cut after each such number of bytes."""

    line_end: str = "\n"
    comment: str = ""
    event: str = ""
    ends_with_blank_line: bool = True
    space: str = " "
    piece: int | None = None
    is_compressed: bool = False

    def frame(self, events: list[str], *, names: list[str] | None = None) -> HttpResponse:
        """Returns the response that sends these data of events. `names` are the names of the events, if any."""
        texts = []
        for number, event in enumerate(events):
            comment = f": {self.comment}{self.line_end}{self.line_end}" if self.comment else ""
            name = names[number] if names else self.event
            named = f"event: {name}{self.line_end}" if name else ""
            texts.append(f"{comment}{named}data:{self.space}{event}{self.line_end}{self.line_end}".encode())
        if not self.ends_with_blank_line:
            texts[-1] = texts[-1].rstrip()
        pieces = _cut(b"".join(texts), self.piece) if self.piece else tuple(texts)
        response = HttpResponse(pieces, content_type="text/event-stream")
        return compress(response) if self.is_compressed else response


@dataclass(frozen=True)
class StreamStyle:
    """The form of a provider's streams.

    `fragment` is the number of characters in a fragment of arguments; with None each call comes whole.
    `repeats` names the fields that every fragment repeats. `later_names` is the form of later names and ids.
    With `splits_emoji`, the halves of a character beyond 16 bits come one by one. `extra` are fields of each chunk.
    `before` and `after` are chunks around those of the message.
    """

    index: Literal["counted", "from one", "zero", "missing"] = "counted"
    fragment: int | None = 7
    text_size: int = 5
    splits_emoji: bool = False
    repeats: frozenset[str] = frozenset()
    later_names: Literal["missing", "null", "empty"] = "missing"
    interleaved: bool = False
    finish: Literal["in a chunk", "in the last delta", "missing"] = "in a chunk"
    has_done: bool = True
    usage: Literal["asked", "last", "each", "never"] = "asked"
    extra: Json = field(default_factory=dict)
    before: tuple[Json, ...] = ()
    after: tuple[Json, ...] = ()
    framing: Framing = field(default_factory=Framing)

    def chunks_of(self, message: Json, finish: str | None, *, wants_usage: bool) -> list[Json]:
        """Returns the chunks that stream a message, without the end marker."""
        role = {"role": "assistant"} if "role" in self.repeats else {}
        deltas = [{"role": "assistant", "content": ""}, *(role | delta for delta in self._deltas(message))]
        choices: list[Json] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
        if self.finish == "in the last delta":
            choices[-1]["finish_reason"] = finish
        if self.finish == "in a chunk":
            choices.append({"index": 0, "delta": {}, "finish_reason": finish})
        chunks = [_chunk([choice]) | self.extra for choice in choices]
        if self.usage == "each":
            chunks = [chunk | {"usage": USAGE} for chunk in chunks]
        if self.usage == "last":
            chunks[-1] |= {"usage": USAGE}
        if self.usage == "asked" and wants_usage:
            chunks.append(_chunk([]) | {"usage": USAGE})
        return [*self.before, *chunks, *self.after]

    def respond(self, message: Json, finish: str | None, *, wants_usage: bool) -> HttpResponse:
        events = [
            json.dumps(chunk, ensure_ascii=self.splits_emoji)
            for chunk in self.chunks_of(message, finish, wants_usage=wants_usage)
        ]
        return self.framing.frame([*events, "[DONE]"] if self.has_done else events)

    def _deltas(self, message: Json) -> Iterator[Json]:
        """Yields deltas: the extras of the message first, then its text and its tool calls."""
        texts = ("content", "refusal")
        for name, value in message.items():
            if name not in {"role", "tool_calls", *texts}:
                yield from self._split(name, value)
        for name in texts:
            if message.get(name):
                yield from self._split(name, message[name])
        for fragment in self._ordered_fragments(message.get("tool_calls") or []):
            yield {"tool_calls": [fragment]}

    def _split(self, name: str, value: object) -> Iterator[Json]:
        """Yields deltas of a field: texts in parts, lists by their items, other values whole."""
        match value:
            case str():
                parts = _halves(value) if self.splits_emoji else _cut(value, self.text_size)
                yield from ({name: part} for part in parts)
            case list():
                yield from ({name: [item]} for item in value)
            case _:
                yield {name: value}

    def _ordered_fragments(self, calls: list[Json]) -> Iterator[Json]:
        by_call = [list(self._fragments(position, call)) for position, call in enumerate(calls)]
        if not self.interleaved:
            yield from (fragment for fragments in by_call for fragment in fragments)
            return
        for place in range(max(map(len, by_call), default=0)):
            yield from (fragments[place] for fragments in by_call if place < len(fragments))

    def _fragments(self, position: int, call: Json) -> Iterator[Json]:
        number = {"counted": position, "from one": position + 1, "zero": 0, "missing": None}[self.index]
        index = {} if number is None else {"index": number}
        function = call["function"]
        if self.fragment is None or not isinstance(function.get("arguments"), str):
            yield index | call
            return
        yield index | call | {"function": function | {"arguments": ""}}
        unnamed = None if self.later_names == "null" else ""
        later: Json = {} if self.later_names == "missing" else {"id": unnamed}
        later |= {"id": call["id"]} if "id" in self.repeats and "id" in call else {}
        later_function: Json = {} if self.later_names == "missing" else {"name": unnamed}
        later_function |= {"name": function["name"]} if "name" in self.repeats else {}
        for part in _cut(function["arguments"], self.fragment):
            yield index | later | {"function": later_function | {"arguments": part}}


def _chunk(choices: list[Json]) -> Json:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_760_000_000,
        "model": "scripted",
        "choices": choices,
    }


def _halves(text: str) -> tuple[str, ...]:
    """Returns the UTF-16 units of a text, as a server that cuts texts in this encoding sends them."""
    units = text.encode("utf-16-le")
    return tuple(units[start : start + 2].decode("utf-16-le", "surrogatepass") for start in range(0, len(units), 2))


def _cut[T: (str, bytes)](text: T, size: int) -> tuple[T, ...]:
    return tuple(text[start : start + size] for start in range(0, len(text), size))
