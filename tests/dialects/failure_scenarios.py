"""Scenarios of Chat Completions: failures that pass, failures that last, and answers that are filtered."""

import json
from typing import Final

from tests.dialects.chat_dialect import ChatDialect
from tests.dialects.failures import answers, breaks_off, breaks_off_at, errs_in_stream, fails, shows_page
from tests.dialects.provider import Interruption
from tests.dialects.provider_server import Json, json_response, text_response
from tests.dialects.scenarios import Scenario, declines, is_not_configured, is_unavailable
from tests.dialects.steps import ONE_CALL, PARALLEL_CALLS, SECOND_TURN, Step


def _error(message: str, code: str | int | None = None, **more: object) -> Json:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code, **more}}


_INVALID_KEY: Json = {
    "code": 400,
    "message": "API key not valid. Please pass a valid API key.",
    "status": "INVALID_ARGUMENT",
    "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
}
_CREDITS: Final = "This request requires more credits, or fewer max_tokens. You requested up to 4096 tokens."
_TOOL_USE_FAILED: Final = _error(
    "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
    "tool_use_failed",
    failed_generation='<function=add_todos>{"todos": [{"title": "Bread"}]}</function>',
)

_MALFORMED: Final[Json] = {
    "index": 0,
    "message": {"role": "assistant", "content": None},
    "finish_reason": "function_call_filter: MALFORMED_FUNCTION_CALL",
}

_NOT_CONFIGURED: Final[dict[str, Interruption]] = {
    "a wrong key at OpenAI": fails(401, _error("Incorrect API key provided: sk-dia***.", "invalid_api_key")),
    "a wrong key at Gemini": fails(400, [{"error": _INVALID_KEY}]),
    "a wrong key at Gemini as an object": fails(400, {"error": _INVALID_KEY}),
    "a wrong key at xAI": fails(
        400, {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: sk***."}
    ),
    "a forbidden key": fails(403, {"detail": "Not authenticated"}),
    "no balance at DeepSeek": fails(402, _error("Insufficient Balance", "invalid_request_error")),
    "no credits at OpenRouter": fails(402, {"error": {"message": _CREDITS, "code": 402, "metadata": {}}}),
    "no credits in a 200 of OpenRouter": answers(json_response({"error": {"message": _CREDITS, "code": 402}})),
    "no quota at OpenAI": fails(
        429, _error("You exceeded your current quota, please check your plan.", "insufficient_quota")
    ),
    "no credit at Anthropic": fails(
        400, _error("Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.")
    ),
    "a wrong key in a 200 of MiniMax": answers(
        json_response(
            {
                "choices": None,
                "base_resp": {"status_code": 1004, "status_msg": "login fail: Please carry the API secret key"},
            }
        )
    ),
    "no balance in a 200 of MiniMax": answers(
        json_response({"choices": None, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}})
    ),
    "no balance in a 500 of MiniMax": fails(
        500,
        {"type": "error", "error": {"type": "insufficient_balance_error", "message": "insufficient balance (1008)"}},
    ),
    "an unknown model at OpenAI": fails(404, _error("The model `scripted` does not exist.", "model_not_found")),
    "an unknown model at Ollama": fails(404, _error('model "scripted" not found, try pulling it first')),
    "an unknown model at OpenRouter": fails(
        400, {"error": {"message": "scripted is not a valid model ID", "code": 400}}
    ),
    "an unknown model at Mistral": fails(
        400,
        {
            "object": "error",
            "message": "Invalid model: scripted",
            "type": "invalid_model",
            "param": None,
            "code": "1500",
        },
    ),
    "a withdrawn model at Groq": fails(
        400, _error("The model `scripted` has been decommissioned and is no longer supported.", "model_decommissioned")
    ),
    "an unknown deployment at Azure": fails(
        404,
        {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}},
    ),
    "a model without tools at Ollama": fails(
        400, _error("registry.ollama.ai/library/gemma:latest does not support tools", "api_error")
    ),
    "llama.cpp without templates for tools": fails(
        500, {"error": {"code": 500, "message": "tools param requires --jinja flag", "type": "server_error"}}
    ),
    "a model without tools at OpenRouter": fails(
        404, {"error": {"message": "No endpoints found that support tool use.", "code": 404}}
    ),
    "vLLM without a tool parser": fails(
        400,
        {
            "object": "error",
            "message": '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
    ),
}

NOT_CONFIGURED: Final = [
    Scenario(name, ChatDialect(), ONE_CALL, is_not_configured, interruptions={2: interruption})
    for name, interruption in _NOT_CONFIGURED.items()
]

_CONTEXT: Final = _error(
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
    "context_length_exceeded",
)
_EXCEEDED: Final[Json] = {
    "code": 400,
    "message": "the request exceeds the available context size, try increasing it",
    "type": "exceed_context_size_error",
    "n_prompt_tokens": 9000,
    "n_ctx": 8192,
}
UNAVAILABLE: Final = [
    Scenario(
        "a context that is too long", ChatDialect(), ONE_CALL, is_unavailable, interruptions={2: fails(400, _CONTEXT)}
    ),
    Scenario(
        "a context that is too long for llama.cpp",
        ChatDialect(),
        ONE_CALL,
        is_unavailable,
        interruptions={2: fails(400, {"error": _EXCEEDED})},
    ),
    Scenario(
        "an overload that lasts",
        ChatDialect(),
        ONE_CALL,
        is_unavailable,
        interruptions=dict.fromkeys(range(2, 6), fails(529)),
    ),
    Scenario(
        "a limit of requests for a minute",
        ChatDialect(),
        ONE_CALL,
        is_unavailable,
        interruptions={2: fails(429, _error("Rate limit reached.", "rate_limit_exceeded"), Retry_After="60")},
    ),
]

_QUOTA: Final[Json] = {
    "code": 429,
    "message": "You exceeded your current quota, please check your plan and billing details. Please retry in 0.01s.",
    "status": "RESOURCE_EXHAUSTED",
    "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0s"}],
}

_TRANSIENT: Final[dict[str, Interruption]] = {
    "a limit of requests": fails(429, _error("Rate limit reached.", "rate_limit_exceeded"), Retry_After="0"),
    "a limit of requests in milliseconds": fails(429, _error("Rate limit reached."), retry_after_ms="5"),
    "a limit of requests at Gemini": fails(
        429, [{"error": {"code": 429, "message": "Resource has been exhausted.", "status": "RESOURCE_EXHAUSTED"}}]
    ),
    "a quota of Gemini for a minute": fails(429, [{"error": _QUOTA}]),
    "an unavailable server": fails(503),
    "a busy Ollama": fails(503, _error("server busy, please try again.", "api_error")),
    "llama.cpp that loads its model": fails(
        503, {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}
    ),
    "an overloaded server": fails(
        529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    ),
    "a gateway without a body": fails(502, ""),
    "a timeout of a gateway": fails(504, "upstream request timeout"),
    "a timeout of Cloudflare": shows_page(524),
    "a page with status 200": shows_page(200),
    "an empty body": answers(text_response("", content_type="application/json")),
    "a choice without a message": answers(json_response({"choices": [{"index": 0, "finish_reason": "stop"}]})),
    "Gemini's malformed call": answers(json_response({"choices": [_MALFORMED]})),
    "Groq's failed tool use": fails(400, _TOOL_USE_FAILED),
    "Groq's failed tool use in a stream": errs_in_stream(_TOOL_USE_FAILED, after=0, event="error"),
    "Ollama's failed parsing of a call": fails(
        500, _error("error parsing tool call: raw='{\"todos\": [', err=unexpected EOF")
    ),
    "an error in a 200 of OpenRouter": answers(
        json_response({"error": {"message": "Provider returned error", "code": 502}})
    ),
    "an error amid a stream": errs_in_stream({"error": {"message": "Overloaded", "code": 502}}),
    "an error beside a choice": errs_in_stream(
        {
            "error": {"code": "server_error", "message": "Provider disconnected unexpectedly"},
            "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
        }
    ),
    "an error as text amid a stream": errs_in_stream({"error": "the model crashed"}),
    "a broken connection before the body": breaks_off(0),
    "a broken connection amid a body": breaks_off_at(0.5),
    "a broken connection just before the end": breaks_off_at(0.97),
}

TRANSIENT: Final = [
    Scenario(name, ChatDialect(), PARALLEL_CALLS, interruptions={0: interruption, 4: interruption})
    for name, interruption in _TRANSIENT.items()
]

IN_STREAMS: Final = [
    Scenario(
        "a broken connection after the complete call",
        ChatDialect(),
        ONE_CALL,
        interruptions={0: breaks_off(-2)},
        forms=("stream",),
    ),
    Scenario(
        "a broken connection amid an answer",
        ChatDialect(),
        ONE_CALL,
        interruptions={1: breaks_off(4)},
        forms=("stream",),
    ),
    Scenario(
        "no credits in a stream",
        ChatDialect(),
        ONE_CALL,
        is_not_configured,
        interruptions={2: errs_in_stream({"error": {"message": _CREDITS, "code": 402}}, after=0)},
        forms=("stream",),
    ),
    Scenario("two failures of one request", ChatDialect(), ONE_CALL, interruptions={1: fails(500), 2: fails(503)}),
]

_FILTERED: Json = {
    "error": {
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"hate": {"filtered": True, "severity": "high"}},
        },
    }
}

_FLAGGED: Json = {
    "error": {
        "code": 403,
        "message": "The input was flagged",
        "metadata": {"reasons": ["violence"], "flagged_input": "Please..."},
    }
}
_INSPECTED: Json = _error("Input data may contain inappropriate content.", "data_inspection_failed")

FILTERED: Final = [
    Scenario(name, ChatDialect(), (Step(), *SECOND_TURN), declines, interruptions={0: interruption})
    for name, interruption in {
        "a message that Azure filters": fails(400, _FILTERED),
        "a message that Azure filters, as text": fails(400, json.dumps(_FILTERED)),
        "a message that OpenRouter flags": fails(403, _FLAGGED),
        "a message that DashScope refuses": fails(400, _INSPECTED),
    }.items()
]

FAILURE_SCENARIOS: Final = [*NOT_CONFIGURED, *UNAVAILABLE, *TRANSIENT, *IN_STREAMS, *FILTERED]
