"""A model that answers as a test says: an HTTP server that speaks OpenAI's Chat Completions, streamed and whole."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Condition
from typing import Self

import anyio
from anyio.abc import TaskStatus
from anyio.from_thread import start_blocking_portal
from anyio.to_thread import run_sync

from tests.model_replies import Asked, Completion, Fail, Json, Plan, plan_of

PATH = "/v1/chat/completions"
KEY = "sk-scripted"


@dataclass(frozen=True)
class _Arrival:
    """A request as it came over the connection."""

    target: str
    headers: Mapping[str, str]
    content: bytes

    @classmethod
    async def read(cls, reader: asyncio.StreamReader) -> Self:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        return cls(first.rpartition(" ")[0], headers, content)

    def asked(self) -> Asked:
        body: object = None
        with suppress(ValueError):
            body = json.loads(self.content)
        return Asked(body if isinstance(body, dict) else {}, self.headers)


@dataclass
class _Script:
    """What is to be answered, and what came of it. A request keeps to the script under which it came."""

    function: Callable[[Asked], Completion] | None = None
    replies: list[Completion] = field(default_factory=list)
    requests: list[Asked] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    abandoned: int = 0


class ScriptedModel:
    """The script and its record, both of them since the last `play` or `answer_with`; for any number of threads."""

    def __init__(self) -> None:
        self.key = KEY
        self.url = ""
        self._script = _Script()
        self._changed = Condition()

    def play(self, *replies: Completion) -> None:
        """Each request takes the next of the replies."""
        self._begin(_Script(replies=list(replies)))

    def answer_with(self, function: Callable[[Asked], Completion]) -> None:
        """Each request takes what the function makes of it, in a thread of its own."""
        self._begin(_Script(function=function))

    @property
    def requests(self) -> list[Asked]:
        """The requests that had the key and a JSON object, in the order in which they came."""
        with self._changed:
            return list(self._script.requests)

    @property
    def left(self) -> int:
        """How many replies nobody has asked for yet."""
        with self._changed:
            return len(self._script.replies)

    @property
    def unexpected(self) -> list[str]:
        """What a test has not foreseen: requests after the script's end, and those that OpenAI would refuse."""
        with self._changed:
            return list(self._script.unexpected)

    @property
    def abandoned(self) -> int:
        """How many clients have gone away before their reply was finished."""
        with self._changed:
            return self._script.abandoned

    def wait_until(self, holds: Callable[[], bool], *, seconds: float = 5) -> None:
        """Waits for what requests change: `model.wait_until(lambda: model.abandoned == 1)`."""
        with self._changed:
            if not self._changed.wait_for(holds, timeout=seconds):
                raise TimeoutError(f"Not within {seconds} seconds: {self._script}")

    def _begin(self, script: _Script) -> None:
        with self._changed:
            self._script = script
            self._changed.notify_all()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Every request of one connection."""
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._exchange(await _Arrival.read(reader), reader, writer):
                    pass
        finally:
            writer.close()

    async def _exchange(self, arrival: _Arrival, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answers one request; tells whether the connection can take another."""
        script, finished, is_whole = self._script, False, False
        async with anyio.create_task_group() as race:
            race.start_soon(_cancel_when_gone, reader, race.cancel_scope)
            plan = await self._plan(script, arrival.asked(), arrival.target)
            with suppress(ConnectionError):
                await _send(plan, writer)
                finished, is_whole = True, plan.is_whole
            race.cancel_scope.cancel()
        if not finished:
            with self._changed:
                script.abandoned += 1
                self._changed.notify_all()
        return is_whole

    async def _plan(self, script: _Script, asked: Asked, target: str) -> Plan:
        try:
            reply: Completion | None = self._refusal(script, asked, target)
            if reply is None and script.function is not None:
                reply = await run_sync(script.function, asked, abandon_on_cancel=True)
            return plan_of(reply or self._next(script), asked)
        except Exception as error:  # noqa: BLE001 - of the test's own function or reply; it must not get lost here
            return plan_of(self._note(script, Fail(500, message=f"No reply came of the script: {error!r}")), asked)

    def _refusal(self, script: _Script, asked: Asked, target: str) -> Fail | None:
        if target != f"POST {PATH}":
            return self._note(script, Fail(404, message=f"Invalid URL ({target})"))
        if asked.headers.get("authorization") != f"Bearer {self.key}":
            return Fail(401, "invalid_api_key", "Incorrect API key provided.")
        if not asked.body:
            return self._note(script, Fail(400, message="The body is not a JSON object."))
        with self._changed:
            script.requests.append(asked)
            self._changed.notify_all()
        fault = _fault(asked.messages)
        return self._note(script, Fail(400, message=fault)) if fault else None

    def _next(self, script: _Script) -> Completion:
        with self._changed:
            if script.replies:
                return script.replies.pop(0)
            number = len(script.requests)
        return self._note(script, Fail(500, message=f"Request {number} comes after the end of the script."))

    def _note(self, script: _Script, answer: Fail) -> Fail:
        with self._changed:
            script.unexpected.append(answer.message)
            self._changed.notify_all()
        return answer


@contextmanager
def scripted_model(host: str = "127.0.0.1") -> Iterator[ScriptedModel]:
    """A model on a free port of this machine, until the end of the block; `host` is where it listens."""
    model = ScriptedModel()
    with start_blocking_portal() as portal:
        listening, port = portal.start_task(_listen, model, host)
        model.url = f"http://127.0.0.1:{port}/v1"
        try:
            yield model
        finally:
            listening.cancel()


async def _listen(model: ScriptedModel, host: str, *, task_status: TaskStatus[int]) -> None:
    async with anyio.create_task_group() as connections:
        server = await asyncio.start_server(
            lambda reader, writer: connections.start_soon(model.serve, reader, writer), host, 0
        )
        try:
            task_status.started(server.sockets[0].getsockname()[1])
            await anyio.sleep_forever()
        finally:
            server.close()
            server.abort_clients()


async def _cancel_when_gone(reader: asyncio.StreamReader, exchange: anyio.CancelScope) -> None:
    # Looks instead of reading: what is read here would be missing in the connection's next request.
    while not reader.at_eof() and reader.exception() is None:  # noqa: ASYNC110 - a StreamReader has no such event
        await asyncio.sleep(0.01)
    exchange.cancel()


def _fault(messages: list[Json]) -> str | None:
    """What OpenAI objects to in a conversation: a tool call without its result, or a result without its call."""
    called: set[str] = set()
    waiting: set[str] = set()
    for message in [*messages, {"role": "end"}]:
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in called:
                return "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
            waiting.discard(message["tool_call_id"])
        elif waiting:
            return f"'tool_calls' must be followed by tool messages responding to each 'tool_call_id': {waiting}"
        else:
            called = {call["id"] for call in message.get("tool_calls") or []}
            waiting = set(called)
    return None


async def _send(plan: Plan, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(plan.delay)
    writer.write(plan.head)
    for number, piece in enumerate(plan.pieces):
        await asyncio.sleep(plan.pause if number else 0)
        writer.write(piece)
        await writer.drain()
    writer.write(plan.end)
    await writer.drain()
