"""Latency of the lists of 16 users, alone and beside a hostile user with 20 connections for each kind.

The service runs as it ships, with its default limits. The hostile user sends each kind alone, and all kinds at once.
The p99 of the others must be at most twice that without the hostile one. None of their requests may fail.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count
from statistics import median, quantiles
from typing import Final

from load import Load, Results, under
from servers import Server, postgres
from subjects import hostile_requests, list_requests, shipped

_CONNECTIONS: Final = 20
_USERS: Final = 16
_LISTS_PER_SECOND: Final = 80.0
"""The pace of all users together, so that a segment has 480 lists. One user may send 600 requests a minute."""
_SECONDS: Final = 6.0
_PAIRS: Final = 3
_MAX_RATIO: Final = 2.0
_KINDS: Final = ("batches", "exports", "searches", "logins", "chats", "changes")

_addresses: Final = count(1)


def main() -> None:
    with postgres() as url, shipped(url, "fairness") as server:
        lists = list_requests(server, _USERS)
        print(f"{'hostile':10}{'p50 alone':>12}{'p50':>8}{'p99 alone':>12}{'p99':>8}{'ratio':>8}  statuses")
        passed = [_compare(server, lists, kinds) for kinds in (*((kind,) for kind in _KINDS), _KINDS)]
    print(f"\nAt most {_MAX_RATIO:.0f} times, and no request fails: {'passed' if all(passed) else 'FAILED'}")
    sys.exit(0 if all(passed) else 1)


def _compare(server: Server, lists: Sequence[bytes], kinds: Sequence[str]) -> bool:
    """Prints a row. Returns True if the hostile user at most doubles the p99 and makes no request fail."""
    name = kinds[0] if len(kinds) == 1 else "all"
    alone, beside, hostile = [], [], Counter[int]()
    for _ in range(_PAIRS):
        # A new account each time, because the last one has used up its requests.
        requests = hostile_requests(server, f"198.51.100.{next(_addresses)}")
        alone.append(_run(server.port, lists, {})["lists"])
        results = _run(server.port, lists, {kind: [requests[kind]] for kind in kinds})
        beside.append(results["lists"])
        for kind in kinds:
            hostile += results[kind].statuses
    ratio = median(_percentile(two, 99) / _percentile(one, 99) for one, two in zip(alone, beside, strict=True))
    p50, p50_beside, p99, p99_beside = (
        median(_percentile(results, percent) for results in segments)
        for percent in (50, 99)
        for segments in (alone, beside)
    )
    failures = sum((results.statuses for results in beside), Counter[int]())
    del failures[200]
    print(
        f"{name:10}{p50:12.1f}{p50_beside:8.1f}{p99:12.1f}{p99_beside:8.1f}{ratio:8.2f}"
        f"  {json.dumps(dict(sorted(hostile.items())))}{f', FAILED {dict(failures)}' if failures else ''}",
        flush=True,
    )
    return ratio <= _MAX_RATIO and not failures


def _run(port: int, lists: Sequence[bytes], kinds: Mapping[str, Sequence[bytes]]) -> dict[str, Results]:
    loads = [Load(name, requests, _CONNECTIONS) for name, requests in kinds.items()]
    with under(port, loads) as hostile, under(port, [Load("lists", lists, _USERS, _LISTS_PER_SECOND)]) as measured:
        time.sleep(_SECONDS)
    return hostile | measured


def _percentile(results: Results, percent: int) -> float:
    return quantiles(results.served, n=100)[percent - 1]


if __name__ == "__main__":
    main()
