"""Scenarios of Chat Completions: forms of bodies and of streams that providers send."""

from dataclasses import replace
from typing import Final

from tests.dialects.chat_dialect import ChatDialect, ChatMessages
from tests.dialects.chat_stream import Framing, StreamStyle
from tests.dialects.provider_server import HttpResponse, Json, compress
from tests.dialects.scenarios import Scenario
from tests.dialects.steps import PARALLEL_CALLS, SECRET, TEXT_BESIDE_CALL

_CHECKED: Json = {"hate": {"filtered": False, "severity": "safe"}, "self_harm": {"filtered": False, "severity": "safe"}}
_AZURE_STREAM: Final = StreamStyle(
    before=(
        {
            "id": "",
            "object": "",
            "created": 0,
            "model": "",
            "choices": [],
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _CHECKED}],
        },
    ),
    after=(
        {
            "id": "",
            "object": "",
            "created": 0,
            "model": "",
            "choices": [{"index": 0, "finish_reason": None, "content_filter_results": _CHECKED}],
        },
    ),
)


def _with_parts(message: Json) -> Json:
    """Returns the message with its text as a list of parts, as Mistral's reasoning models send it."""
    text = message["content"]
    if not text:
        return message
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": SECRET}]}
    return message | {"content": [thinking, {"type": "text", "text": text}]}


def _without_nulls(message: Json) -> Json:
    return {name: value for name, value in message.items() if value is not None}


def _with_function_call(message: Json) -> Json:
    calls = message.pop("tool_calls", None)
    return message | {"function_call": calls[0]["function"]} if calls else message


def _delay_by_lines(response: HttpResponse) -> HttpResponse:
    """Sends empty lines before the body, which keep the connection alive."""
    return replace(response, pieces=(b"\n", b"\n\n", *response.pieces))


def _declare_as_text(response: HttpResponse) -> HttpResponse:
    return replace(response, content_type="text/plain; charset=utf-8")


FORM_SCENARIOS: Final = [
    Scenario(
        "Azure's filter results",
        ChatDialect(stream=_AZURE_STREAM),
        PARALLEL_CALLS,
    ),
    Scenario("OpenAI's usual form", ChatDialect(), PARALLEL_CALLS),
    Scenario("a text beside a call", ChatDialect(), TEXT_BESIDE_CALL),
    *(
        Scenario(name, ChatDialect(stream=style), PARALLEL_CALLS, forms=("stream",))
        for name, style in {
            "interleaved fragments of parallel calls": StreamStyle(interleaved=True),
            "Ollama's calls at index 0": StreamStyle(index="zero", fragment=None),
            "calls without index": StreamStyle(index="missing", fragment=None),
            "fragments of all calls at index 0": StreamStyle(index="zero"),
            "fragments without index": StreamStyle(index="missing"),
            "NIM's name in each fragment": StreamStyle(repeats=frozenset({"name"})),
            "name and id in each fragment": StreamStyle(repeats=frozenset({"name", "id"})),
            "name and id in each fragment at index 0": StreamStyle(index="zero", repeats=frozenset({"name", "id"})),
            "role in each delta": StreamStyle(repeats=frozenset({"role"})),
            "null names in later fragments": StreamStyle(later_names="null"),
            "empty names in later fragments": StreamStyle(later_names="empty"),
            "indexes from one": StreamStyle(index="from one"),
            "fragments of one character": StreamStyle(fragment=1, text_size=1),
            "characters cut into halves": StreamStyle(splits_emoji=True),
            "no finish reason": StreamStyle(finish="missing"),
            "no end marker": StreamStyle(has_done=False),
            "neither finish reason nor end marker": StreamStyle(finish="missing", has_done=False),
            "the finish reason beside the last call": StreamStyle(finish="in the last delta", fragment=None),
            "null errors and unknown fields in each chunk": StreamStyle(
                extra={"error": None, "system_fingerprint": None, "obfuscation": "aGk", "timings": {"prompt_n": 1}}
            ),
            "usage in the last chunk": StreamStyle(usage="last"),
            "usage in each chunk": StreamStyle(usage="each"),
            "no usage": StreamStyle(usage="never"),
            "lines that end with CRLF": StreamStyle(framing=Framing(line_end="\r\n")),
            "no space after the name of a field": StreamStyle(framing=Framing(space="")),
            "comments that keep the connection alive": StreamStyle(framing=Framing(comment="keep-alive")),
            "events with a name": StreamStyle(framing=Framing(event="message")),
            "no blank line at the end": StreamStyle(framing=Framing(ends_with_blank_line=False)),
            "pieces of 3 bytes": StreamStyle(framing=Framing(piece=3)),
            "a compressed stream": StreamStyle(framing=Framing(is_compressed=True)),
            "empty deltas and chunks without choices": StreamStyle(
                before=({"choices": [], "object": "chat.completion.chunk"}, {"choices": [{"index": 0, "delta": {}}]}),
                after=({"choices": [{"index": 0, "delta": {"content": "", "tool_calls": None}}]},),
            ),
            "null for the delta": StreamStyle(
                after=({"choices": [{"index": 0, "delta": None, "finish_reason": None}]},)
            ),
            "an unknown object between chunks": StreamStyle(
                before=({"type": "ping"}, {"object": "x_groq", "choices": None})
            ),
        }.items()
    ),
    Scenario(
        "finish reason stop beside calls", ChatDialect(messages=ChatMessages(finish=lambda _: "stop")), PARALLEL_CALLS
    ),
    Scenario(
        "finish reason function_call",
        ChatDialect(messages=ChatMessages(finish=lambda step: "function_call" if step.uses else "stop")),
    ),
    Scenario("finish reason null", ChatDialect(messages=ChatMessages(finish=lambda _: None))),
    Scenario("finish reason unknown to OpenAI", ChatDialect(messages=ChatMessages(finish=lambda _: "eos"))),
    Scenario("an empty text beside calls", ChatDialect(messages=ChatMessages(content=lambda step: step.text))),
    Scenario("a compressed body", ChatDialect(convert=compress), forms=("JSON",)),
    Scenario("empty lines before the body", ChatDialect(convert=_delay_by_lines), forms=("JSON",)),
    Scenario("a body declared as text", ChatDialect(convert=_declare_as_text), forms=("JSON",)),
    Scenario("a list of text parts", ChatDialect(messages=ChatMessages(reshape=_with_parts))),
    Scenario(
        "an empty list of calls beside a text",
        ChatDialect(messages=ChatMessages(reshape=lambda message: {"tool_calls": [], **message})),
    ),
    Scenario("messages without null fields", ChatDialect(messages=ChatMessages(reshape=_without_nulls))),
    Scenario("a null error in the body", ChatDialect(wrap=lambda body: {**body, "error": None}), forms=("JSON",)),
    Scenario(
        "a legacy function call",
        ChatDialect(messages=ChatMessages(reshape=_with_function_call)),
    ),
    Scenario("no usage in the body", ChatDialect(wrap=lambda body: {**body, "usage": None}), forms=("JSON",)),
    Scenario(
        "usage that is no number",
        ChatDialect(wrap=lambda body: {**body, "usage": {"prompt_tokens": "many", "completion_tokens": None}}),
        forms=("JSON",),
    ),
]
