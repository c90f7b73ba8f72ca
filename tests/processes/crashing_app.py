"""The whole service in processes that come to a halt between two statements, each forked from one that is warm.

As a program it reads a line for each process: at which point it is to get which signal, from itself. It
writes the port on which the process answers one request, and then each of `stopped`, and `died` or `answered`.
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

from tests.serving import free_port
from todo_core.database import executor as database
from todo_core.database.pool import UniquelyNamedConnection


@dataclass(frozen=True)
class Process:
    """A process of the service that answers one request, if it gets so far."""

    url: str
    id: int
    parent: subprocess.Popen[str]

    def event(self) -> str:
        """The next thing that happens to the process."""
        assert self.parent.stdout is not None
        return self.parent.stdout.readline().strip()


@dataclass(frozen=True)
class Nursery:
    """Where such processes come from, one after the other."""

    parent: subprocess.Popen[str]

    def process(self, point: int, what: signal.Signals = signal.SIGKILL) -> Process:
        """One that gets a signal at that point, counted from 1."""
        assert self.parent.stdin is not None
        assert self.parent.stdout is not None
        self.parent.stdin.write(f"{point} {what}\n")
        self.parent.stdin.flush()
        port, process_id = self.parent.stdout.readline().split()
        return Process(f"http://127.0.0.1:{port}", int(process_id), self.parent)


@contextmanager
def nursery(environment: Mapping[str, str]) -> Iterator[Nursery]:
    parent = subprocess.Popen(
        (sys.executable, "-m", "tests.processes.crashing_app"),
        # Without the migrations that a process in development runs at its start.
        env={**os.environ, **environment, "ENVIRONMENT": "production"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield Nursery(parent)
    finally:
        # With what it has forked.
        os.killpg(parent.pid, signal.SIGKILL)
        parent.wait(timeout=20)
        for pipe in (parent.stdin, parent.stdout):
            assert pipe is not None
            pipe.close()


class _Halting(UniquelyNamedConnection):
    """Counts the points of the whole process at which it may come to a halt.

    A death inside a transaction leaves what stood before it, whichever statement was the last: one point, before its
    COMMIT, stands for them all. A process that goes on holds its locks meanwhile, and each statement may take more.
    """

    left = 0
    signal = signal.SIGKILL

    async def execute(self, *arguments: Any, **options: Any) -> str:
        if self.signal == signal.SIGKILL and arguments[0] == "COMMIT;":
            self._count()
        status: str = await super().execute(*arguments, **options)
        self._count_unless_it_makes_no_difference()
        return status

    async def fetch(self, *arguments: Any, **options: Any) -> Any:
        rows = await super().fetch(*arguments, **options)
        self._count_unless_it_makes_no_difference()
        return rows

    async def fetchrow(self, *arguments: Any, **options: Any) -> Any:
        row = await super().fetchrow(*arguments, **options)
        self._count_unless_it_makes_no_difference()
        return row

    def _count_unless_it_makes_no_difference(self) -> None:
        if self.signal != signal.SIGKILL or not self.is_in_transaction():
            self._count()

    @classmethod
    def _count(cls) -> None:
        cls.left -= 1
        if cls.left == 0:
            os.kill(os.getpid(), cls.signal)


def _serve(listener: socket.socket, point: int, what: signal.Signals) -> None:
    from uvicorn import Config, Server  # noqa: PLC0415 - loaded by the parent

    from functions.main import app  # noqa: PLC0415 - the same

    _Halting.left, _Halting.signal = point, what
    vars(database)["UniquelyNamedConnection"] = _Halting
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    asyncio.run(Server(Config(app, log_level="critical", limit_max_requests=1)).serve([listener]))


async def _ask_nobody() -> None:
    """Loads what the client of a model needs for its first question, which takes longer than all that comes after."""
    from openai import APIConnectionError, AsyncOpenAI  # noqa: PLC0415 - only this process needs it

    async with AsyncOpenAI(api_key="none", base_url=f"http://127.0.0.1:{free_port()}", max_retries=0) as client:
        with suppress(APIConnectionError):
            await client.chat.completions.create(model="none", messages=[], stream=False)


def _main() -> None:
    import uvicorn.protocols.http.httptools_impl  # noqa: F401, PLC0415 - what a process loads on first use

    import functions.main  # noqa: F401, PLC0415 - the same

    asyncio.run(_ask_nobody())
    gc.freeze()
    for line in sys.stdin:
        point, what = map(int, line.split())
        listener = socket.create_server(("127.0.0.1", 0))
        process_id = os.fork()
        if process_id == 0:
            try:
                _serve(listener, point, signal.Signals(what))
            finally:
                os._exit(0)
        print(listener.getsockname()[1], process_id, flush=True)  # noqa: T201 - see above
        listener.close()
        while True:
            _, status = os.waitpid(process_id, os.WUNTRACED)
            event = "stopped" if os.WIFSTOPPED(status) else "died" if os.WIFSIGNALED(status) else "answered"
            print(event, flush=True)  # noqa: T201 - see above
            if event != "stopped":
                break


if __name__ == "__main__":
    _main()
