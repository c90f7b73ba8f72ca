"""The scripted providers speak their wire formats, and find the faults of requests."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import openai
import pytest

from tests.dialects.chat_dialect import ChatDialect, ChatMessages
from tests.dialects.chat_stream import StreamStyle
from tests.dialects.provider import KEY, Dialect, Provider
from tests.dialects.provider_server import HttpRequest, Json, ProviderServer, provider_server
from tests.dialects.responses_dialect import ResponsesDialect
from tests.dialects.responses_stream import EventStyle
from tests.dialects.steps import FIRST_ANSWER, TEXT_BESIDE_CALL

TOOLS: Any = [{"type": "function", "function": {"name": "add_todos", "parameters": {"type": "object"}}}]
HELLO: Json = {"role": "user", "content": "Hello"}
SYSTEM: Json = {"role": "system", "content": "Be brief."}
SIGNED = ChatDialect(
    messages=ChatMessages(call_extras=lambda _, __: {"signature": "x"}), returned=frozenset({"signature"})
)
REASONING = ResponsesDialect(reasons="once", phases=True)


@pytest.fixture(scope="module")
def server() -> Iterator[ProviderServer]:
    with provider_server() as server:
        yield server


@pytest.fixture
def open_client(server: ProviderServer) -> Iterator[Callable[[Dialect], openai.OpenAI]]:
    clients: list[openai.OpenAI] = []

    def open_one(dialect: Dialect) -> openai.OpenAI:
        provider = Provider(dialect, TEXT_BESIDE_CALL)
        url = server.mount(f"provider-{len(clients)}", provider.answer)
        clients.append(openai.OpenAI(api_key=KEY, base_url=f"{url}/v1", max_retries=0))
        return clients[-1]

    yield open_one
    for client in clients:
        client.close()


def test_a_stream_of_chunks_is_the_message(open_client: Callable[[Dialect], openai.OpenAI]) -> None:
    messages: Any = [SYSTEM, HELLO]
    whole = open_client(SIGNED).chat.completions.create(model="m", messages=messages, tools=TOOLS)
    with open_client(SIGNED).chat.completions.stream(model="m", messages=messages, tools=TOOLS) as stream:
        streamed = stream.get_final_completion()

    assert _message_of(streamed) == _message_of(whole)
    assert _message_of(whole)["tool_calls"][0]["signature"] == "x"


def _message_of(completion: Any) -> Json:
    message: Json = completion.choices[0].message.model_dump(exclude_none=True, exclude={"parsed"})
    for call in message["tool_calls"]:
        call.pop("index", None)
        call["function"].pop("parsed_arguments", None)
    return message


@pytest.mark.parametrize("style", [EventStyle(), EventStyle(is_interleaved=True)], ids=["in order", "interleaved"])
def test_a_stream_of_events_is_the_response(open_client: Callable[[Dialect], openai.OpenAI], style: EventStyle) -> None:
    dialect = ResponsesDialect(reasons="once", phases=True, stream=style)
    request: Json = {"model": "m", "input": [HELLO], "instructions": "Be brief.", "store": False}
    whole = open_client(dialect).responses.create(**request)
    with open_client(dialect).responses.stream(**request) as stream:
        types = [event.type for event in stream]
        streamed = stream.get_final_response()

    assert [item.type for item in whole.output] == ["reasoning", "message", "function_call"]
    assert streamed.output_text == whole.output_text == TEXT_BESIDE_CALL[0].text
    assert {"response.function_call_arguments.delta", "response.reasoning_summary_text.done"} < set(types)


def _chat_body() -> Json:
    """Returns a valid request after two answers of the signed dialect."""
    call, answer = (
        SIGNED.produce(step, number, corrected=False)[0] for number, step in enumerate(TEXT_BESIDE_CALL[:2])
    )
    result = {"role": "tool", "tool_call_id": "call_0_0", "content": "done"}
    return deepcopy({"messages": [SYSTEM, HELLO, call, result, answer, HELLO]})


def _responses_body() -> Json:
    """Returns a valid request of the Responses API after two answers."""
    call, answer = (
        REASONING.produce(step, number, corrected=False) for number, step in enumerate(TEXT_BESIDE_CALL[:2])
    )
    result = {"type": "function_call_output", "call_id": "call_0_0", "output": "done"}
    tools = [{"type": "function", "name": "add_todos", "parameters": {}}]
    items = [HELLO, *call, result, *answer, HELLO]
    body: Json = {"model": "m", "input": items, "instructions": "Be brief.", "store": False, "tools": tools}
    return deepcopy(body)


def _change(*path: str | int | slice, to: object) -> Callable[[Json], None]:
    def change(body: Any) -> None:
        for step in path[:-1]:
            body = body[step]
        body[path[-1]] = to

    return change


def _drop(*path: str | int | slice) -> Callable[[Json], None]:
    def drop(body: Any) -> None:
        for step in path[:-1]:
            body = body[step]
        del body[path[-1]]

    return drop


CHAT_FAULTS: dict[str, Callable[[Json], None]] = {
    "first message must be the system": _drop("messages", 0),
    "last message must have the role user": _drop("messages", 5),
    "role user cannot follow user": _change("messages", slice(5, 5), to=[HELLO]),
    "1 answers of the model, which sent 2": _drop("messages", 4),
    "no tool call waits": _change("messages", 3, "tool_call_id", to="call_1"),
    "have no result": _drop("messages", 3),
    "field parsed is not permitted": _change("messages", 2, "parsed", to=None),
    "field index is not permitted": _change("messages", 2, "tool_calls", 0, "index", to=0),
    "signature came back as None": _drop("messages", 2, "tool_calls", 0, "signature"),
    "signature came back as 'y'": _change("messages", 2, "tool_calls", 0, "signature", to="y"),
    "came back as 'call_1'": _change("messages", 2, "tool_calls", 0, "id", to="call_1"),
    "arguments are no JSON": _change("messages", 2, "tool_calls", 0, "function", "arguments", to="{"),
    "arguments {}": _change("messages", 2, "tool_calls", 0, "function", "arguments", to="{}"),
    "function 'add' instead": _change("messages", 2, "tool_calls", 0, "function", "name", to="add"),
    "content of the role tool is ''": _change("messages", 3, "content", to=""),
    "the text 'Let me add that.' came back": _change("messages", 2, "content", to=None),
    "content of an answer without tool calls is None": _change("messages", 4, "content", to=None),
    "0 tool calls instead of 1": _drop("messages", 2, "tool_calls"),
}
RESPONSES_FAULTS: dict[str, Callable[[Json], None]] = {
    "Unknown parameter: 'messages'": _change("messages", to=[]),
    "must not store": _drop("store"),
    "instructions must come once": _drop("instructions"),
    "Missing required parameter: 'tools[0].name'": _drop("tools", 0, "name"),
    "Unknown parameter: 'tools[0].function'": _change("tools", 0, "function", to={}),
    "came back for ['reasoning', 'message', 'function_call']": _drop("input", 1),
    "encrypted_content came back as None": _drop("input", 1, "encrypted_content"),
    "input[1].status is null": _change("input", 1, "status", to=None),
    "Item with id 'rs_7' not found": _change("input", 1, "id", to="rs_7"),
    "phase came back as None": _drop("input", 2, "phase"),
    "call_id came back as 'call_7'": _change("input", 3, "call_id", to="call_7"),
    "arguments came back as 'no JSON": _change("input", 3, "arguments", to="{"),
    "Unknown parameter: 'input[3].parsed_arguments'": _change("input", 3, "parsed_arguments", to={}),
    "No tool call found for function call output": _change("input", 4, "call_id", to="call_7"),
    "No tool output found for function call": _drop("input", 4),
    "1 answers of the model, which sent 2": _drop("input", slice(5, 7)),
    "message of the role user is empty": _change("input", 0, "content", to=[]),
    "Invalid value: 'text'": _change("input", 0, "content", to=[{"type": "text", "text": "Hello"}]),
}


@pytest.mark.parametrize(
    ("dialect", "body"), [(SIGNED, _chat_body()), (REASONING, _responses_body())], ids=["chat", "responses"]
)
def test_a_valid_request_has_no_fault(dialect: Dialect, body: Json) -> None:
    assert _faults(dialect, body) == []


@pytest.mark.parametrize("fault", CHAT_FAULTS)
def test_a_fault_of_messages_is_found(fault: str) -> None:
    body = _chat_body()
    CHAT_FAULTS[fault](body)
    assert any(fault in found for found in _faults(SIGNED, body))


@pytest.mark.parametrize("fault", RESPONSES_FAULTS)
def test_a_fault_of_input_items_is_found(fault: str) -> None:
    body = _responses_body()
    RESPONSES_FAULTS[fault](body)
    assert any(fault in found for found in _faults(REASONING, body))


def _faults(dialect: Dialect, body: Json) -> list[str]:
    provider = Provider(dialect, TEXT_BESIDE_CALL)
    produced = [provider.produce_next(corrected=False) for _ in range(2)]
    return list(dialect.faults_of(body, produced))


def test_a_failed_call_is_corrected_once() -> None:
    dialect = ChatDialect(messages=ChatMessages(arguments=lambda text: text[:5]), broken=frozenset({"arguments"}))
    provider = Provider(dialect, TEXT_BESIDE_CALL)
    messages: list[Json] = [SYSTEM, HELLO]
    arguments = []
    for result in ('{"error": "no JSON"}', "done"):
        answer = _answer_of(provider, messages)
        function = answer["tool_calls"][0]["function"]
        arguments.append(function["arguments"])
        function["arguments"] = '{"todos": [{"title": "Bread"}]}'
        call_id = answer["tool_calls"][0]["id"]
        messages += [answer, {"role": "tool", "tool_call_id": call_id, "content": result}]
    assert arguments == ['{"tod', '{"todos": [{"title": "Bread"}]}']
    assert _answer_of(provider, messages)["content"] == FIRST_ANSWER


def _answer_of(provider: Provider, messages: list[Json]) -> Json:
    request = HttpRequest("/v1/chat/completions", {}, {"api-key": KEY}, {"messages": messages})
    body = json.loads(provider.answer(request).pieces[0])
    assert provider.faults == []
    message: Json = body["choices"][0]["message"]
    return message


def test_a_style_repeats_the_name_in_each_fragment() -> None:
    style = StreamStyle(repeats=frozenset({"name"}), fragment=4)
    [message] = SIGNED.produce(TEXT_BESIDE_CALL[0], 0, corrected=False)
    chunks = style.chunks_of(message, "tool_calls", wants_usage=False)
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    fragments = [fragment for delta in deltas for fragment in delta.get("tool_calls", [])]
    assert {fragment["function"]["name"] for fragment in fragments} == {"add_todos"}
    assert len(fragments) > 5
