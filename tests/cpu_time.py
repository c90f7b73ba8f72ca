"""Measures the CPU time of a call, for tests of bounds that must hold on busy and on slow machines."""

import sys
from collections.abc import Callable
from contextlib import suppress
from time import thread_time
from typing import Final

_RUNS: Final = 3
_REFERENCE_STEPS: Final = 20_000
_REFERENCE_SECONDS: Final = 0.001


def least_cpu_seconds(call: Callable[[], object]) -> float:
    """Returns the CPU time of the fastest of three runs, in seconds of the reference machine.

    That machine runs `_reference` in 1 ms. Both are measured in turns: beside other processes, the same code takes up
    to 2.5 times its CPU time. The first run may compile patterns. A ValueError of the call is ignored. The tracer of
    coverage is off meanwhile, because it takes longer than the traced code.
    """
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        runs = [(_cpu_seconds(call), _cpu_seconds(_reference)) for _ in range(_RUNS)]
    finally:
        sys.settrace(tracer)
    least, least_of_reference = (min(run[part] for run in runs) for part in (0, 1))
    return least / least_of_reference * _REFERENCE_SECONDS


def _reference() -> None:
    counts: dict[int, int] = {}
    for step in range(_REFERENCE_STEPS):
        counts[step & 255] = step


def _cpu_seconds(call: Callable[[], object]) -> float:
    started = thread_time()
    with suppress(ValueError):
        call()
    return thread_time() - started
