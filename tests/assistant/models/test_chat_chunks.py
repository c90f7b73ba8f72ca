"""Stream chunks are joined to one completion, even if a compatible endpoint deviates from OpenAI's format."""

import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from todo_assistant.models.answers import CUT_OFF, DECLINED
from todo_assistant.models.chat_chunks import ChatAccumulator
from todo_assistant.models.messages import (
    AssistantMessage,
    Completion,
    Message,
    ModelRequest,
    ToolCallRequest,
    ToolMessage,
    UserMessage,
)
from todo_assistant.models.provider_errors import ProviderError
from todo_assistant.tools.todo_tools import TODO_TOOLS

FUNCTION = {"name": "search_todos", "arguments": "{}"}
SEARCH = ToolCallRequest("a", "search_todos", "{}")


type Chunk = dict[str, Any]


def chunk(delta: Chunk | None = None, *, finish: str | None = None, **fields: Any) -> Chunk:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"choices": choices, **fields}


def call(**fields: Any) -> Chunk:
    return chunk({"tool_calls": [fields]})


def new_accumulator(*messages: Message) -> ChatAccumulator:
    return ChatAccumulator(ModelRequest(messages, TODO_TOOLS.schemas, datetime.now(UTC), ZoneInfo("UTC")), "test")


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

    @pytest.mark.parametrize(
        "chunks",
        [
            [call(index=0, id="a", function=FUNCTION), call(index=0, id="b", function=FUNCTION)],
            [call(id="a", function=FUNCTION), call(id="b", function=FUNCTION)],
            [call(function=FUNCTION), call(function=FUNCTION)],
            [call(index=0, function=FUNCTION), call(index=0, function=FUNCTION)],
            [
                *(call(index=0, id="a", function={"name": "search_todos", "arguments": part}) for part in ("{", "}")),
                *(call(index=0, id="b", function={"name": "search_todos", "arguments": part}) for part in ("{", "}")),
            ],
            [
                call(index=0, id="a"),
                call(index=0, function=FUNCTION),
                call(index=0, id="b"),
                call(index=0, function=FUNCTION),
            ],
        ],
        ids=["index 0", "no index", "no index and id", "index 0, no id", "repeated names", "ids before functions"],
    )
    def test_calls_without_numbers_are_told_apart(self, chunks: list[Chunk]) -> None:
        assert [(part.name, part.arguments) for part in join(*chunks).calls] == [("search_todos", "{}")] * 2

    def test_a_name_that_each_chunk_repeats_is_one_name(self) -> None:
        parts = [call(index=0, id="a", function={"name": "search_todos", "arguments": part}) for part in '{"text":1}']
        assert join(*parts).calls == [ToolCallRequest("a", "search_todos", '{"text":1}')]

    @pytest.mark.parametrize(
        ("given", "read"),
        [
            ({"text": "a"}, '{"text": "a"}'),
            ('"{\\"text\\": 1}"', '{"text": 1}'),
            ('```json\n{"text": 1}\n```', '{"text": 1}'),
            (None, ""),
            ("{broken", "{broken"),
            ('"no object"', '"no object"'),
            ("```\nno object\n```", "```\nno object\n```"),
        ],
        ids=str,
    )
    def test_arguments_in_other_forms_are_read(self, given: object, read: str) -> None:
        completion = join(call(index=0, id="a", function={"name": "search_todos", "arguments": given}))
        assert [part.arguments for part in completion.calls] == [read]

    def test_unknown_fields_of_a_call_are_kept(self) -> None:
        signature = {"google": {"thought_signature": "c2ln"}}
        first = call(index=0, id="a", extra_content=signature, function=FUNCTION | {"arguments": "{", "note": 1})
        [kept] = join(first, call(index=0, extra_content=signature, function={"arguments": "}"})).calls
        assert kept.extras == {"origin": "test", "fields": {"extra_content": signature, "function": {"note": 1}}}

    def test_a_legacy_function_call_is_a_call(self) -> None:
        completion = join(chunk({"function_call": FUNCTION}), finish="function_call")
        assert completion.calls == [ToolCallRequest("", "search_todos", "{}")]


class TestReasoning:
    def test_reasoning_is_kept_and_not_shown(self) -> None:
        completion = join(
            chunk({"reasoning_content": "I "}), chunk({"reasoning_content": "think"}), chunk({"content": "Hi"})
        )
        assert (completion.content, completion.extras["fields"]) == ("Hi", {"reasoning_content": "I think"})

    def test_blocks_of_reasoning_are_joined_by_their_index(self) -> None:
        parts = [
            {"type": "reasoning.text", "index": 0, "text": "I ", "format": "a", "signature": None},
            {"type": "reasoning.text", "index": 0, "text": "think", "format": "a"},
            {"type": "reasoning.text", "index": 0, "text": "", "signature": "s"},
            {"type": "reasoning.encrypted", "index": 1, "data": "x", "id": "e"},
        ]
        completion = join(*(chunk({"reasoning_details": [part]}) for part in parts))
        assert completion.extras["fields"] == {
            "reasoning_details": [
                {"type": "reasoning.text", "index": 0, "text": "I think", "format": "a", "signature": "s"},
                {"type": "reasoning.encrypted", "index": 1, "data": "x", "id": "e"},
            ]
        }

    def test_blocks_without_an_index_end_with_their_signature(self) -> None:
        parts = [
            {"type": "thinking", "thinking": "a"},
            {"type": "thinking", "thinking": "b", "signature": "s"},
            {"type": "thinking", "thinking": "c"},
        ]
        completion = join(*(chunk({"thinking_blocks": [part]}) for part in parts))
        fields: Any = completion.extras["fields"]
        assert [block["thinking"] for block in fields["thinking_blocks"]] == ["ab", "c"]

    def test_endless_reasoning_is_an_error_after_500_000_characters(self) -> None:
        accumulator = new_accumulator()
        for _ in range(450):
            accumulator.add(chunk({"reasoning_content": "x" * 1_000}))
        with pytest.raises(ProviderError) as raised:
            accumulator.add(chunk({"reasoning_content": "x" * 50_000}))
        assert raised.value.fault == "transient"
        assert "too long" in raised.value.describe()


class TestEnds:
    def test_a_cut_call_is_left_out(self) -> None:
        whole, cut = (
            call(index=0, id="a", function=FUNCTION),
            call(index=1, id="b", function=FUNCTION | {"arguments": "{"}),
        )
        assert join(whole, cut, finish="length").calls == [SEARCH]

    @pytest.mark.parametrize("arguments", ["", '{"ids'])
    def test_an_answer_without_a_whole_call_says_that_it_was_cut(self, arguments: str) -> None:
        completion = join(call(index=0, id="a", function=FUNCTION | {"arguments": arguments}), finish="length")
        assert (completion.calls, completion.content) == ([], CUT_OFF)

    def test_a_cut_text_says_so(self) -> None:
        assert join(chunk({"content": "Hello wor"}), finish="length").content == f"Hello wor\n\n{CUT_OFF}"

    def test_a_filtered_answer_calls_nothing(self) -> None:
        completion = join(call(index=0, id="a", function=FUNCTION), finish="content_filter")
        assert (completion.calls, completion.content) == ([], DECLINED)

    def test_a_refusal_is_the_text(self) -> None:
        assert join(chunk({"refusal": "I will "}), chunk({"refusal": "not."})).content == "I will not."

    @pytest.mark.parametrize(
        "end",
        [None, {"choices": [], "usage": {"prompt_tokens": 1}}, call(index=0, function={"arguments": "}"})],
        ids=["the end marker", "token counts", "whole calls"],
    )
    def test_a_stream_without_a_finish_reason_is_accepted_with(self, end: Chunk | None) -> None:
        accumulator = new_accumulator()
        accumulator.add(
            call(index=0, id="a", function=FUNCTION | {"arguments": "{" if end and end["choices"] else "{}"})
        )
        accumulator.add(end)
        assert accumulator.finish().calls == [SEARCH]

    def test_a_stream_that_just_ends_broke_off(self) -> None:
        with pytest.raises(ProviderError) as raised:
            join(chunk({"content": "Hello"}), finish=None)
        assert raised.value.fault == "transient"


class TestWrittenCalls:
    WRITTEN = '<tool_call>{"name": "search_todos", "arguments": {"text": "milk"}}</tool_call>'

    def join_in(self, *messages: Message) -> Completion:
        accumulator = new_accumulator(*messages)
        for text in (self.WRITTEN[:20], self.WRITTEN[20:]):
            assert accumulator.add(chunk({"content": text})) in {"", self.WRITTEN}
        accumulator.add(chunk({}, finish="stop"))
        return accumulator.finish()

    def test_a_tagged_call_of_a_known_tool_is_a_call(self) -> None:
        completion = self.join_in(UserMessage("Milk?"))
        assert completion.content == ""
        assert completion.calls == [ToolCallRequest("written_call_1", "search_todos", '{"text": "milk"}')]

    def test_after_a_call_in_the_usual_form_it_is_text(self) -> None:
        completion = self.join_in(AssistantMessage("", [SEARCH]), ToolMessage("a", "search_todos", {}))
        assert (completion.calls, completion.content) == ([], self.WRITTEN)

    def test_a_call_that_a_todo_contains_is_text(self) -> None:
        earlier = AssistantMessage("", [ToolCallRequest("written_call_1", "search_todos", "{}")])
        result = ToolMessage("written_call_1", "search_todos", {"todos": [{"title": f"Say {self.WRITTEN}"}]})
        completion = self.join_in(earlier, result)
        assert (completion.calls, completion.content) == ([], self.WRITTEN)


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
