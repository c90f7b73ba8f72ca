"""Runs processes of the service that crash or freeze by sending themselves a signal between two SQL statements.

This module, run as a program, forks each process after all imports, so that processes start fast. It reads a line
for each process: the point at which to send the signal, and the number of the signal. It prints the port and the
process id, and then the events: `stopped`, and `crashed` or `answered`. Each process serves one request.
"""

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tests.room import ROOM_SECONDS
from tests.serving import free_port
from todo_core.database import executor as database
from todo_core.database.pool import UniquelyNamedConnection


@dataclass(frozen=True)
class Process:
    """Forked process of the service, which serves one request unless it crashes before the response."""

    url: str
    id: int
    parent: subprocess.Popen[str]

    def wait_for_event(self) -> str:
        """Waits for the next event of the process and returns its name: stopped, crashed or answered."""
        assert self.parent.stdout is not None
        return self.parent.stdout.readline().strip()


@dataclass(frozen=True)
class ForkServer:
    """Parent process that forks processes of the service, one after another."""

    parent: subprocess.Popen[str]

    def start_process(self, point: int, signal_number: signal.Signals = signal.SIGKILL) -> Process:
        """Starts a process that sends itself the signal at a point between SQL statements, counted from 1."""
        assert self.parent.stdin is not None
        assert self.parent.stdout is not None
        self.parent.stdin.write(f"{point} {signal_number}\n")
        self.parent.stdin.flush()
        port, process_id = self.parent.stdout.readline().split()
        return Process(f"http://127.0.0.1:{port}", int(process_id), self.parent)


@contextmanager
def fork_server(environment: Mapping[str, str]) -> Iterator[ForkServer]:
    parent = subprocess.Popen(
        (sys.executable, "-m", "tests.processes.crashing_app"),
        # Not development, in which each process would run the migrations at its start. Without mail, whose delivery
        # would ask the database beside the request.
        env={**os.environ, **environment, "ENVIRONMENT": "production", "MAIL_URL": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield ForkServer(parent)
    finally:
        # The process group also contains the forked process, so both processes are killed.
        os.killpg(parent.pid, signal.SIGKILL)
        parent.wait(timeout=ROOM_SECONDS)
        for pipe in (parent.stdin, parent.stdout):
            assert pipe is not None
            pipe.close()


class _SignallingConnection(UniquelyNamedConnection):
    """Database connection that counts the points of its process, and sends the signal at the chosen point.

    A crash in a transaction undoes all of its statements. So SIGKILL has points only before and after each COMMIT, and
    after statements outside transactions. A frozen process keeps its locks, and each statement may add locks. So other
    signals have a point after every statement.
    """

    points_left = 0
    signal = signal.SIGKILL

    async def execute(self, *arguments: Any, **options: Any) -> str:
        if self.signal == signal.SIGKILL and arguments[0] == "COMMIT;":
            self._count()
        status: str = await super().execute(*arguments, **options)
        self._count_after_statement()
        return status

    async def fetch(self, *arguments: Any, **options: Any) -> Any:
        rows = await super().fetch(*arguments, **options)
        self._count_after_statement()
        return rows

    async def fetchrow(self, *arguments: Any, **options: Any) -> Any:
        row = await super().fetchrow(*arguments, **options)
        self._count_after_statement()
        return row

    def _count_after_statement(self) -> None:
        if self.signal != signal.SIGKILL or not self.is_in_transaction():
            self._count()

    @classmethod
    def _count(cls) -> None:
        cls.points_left -= 1
        if cls.points_left == 0:
            os.kill(os.getpid(), cls.signal)


def _serve(listener: socket.socket, point: int, signal_number: signal.Signals) -> None:
    from uvicorn import Config, Server  # noqa: PLC0415 - the parent has loaded it

    from functions.main import app  # noqa: PLC0415 - the parent has loaded it

    _SignallingConnection.points_left, _SignallingConnection.signal = point, signal_number
    vars(database)["UniquelyNamedConnection"] = _SignallingConnection
    null_device = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null_device, 1)
    os.dup2(null_device, 2)
    asyncio.run(Server(Config(app, log_level="critical", limit_max_requests=1)).serve([listener]))


async def _load_model_client() -> None:
    """Sends a request that fails, because the model client imports more modules at its first request."""
    from openai import APIConnectionError, AsyncOpenAI  # noqa: PLC0415 - only this process needs it

    async with AsyncOpenAI(api_key="none", base_url=f"http://127.0.0.1:{free_port()}", max_retries=0) as client:
        with suppress(APIConnectionError):
            await client.chat.completions.create(model="none", messages=[], stream=False)


def _main() -> None:
    import uvicorn.protocols.http.httptools_impl  # noqa: F401, PLC0415 - loaded before the first fork

    import functions.main  # noqa: F401, PLC0415 - loaded before the first fork

    asyncio.run(_load_model_client())
    gc.freeze()
    for line in sys.stdin:
        point, signal_number = map(int, line.split())
        listener = socket.create_server(("127.0.0.1", 0))
        process_id = os.fork()
        if process_id == 0:
            try:
                _serve(listener, point, signal.Signals(signal_number))
            finally:
                os._exit(0)
        print(listener.getsockname()[1], process_id, flush=True)  # noqa: T201 - the protocol of this program
        listener.close()
        while True:
            _, status = os.waitpid(process_id, os.WUNTRACED)
            event = "stopped" if os.WIFSTOPPED(status) else "crashed" if os.WIFSIGNALED(status) else "answered"
            print(event, flush=True)  # noqa: T201 - the protocol of this program
            if event != "stopped":
                break


if __name__ == "__main__":
    _main()
