"""The client of a language model at any HTTP endpoint that implements Chat Completions with tools."""

import asyncio
import math
import random
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from todo_assistant.errors import AssistantNotConfigured, AssistantUnavailable
from todo_assistant.models.messages import (
    AssistantMessage,
    Completion,
    Message,
    ModelRequest,
    OnText,
    ToolCallRequest,
    ToolMessage,
    UserMessage,
)
from todo_assistant.models.prompt import fence
from todo_core.logs import log

if TYPE_CHECKING:
    # At runtime openai is imported on first use: the import takes longer than all else in a cold start.
    from openai import APIStatusError, AsyncOpenAI
    from openai.types.chat import ChatCompletion, ChatCompletionChunk
    from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall

_MAX_ATTEMPTS: Final = 4
_FIRST_PAUSE_SECONDS: Final = 0.5
_MAX_PAUSE_SECONDS: Final = 8.0
_MAX_COMPLETION_CHARACTERS: Final = 200_000
"""Longer texts and streams are cut, to bound the memory that an endless stream can take."""

_MAX_TOKENS: Final = 10_000_000
"""Larger token counts that an endpoint reports are lowered to this number, because they are impossible."""

_STATUSES_OF_WRONG_SETTINGS: Final = {401, 403, 404}
_STATUSES_TO_RETRY: Final = {408, 409, 429}
_MIN_SERVER_ERROR_STATUS: Final = 500
_EMPTY: Final = "empty answer"


class _TransientFailure(Exception):
    """A failure of an attempt after which the next may succeed. `pause` is the provider's Retry-After in seconds."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pause = pause


class OpenAIModel:
    """Requests completions, in up to 4 attempts before the deadline if transient failures occur."""

    def __init__(self, name: str, api_key: str, base_url: str | None = None) -> None:
        self.name = name
        self._api_key = api_key
        self._base_url = base_url
        self._opened_client: AsyncOpenAI | None = None

    async def answer(self, request: ModelRequest, *, deadline: float, on_text: OnText | None = None) -> Completion:
        """Returns the completion; requests it again after a transient failure.

        Raises AssistantUnavailable and AssistantNotConfigured, and TimeoutError when the deadline passed.
        """
        attempt = 1
        is_streamed = on_text is not None
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    completion = await self._attempt(request, attempt, on_text if is_streamed else None)
            except _TransientFailure as failure:
                log.warning("The model failed: %s", failure.reason, extra={"attempt": attempt})
                # After an empty stream, the next attempts do not stream: some endpoints cannot stream with tools.
                is_streamed = is_streamed and failure.reason != _EMPTY
                await _pause_before_retry(failure, attempt, deadline)
                attempt += 1
            else:
                if on_text is not None and not is_streamed and completion.content:
                    await on_text(completion.content, attempt)
                return completion

    async def prepare(self) -> None:
        """Imports the openai library in a thread: the import takes most of a second and would block the event loop."""
        if "openai" not in sys.modules:
            await asyncio.to_thread(import_module, "openai")

    async def close(self) -> None:
        if self._opened_client is not None:
            await self._opened_client.close()
            self._opened_client = None

    @property
    def _client(self) -> "AsyncOpenAI":
        if self._opened_client is None:
            from openai import AsyncOpenAI  # noqa: PLC0415 - imported on first use

            self._opened_client = AsyncOpenAI(api_key=self._api_key, base_url=self._base_url, max_retries=0)
        return self._opened_client

    async def _attempt(self, request: ModelRequest, attempt: int, on_text: OnText | None) -> Completion:
        """Requests a completion once, as a stream if `on_text` is given.

        Raises _TransientFailure, AssistantUnavailable and AssistantNotConfigured.
        """
        await self.prepare()
        import openai  # noqa: PLC0415 - imported on first use

        try:
            if on_text is None:
                return await self._complete(request)
            return await self._stream(request, attempt, on_text)
        except openai.APIStatusError as error:
            raise _error_of_status(error) from error
        except openai.APIError as error:
            raise _TransientFailure(type(error).__name__) from error
        except (ValueError, AttributeError, TypeError) as error:
            # openai does not validate responses: invalid JSON or a wrong shape raises one of these errors.
            raise _TransientFailure("not a completion") from error

    async def _complete(self, request: ModelRequest) -> Completion:
        completion = cast(
            "ChatCompletion", await self._client.chat.completions.create(**self._parameters(request), stream=False)
        )
        if not completion.choices:
            raise _TransientFailure(_EMPTY)
        message, usage = completion.choices[0].message, completion.usage
        return Completion(
            content=_require_text(message.content)[:_MAX_COMPLETION_CHARACTERS],
            calls=[
                ToolCallRequest(
                    _require_text(call.id), _require_text(call.function.name), _require_text(call.function.arguments)
                )
                for call in message.tool_calls or ()
                if call.type == "function"
            ],
            prompt_tokens=_read_token_count(usage, "prompt_tokens"),
            completion_tokens=_read_token_count(usage, "completion_tokens"),
        )

    async def _stream(self, request: ModelRequest, attempt: int, on_text: OnText) -> Completion:
        accumulator = StreamAccumulator()
        chunks = cast(
            "AsyncIterator[ChatCompletionChunk]",
            await self._client.chat.completions.create(
                **self._parameters(request), stream=True, stream_options={"include_usage": True}
            ),
        )
        async for chunk in chunks:
            if text := accumulator.add(chunk):
                await on_text(text, attempt)
            if accumulator.size > _MAX_COMPLETION_CHARACTERS:
                break
        return accumulator.finish()

    def _parameters(self, request: ModelRequest) -> dict[str, Any]:
        return {
            "model": self.name,
            "messages": [_to_wire(message) for message in request.messages],
            "tools": request.tools,
            # "auto" is the default of OpenAI, but some other endpoints ignore the tools if it is missing.
            "tool_choice": "auto",
        }


class StreamAccumulator:
    """Joins the chunks of a streamed response into one completion.

    The accumulator of openai is not used: it fails on tool calls without an index and concatenates repeated ids.
    It also copies the whole completion for each chunk: 5,000 chunks take 1.4 s instead of 11 ms.
    """

    def __init__(self) -> None:
        self.size = 0
        """The characters of text, tool names and arguments so far, plus one for each fragment of a tool call."""

        self._texts: list[str] = []
        self._calls: dict[int, _CallFragments] = {}
        self._is_finished = False
        self._tokens: tuple[int | None, int | None] = (None, None)

    def add(self, chunk: "ChatCompletionChunk") -> str:
        """Adds a chunk and returns its text, or an empty string. Raises TypeError if a text in it is no string."""
        if chunk.usage is not None:
            self._tokens = (
                _read_token_count(chunk.usage, "prompt_tokens"),
                _read_token_count(chunk.usage, "completion_tokens"),
            )
        if not chunk.choices:
            return ""
        choice = chunk.choices[0]
        self._is_finished = self._is_finished or choice.finish_reason is not None
        for fragment in choice.delta.tool_calls or ():
            self._add_call_fragment(fragment)
        text = _require_text(choice.delta.content)
        self._texts.append(text)
        self.size += len(text)
        return text

    def finish(self) -> Completion:
        """Returns the completion of all chunks.

        Raises _TransientFailure if the stream ended without a finish reason, which openai does not report.
        A stream that was cut for its size needs no finish reason.
        """
        if not self._is_finished and self.size <= _MAX_COMPLETION_CHARACTERS:
            raise _TransientFailure("the stream broke off" if self.size else _EMPTY)
        calls = [self._calls[index].join() for index in sorted(self._calls)]
        return Completion("".join(self._texts), calls, *self._tokens)

    def _add_call_fragment(self, fragment: "ChoiceDeltaToolCall") -> None:
        function = fragment.function
        name = _require_text(function.name) if function else ""
        arguments = _require_text(function.arguments) if function else ""
        call = self._calls.setdefault(fragment.index, _CallFragments())
        call.id = _require_text(fragment.id) or call.id
        call.names.append(name)
        call.arguments.append(arguments)
        # A fragment without text counts as one: an endless stream of empty fragments would also fill the memory.
        self.size += len(name) + len(arguments) + 1


@dataclass(slots=True)
class _CallFragments:
    """The fragments of one tool call in a stream. Name and arguments are joined from fragments; the id comes whole."""

    id: str = ""
    names: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)

    def join(self) -> ToolCallRequest:
        return ToolCallRequest(self.id, "".join(self.names), "".join(self.arguments))


def _to_wire(message: Message) -> dict[str, Any]:
    """Converts a message to the wire format of Chat Completions."""
    match message:
        case UserMessage():
            return {"role": "user", "content": message.content}
        case ToolMessage():
            return {"role": "tool", "tool_call_id": message.call_id, "content": fence(message.result)}
        case AssistantMessage(calls=calls) if calls:
            # The content may be an empty string, not null: OpenAI accepts both, but other endpoints reject null.
            wire_calls = [_call_to_wire(call) for call in calls]
            return {"role": "assistant", "content": message.content, "tool_calls": wire_calls}
        case AssistantMessage():
            return {"role": "assistant", "content": message.content}
        case _:
            return {"role": "system", "content": message.content}


def _call_to_wire(call: ToolCallRequest) -> dict[str, Any]:
    # A model may call a tool that does not exist. Providers reject the whole next request if the name has characters
    # other than letters, digits, `_` and `-`.
    name = re.sub(r"[^A-Za-z0-9_-]", "_", call.name) or "_"
    return {"id": call.id, "type": "function", "function": {"name": name, "arguments": call.arguments}}


async def _pause_before_retry(failure: _TransientFailure, attempt: int, deadline: float) -> None:
    """Sleeps before the next attempt. Raises AssistantUnavailable after the last, or if the deadline is too near."""
    pause = failure.pause or _jittered_pause(attempt)
    if attempt == _MAX_ATTEMPTS or asyncio.get_running_loop().time() + pause >= deadline:
        raise AssistantUnavailable(retry_after=max(round(pause), 1)) from failure
    await asyncio.sleep(pause)


def _error_of_status(error: "APIStatusError") -> Exception:
    """Returns the error for an HTTP error status of the model's provider.

    Returns AssistantNotConfigured for 401, 403 and 404, which mean a wrong key or model.
    Returns _TransientFailure for statuses worth another attempt, and AssistantUnavailable for all others.
    """
    status = error.status_code
    if status in _STATUSES_OF_WRONG_SETTINGS:
        return AssistantNotConfigured()
    if status in _STATUSES_TO_RETRY or status >= _MIN_SERVER_ERROR_STATUS:
        return _TransientFailure(f"HTTP {status}", _parse_retry_after(error.response.headers.get("retry-after", "")))
    return AssistantUnavailable(
        f"The language model's provider refused the request (HTTP {status}); "
        "a new conversation, which is shorter, may help."
    )


def _require_text(value: object) -> str:
    """Returns the value if it is a string, and an empty string for None. Raises TypeError for other values."""
    if value is not None and not isinstance(value, str):
        raise TypeError(type(value).__name__)
    return value or ""


def _read_token_count(usage: object, name: str) -> int | None:
    """Returns a token count, lowered to `_MAX_TOKENS`, or None if it is missing or not a positive integer."""
    value = getattr(usage, name, None)
    return min(value, _MAX_TOKENS) if isinstance(value, int) and value > 0 else None


def _jittered_pause(attempt: int) -> float:
    """Returns the random pause before a retry: 0.25 to 0.5 seconds after attempt 1, doubled for each later attempt."""
    longest = min(_FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), _MAX_PAUSE_SECONDS)
    return random.uniform(longest / 2, longest)  # noqa: S311 - not a secret


def _parse_retry_after(header: str) -> float | None:
    """Returns the seconds in a Retry-After header, or None if the header is empty, a date or not finite."""
    try:
        seconds = float(header)
    except ValueError:
        return None
    return max(seconds, 0) if math.isfinite(seconds) else None
