"""The Responses API: requests hold the whole conversation, and items come back as they were sent."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from todo_assistant.models.answers import CUT_OFF, DECLINED
from todo_assistant.models.endpoint import Endpoint
from todo_assistant.models.messages import (
    AssistantMessage,
    Completion,
    Message,
    ModelRequest,
    SystemMessage,
    ToolCallRequest,
    ToolMessage,
    UserMessage,
)
from todo_assistant.models.provider_errors import ProviderError
from todo_assistant.models.responses import Responses
from todo_assistant.tools.todo_tools import TODO_TOOLS
from todo_core.settings import AzureOpenAISettings, OpenAISettings

type Json = dict[str, Any]

REASONING: Json = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAA"}
CALL: Json = {
    "id": "fc_1",
    "type": "function_call",
    "status": "completed",
    "call_id": "c1",
    "name": "search_todos",
    "arguments": "{}",
}
SECOND_CALL = CALL | {"id": "fc_2", "call_id": "c2", "arguments": '{"text": "a'}
ANSWER: Json = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "phase": "final_answer",
    "content": [{"type": "output_text", "text": "None.", "annotations": []}],
}


def adapter(**settings: Any) -> Responses:
    openai = OpenAISettings(**settings)
    return Responses(openai, Endpoint(openai, AzureOpenAISettings()))


def request(*messages: Message) -> ModelRequest:
    return ModelRequest(messages, TODO_TOOLS.schemas, datetime.now(UTC), ZoneInfo("UTC"))


def response(*output: Json, status: str = "completed", **fields: Any) -> Json:
    return {"object": "response", "status": status, "error": None, "output": list(output), **fields}


def read(*events: Json, responses: Responses | None = None) -> Completion:
    accumulator = (responses or adapter()).start(request())
    for event in events:
        accumulator.add(event)
    return accumulator.finish()


def replayed(completion: Completion, responses: Responses | None = None) -> list[Json]:
    message = AssistantMessage(completion.content, completion.calls, completion.extras)
    items: list[Json] = (responses or adapter()).encode(request(message), is_streamed=False)["input"]
    return items


class TestRequests:
    def test_nothing_is_stored_at_the_provider(self) -> None:
        body = adapter(reasoning_effort="low", max_output_tokens=99).encode(request(UserMessage("a")), is_streamed=True)
        assert (body["store"], body["include"], body["stream"]) == (False, ["reasoning.encrypted_content"], True)
        assert (body["reasoning"], body["max_output_tokens"]) == ({"effort": "low"}, 99)

    def test_tools_have_no_inner_object(self) -> None:
        [tool, *_] = adapter().encode(request(), is_streamed=False)["tools"]
        assert {"type", "name", "parameters", "strict"} <= {*tool}

    def test_messages_of_another_model_become_items(self) -> None:
        call = ToolCallRequest("c1", "search todos", "{broken")
        messages = (
            SystemMessage("s"),
            UserMessage("u"),
            AssistantMessage("t", [call]),
            ToolMessage("c1", "x", {"a": 1}),
        )
        assert adapter().encode(request(*messages), is_streamed=False)["input"] == [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "u"},
            {"role": "assistant", "content": "t"},
            {"type": "function_call", "call_id": "c1", "name": "search_todos", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": '<data>{"a": 1}</data>'},
        ]


class TestReplay:
    def test_items_come_back_as_they_were_sent_and_in_order(self) -> None:
        items = [REASONING, ANSWER, CALL]
        assert replayed(read(response(*items))) == items

    def test_broken_arguments_come_back_as_an_empty_object(self) -> None:
        assert replayed(read(response(REASONING, SECOND_CALL))) == [REASONING, SECOND_CALL | {"arguments": "{}"}]

    def test_another_model_gets_no_items_of_this_one(self) -> None:
        items = replayed(read(response(REASONING, CALL)), adapter(model="another"))
        assert items == [{"type": "function_call", "call_id": "c1", "name": "search_todos", "arguments": "{}"}]

    def test_reasoning_of_a_call_that_was_left_out_is_left_out(self) -> None:
        reasoning = REASONING | {"id": "rs_2"}
        cut = response(REASONING, CALL, reasoning, SECOND_CALL, status="incomplete")
        assert replayed(read(cut)) == [REASONING, CALL]


class TestStreams:
    def test_items_are_read_from_their_events_if_the_last_event_has_none(self) -> None:
        events: list[Json] = [
            {"type": "response.output_item.done", "output_index": 1, "item": CALL},
            {"type": "response.output_item.done", "output_index": 0, "item": REASONING},
            {"type": "response.completed", "response": response()},
        ]
        assert replayed(read(*events)) == [REASONING, CALL]

    def test_text_and_refusals_are_shown(self) -> None:
        accumulator = adapter().start(request())
        kinds = ("response.output_text.delta", "response.refusal.delta", "response.reasoning_text.delta")
        assert [accumulator.add({"type": kind, "delta": "a"}) for kind in kinds] == ["a", "a", ""]

    def test_a_stream_without_its_last_event_broke_off(self) -> None:
        with pytest.raises(ProviderError) as raised:
            read({"type": "response.output_text.delta", "delta": "a"})
        assert raised.value.fault == "transient"


class TestEnds:
    def test_token_counts_are_read(self) -> None:
        completion = read(response(ANSWER, usage={"input_tokens": 5, "output_tokens": 6}))
        assert (completion.content, completion.prompt_tokens, completion.completion_tokens) == ("None.", 5, 6)

    def test_a_refusal_is_the_text(self) -> None:
        refusal = ANSWER | {"content": [{"type": "refusal", "refusal": "I will not."}]}
        assert read(response(refusal)).content == "I will not."

    @pytest.mark.parametrize(
        ("reason", "sentence"), [("max_output_tokens", CUT_OFF), ("content_filter", DECLINED), (None, CUT_OFF)]
    )
    def test_an_incomplete_response_says_so(self, reason: str | None, sentence: str) -> None:
        details = {"reason": reason} if reason else None
        completion = read(response(REASONING, SECOND_CALL, status="incomplete", incomplete_details=details))
        assert (completion.content, completion.calls, completion.extras) == (sentence, [], {})

    @pytest.mark.parametrize(("code", "fault"), [("server_error", "transient"), ("invalid_prompt", "declined")])
    def test_a_failed_response_is_an_error(self, code: str, fault: str) -> None:
        failed = response(status="failed") | {"error": {"code": code, "message": "No."}}
        with pytest.raises(ProviderError) as raised:
            read({"type": "response.failed", "response": failed})
        assert raised.value.fault == fault
