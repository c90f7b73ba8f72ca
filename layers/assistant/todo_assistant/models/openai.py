"""A language model behind any endpoint that speaks Chat Completions with tools."""

import asyncio
import math
import random
import sys
from collections.abc import AsyncIterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from todo_assistant.errors import AssistantNotConfigured, AssistantUnavailable
from todo_assistant.models.messages import Completion, ModelRequest, OnText, ToolCallRequest
from todo_core.logs import log

if TYPE_CHECKING:
    # Loaded on first use: it takes longer than everything else of a cold start together.
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletion, ChatCompletionChunk

_MOST_ATTEMPTS: Final = 4
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 8.0
_LONGEST_REPLY: Final = 200_000
"""In characters. A stream that never ends is cut here instead of filling the memory."""

_MOST_TOKENS: Final = 10_000_000
"""Of one answer: no model has as many, whatever an endpoint says."""

_REFUSED_SETTINGS: Final = {401, 403, 404}
_WORTH_ANOTHER_TRY: Final = {408, 409, 429}


class _Transient(Exception):
    """A failure that another attempt may not meet; `pause` is what the provider asks for, in seconds."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pause = pause


class OpenAIModel:
    """Asks the model, again with jitter where that may help, always inside the deadline."""

    def __init__(self, name: str, api_key: str, base_url: str | None = None) -> None:
        self.name = name
        self._api_key = api_key
        self._base_url = base_url
        self._opened: AsyncOpenAI | None = None

    async def answer(self, request: ModelRequest, *, deadline: float, on_text: OnText | None = None) -> Completion:
        """Raises AssistantUnavailable, AssistantNotConfigured, and TimeoutError once the deadline has passed."""
        clock = asyncio.get_running_loop().time
        attempt = 1
        streamed = on_text is not None
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    reply = await self._attempt(request, attempt, on_text if streamed else None)
            except _Transient as failure:
                log.warning("The model failed: %s", failure.reason, extra={"attempt": attempt})
                # Some endpoints answer tools with an empty stream, but well without streaming.
                streamed = streamed and failure.reason != _EMPTY
                pause = failure.pause or _jittered(attempt)
                if attempt == _MOST_ATTEMPTS or clock() + pause >= deadline:
                    raise AssistantUnavailable(retry_after=max(round(pause), 1)) from failure
            else:
                if on_text is not None and not streamed and reply.content:
                    await on_text(reply.content, attempt)
                return reply
            await asyncio.sleep(pause)
            attempt += 1

    async def prepare(self) -> None:
        if "openai" not in sys.modules:
            # In a thread: every other request would wait for most of a second.
            await asyncio.to_thread(import_module, "openai")

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()
            self._opened = None

    @property
    def _client(self) -> "AsyncOpenAI":
        if self._opened is None:
            from openai import AsyncOpenAI  # noqa: PLC0415 - see above

            self._opened = AsyncOpenAI(api_key=self._api_key, base_url=self._base_url, max_retries=0)
        return self._opened

    async def _attempt(self, request: ModelRequest, attempt: int, on_text: OnText | None) -> Completion:
        await self.prepare()
        import openai  # noqa: PLC0415 - see above

        try:
            if on_text is None:
                return await self._complete(request)
            return await self._stream(request, attempt, on_text)
        except openai.APIStatusError as error:
            if error.status_code in _REFUSED_SETTINGS:
                raise AssistantNotConfigured from error
            if error.status_code in _WORTH_ANOTHER_TRY or error.status_code >= 500:  # noqa: PLR2004
                pause = _retry_after(error.response.headers.get("retry-after", ""))
                raise _Transient(f"HTTP {error.status_code}", pause) from error
            raise AssistantUnavailable(
                f"The language model's provider refused the request (HTTP {error.status_code}); "
                "a new conversation, which is shorter, may help."
            ) from error
        except openai.APIError as error:
            raise _Transient(type(error).__name__) from error
        except (ValueError, AttributeError, TypeError) as error:
            # The client checks no answer's shape: what is not JSON, or not a completion, comes out as one of these.
            raise _Transient("not a completion") from error

    async def _complete(self, request: ModelRequest) -> Completion:
        completion = cast(
            "ChatCompletion", await self._client.chat.completions.create(**self._parameters(request), stream=False)
        )
        if not completion.choices:
            raise _Transient(_EMPTY)
        message, usage = completion.choices[0].message, completion.usage
        return Completion(
            content=_text(message.content)[:_LONGEST_REPLY],
            calls=[
                ToolCallRequest(_text(call.id), _text(call.function.name), _text(call.function.arguments))
                for call in message.tool_calls or ()
                if call.type == "function"
            ],
            prompt_tokens=_count(usage, "prompt_tokens"),
            completion_tokens=_count(usage, "completion_tokens"),
        )

    async def _stream(self, request: ModelRequest, attempt: int, on_text: OnText) -> Completion:
        reply = _StreamedReply()
        chunks = cast(
            "AsyncIterator[ChatCompletionChunk]",
            await self._client.chat.completions.create(
                **self._parameters(request), stream=True, stream_options={"include_usage": True}
            ),
        )
        async for chunk in chunks:
            if text := reply.add(chunk):
                await on_text(text, attempt)
            if reply.size > _LONGEST_REPLY:
                break
        return reply.finish()

    def _parameters(self, request: ModelRequest) -> dict[str, Any]:
        # tool_choice is OpenAI's default, but other endpoints ignore the tools without it.
        return {
            "model": self.name,
            "messages": request.messages,
            "tools": request.tools,
            "tool_choice": "auto",
        }


class _StreamedReply:
    """A reply as it grows from the chunks of a stream."""

    def __init__(self) -> None:
        self.size = 0
        self._texts: list[str] = []
        self._calls: dict[int, list[str]] = {}
        self._finished = False
        self._tokens: tuple[int | None, int | None] = (None, None)

    def add(self, chunk: "ChatCompletionChunk") -> str:
        """Takes in a chunk and gives the text in it."""
        if chunk.usage is not None:
            self._tokens = _count(chunk.usage, "prompt_tokens"), _count(chunk.usage, "completion_tokens")
        if not chunk.choices:
            return ""
        choice = chunk.choices[0]
        self._finished = self._finished or choice.finish_reason is not None
        for part in choice.delta.tool_calls or ():
            call = self._calls.setdefault(part.index, ["", "", ""])
            if part.id:
                call[0] = _text(part.id)
            if part.function is not None:
                name, arguments = _text(part.function.name), _text(part.function.arguments)
                call[1] += name
                call[2] += arguments
                self.size += len(name) + len(arguments)
        # Calls of which nothing comes but their number fill the memory too.
        self.size += len(choice.delta.tool_calls or ())
        text = _text(choice.delta.content)
        self._texts.append(text)
        self.size += len(text)
        return text

    def finish(self) -> Completion:
        """Raises _Transient for a stream that broke off, which the client does not tell by itself."""
        if not self._finished and self.size <= _LONGEST_REPLY:
            raise _Transient("the stream broke off" if self.size or self._calls else _EMPTY)
        calls = [ToolCallRequest(*self._calls[index]) for index in sorted(self._calls)]
        return Completion("".join(self._texts), calls, *self._tokens)


_EMPTY: Final = "empty answer"


def _text(value: object) -> str:
    """What ought to be a text or nothing. Raises TypeError."""
    if value is not None and not isinstance(value, str):
        raise TypeError(type(value).__name__)
    return value or ""


def _count(usage: object, name: str) -> int | None:
    """A number of tokens; None, which means unknown, for what can be none."""
    value = getattr(usage, name, None)
    return min(value, _MOST_TOKENS) if isinstance(value, int) and value > 0 else None


def _jittered(attempt: int) -> float:
    most = min(_FIRST_PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE)
    return random.uniform(most / 2, most)  # noqa: S311 - not a secret


def _retry_after(header: str) -> float | None:
    try:
        seconds = float(header)
    except ValueError:
        # A date, or nothing: the pause is ours to choose.
        return None
    return max(seconds, 0) if math.isfinite(seconds) else None
