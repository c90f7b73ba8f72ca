"""Latency of list on ours, alone and while logins keep bcrypt busy, in pairs of segments."""

from collections.abc import Callable, Sequence
from itertools import cycle
from statistics import quantiles
from time import perf_counter
from typing import Final

from client import Connection
from logins import in_flight
from spread import Spread, ratios
from subjects import Subject, login_requests

_PAIRS: Final = 5
_SECONDS: Final = 4.0
_LOGINS: Final = 4
_LARGEST_RATIO: Final = 3.0

type Latencies = list[float]
"""Milliseconds, request by request, of one segment."""


def compare(ours: Subject) -> bool:
    """Prints the latencies and says whether the p99 beside logins stays within three times the p99 without."""
    logins = login_requests(ours.server, _LOGINS)
    answered: list[int] = []

    def alone() -> Latencies:
        return _segment(ours)

    def beside_logins() -> Latencies:
        with in_flight(ours.server.port, logins) as counts:
            latencies = _segment(ours)
        answered.append(sum(counts))
        return latencies

    without, beside = _in_pairs(alone, beside_logins)
    per_second = sum(answered) / (_PAIRS * _SECONDS)
    print(f"Latency of list on ours in ms, median of {_PAIRS} segments of {_SECONDS:.0f} s (lowest..highest)\n")
    print(f"{'':16}{'p50':>22}{'p99':>22}{'requests':>12}")
    _print_row("alone", without)
    _print_row(f"{_LOGINS} logins", beside)
    ratio = ratios(_percentile(beside, 99), _percentile(without, 99))
    print(f"\n{per_second:.1f} logins per second were answered. Ratio of the p99, by pair: {ratio.text(2)}")
    holds = ratio.median <= _LARGEST_RATIO
    print(f"At most {_LARGEST_RATIO:.0f} times: {'holds' if holds else 'MISSED'}", flush=True)
    return holds


def _in_pairs[Result](one: Callable[[], Result], other: Callable[[], Result]) -> tuple[list[Result], list[Result]]:
    """Which goes first changes from pair to pair, so that a drift of the machine favours neither."""
    results: tuple[list[Result], list[Result]] = ([], [])
    for number in range(_PAIRS):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        for which in order:
            results[which].append((one, other)[which]())
    return results


def _segment(ours: Subject) -> Latencies:
    latencies = []
    with Connection(ours.server.port) as connection:
        ends = perf_counter() + _SECONDS
        for request in cycle(ours.requests["list"]):
            started = perf_counter()
            if started > ends:
                break
            connection.exchange(request)
            latencies.append((perf_counter() - started) * 1000)
    return latencies


def _percentile(segments: Sequence[Latencies], percent: int) -> list[float]:
    return [quantiles(latencies, n=100)[percent - 1] for latencies in segments]


def _print_row(name: str, segments: Sequence[Latencies]) -> None:
    p50, p99 = (Spread.of(_percentile(segments, percent)).text(2) for percent in (50, 99))
    print(f"{name:16}{p50:>22}{p99:>22}{sum(map(len, segments)):>12}")
