"""Measures the CPU time of a call, for tests of bounds that must hold on busy machines."""

from collections.abc import Callable
from contextlib import suppress
from time import thread_time
from typing import Final

_RUNS: Final = 3


def least_cpu_seconds(call: Callable[[], object]) -> float:
    """Returns the CPU time of the fastest of three runs. A ValueError of the call is ignored.

    The first run may compile patterns, and other processes slow down any run.
    """
    return min(_cpu_seconds(call) for _ in range(_RUNS))


def _cpu_seconds(call: Callable[[], object]) -> float:
    started = thread_time()
    with suppress(ValueError):
        call()
    return thread_time() - started
