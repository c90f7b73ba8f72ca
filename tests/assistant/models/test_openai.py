"""Stream chunks are joined to one completion, even if a compatible endpoint deviates from OpenAI's format."""

import time
from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk

from todo_assistant.models.messages import Completion, ToolCallRequest
from todo_assistant.models.openai import StreamAccumulator

FUNCTION = {"name": "search_todos", "arguments": "{}"}
SEARCH = ToolCallRequest("a", "search_todos", "{}")


def chunk(delta: dict[str, Any] | None = None, *, finish: str | None = None, **fields: Any) -> ChatCompletionChunk:
    """Returns a stream chunk without validating its fields. OpenAI's client builds chunks in the same way."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return ChatCompletionChunk.construct(choices=choices, **fields)


def call(**fields: Any) -> ChatCompletionChunk:
    return chunk({"tool_calls": [fields]})


def join(*chunks: ChatCompletionChunk) -> Completion:
    accumulator = StreamAccumulator()
    for part in chunks:
        accumulator.add(part)
    accumulator.add(chunk({}, finish="stop"))
    return accumulator.finish()


class TestToolCalls:
    @pytest.mark.parametrize(
        "chunks",
        [
            [call(index=0, id="a", function=FUNCTION)],
            [call(id="a", function=FUNCTION)],
            [call(index=3, id="a", function=FUNCTION)],
            [call(index=0, id="a", function={"name": "search_todos"}), call(index=0, function={"arguments": "{}"})],
            [
                call(id="a", function={"name": "search_", "arguments": "{"}),
                call(function={"name": "todos", "arguments": "}"}),
            ],
            [call(index=0, id="a", function=FUNCTION), call(index=0, id="a", function={"arguments": ""})],
            [call(index=0, id="a"), call(index=0, function=FUNCTION)],
        ],
        ids=["one chunk", "no index", "index 3", "fragments", "fragments without index", "repeated id", "no function"],
    )
    def test_fragments_are_joined(self, chunks: list[ChatCompletionChunk]) -> None:
        assert join(*chunks).calls == [SEARCH]

    def test_calls_are_sorted_by_index(self) -> None:
        first, second = join(call(index=1, id="b", function=FUNCTION), call(index=0, id="a", function=FUNCTION)).calls
        assert (first.id, second.id) == ("a", "b")

    def test_a_missing_id_is_empty(self) -> None:
        assert join(call(index=0, function=FUNCTION)).calls == [ToolCallRequest("", "search_todos", "{}")]

    @pytest.mark.parametrize("function", [{"name": 7}, {"arguments": {"ids": []}}, {"arguments": ["{}"]}], ids=str)
    def test_a_value_that_is_not_a_string_is_rejected(self, function: dict[str, Any]) -> None:
        with pytest.raises(TypeError):
            join(call(index=0, id="a", function=function))


class TestUsage:
    def test_a_later_chunk_without_usage_keeps_the_token_counts(self) -> None:
        completion = join(chunk(usage={"prompt_tokens": 5, "completion_tokens": 6}), chunk({"content": "Hello"}))
        assert (completion.prompt_tokens, completion.completion_tokens) == (5, 6)


def test_five_thousand_chunks_are_joined_in_less_than_a_second() -> None:
    chunks = [call(index=0, id="a", function={"arguments": "x" * 7}) for _ in range(5_000)]
    started = time.monotonic()
    [joined] = join(*chunks).calls
    assert time.monotonic() - started < 1
    assert len(joined.arguments) == 35_000
