"""Latency of list requests in segments, in pairs without and with other load."""

from collections.abc import Callable, Sequence
from itertools import cycle
from statistics import quantiles
from time import perf_counter

from client import Connection
from spread import Spread
from subjects import Subject

type Latencies = list[float]
"""Milliseconds of each request of a segment."""


def in_pairs[Result](
    one: Callable[[], Result], other: Callable[[], Result], *, pairs: int
) -> tuple[list[Result], list[Result]]:
    """Runs both functions in pairs. The order alternates, so that a drift of the machine affects both equally."""
    results: tuple[list[Result], list[Result]] = ([], [])
    for number in range(pairs):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        for which in order:
            results[which].append((one, other)[which]())
    return results


def segment(ours: Subject, *, seconds: float) -> Latencies:
    latencies = []
    with Connection(ours.server.port) as connection:
        ends = perf_counter() + seconds
        for request in cycle(ours.requests["list"]):
            started = perf_counter()
            if started > ends:
                break
            connection.exchange(request)
            latencies.append((perf_counter() - started) * 1000)
    return latencies


def percentile(segments: Sequence[Latencies], percent: int) -> list[float]:
    return [quantiles(latencies, n=100)[percent - 1] for latencies in segments]


def print_rows(**rows: Sequence[Latencies]) -> None:
    print(f"{'':16}{'p50':>22}{'p99':>22}{'requests':>12}")
    for name, segments in rows.items():
        p50, p99 = (Spread.of(percentile(segments, percent)).text(2) for percent in (50, 99))
        print(f"{name:16}{p50:>22}{p99:>22}{sum(map(len, segments)):>12}")
