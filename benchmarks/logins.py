"""Continuous logins from a separate process, so that they do not slow down the measuring process."""

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from threading import Event
from typing import Final

from client import Connection

_processes: Final = get_context("spawn")


@contextmanager
def in_flight(port: int, requests: Sequence[bytes]) -> Iterator[list[int]]:
    """Repeats each login continuously during the block, and completes the last ones.

    Yields a list that contains, after the block, the number of times that each login was completed.
    """
    ours, theirs = _processes.Pipe()
    process = _processes.Process(target=_repeat_all, args=(port, requests, theirs), daemon=True)
    process.start()
    theirs.close()
    completed: list[int] = []
    try:
        ours.recv()
        yield completed
        ours.send("stop")
        completed += ours.recv()
    except EOFError:
        raise RuntimeError("The process of the logins has failed.") from None
    finally:
        process.terminate()
        process.join()


def _repeat_all(port: int, requests: Sequence[bytes], parent: Pipe) -> None:
    # Ctrl-C reaches this process too, but its parent stops it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopped = Event()
    with ThreadPoolExecutor(len(requests)) as threads:
        counts = [threads.submit(_repeat, port, request, stopped) for request in requests]
        try:
            parent.send("started")
            parent.recv()
        finally:
            stopped.set()
        parent.send([count.result() for count in counts])


def _repeat(port: int, request: bytes, stopped: Event) -> int:
    completed = 0
    with Connection(port) as connection:
        while not stopped.is_set():
            connection.exchange(request)
            completed += 1
    return completed
