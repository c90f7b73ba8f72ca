"""Proxy between the service and PostgreSQL that cuts a connection at a chosen step of the protocol."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from tests.counting_proxy import CountingProxy

_MESSAGES_WITH_ANSWER = {b"Q", b"S", b"H"}
"""Query, Sync and Flush: the messages of a client after which it waits for an answer."""


class Cut(Enum):
    """The moment at which the connection is cut."""

    BEFORE_THE_REQUEST = "before the server gets the request"
    BEFORE_THE_ANSWER = "after the server has answered, before the client gets the answer"
    INSIDE_THE_ANSWER = "after the first bytes of the answer"
    AFTER_THE_ANSWER = "after the client has got the answer"


@dataclass
class CuttingProxy(CountingProxy):
    """Proxy that cuts the connection on which the step number `step` happens. Later connections are not cut.

    A step is a request of the driver to the server with its answer. Steps are counted from `cut_at`, on all
    connections. They include those of a new connection after its login.
    """

    cut: Cut = Cut.BEFORE_THE_REQUEST
    step: int = 0

    def cut_at(self, step: int, cut: Cut) -> None:
        """Starts to count steps from zero. Cuts the connection at this step."""
        self.round_trips, self.step, self.cut = 0, step, cut

    @property
    def has_cut(self) -> bool:
        return self.round_trips >= self.step

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await self._connect()
        is_cut = asyncio.Event()
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_requests(reader, to_server, writer, is_cut))
                group.create_task(self._pass_answers(from_server, writer, is_cut))
        for side in (to_server, writer):
            side.transport.abort()

    async def _pass_requests(
        self,
        reader: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        to_client: asyncio.StreamWriter,
        is_cut: asyncio.Event,
    ) -> None:
        with suppress(asyncio.IncompleteReadError):
            message_type = b""
            while True:
                length = await reader.readexactly(4)
                message = message_type + length + await reader.readexactly(int.from_bytes(length) - 4)
                if message_type in _MESSAGES_WITH_ANSWER:
                    self.round_trips += 1
                    if self.round_trips == self.step:
                        if self.cut is Cut.BEFORE_THE_REQUEST:
                            to_client.transport.abort()
                            break
                        is_cut.set()
                to_server.write(message)
                message_type = await reader.readexactly(1)
        to_server.close()

    async def _pass_answers(
        self, from_server: asyncio.StreamReader, to_client: asyncio.StreamWriter, is_cut: asyncio.Event
    ) -> None:
        while answer := await from_server.read(65536):
            if is_cut.is_set():
                if self.cut is Cut.INSIDE_THE_ANSWER:
                    to_client.write(answer[:3])
                elif self.cut is Cut.AFTER_THE_ANSWER:
                    to_client.write(answer)
                break
            to_client.write(answer)
        # Closes after the bytes are sent. An abort could drop them.
        to_client.close()
