"""The scripted model, a fake OpenAI endpoint. Tests call it with OpenAI's client or, for details, by plain HTTP."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI

from tests.model_replies import (
    Call,
    Cut,
    Dribble,
    Empty,
    Fail,
    Garbage,
    Hang,
    ReceivedRequest,
    Reply,
    Say,
    Slow,
    Tokens,
    ToolCalls,
)
from tests.room import ROOM_SECONDS
from tests.scripted_model import ScriptedModel, scripted_model
from tests.serving import ANY_CERTIFICATE

HELLO = [{"role": "user", "content": "Hello"}]
CALLS = (Call("add_todo", {"title": "Buy milk, eggs and bread"}, id="a"), Call("list_todos", "{not json", id="b"))


@dataclass
class Answer:
    """A completion that OpenAI's client received, either as one response or joined from stream chunks."""

    text: str = ""
    calls: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    finish: str | None = None
    tokens: tuple[int, int] | None = None
    chunks: int = 0


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with scripted_model() as model:
        yield model


@pytest.fixture(params=["whole", "streamed"])
def streamed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "streamed")


def client_of(model: ScriptedModel, *, key: str | None = None, seconds: float = 5) -> AsyncOpenAI:
    http = openai.DefaultAsyncHttpx2Client(verify=ANY_CERTIFICATE)
    return AsyncOpenAI(base_url=model.url, api_key=key or model.key, max_retries=0, timeout=seconds, http_client=http)


def ask(
    model: ScriptedModel, *, streamed: bool, key: str | None = None, seconds: float = 5, messages: Any = HELLO
) -> Answer:
    async def run() -> Answer:
        async with client_of(model, key=key, seconds=seconds) as client:
            return await (_read_stream if streamed else _read_whole)(client, messages)

    return asyncio.run(run())


async def _read_whole(client: AsyncOpenAI, messages: Any) -> Answer:
    completion = await client.chat.completions.create(model="gpt", messages=messages)
    usage = completion.usage
    answer = Answer(tokens=(usage.prompt_tokens, usage.completion_tokens) if usage else None, chunks=1)
    for choice in completion.choices:
        answer.text, answer.finish = choice.message.content or "", choice.finish_reason
        for index, call in enumerate(choice.message.tool_calls or []):
            assert call.type == "function"
            answer.calls[index] = (call.id, call.function.name, call.function.arguments)
    return answer


async def _read_stream(client: AsyncOpenAI, messages: Any) -> Answer:
    answer = Answer()
    stream = await client.chat.completions.create(
        model="gpt", messages=messages, stream=True, stream_options={"include_usage": True}
    )
    async for chunk in stream:
        answer.chunks += 1
        if chunk.usage:
            assert not chunk.choices
            answer.tokens = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        for choice in chunk.choices:
            answer.text += choice.delta.content or ""
            answer.finish = choice.finish_reason or answer.finish
            for part in choice.delta.tool_calls or []:
                known, name, arguments = answer.calls.get(
                    part.index, (part.id, part.function and part.function.name, "")
                )
                fragment = (part.function and part.function.arguments) or ""
                answer.calls[part.index] = (str(known), str(name), arguments + fragment)
    return answer


def raw(model: ScriptedModel, **fields: object) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {model.key}"}
    body = {"model": "gpt", "messages": HELLO, **fields}
    return httpx2.post(
        f"{model.url}/chat/completions", json=body, headers=headers, verify=ANY_CERTIFICATE, timeout=ROOM_SECONDS
    )


def events(response: httpx2.Response) -> list[dict[str, Any]]:
    *data, done, end = response.text.split("\n\n")
    assert (done, end) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in data]


class TestAnswers:
    def test_text_has_its_token_counts(self, model: ScriptedModel, *, streamed: bool) -> None:
        model.play(Say("Hello, what is to be done today?", tokens=Tokens(123, 45)))
        answer = ask(model, streamed=streamed)
        assert (answer.text, answer.finish) == ("Hello, what is to be done today?", "stop")
        assert answer.tokens == (123, 45)
        assert answer.chunks == (6 if streamed else 1)
        assert (model.left, model.unexpected, model.abandoned) == (0, [], 0)

    @pytest.mark.parametrize("split", [1, 7, None])
    def test_several_calls_are_received_whole(self, model: ScriptedModel, split: int | None, *, streamed: bool) -> None:
        model.play(ToolCalls(*CALLS, text="One moment.", split=split))
        answer = ask(model, streamed=streamed)
        assert answer.text == "One moment."
        assert answer.calls == {index: (call.id, call.name, call.raw) for index, call in enumerate(CALLS)}

    def test_a_single_call_is_a_reply(self, model: ScriptedModel, *, streamed: bool) -> None:
        model.play(Call("list_todos", id=""))
        assert ask(model, streamed=streamed).calls == {0: ("", "list_todos", "{}")}

    def test_fragments_of_calls_alternate(self, model: ScriptedModel) -> None:
        model.play(ToolCalls(*CALLS))
        deltas = [chunk["choices"][0]["delta"] for chunk in events(raw(model, stream=True))]
        parts = [part for delta in deltas for part in delta.get("tool_calls", [])]
        assert [part["index"] for part in parts] == [0, 1, 0, 1, 0, 1, 0, 0, 0, 0]
        assert [part["function"].get("name") for part in parts[:4]] == ["add_todo", "list_todos", None, None]
        assert [part.get("id") for part in parts[:4]] == ["a", "b", None, None]

    def test_usage_is_streamed_only_on_request(self, model: ScriptedModel) -> None:
        model.play(Say(("One", " two")), Say("One"), Say("One", tokens=None))
        without = events(raw(model, stream=True))
        assert [chunk["choices"][0]["delta"].get("content") for chunk in without] == ["", "One", " two", None]
        assert without[-1]["choices"][0]["finish_reason"] == "stop"
        assert not any("usage" in chunk for chunk in without)
        last = events(raw(model, stream=True, stream_options={"include_usage": True}))[-1]
        assert (last["choices"], last["usage"]["total_tokens"]) == ([], 18)
        assert raw(model).json()["usage"] is None

    def test_an_empty_reply_has_no_choices(self, model: ScriptedModel, *, streamed: bool) -> None:
        model.play(Empty())
        answer = ask(model, streamed=streamed)
        assert (answer.text, answer.calls, answer.finish, answer.chunks) == ("", {}, None, 0 if streamed else 1)


class TestFailures:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, openai.BadRequestError),
            (401, openai.AuthenticationError),
            (404, openai.NotFoundError),
            (429, openai.RateLimitError),
            (500, openai.InternalServerError),
            (503, openai.InternalServerError),
        ],
    )
    def test_an_error_status_raises_the_error_of_the_client(
        self, model: ScriptedModel, status: int, kind: type[openai.APIStatusError], *, streamed: bool
    ) -> None:
        model.play(Fail(status, "some_code", "Some sentence.", retry_after=3))
        with pytest.raises(kind, match=r"Some sentence\.") as raised:
            ask(model, streamed=streamed)
        assert (raised.value.code, raised.value.response.headers["retry-after"]) == ("some_code", "3")

    def test_an_html_error_page_is_the_body_of_the_error(self, model: ScriptedModel, *, streamed: bool) -> None:
        model.play(Fail(502, page="<html>Bad gateway</html>"))
        with pytest.raises(openai.InternalServerError) as raised:
            ask(model, streamed=streamed)
        assert raised.value.body == "<html>Bad gateway</html>"

    def test_a_wrong_key_is_rejected(self, model: ScriptedModel, *, streamed: bool) -> None:
        model.play(Say("Hello"))
        with pytest.raises(openai.AuthenticationError) as raised:
            ask(model, streamed=streamed, key="sk-wrong")
        assert raised.value.code == "invalid_api_key"
        assert (model.left, model.requests) == (1, [])

    def test_a_body_that_is_not_json_raises(self, model: ScriptedModel, *, streamed: bool) -> None:
        model.play(Garbage("<html>"))
        with pytest.raises(json.JSONDecodeError):
            ask(model, streamed=streamed)

    def test_an_error_inside_a_stream_raises(self, model: ScriptedModel) -> None:
        model.play(Garbage('{"error": {"message": "Overloaded."}}'))
        with pytest.raises(openai.APIError, match=r"Overloaded\."):
            ask(model, streamed=True)

    @pytest.mark.parametrize("after", [0, 2, 99])
    def test_a_broken_connection_raises(self, model: ScriptedModel, after: int, *, streamed: bool) -> None:
        model.play(Cut(Say("Hello, what is to be done today?"), after))
        with pytest.raises(openai.APIConnectionError) as raised:
            ask(model, streamed=streamed)
        assert not isinstance(raised.value, openai.APITimeoutError)
        assert model.abandoned == 0

    def test_a_stream_without_its_end_marker_raises_nothing(self, model: ScriptedModel) -> None:
        model.play(Cut(Say("Hello, what is to be done today?"), 2, clean=True))
        assert ask(model, streamed=True).text == "Hello, what "


class TestTime:
    def test_a_slow_reply_is_delayed(self, model: ScriptedModel, *, streamed: bool) -> None:
        model.play(Slow(Say("Hello"), 0.2))
        started = time.monotonic()
        assert ask(model, streamed=streamed).text == "Hello"
        assert time.monotonic() - started >= 0.2

    def test_a_read_timeout_applies_between_two_chunks(self, model: ScriptedModel, *, streamed: bool) -> None:
        model.play(Dribble(Say(("a", "b", "c")), 0.2))
        started = time.monotonic()
        assert ask(model, streamed=streamed, seconds=1).text == "abc"
        assert time.monotonic() - started >= (1.2 if streamed else 0.6)

    @pytest.mark.parametrize("reply", [Hang(), Slow(Say("Hello"), 60), Dribble(Say("Hello"), 60)])
    def test_a_client_that_times_out_counts_as_abandoned(
        self, model: ScriptedModel, reply: Reply, *, streamed: bool
    ) -> None:
        model.play(reply)
        with pytest.raises(openai.APITimeoutError):
            ask(model, streamed=streamed, seconds=0.2)
        model.wait_until(lambda: model.abandoned == 1)

    def test_a_cancelled_request_counts_as_abandoned(self, model: ScriptedModel, *, streamed: bool) -> None:
        async def cancel() -> None:
            async with client_of(model) as client:
                read = asyncio.create_task((_read_stream if streamed else _read_whole)(client, HELLO))
                await asyncio.to_thread(model.wait_until, lambda: len(model.requests) == 1)
                read.cancel()
                with suppress(asyncio.CancelledError):
                    await read
                await asyncio.to_thread(model.wait_until, lambda: model.abandoned == 1)

        model.play(Hang())
        asyncio.run(cancel())

    def test_the_server_stops_without_waiting_for_clients(self) -> None:
        async def leave() -> None:
            with scripted_model() as model:
                model.play(Hang(), Dribble(Say("Hello"), 60))
                client = client_of(model, seconds=60)
                reads = [asyncio.create_task(_read_stream(client, HELLO)) for _ in range(2)]
                await asyncio.to_thread(model.wait_until, lambda: model.left == 0)
                started = time.monotonic()
            assert time.monotonic() - started < 1
            for result in await asyncio.gather(*reads, return_exceptions=True):
                assert isinstance(result, openai.APIConnectionError)
            await client.close()

        asyncio.run(leave())


class TestScript:
    def test_requests_are_kept_until_the_next_script(self, model: ScriptedModel) -> None:
        model.play(Say("One"), Say("Two"), Say("Three"))
        assert [ask(model, streamed=streamed).text for streamed in (False, True)] == ["One", "Two"]
        assert [request.messages for request in model.requests] == [HELLO, HELLO]
        assert [request.streamed for request in model.requests] == [False, True]
        assert model.requests[0].headers["authorization"] == f"Bearer {model.key}"
        assert model.left == 1
        model.play(Say("Four"))
        assert (model.requests, model.left, ask(model, streamed=True).text) == ([], 1, "Four")

    def test_a_request_after_the_end_of_the_script_fails(self, model: ScriptedModel, *, streamed: bool) -> None:
        with pytest.raises(openai.InternalServerError, match="Request 1 comes after the end of the script"):
            ask(model, streamed=streamed)
        assert model.unexpected == ["Request 1 comes after the end of the script."]

    def test_another_path_is_not_found(self, model: ScriptedModel) -> None:
        async def list_models() -> None:
            async with client_of(model) as client:
                await client.models.list()

        with pytest.raises(openai.NotFoundError):
            asyncio.run(list_models())
        assert model.unexpected == ["Invalid URL (GET /v1/models)"]

    @pytest.mark.parametrize(
        "messages",
        [
            [{"role": "tool", "tool_call_id": "a", "content": "A result without its call"}],
            [{"role": "assistant", "tool_calls": [{"id": "a"}]}],
            [{"role": "assistant", "tool_calls": [{"id": "a"}]}, *HELLO],
            [{"role": "assistant", "tool_calls": [{"id": "a"}]}, {"role": "tool", "tool_call_id": "b"}],
        ],
    )
    def test_messages_that_openai_would_reject_are_rejected(
        self, model: ScriptedModel, messages: list[dict[str, Any]]
    ) -> None:
        model.play(Say("Hello"))
        with pytest.raises(openai.BadRequestError, match="tool"):
            ask(model, streamed=True, messages=messages)
        assert (model.left, len(model.unexpected)) == (1, 1)

    def test_a_function_receives_tool_results(self, model: ScriptedModel, *, streamed: bool) -> None:
        def reply(request: ReceivedRequest) -> Reply:
            last = request.messages[-1]
            return Say(f"It is {last['content']}") if last["role"] == "tool" else Call("add_todo", id="a")

        model.answer_with(reply)
        (call,) = ask(model, streamed=streamed).calls.values()
        function = {"name": call[1], "arguments": call[2]}
        called = {"role": "assistant", "tool_calls": [{"id": call[0], "type": "function", "function": function}]}
        result = {"role": "tool", "tool_call_id": call[0], "content": "7"}
        assert ask(model, streamed=streamed, messages=[*HELLO, called, result]).text == "It is 7"

    def test_an_error_of_the_function_is_reported(self, model: ScriptedModel) -> None:
        def reply(request: ReceivedRequest) -> Reply:
            raise AssertionError(request.messages[0]["content"])

        model.answer_with(reply)
        with pytest.raises(openai.InternalServerError):
            ask(model, streamed=True)
        assert model.unexpected == ["The script gave no reply: AssertionError('Hello')"]

    def test_twenty_requests_are_answered_in_parallel(self, model: ScriptedModel, *, streamed: bool) -> None:
        together = Barrier(20)

        def reply(request: ReceivedRequest) -> Reply:
            together.wait(timeout=ROOM_SECONDS)
            return Say(request.messages[0]["content"])

        async def run() -> list[str]:
            async with client_of(model) as client:
                read = _read_stream if streamed else _read_whole
                asks = [read(client, [{"role": "user", "content": f"Number {number}"}]) for number in range(20)]
                return [answer.text for answer in await asyncio.gather(*asks)]

        model.answer_with(reply)
        assert asyncio.run(run()) == [f"Number {number}" for number in range(20)]
        assert len(model.requests) == 20

    def test_a_connection_is_reused(self, model: ScriptedModel) -> None:
        model.play(Say("One"), Fail(500), Say("Two"), Say("Three"))
        with httpx2.Client(
            headers={"Authorization": f"Bearer {model.key}"}, verify=ANY_CERTIFICATE, timeout=ROOM_SECONDS
        ) as client:
            streams = set()
            for stream in (False, False, True, False):
                url = f"{model.url}/chat/completions"
                with client.stream("POST", url, json={"messages": HELLO, "stream": stream}) as response:
                    response.read()
                    streams.add(response.extensions["network_stream"].get_extra_info("client_addr"))
        assert len(streams) == 1

    def test_another_process_can_connect(self, model: ScriptedModel) -> None:
        script = (
            "import httpx2, sys; url, key = sys.argv[1:]; "
            "answer = httpx2.post(url, json={'messages': []}, headers={'Authorization': key}, timeout=60); "
            "print(answer.status_code)"
        )
        command = (sys.executable, "-c", script, f"{model.url}/chat/completions", f"Bearer {model.key}")
        model.play(Fail(418))
        run = subprocess.run(command, check=True, capture_output=True, text=True)
        assert run.stdout == "418\n"
