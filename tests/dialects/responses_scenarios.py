"""Scenarios of the Responses API."""

from dataclasses import replace
from typing import Final

from tests.dialects import refusals
from tests.dialects.chat_stream import Framing
from tests.dialects.failures import answers, breaks_off, breaks_off_at, errs_in_stream, fails, shows_page
from tests.dialects.provider import Interruption, Rule
from tests.dialects.provider_server import HttpResponse, Json, json_response
from tests.dialects.refusals import openai_error, refuse
from tests.dialects.responses_dialect import ResponsesDialect
from tests.dialects.responses_stream import EventStyle
from tests.dialects.scenarios import Scenario, declines, is_not_configured, is_unavailable, makes_no_claim, recovers
from tests.dialects.steps import FIRST_ANSWER, ONE_CALL, PARALLEL_CALLS, SECOND_TURN, TEXT_BESIDE_CALL, TWO_ROUNDS, Step

_SETTINGS: Final = {"OPENAI_API": "responses"}
_REASONING: Final = ResponsesDialect(reasons="once")


def _with_rules(*rules: Rule) -> ResponsesDialect:
    return ResponsesDialect(rules)


_FORMS: Final = [
    Scenario("one call", ResponsesDialect()),
    Scenario("parallel calls", ResponsesDialect(), PARALLEL_CALLS),
    Scenario("a text beside a call", ResponsesDialect(), TEXT_BESIDE_CALL),
    Scenario("encrypted reasoning", _REASONING, PARALLEL_CALLS),
    Scenario("encrypted reasoning before each call", ResponsesDialect(reasons="before each item"), PARALLEL_CALLS),
    Scenario(
        "reasoning in plain text",
        ResponsesDialect(reasons="once", encrypts=False, broken=frozenset({"thoughts"})),
        TWO_ROUNDS,
    ),
    Scenario("encrypted reasoning in two rounds", _REASONING, TWO_ROUNDS),
    Scenario("encrypted reasoning before a text and a call", _REASONING, TEXT_BESIDE_CALL),
    Scenario("phases of messages", ResponsesDialect(reasons="once", phases=True), TEXT_BESIDE_CALL),
    Scenario("ids of 300 characters", ResponsesDialect(call_id=lambda number, _: f"call_{'x0' * 148}{number}")),
]

_EVENTS: Final = [
    Scenario(name, replace(_REASONING, stream=style), PARALLEL_CALLS, forms=("stream",))
    for name, style in {
        "interleaved events of items": EventStyle(is_interleaved=True),
        "no deltas": EventStyle(has_deltas=False),
        "a last event without output": EventStyle(has_final_output=False),
        "unknown events": EventStyle(
            before=({"type": "keepalive"}, {"type": "response.queued", "response": {"id": "resp_1", "output": []}})
        ),
        "lines that end with CRLF": EventStyle(framing=Framing(line_end="\r\n", comment="keep-alive")),
        "pieces of 3 bytes": EventStyle(framing=Framing(piece=3)),
        "a compressed stream": EventStyle(framing=Framing(is_compressed=True)),
    }.items()
]

_REFUSAL: Final = "I am sorry, but I cannot help with that."


def _incomplete(reason: str) -> Json:
    return {"status": "incomplete", "incomplete_details": {"reason": reason}}


_ANSWERS: Final = [
    Scenario("a refusal", ResponsesDialect(), (Step(refusal=_REFUSAL), *SECOND_TURN), declines),
    Scenario(
        "a content filter after some text",
        ResponsesDialect(
            ending=lambda step: _incomplete("content_filter") if step.text == FIRST_ANSWER else {"status": "completed"},
            broken=frozenset({"texts"}),
        ),
        (Step(FIRST_ANSWER), *SECOND_TURN),
        declines,
    ),
    Scenario(
        "a response cut at its limit",
        ResponsesDialect(
            arguments=lambda text: text[:12],
            ending=lambda step: _incomplete("max_output_tokens") if step.uses else {"status": "completed"},
            broken=frozenset({"arguments", "calls", "texts"}),
        ),
        ONE_CALL,
        makes_no_claim,
    ),
    Scenario(
        "broken arguments",
        ResponsesDialect(arguments=lambda text: f"{text}}}", broken=frozenset({"arguments"})),
        ONE_CALL,
        recovers,
    ),
]


def _encrypted_content_is_not_supported(place: refusals.Place, _value: object) -> HttpResponse:
    return openai_error("Encrypted content is not supported with this model.", param=str(place[-1]))


_REQUESTS: Final = [
    Scenario(name, _with_rules(*rules))
    for name, rules in {
        "include refused": [refuse("include", _encrypted_content_is_not_supported)],
        "include unknown": [refuse("include", refusals.openai_unknown)],
        "strict refused by vLLM": [refuse("tools.*.strict", refusals.vllm)],
        "minItems refused by OpenAI": [refuse("tools.**.minItems", refusals.openai_schema)],
        "reasoning refused": [refuse("reasoning", refusals.openai_unsupported)],
        "parallel_tool_calls refused": [refuse("parallel_tool_calls", refusals.openai_unsupported)],
    }.items()
]


def _error(message: str, code: str | None = None, kind: str = "invalid_request_error") -> Json:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


_NOT_CONFIGURED: Final = [
    Scenario(name, ResponsesDialect(), ONE_CALL, is_not_configured, interruptions={2: interruption})
    for name, interruption in {
        "a wrong key": fails(401, _error("Incorrect API key provided.", "invalid_api_key")),
        "an unknown model": fails(404, _error("The model 'scripted' does not exist.", "model_not_found")),
        "an unknown model with status 400": fails(
            400, _error("The requested model 'scripted' does not exist.", "model_not_found")
        ),
        "no quota": fails(429, _error("You exceeded your current quota.", "insufficient_quota", "insufficient_quota")),
        "an organization without access": fails(
            403, _error("Project does not have access to model `scripted`.", "model_not_found")
        ),
    }.items()
]


def _failed(code: str) -> Json:
    response: Json = {"id": "resp_1", "object": "response", "status": "failed", "output": [], "model": "scripted"}
    return response | {"error": {"code": code, "message": "The model failed."}}


def _fails_in_stream(code: str) -> Interruption:
    """Sends the event of a failed response in a stream."""
    return errs_in_stream(
        {"type": "response.failed", "sequence_number": 3, "response": _failed(code)}, event="response.failed"
    )


_ERROR_EVENT: Final[Json] = {
    "type": "error",
    "code": "server_error",
    "message": "Overloaded",
    "param": None,
    "sequence_number": 2,
}

_TRANSIENT: Final = [
    Scenario(name, _REASONING, PARALLEL_CALLS, interruptions={0: interruption, 4: interruption}, forms=forms)
    for name, interruption, forms in (
        (
            "a limit of requests",
            fails(429, _error("Rate limit reached.", "rate_limit_exceeded"), Retry_After="0"),
            ("JSON", "stream"),
        ),
        ("a server error", fails(500, _error("The server had an error.", None, "server_error")), ("JSON", "stream")),
        ("a page with status 200", shows_page(200), ("JSON", "stream")),
        ("a failed response", answers(json_response(_failed("server_error"))), ("JSON",)),
        ("a failed response in a stream", _fails_in_stream("server_error"), ("stream",)),
        ("a limit of requests in a stream", _fails_in_stream("rate_limit_exceeded"), ("stream",)),
        ("an event of an error", errs_in_stream(_ERROR_EVENT, event="error"), ("stream",)),
        ("a broken connection amid a stream", breaks_off_at(0.5), ("JSON", "stream")),
        ("a broken connection just before the end", breaks_off(-1), ("JSON", "stream")),
    )
]

_LOST: Final = (
    "Item with id 'rs_0_0' not found. Items are not persisted when `store` is set to false. "
    "Try again with `store` set to true, or remove this item from your input."
)

_UNREADABLE: Final = [
    Scenario(name, replace(_REASONING, broken=frozenset({"thoughts"})), interruptions={1: interruption})
    for name, interruption in {
        "encrypted reasoning that can no longer be read": fails(
            400, _error("The encrypted content gAAA...== could not be verified.", "invalid_encrypted_content")
        ),
        "reasoning that is not stored": fails(404, _error(_LOST)),
    }.items()
]

_UNAVAILABLE: Final = [
    Scenario(
        "a context that is too long",
        ResponsesDialect(),
        ONE_CALL,
        is_unavailable,
        interruptions={2: fails(400, _error("Your input exceeds the context window.", "context_length_exceeded"))},
    )
]

_FROM_SETTINGS: Final = [
    Scenario(
        "the limit and the effort of the settings",
        _with_rules(
            lambda request: (
                None if request.body.get("max_output_tokens") == 500 else openai_error("The limit is missing.")
            ),
            lambda request: (
                None
                if (request.body.get("reasoning") or {}).get("effort") == "low"
                else openai_error("The effort is missing.")
            ),
        ),
        settings={"OPENAI_MAX_OUTPUT_TOKENS": "500", "OPENAI_REASONING_EFFORT": "low"},
    ),
]

RESPONSES_SCENARIOS: Final = [
    replace(scenario, name=f"Responses: {scenario.name}", settings=_SETTINGS | dict(scenario.settings))
    for scenario in (
        *_FORMS,
        *_EVENTS,
        *_ANSWERS,
        *_REQUESTS,
        *_NOT_CONFIGURED,
        *_TRANSIENT,
        *_UNREADABLE,
        *_UNAVAILABLE,
        *_FROM_SETTINGS,
    )
]
