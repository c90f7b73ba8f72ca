"""A language model at an endpoint: retries within the deadline, and adapts requests to the fields that it accepts."""

import asyncio
import random
from collections.abc import Collection, Iterator
from typing import Final, Protocol

from todo_assistant.errors import AssistantNotConfigured, AssistantUnavailable
from todo_assistant.models.answers import DECLINED, MAX_COMPLETION_CHARACTERS
from todo_assistant.models.endpoint import Endpoint, Event
from todo_assistant.models.messages import (
    AssistantMessage,
    Completion,
    ModelRequest,
    OnText,
    SystemMessage,
    ToolMessage,
)
from todo_assistant.models.prompt import fence
from todo_assistant.models.provider_errors import MISCONFIGURED, EmptyAnswer, ProviderError
from todo_assistant.models.refusals import WITHOUT_REASONING, WITHOUT_STREAM, Body, apply_changes, find_changes
from todo_core.logs import log
from todo_core.workload import waiting

_MAX_ATTEMPTS: Final = 4
_MAX_REFUSALS: Final = 12
"""The most refusals of fields after which one request is sent again."""

_FIRST_PAUSE_SECONDS: Final = 0.5
_MAX_PAUSE_SECONDS: Final = 8.0
_EMPTY_STREAMS_UNTIL_WHOLE: Final = 2
"""The number of empty streams in a row after which requests no longer stream. Each had an answer without one."""

_TOO_LONG: Final = "This conversation is too long for the language model; begin a new conversation."


class Accumulator(Protocol):
    """Joins the events of one response to a completion."""

    @property
    def size(self) -> int:
        """The characters so far, plus one for each fragment of a tool call."""
        ...

    @property
    def restarts(self) -> int:
        """The number of times that the text so far proved to be reasoning, which the user may not see."""
        ...

    def add(self, event: Event) -> str:
        """Adds an event and returns the text that became visible. Raises ProviderError, TypeError and ValueError."""
        ...

    def finish(self) -> Completion:
        """Returns the completion. Raises EmptyAnswer, and ProviderError if the response is incomplete."""
        ...


class Adapter(Protocol):
    """Converts requests and responses to the wire format of one API and back."""

    def encode(self, request: ModelRequest, *, is_streamed: bool) -> Body: ...

    def start(self, request: ModelRequest) -> Accumulator: ...


class LanguageModel:
    """Requests completions, in up to 4 attempts before the deadline if transient failures occur.

    A field that the endpoint refuses is left out of this request and, after an answer, of all later ones.
    """

    def __init__(self, name: str, endpoint: Endpoint, adapter: Adapter) -> None:
        self.name = name
        self.learned: tuple[str, ...] = ()
        """The changes of a request without which the endpoint refuses it."""

        self.empty_streams = 0
        """The number of empty streams in a row, each followed by an answer without a stream."""

        self.endpoint = endpoint
        self._adapter = adapter

    async def answer(self, request: ModelRequest, *, deadline: float, on_text: OnText | None = None) -> Completion:
        """Returns the completion; requests it again after a refused field or a transient failure.

        Raises AssistantUnavailable and AssistantNotConfigured, and TimeoutError when the deadline passed.
        """
        exchange = _Exchange(self.endpoint, self._adapter, request, self.learned, on_text)
        while True:
            try:
                with waiting():
                    async with asyncio.timeout_at(deadline):
                        completion = await exchange.attempt()
            except TimeoutError:
                log.warning("The model failed: no answer before the deadline", extra={"attempt": exchange.attempts + 1})
                raise
            except ProviderError as error:
                if exchange.adapt(error):
                    continue
                if error.fault != "declined":
                    with waiting():
                        await _pause_before_retry(error, exchange, deadline)
                    continue
                completion = Completion(DECLINED)
            else:
                self._learn(exchange)
            await exchange.emit_rest(completion)
            return completion

    async def prepare(self) -> None:
        await self.endpoint.prepare()

    async def close(self) -> None:
        await self.endpoint.close()

    def _learn(self, exchange: "_Exchange") -> None:
        if exchange.wants_stream:
            self.empty_streams = self.empty_streams + 1 if exchange.had_empty_stream else 0
        learned = [change for change in exchange.changes if change != WITHOUT_REASONING]
        if self.empty_streams >= _EMPTY_STREAMS_UNTIL_WHOLE:
            learned.append(WITHOUT_STREAM)
        if set(learned) - set(self.learned):
            log.info("The model's endpoint needs other requests: %s", "; ".join(learned))
        self.learned = tuple(dict.fromkeys([*self.learned, *learned]))


class _Exchange:
    """The attempts to get one completion, and the changes of the request that the endpoint's refusals demanded."""

    def __init__(
        self,
        endpoint: Endpoint,
        adapter: Adapter,
        request: ModelRequest,
        changes: Collection[str],
        on_text: OnText | None,
    ) -> None:
        self.changes = list(changes)
        self.attempts = 0
        self.had_empty_stream = False
        self._endpoint = endpoint
        self._adapter = adapter
        self._request = request
        self._on_text = on_text
        self._refusals = 0
        self._restarts = 0
        self._number = 0
        self._emitted: list[str] = []
        self._body: Body = {}

    @property
    def wants_stream(self) -> bool:
        return self._on_text is not None

    @property
    def _is_streamed(self) -> bool:
        # After an empty stream, the next attempts do not stream: some endpoints cannot stream with tools.
        return self.wants_stream and not self.had_empty_stream and WITHOUT_STREAM not in self.changes

    async def attempt(self) -> Completion:
        """Sends the request once. Raises ProviderError."""
        self._body = apply_changes(self._adapter.encode(self._request, is_streamed=self._is_streamed), self.changes)
        accumulator = self._adapter.start(self._request)
        try:
            async with self._endpoint.send(self._body) as events:
                async for event in events:
                    await self._emit(accumulator.add(event), accumulator.restarts)
                    if accumulator.size > MAX_COMPLETION_CHARACTERS:
                        break
            return accumulator.finish()
        except (ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
            raise ProviderError(None, "The response is not a completion.") from error
        except EmptyAnswer:
            self.had_empty_stream = self._is_streamed
            raise
        finally:
            self._restarts += accumulator.restarts

    def adapt(self, error: ProviderError) -> bool:
        """Changes the request if the error names fields that the endpoint refuses. Returns False if it names none."""
        self._log(error)
        found = find_changes(error, self._body, self.changes) if self._refusals < _MAX_REFUSALS else []
        self._refusals += 1
        self.changes += found
        return bool(found)

    async def emit_rest(self, completion: Completion) -> None:
        """Passes on the end of a completion's text, if it did not come with the events."""
        emitted = "".join(self._emitted)
        if completion.content.startswith(emitted):
            await self._emit(completion.content[len(emitted) :], 0)

    async def _emit(self, text: str, restarts: int) -> None:
        """Passes on a piece of text. `restarts` are those of the current attempt: each withdraws the text before it."""
        if not text or self._on_text is None:
            return
        number = 1 + self.attempts + self._restarts + restarts
        if number != self._number:
            self._number, self._emitted = number, []
        self._emitted.append(text)
        await self._on_text(text, number)

    def _log(self, error: ProviderError) -> None:
        sentence = error.describe([*self._endpoint.keys, *_private_texts(self._request)]) or "no answer"
        log.warning("The model failed: %s", sentence, extra={"attempt": self.attempts + 1})


async def _pause_before_retry(error: ProviderError, exchange: _Exchange, deadline: float) -> None:
    """Sleeps before the next attempt after a transient failure.

    Raises AssistantNotConfigured if the settings are wrong. Raises AssistantUnavailable after any other lasting
    failure, after the last attempt, and if the deadline is too near.
    """
    if error.fault in MISCONFIGURED:
        raise AssistantNotConfigured from error
    if error.fault == "too_long":
        raise AssistantUnavailable(_TOO_LONG) from error
    if error.fault == "refused":
        raise AssistantUnavailable(
            f"The language model's provider refused the request (HTTP {error.status}); "
            "a new conversation, which is shorter, may help."
        ) from error
    exchange.attempts += 1
    pause = error.pause or _jittered_pause(exchange.attempts)
    if exchange.attempts == _MAX_ATTEMPTS or asyncio.get_running_loop().time() + pause >= deadline:
        raise AssistantUnavailable(retry_after=max(round(pause), 1)) from error
    await asyncio.sleep(pause)


def _private_texts(request: ModelRequest) -> Iterator[str]:
    """Yields the texts of a request that come from the user, the model or the todos."""
    for message in request.messages:
        if isinstance(message, ToolMessage):
            yield fence(message.result)
        elif not isinstance(message, SystemMessage):
            yield message.content
        if isinstance(message, AssistantMessage):
            yield from (call.arguments for call in message.calls)


def _jittered_pause(attempt: int) -> float:
    """Returns the random pause before a retry: 0.25 to 0.5 seconds after attempt 1, doubled for each later attempt."""
    longest = min(_FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), _MAX_PAUSE_SECONDS)
    return random.uniform(longest / 2, longest)  # noqa: S311 - not a secret
