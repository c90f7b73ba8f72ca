"""Stream chunks are joined to one completion, even if a compatible endpoint deviates from OpenAI's format."""

import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from todo_assistant.models.chat_chunks import ChatAccumulator
from todo_assistant.models.messages import Completion, ModelRequest, ToolCallRequest
from todo_assistant.tools.todo_tools import TODO_TOOLS

FUNCTION = {"name": "search_todos", "arguments": "{}"}
SEARCH = ToolCallRequest("a", "search_todos", "{}")


type Chunk = dict[str, Any]


def chunk(delta: Chunk | None = None, *, finish: str | None = None, **fields: Any) -> Chunk:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"choices": choices, **fields}


def call(**fields: Any) -> Chunk:
    return chunk({"tool_calls": [fields]})


def new_accumulator() -> ChatAccumulator:
    return ChatAccumulator(ModelRequest((), TODO_TOOLS.schemas, datetime.now(UTC), ZoneInfo("UTC")), "test")


def join(*chunks: Chunk, finish: str | None = "stop") -> Completion:
    accumulator = new_accumulator()
    for part in chunks:
        accumulator.add(part)
    if finish:
        accumulator.add(chunk({}, finish=finish))
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
    def test_fragments_are_joined(self, chunks: list[Chunk]) -> None:
        assert join(*chunks).calls == [SEARCH]

    def test_calls_are_sorted_by_index(self) -> None:
        first, second = join(call(index=1, id="b", function=FUNCTION), call(index=0, id="a", function=FUNCTION)).calls
        assert (first.id, second.id) == ("a", "b")

    def test_a_missing_id_is_empty(self) -> None:
        assert join(call(index=0, function=FUNCTION)).calls == [ToolCallRequest("", "search_todos", "{}")]

    @pytest.mark.parametrize("function", [{"name": 7}, {"arguments": ["{}"]}], ids=str)
    def test_a_value_of_a_wrong_type_is_rejected(self, function: dict[str, Any]) -> None:
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
