"""Errors of a model's provider: their cause, and the one sentence of the provider that may be logged."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final, Literal

from pydantic import JsonValue

type Fault = Literal["transient", "key", "credit", "model", "address", "tools", "too_long", "declined", "refused"]
"""The cause of an error. `address` is a wrong URL, and `tools` a model without tools.

The provider answered `refused` errors with a 4xx status for a reason that this module does not know.
"""

MISCONFIGURED: Final = frozenset[Fault]({"key", "credit", "model", "address", "tools"})
"""Faults that only the operator of the service can correct."""

_MAX_SENTENCE_CHARACTERS: Final = 300
_MAX_QUOTING_CHARACTERS: Final = 400
_MAX_TEXT_CHARACTERS: Final = 20_000
_PRIVATE_WINDOW_CHARACTERS: Final = 10
_MIN_PRIVATE_CHARACTERS: Final = 6
_MESSAGE_FIELDS: Final = ("error", "message", "detail", "errors", "msg", "status_msg")
_TRANSIENT_STATUSES: Final = {408, 409, 425, 429}
_MIN_SERVER_ERROR_STATUS: Final = 500
# The patterns are compiled on first use: at import they would take a noticeable part of a cold start.
_CREDIT: Final = (
    r"insufficient[ _](balance|credit|fund|quota)|credit balance|(out of|not enough|no|more) credits?\b"
    r"|payment required|exceeded_current_quota|billing_(hard_limit|not_active)|spending limit"
)
_MALFORMED_CALL: Final = r"tool_use_failed|failed to (call|parse) (a )?(function|tool)"
"""The model wrote a tool call that the provider could not read. Another attempt may succeed."""

_DECLINED: Final = (
    r"content[ _](filter|policy|management)|responsible_?ai|invalid_prompt|data_inspection|was flagged|moderation"
    r"|prohibited_content|policy_violation"
)
_TOO_LONG: Final = (
    r"context[ _](length|window|size)|maximum context|(prompt|input|request) is too (long|large)"
    r"|too many (input )?tokens|token count .{0,60}exceeds|exceed_context|reduce the length|string_above_max_length"
)
_NO_TOOLS: Final = (
    r"(not|n't) support (the )?(use of )?(tool|function)|support tool use|requires? --(jinja|enable-auto-tool-choice)"
    r"|(tools?|functions?|tool use|tool calling|function calling) (is|are) not (supported|enabled|available)"
)
_WRONG_KEY: Final = (
    r"api[ _-]?key|login fail|unauthori[sz]ed|authentication|permission[ _]denied|access token|credentials"
)
_WRONG_MODEL: Final = (
    r"model[ _]not[ _](found|exist|supported)|(unknown|invalid|unsupported|no such|not a valid) model"
    r"|\bmodel\b.{0,90}(not exist|n't exist|not found|not available|not supported in|is not supported|not a valid"
    r"|decommissioned|deprecated|no longer)|deployment.{0,60}(not exist|not found)|unknown deployment"
)
_LASTING_FAULTS: Final[dict[Fault, str]] = {"credit": _CREDIT, "tools": _NO_TOOLS}
"""Faults with any status: some providers report a lack of credit as 429 or 500."""

_FAULTS_OF_REFUSALS: Final[dict[Fault, str]] = {
    "transient": _MALFORMED_CALL,
    "declined": _DECLINED,
    "too_long": _TOO_LONG,
    "model": _WRONG_MODEL,
    "key": _WRONG_KEY,
}
_FAULTS_BY_STATUS: Final[Mapping[int, Fault]] = {
    401: "key",
    402: "credit",
    403: "key",
    404: "address",
    405: "address",
    413: "too_long",
}
_KEYS_IN_TEXT: Final = r"\b(sk|gsk|xai|nvapi|key|Bearer)[-_ ][\w*.-]{6,}|\bAIza[\w-]{10,}"


class ProviderError(Exception):
    """An error that the provider reported, or a failure to reach the provider or to understand its answer.

    `status` is None if there is no HTTP error status. `pause` is the provider's Retry-After in seconds.
    """

    def __init__(self, status: int | None, body: JsonValue, *, pause: float | None = None) -> None:
        super().__init__(f"HTTP {status}" if status else "failure")
        self.status = status
        self.pause = pause
        self.text = ""
        """All texts of the error except inputs that it quotes, at most 20,000 characters."""

        self._sentence = ""
        # No provider nests its errors so deeply that Python cannot read them.
        with suppress(RecursionError):
            self._sentence = _sentence_of(body)
            self.text = "\n".join(_texts_of(body))[:_MAX_TEXT_CHARACTERS]

    @property
    def fault(self) -> Fault:
        status = self.status
        is_transient = status is not None and (status in _TRANSIENT_STATUSES or status >= _MIN_SERVER_ERROR_STATUS)
        patterns = _LASTING_FAULTS if is_transient else _LASTING_FAULTS | _FAULTS_OF_REFUSALS
        text = self.text
        by_text = next((fault for fault, pattern in patterns.items() if re.search(pattern, text, re.IGNORECASE)), None)
        if by_text or is_transient:
            return by_text or "transient"
        return "transient" if status is None else _FAULTS_BY_STATUS.get(status, "refused")

    def describe(self, private_texts: Iterable[str] = ()) -> str:
        """Returns the status and the provider's sentence: one line of at most 300 characters.

        Removes keys, and each part that quotes one of `private_texts`, the texts of the request.
        """
        sentence = " ".join(self._sentence.split())
        sentence = re.sub(_KEYS_IN_TEXT, "…", _without_quotations(sentence[:_MAX_QUOTING_CHARACTERS], private_texts))
        parts = [f"HTTP {self.status}" if self.status else "", sentence[:_MAX_SENTENCE_CHARACTERS]]
        return ": ".join(part for part in parts if part)


class EmptyAnswer(ProviderError):
    """An answer without any content, as some endpoints stream if the request has tools."""

    def __init__(self) -> None:
        super().__init__(None, "empty answer")


def _texts_of(body: JsonValue) -> Iterator[str]:
    """Yields the texts of an error document: those of keys too, because some providers name a refused field there.

    Skips `input`: pydantic repeats the refused value there, which may be text of the user.
    """
    if isinstance(body, dict):
        for name, value in body.items():
            if name != "input":
                yield name
                yield from _texts_of(value)
    elif isinstance(body, list):
        if all(isinstance(item, str | int) for item in body):
            # The path of a field, as pydantic writes it: ["body", "tools", 0, "strict"].
            yield ".".join(map(str, body))
        else:
            for item in body:
                yield from _texts_of(item)
    elif isinstance(body, str | int):
        yield str(body)


def _sentence_of(body: JsonValue) -> str:
    """Returns the provider's message from the usual shapes of error documents; empty if there is none."""
    match body:
        case str():
            return re.sub(r"<[^>]{0,200}>", " ", body[:_MAX_TEXT_CHARACTERS])
        case [first, *_]:
            return _sentence_of(first)
        case {"msg": str(message), "loc": [*path]}:
            return f"{'.'.join(map(str, path))}: {message}"
        case dict():
            inner = [body[name] for name in _MESSAGE_FIELDS if isinstance(body.get(name), dict | str | list)]
            return _sentence_of(inner[0]) if inner else ""
        case _:
            return ""


def _without_quotations(sentence: str, private_texts: Iterable[str]) -> str:
    """Replaces each part of the sentence that also occurs in a private text by `…`.

    Such a part has at least 10 characters, or is a whole private text of at least 6.
    """
    texts = [text for text in private_texts if len(text) >= _MIN_PRIVATE_CHARACTERS]
    joined = "\0".join(texts)
    size = _PRIVATE_WINDOW_CHARACTERS
    private = [False] * len(sentence)
    for start in range(len(sentence) - size + 1):
        if sentence[start : start + size] in joined:
            private[start : start + size] = [True] * size
    kept = "".join("\0" if is_private else character for character, is_private in zip(sentence, private, strict=True))
    for text in texts:
        kept = kept.replace(text, "\0")
    return re.sub("\0+", "…", kept)
