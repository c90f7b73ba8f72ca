"""Latency of list on ours, alone and while logins keep bcrypt busy, in pairs of segments."""

from typing import Final

from logins import in_flight
from segments import Latencies, in_pairs, percentile, print_rows, segment
from spread import ratios
from subjects import Subject, login_requests

_PAIRS: Final = 5
_SECONDS: Final = 4.0
_LOGINS: Final = 4
_LARGEST_RATIO: Final = 3.0


def compare(ours: Subject) -> bool:
    """Prints the latencies and says whether the p99 beside logins stays within three times the p99 without."""
    logins = login_requests(ours.server, _LOGINS)
    answered: list[int] = []

    def alone() -> Latencies:
        return segment(ours, seconds=_SECONDS)

    def beside_logins() -> Latencies:
        with in_flight(ours.server.port, logins) as counts:
            latencies = segment(ours, seconds=_SECONDS)
        answered.append(sum(counts))
        return latencies

    without, beside = in_pairs(alone, beside_logins, pairs=_PAIRS)
    per_second = sum(answered) / (_PAIRS * _SECONDS)
    print(f"Latency of list on ours in ms, median of {_PAIRS} segments of {_SECONDS:.0f} s (lowest..highest)\n")
    print_rows(**{"alone": without, f"{_LOGINS} logins": beside})
    ratio = ratios(percentile(beside, 99), percentile(without, 99))
    print(f"\n{per_second:.1f} logins per second were answered. Ratio of the p99, by pair: {ratio.text(2)}")
    holds = ratio.median <= _LARGEST_RATIO
    print(f"At most {_LARGEST_RATIO:.0f} times: {'holds' if holds else 'MISSED'}\n", flush=True)
    return holds
