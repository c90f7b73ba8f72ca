"""CPU time of the server processes per request, for each server and operation."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Final

from client import Connection
from spread import Spread, ratios
from subjects import OPERATIONS, Subject

_ROUNDS: Final = 15
_REQUESTS: Final = 250
_WARM_UP_REQUESTS: Final = 200
_FIRST_REQUESTS: Final = 20
_MAX_SHARE: Final = 1 / 3

type Costs = dict[tuple[str, str], list[float]]
"""Microseconds per request in each round, by the names of subject and operation."""


def compare(ours: Subject, naive: Subject, floor: Subject) -> bool:
    """Prints the table. Returns True if all operations of ours take at most a third of naive's time."""
    costs = _measure((ours, naive, floor))
    print(f"CPU time of the server process per request in µs, median of {_ROUNDS} rounds (lowest..highest)\n")
    _print_row("", ours.name, naive.name, floor.name, "ours/naive", "ours/floor")
    shares = {}
    for operation in OPERATIONS:
        of_ours, of_naive, of_floor = (costs[subject.name, operation] for subject in (ours, naive, floor))
        shares[operation] = ratios(of_ours, of_naive)
        _print_row(
            operation,
            *(Spread.of(costs).text(0) for costs in (of_ours, of_naive, of_floor)),
            shares[operation].text(3),
            ratios(of_ours, of_floor).text(2),
        )
    failed = [operation for operation, share in shares.items() if share.median > _MAX_SHARE]
    print(f"\nAt most 1/3 of naive: {f'FAILED by {", ".join(failed)}' if failed else 'passed'}\n", flush=True)
    return not failed


def _measure(subjects: Sequence[Subject]) -> Costs:
    for operation in OPERATIONS:
        for subject in subjects:
            _microseconds_per_request(subject, operation, _WARM_UP_REQUESTS)
    costs: Costs = defaultdict(list)
    for number in range(_ROUNDS):
        first = number % len(subjects)
        for operation in OPERATIONS:
            for subject in (*subjects[first:], *subjects[:first]):
                cost = _microseconds_per_request(subject, operation, _REQUESTS)
                costs[subject.name, operation].append(cost)
    return costs


def _microseconds_per_request(subject: Subject, operation: str, count: int) -> float:
    requests = cycle(subject.requests[operation])
    # A new connection, because uvicorn closes connections that were idle for a few seconds.
    with Connection(subject.server.port) as connection:
        for request in islice(requests, _FIRST_REQUESTS):
            connection.exchange(request)
        before = subject.server.cpu_seconds()
        for request in islice(requests, count):
            connection.exchange(request)
        return (subject.server.cpu_seconds() - before) / count * 1e6


def _print_row(operation: str, *cells: str) -> None:
    print(f"{operation:8}" + "".join(f"{cell:>22}" for cell in cells))
