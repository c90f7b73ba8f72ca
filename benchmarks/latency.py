"""Latency of list requests, alone and during logins that keep bcrypt busy, in pairs of segments."""

from typing import Final

from logins import in_flight
from segments import Latencies, in_pairs, percentile, print_rows, segment
from spread import ratios
from subjects import Subject, login_requests

_PAIRS: Final = 5
_SEGMENT_SECONDS: Final = 4.0
_LOGINS: Final = 4
_MAX_RATIO: Final = 3.0


def compare(ours: Subject) -> bool:
    """Prints the latencies. Returns True if the logins raise the p99 at most three times."""
    logins = login_requests(ours.server, _LOGINS)
    completed: list[int] = []

    def alone() -> Latencies:
        return segment(ours, seconds=_SEGMENT_SECONDS)

    def during_logins() -> Latencies:
        with in_flight(ours.server.port, logins) as counts:
            latencies = segment(ours, seconds=_SEGMENT_SECONDS)
        completed.append(sum(counts))
        return latencies

    alone_segments, login_segments = in_pairs(alone, during_logins, pairs=_PAIRS)
    per_second = sum(completed) / (_PAIRS * _SEGMENT_SECONDS)
    print(
        f"Latency of list requests in ms, median of {_PAIRS} segments of {_SEGMENT_SECONDS:.0f} s (lowest..highest)\n"
    )
    print_rows(**{"alone": alone_segments, f"{_LOGINS} logins": login_segments})
    ratio = ratios(percentile(login_segments, 99), percentile(alone_segments, 99))
    print(f"\n{per_second:.1f} logins per second. Ratio of the p99 by pair: {ratio.text(2)}")
    has_passed = ratio.median <= _MAX_RATIO
    print(f"At most {_MAX_RATIO:.0f} times: {'passed' if has_passed else 'FAILED'}\n", flush=True)
    return has_passed
