"""The cause of a provider's error, and the sentence of it that may be logged."""

import json
from typing import Any

import pytest

from tests.cpu_time import least_cpu_seconds
from todo_assistant.models.provider_errors import Fault, ProviderError

CASES: list[tuple[Fault, int | None, Any]] = [
    ("key", 401, {"error": {"message": "Incorrect API key provided: sk-abc."}}),
    (
        "key",
        400,
        [{"error": {"message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}}],
    ),
    ("key", 403, ""),
    ("key", None, {"status_code": 1004, "status_msg": "login fail: invalid api key"}),
    ("credit", 402, {"error": {"message": "Insufficient Balance"}}),
    ("credit", 429, {"error": {"message": "You exceeded your current quota.", "code": "insufficient_quota"}}),
    ("credit", 400, {"error": {"message": "Your credit balance is too low to access the Anthropic API."}}),
    ("transient", 429, [{"error": {"message": "You exceeded your current quota.", "status": "RESOURCE_EXHAUSTED"}}]),
    ("transient", 500, "oops"),
    ("transient", 529, {"error": {"type": "overloaded_error", "message": "Overloaded"}}),
    ("transient", None, "RemoteProtocolError"),
    ("transient", 400, {"error": {"message": "Failed to call a function.", "code": "tool_use_failed"}}),
    ("model", 404, {"error": {"message": "The model `x` does not exist or you do not have access to it."}}),
    ("model", 400, {"error": {"message": "x is not a valid model ID"}}),
    (
        "model",
        404,
        {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}},
    ),
    ("address", 404, {"detail": "Not Found"}),
    ("address", 405, ""),
    ("tools", 400, {"error": {"message": "registry.ollama.ai/library/gemma2 does not support tools"}}),
    ("tools", 404, {"error": {"message": "No endpoints found that support tool use."}}),
    (
        "tools",
        400,
        {"message": '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'},
    ),
    (
        "too_long",
        400,
        {
            "error": {
                "message": "This model's maximum context length is 4096 tokens.",
                "code": "context_length_exceeded",
            }
        },
    ),
    ("too_long", 400, {"error": {"message": "prompt is too long: 210000 tokens > 200000 maximum"}}),
    ("too_long", 413, ""),
    ("declined", 400, {"error": {"message": "The response was filtered.", "code": "content_filter"}}),
    ("refused", 400, {"error": {"message": "No."}}),
    (
        "refused",
        422,
        {"detail": [{"loc": ["body", "x"], "msg": "Input should be a string", "input": "invalid api key"}]},
    ),
]

SENTENCES: list[tuple[Any, str]] = [
    ({"error": {"message": "Bad\n  field.", "code": 3}}, "HTTP 400: Bad field."),
    ({"error": "text"}, "HTTP 400: text"),
    ({"message": "text"}, "HTTP 400: text"),
    ({"detail": "text"}, "HTTP 400: text"),
    ({"detail": [{"loc": ["body", "tools", 0], "msg": "Wrong", "input": "private"}]}, "HTTP 400: body.tools.0: Wrong"),
    ({"object": "error", "message": {"detail": [{"loc": ["a"], "msg": "Wrong"}]}}, "HTTP 400: a: Wrong"),
    ([{"error": {"message": "text"}}], "HTTP 400: text"),
    ("<html><b>Bad gateway</b></html>", "HTTP 400: Bad gateway"),
    ({}, "HTTP 400"),
    (None, "HTTP 400"),
]


@pytest.mark.parametrize(
    ("fault", "status", "body"), CASES, ids=[f"{case[0]} {json.dumps(case[2])[:40]}" for case in CASES]
)
def test_the_cause_is_recognised(fault: Fault, status: int | None, body: Any) -> None:
    assert ProviderError(status, body).fault == fault


class TestSentence:
    @pytest.mark.parametrize(("body", "sentence"), SENTENCES, ids=str)
    def test_the_providers_sentence_is_found(self, body: Any, sentence: str) -> None:
        assert ProviderError(400, body).describe() == sentence

    def test_it_is_one_line_of_at_most_300_characters(self) -> None:
        sentence = ProviderError(400, {"error": {"message": "long \n" * 1000}}).describe()
        assert "\n" not in sentence
        assert len(sentence) <= len("HTTP 400: ") + 300

    def test_an_error_that_is_nested_too_deeply_has_no_sentence(self) -> None:
        error = ProviderError(400, json.loads("[" * 5_000 + "]" * 5_000))
        assert (error.describe(), error.text, error.fault) == ("HTTP 400", "", "refused")

    @pytest.mark.parametrize(
        "key", ["sk-proj-abcdef123", "gsk_abcdef123", "sk-ab***yz", "AIzaSyA0123456789abc", "Bearer abc.def-ghi"]
    )
    def test_keys_are_removed(self, key: str) -> None:
        assert ProviderError(401, {"error": f"Wrong key: {key}"}).describe() == "HTTP 401: Wrong key: …"

    @pytest.mark.parametrize("quoted", ["Buy flowers for Eve", "my diary: Buy flowers for Eve's", "Buy flowers for"])
    def test_quoted_texts_of_the_request_are_removed(self, quoted: str) -> None:
        error = ProviderError(400, {"error": {"message": f"Cannot parse {quoted} as JSON"}})
        sentence = error.describe(["Please note in my diary: Buy flowers for Eve", "Buy flowers for Eve"])
        assert "flowers" not in sentence
        assert sentence.startswith("HTTP 400: Cannot parse")
        assert "…" in sentence

    def test_a_short_text_of_the_request_is_removed(self) -> None:
        assert ProviderError(400, {"error": "Bad input secret"}).describe(["secret"]) == "HTTP 400: Bad input …"

    @pytest.mark.cpu_time
    def test_a_long_request_takes_less_than_50_milliseconds(self) -> None:
        error = ProviderError(400, {"error": "a" * 15 + "b" * 600})
        texts = ["a" * 50_000, "ab" * 25_000]
        assert least_cpu_seconds(lambda: error.describe(texts)) < 0.05
