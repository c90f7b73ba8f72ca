"""Latency of list requests at half of the process's capacity, and at ten times it, with 1,000 connections.

Past its capacity, the process must refuse at once. The p99 of what it serves is at most three times that at half
capacity. Within two seconds after the overload, it serves as before.
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
_USERS: Final = 50
_SECONDS: Final = 6.0
_WARM_UP_SECONDS: Final = 2.0
_RECOVERY_SECONDS: Final = 2.0
_MAX_RATIO: Final = 3.0
_ROUNDS: Final = 3


def main() -> None:
    limits = {"REQUESTS_PER_MINUTE": "1000000", "REQUESTS_IN_FLIGHT": "1000000", "BCRYPT_ROUNDS": "4"}
    with (
        postgres() as url,
        shipped(url, "overload", **limits) as server,
    ):
        requests = list_requests(server, _USERS)
        capacity = _run(server.port, Load("all", requests, 16), _SECONDS).statuses[200] / _SECONDS
        print(f"Capacity: {capacity:.0f} list requests per second. {_CONNECTIONS} connections of {_USERS} users.\n")
        calm_load = Load("all", requests, _CONNECTIONS, capacity / 2)
        over_load = Load("all", requests, _CONNECTIONS, capacity * 10)
        ratios = []
        for _ in range(_ROUNDS):
            calm = _run(server.port, calm_load, _SECONDS)
            over = _run(server.port, over_load, _SECONDS)
            time.sleep(_RECOVERY_SECONDS)
            after = _run(server.port, calm_load, _SECONDS)
            for name, results in (("half", calm), ("ten times", over), ("half again", after)):
                _print(name, results)
            ratios.append(_p99(over.served) / _p99(calm.served))
    has_passed = median(ratios) <= _MAX_RATIO
    print(f"\nRatio of the p99: {median(ratios):.2f}. At most {_MAX_RATIO:.0f}: {'passed' if has_passed else 'FAILED'}")
    sys.exit(0 if has_passed else 1)


def _run(port: int, load: Load, seconds: float) -> Results:
    with under(port, [load], warm_up_seconds=_WARM_UP_SECONDS) as results:
        time.sleep(seconds)
    return results[load.name]


def _print(name: str, results: Results) -> None:
    p50, p99 = (quantiles(results.served, n=100)[place] for place in (49, 98))
    refused = f", refusals p99 {_p99(results.refused):.1f} ms" if len(results.refused) > 1 else ""
    print(f"{name:12} p50 {p50:6.1f} ms, p99 {p99:6.1f} ms{refused}; {dict(results.statuses)}", flush=True)


def _p99(latencies: Sequence[float]) -> float:
    return quantiles(latencies, n=100)[98]


if __name__ == "__main__":
    main()
