"""The bodies that a process holds in memory at a time."""

import asyncio
from typing import Final
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.types import Message

from todo_core.clients import Client, current_client
from todo_core.web.middleware.body_limit import Body, BodyLimit

MAX_BYTES: Final = 100_000


def new_user() -> Client:
    return Client("user", uuid4().int)


ADA: Final = new_user()


class Bodies:
    """Bodies within a BodyLimit: each is read, and then held until the test ends the requests."""

    def __init__(self) -> None:
        self._limit = BodyLimit(MAX_BYTES)
        self._end = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def send(self, client: Client, size: int) -> int:
        """Sends a body. Returns 200 once it has been read, or the status of the refusal."""
        current_client.set(client)
        messages: list[Message] = [{"type": "http.request", "body": b" " * size, "more_body": False}]

        async def receive() -> Message:
            return messages.pop()

        has_read = asyncio.Event()
        task = asyncio.create_task(self._read(self._limit.open({"state": {}}, receive), has_read))
        is_read = asyncio.create_task(has_read.wait())
        await asyncio.wait({task, is_read}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            self._tasks.append(task)
            return 200
        is_read.cancel()
        error = task.exception()
        assert isinstance(error, HTTPException)
        return error.status_code

    async def end(self) -> None:
        self._end.set()
        await asyncio.gather(*self._tasks)
        self._tasks, self._end = [], asyncio.Event()

    async def _read(self, body: Body, has_read: asyncio.Event) -> None:
        end = self._end
        try:
            await body.receive()
            has_read.set()
            await end.wait()
        finally:
            body.close()


class TestBodiesAtOnce:
    def test_one_user_may_send_four_of_the_largest_at_once(self) -> None:
        async def run() -> None:
            bodies = Bodies()
            assert [await bodies.send(ADA, MAX_BYTES) for _ in range(5)] == [200, 200, 200, 200, 429]
            assert await bodies.send(new_user(), MAX_BYTES) == 200
            await bodies.end()
            assert await bodies.send(ADA, MAX_BYTES) == 200
            await bodies.end()

        asyncio.run(run())

    def test_all_users_together_may_send_sixteen(self) -> None:
        async def run() -> None:
            bodies = Bodies()
            users = [new_user() for _ in range(5)]
            statuses = [await bodies.send(users[number // 4], MAX_BYTES) for number in range(17)]
            assert statuses == [*[200] * 16, 503]
            await bodies.end()
            assert await bodies.send(ADA, MAX_BYTES) == 200
            await bodies.end()

        asyncio.run(run())

    def test_a_network_without_a_session_may_send_one(self) -> None:
        async def run() -> None:
            bodies = Bodies()
            network = Client("network", "203.0.113.7")
            assert [await bodies.send(network, MAX_BYTES // 2) for _ in range(3)] == [200, 200, 429]
            assert await bodies.send(ADA, MAX_BYTES) == 200
            await bodies.end()

        asyncio.run(run())
