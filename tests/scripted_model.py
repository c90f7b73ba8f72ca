"""A scripted language model for tests: a server of OpenAI's Chat Completions protocol with planned replies."""

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

from tests.model_replies import Fail, Json, Plan, ReceivedRequest, Reply, plan_response
from tests.room import ROOM_SECONDS

PATH = "/v1/chat/completions"
KEY = "sk-scripted"


@dataclass(frozen=True)
class _RawRequest:
    """An HTTP request as read from the connection; its body may be invalid JSON."""

    target: str
    headers: Mapping[str, str]
    content: bytes

    @classmethod
    async def read(cls, reader: asyncio.StreamReader) -> Self:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        return cls(first.rpartition(" ")[0], headers, content)

    def parse(self) -> ReceivedRequest:
        body: object = None
        with suppress(ValueError):
            body = json.loads(self.content)
        return ReceivedRequest(body if isinstance(body, dict) else {}, self.headers)


@dataclass
class _Script:
    """Planned replies and a record of requests. A request counts for the script that was current when it arrived."""

    function: Callable[[ReceivedRequest], Reply] | None = None
    replies: list[Reply] = field(default_factory=list)
    requests: list[ReceivedRequest] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    abandoned: int = 0


class ScriptedModel:
    """Plans the replies of the model and reports its requests since the last `play` or `answer_with`. Thread-safe."""

    def __init__(self) -> None:
        self.key = KEY
        self.url = ""
        self._script = _Script()
        self._changed = Condition()

    def play(self, *replies: Reply) -> None:
        """Replaces the script: each request gets the next of these replies. Resets the record of requests."""
        self._begin(_Script(replies=list(replies)))

    def answer_with(self, function: Callable[[ReceivedRequest], Reply]) -> None:
        """Replaces the script: `function` returns the reply to each request, in a worker thread."""
        self._begin(_Script(function=function))

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The requests of this script in order of arrival. Requests with a wrong URL, key or body are left out."""
        with self._changed:
            return list(self._script.requests)

    @property
    def left(self) -> int:
        """The number of planned replies that no request has taken yet."""
        with self._changed:
            return len(self._script.replies)

    @property
    def unexpected(self) -> list[str]:
        """Messages about faults: requests beyond the planned replies, invalid requests, errors of a test's function."""
        with self._changed:
            return list(self._script.unexpected)

    @property
    def abandoned(self) -> int:
        """The number of requests whose client disconnected before the end of the reply."""
        with self._changed:
            return self._script.abandoned

    def wait_until(self, holds: Callable[[], bool], *, seconds: float = ROOM_SECONDS) -> None:
        """Waits for a condition on the recorded requests, such as `lambda: model.abandoned == 1`, or times out."""
        with self._changed:
            if not self._changed.wait_for(holds, timeout=seconds):
                raise TimeoutError(f"Not within {seconds} seconds: {self._script}")

    def _begin(self, script: _Script) -> None:
        with self._changed:
            self._script = script
            self._changed.notify_all()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the requests of one connection, one after another."""
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._exchange(await _RawRequest.read(reader), reader, writer):
                    pass
        finally:
            writer.close()

    async def _exchange(self, raw: _RawRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answers one request. Returns True if the response is complete, so the connection can take another request."""
        script, finished, is_whole = self._script, False, False
        async with anyio.create_task_group() as group:
            group.start_soon(_cancel_on_disconnect, reader, group.cancel_scope)
            plan = await self._plan(script, raw.parse(), raw.target)
            with suppress(ConnectionError):
                await _send(plan, writer)
                finished, is_whole = True, plan.is_whole
            group.cancel_scope.cancel()
        if not finished:
            with self._changed:
                script.abandoned += 1
                self._changed.notify_all()
        return is_whole

    async def _plan(self, script: _Script, request: ReceivedRequest, target: str) -> Plan:
        try:
            reply: Reply | None = self._reject(script, request, target)
            if reply is None and script.function is not None:
                reply = await run_sync(script.function, request, abandon_on_cancel=True)
            return plan_response(reply or self._next(script), request)
        except Exception as error:  # noqa: BLE001 - an error of the test's own function is reported through `unexpected`
            return plan_response(
                self._record_unexpected(script, Fail(500, message=f"The script gave no reply: {error!r}")), request
            )

    def _reject(self, script: _Script, request: ReceivedRequest, target: str) -> Fail | None:
        if target != f"POST {PATH}":
            return self._record_unexpected(script, Fail(404, message=f"Invalid URL ({target})"))
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return Fail(401, "invalid_api_key", "Incorrect API key provided.")
        if not request.body:
            return self._record_unexpected(script, Fail(400, message="The body is not a JSON object."))
        with self._changed:
            script.requests.append(request)
            self._changed.notify_all()
        fault = _find_fault(request.messages)
        return self._record_unexpected(script, Fail(400, message=fault)) if fault else None

    def _next(self, script: _Script) -> Reply:
        with self._changed:
            if script.replies:
                return script.replies.pop(0)
            number = len(script.requests)
        return self._record_unexpected(
            script, Fail(500, message=f"Request {number} comes after the end of the script.")
        )

    def _record_unexpected(self, script: _Script, answer: Fail) -> Fail:
        with self._changed:
            script.unexpected.append(answer.message)
            self._changed.notify_all()
        return answer


@contextmanager
def scripted_model(host: str = "127.0.0.1") -> Iterator[ScriptedModel]:
    """Runs a scripted model on a free port of `host` until the end of the block."""
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


async def _cancel_on_disconnect(reader: asyncio.StreamReader, exchange: anyio.CancelScope) -> None:
    # Polls for the disconnect instead of reading: bytes read here would be missing in the next request.
    while not reader.at_eof() and reader.exception() is None:  # noqa: ASYNC110 - a StreamReader has no such event
        await asyncio.sleep(0.01)
    exchange.cancel()


def _find_fault(messages: list[Json]) -> str | None:
    """Returns OpenAI's error for a tool call without a result or a result without a call, None for valid messages."""
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
