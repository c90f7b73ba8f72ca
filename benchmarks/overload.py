"""Latency of list requests past the capacity of a process: 1,000 connections send ten times what it can serve.

The p99 of what is served is at most three times that of 100 connections at the capacity. The process must refuse the
rest at once. Within two seconds after the overload, it must serve as at half the capacity before.
"""

import sys
import time
from collections.abc import Sequence
from statistics import median, quantiles
from typing import Final

from load import Load, Results, under
from servers import postgres
from subjects import list_requests, shipped

_CONNECTIONS: Final = 1000
_CALM_CONNECTIONS: Final = 100
_USERS: Final = 50
_SECONDS: Final = 4.0
_WARM_UP_SECONDS: Final = 2.0
_RECOVERY_SECONDS: Final = 2.0
_MAX_RATIO: Final = 3.0
_MAX_REFUSAL_MILLISECONDS: Final = 250.0
"""The p99 of refusals that count as refused at once. 1,000 connections that repeat at once wait for each other."""
_ROUNDS: Final = 3


def main() -> None:
    limits = {"REQUESTS_PER_MINUTE": "1000000", "REQUESTS_IN_FLIGHT": "1000000", "BCRYPT_ROUNDS": "4"}
    with (
        postgres() as url,
        shipped(url, "overload", **limits) as server,
    ):
        requests = list_requests(server, _USERS)
        # Four connections keep the process busy, and none of their requests is refused.
        capacity = _run(server.port, Load("all", requests, 4)).statuses[200] / _SECONDS
        print(f"Capacity: {capacity:.0f} list requests per second of {_USERS} users.\n")
        half = Load("all", requests, _CONNECTIONS, capacity / 2)
        once = Load("all", requests, _CALM_CONNECTIONS, capacity)
        over = Load("all", requests, _CONNECTIONS, capacity * 10)
        rounds = [[_run(server.port, load) for load in (half, once, over, half)] for _ in range(_ROUNDS)]
    sys.exit(0 if _report(rounds) else 1)


def _run(port: int, load: Load) -> Results:
    # After an overload, the process has two seconds to recover.
    time.sleep(_RECOVERY_SECONDS)
    with under(port, [load], warm_up_seconds=_WARM_UP_SECONDS) as results:
        time.sleep(_SECONDS)
    return results[load.name]


def _report(rounds: Sequence[Sequence[Results]]) -> bool:
    """Prints the rounds and the bounds. Returns True if all bounds hold."""
    for results in rounds:
        for name, each in zip(("half", "once", "ten times", "half again"), results, strict=True):
            print(f"{name:11}{_describe(each)}")
    bounds = (
        ("p99, ten times against once", [_p99(over.served) / _p99(once.served) for _, once, over, _ in rounds]),
        ("p99, half again against half", [_p99(again.served) / _p99(half.served) for half, _, _, again in rounds]),
    )
    print()
    passed = []
    for name, ratios in bounds:
        passed.append(median(ratios) <= _MAX_RATIO)
        print(f"{name}: {median(ratios):.1f}, at most {_MAX_RATIO:.0f}: {'passed' if passed[-1] else 'FAILED'}")
    refusals = median(_p99(over.refused) for _, _, over, _ in rounds)
    passed.append(refusals <= _MAX_REFUSAL_MILLISECONDS)
    bound = f"at most {_MAX_REFUSAL_MILLISECONDS:.0f} ms: {'passed' if passed[-1] else 'FAILED'}"
    print(f"p99 of refusals: {refusals:.0f} ms, {bound}")
    return all(passed)


def _describe(results: Results) -> str:
    refused = f", refused {_percentiles(results.refused)}" if len(results.refused) > 1 else ""
    late = f"{_p99(results.lateness):.1f} ms"
    return f" served {_percentiles(results.served)}{refused}; {dict(results.statuses)}; load late by p99 {late}"


def _percentiles(latencies: Sequence[float]) -> str:
    p50, p99 = (quantiles(latencies, n=100)[place] for place in (49, 98))
    return f"p50 {p50:.1f} p99 {p99:.1f} ms"


def _p99(latencies: Sequence[float]) -> float:
    return quantiles(latencies, n=100)[98]


if __name__ == "__main__":
    main()
