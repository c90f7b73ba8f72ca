"""Server-sent events: clients that go away, and clients that read too slowly."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Message, Scope

from tests.core.event_loop import run_scenario
from todo_core.web.event_stream import ABORT, EventStream, Write


@dataclass
class Client:
    """The client of a response. It reads chunks as long as it has room, and may go away."""

    room: int = 1000
    state: dict[str, Any] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    has_gone: asyncio.Event = field(default_factory=asyncio.Event)
    is_aborted: bool = False
    most_waiting: int = 0
    waiting: int = 0

    async def receive(self) -> Message:
        await self.has_gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] != "http.response.body" or self.has_gone.is_set():
            return
        if self.room <= 0:
            self.waiting += 1
            self.most_waiting = max(self.waiting, self.most_waiting)
            await asyncio.Event().wait()
        self.room -= 1
        self.bodies.append(message["body"])

    async def get(self, stream: EventStream) -> None:
        def abort() -> None:
            self.is_aborted = True
            self.has_gone.set()

        scope: Scope = {"type": "http", "state": self.state | {ABORT: abort}}
        await stream(scope, self.receive, self.send)
        self.state = scope["state"]


async def write_for_ever(write: Write) -> str | None:
    while True:
        await write(b"x" * 1000)
        await asyncio.sleep(0)


class TestClients:
    def test_a_client_gets_all_chunks_and_the_end(self) -> None:
        async def work(write: Write) -> str | None:
            await write(b"a")
            await write(b"b")
            return "not_authenticated"

        async def scenario() -> None:
            client = Client()
            await client.get(EventStream(work, {}))
            assert client.bodies == [b"a", b"b", b""]
            assert client.state["problem"] == "not_authenticated"
            assert not client.is_aborted

        run_scenario(scenario)

    def test_a_client_that_goes_away_ends_the_work(self) -> None:
        async def scenario() -> None:
            client = Client()
            asyncio.get_running_loop().call_later(0.05, client.has_gone.set)
            await client.get(EventStream(write_for_ever, {}))
            assert not client.is_aborted

        run_scenario(scenario)

    def test_a_client_that_reads_nothing_is_cut_off_with_one_chunk_unsent(self) -> None:
        async def scenario() -> None:
            client = Client(room=10)
            await client.get(EventStream(write_for_ever, {}, send_seconds=0.05))
            assert client.is_aborted
            assert (len(client.bodies), client.most_waiting) == (10, 1)

        run_scenario(scenario)

    def test_the_headers_switch_off_buffers(self) -> None:
        stream = EventStream(write_for_ever, {"vary": "Accept"})
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.headers["vary"] == "Accept"
        assert "content-length" not in stream.headers
