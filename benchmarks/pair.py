"""Compares the service with an earlier commit of it, in one run: CPU time of the server and of PostgreSQL, and time.

Both are started as in a container and use the installed packages and one PostgreSQL. They alternate, and ratios are
computed per round, because microseconds differ between machines.

Exits with 1 if an operation takes 5% more CPU time of the server, or 5% more time, than before. A run takes one minute.
Other load on the machine widens the spreads.
"""

import os
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import BytesIO
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import Final, NamedTuple, Self

from client import Connection
from servers import cpu_seconds, fetch_backends, postgres
from spread import Spread, ratios
from subjects import OPERATIONS, Subject, at_commit

_ROUNDS: Final = 15
_BLOCKS: Final = 50
_REQUESTS_PER_BLOCK: Final = 5
"""The subjects alternate after so few requests that other load on the machine reaches both of them."""
_FIRST_REQUESTS: Final = 20
_MAX_RATIO: Final = 1.05
_ROOT: Final = Path(__file__).parents[1]


class Cost(NamedTuple):
    """Microseconds per request: CPU time of the server and of PostgreSQL, and the time until the response."""

    server: float
    postgres: float
    wall: float


_MEASURES: Final = {"server": "CPU time of the server", "postgres": "CPU time of PostgreSQL", "wall": "time"}
_LIMITED: Final = {"server", "wall"}
"""The measures that users notice. PostgreSQL's time is part of `wall`."""

type Costs = dict[tuple[str, str], list[Cost]]
"""The cost in each round, by the names of subject and operation."""


def main() -> None:
    # Like Ctrl-C, so that all servers are stopped.
    signal.signal(signal.SIGTERM, _interrupt)
    if not (commit := os.environ.get("BEFORE")):
        sys.exit("Name the commit to compare with: make bench WHICH=pair BEFORE=main~10")
    try:
        has_passed = _compare(commit)
    except KeyboardInterrupt:
        sys.exit("Interrupted.")
    sys.exit(0 if has_passed else 1)


def _compare(commit: str) -> bool:
    with (
        _checked_out(commit) as old,
        postgres() as url,
        at_commit(url, "before", old) as before,
        at_commit(url, "now", _ROOT) as now,
    ):
        costs = _measure(url, (before, now))
    print(f"Microseconds per request, median of {_ROUNDS} rounds (lowest..highest). Before is {commit}.\n")
    _print_row("", "", "before", "now", "now/before")
    failed = [
        f"{operation} ({measure})"
        for measure in _MEASURES
        for operation in OPERATIONS
        if _print_ratio(costs, measure, operation) > _MAX_RATIO and measure in _LIMITED
    ]
    print(f"\nAt most {_MAX_RATIO} times: {f'FAILED by {", ".join(failed)}' if failed else 'passed'}", flush=True)
    return not failed


@contextmanager
def _checked_out(commit: str) -> Iterator[Path]:
    """Yields a temporary folder with the files of the commit."""
    archive = subprocess.run(  # noqa: S603 - the commit is the developer's
        ["git", "archive", "--end-of-options", commit],  # noqa: S607 - the git of the developer
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    with tempfile.TemporaryDirectory(prefix="todo-bench-") as folder:
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        yield Path(folder)


def _measure(postgres_url: str, subjects: Sequence[Subject]) -> Costs:
    costs: Costs = defaultdict(list)
    for number in range(-1, _ROUNDS):
        for operation in OPERATIONS:
            round_costs = _measure_round(postgres_url, subjects, operation)
            if number >= 0:  # the first round warms up
                for subject, cost in zip(subjects, round_costs, strict=True):
                    costs[subject.name, operation].append(cost)
    return costs


def _measure_round(postgres_url: str, subjects: Sequence[Subject], operation: str) -> list[Cost]:
    """Sends the requests of a round, to the subjects by turns. Returns the cost of each subject."""
    with ExitStack() as stack:
        runs = [stack.enter_context(_Run(postgres_url, subject, operation)) for subject in subjects]
        for block in range(_BLOCKS):
            for run in runs if block % 2 else reversed(runs):
                run.send_block()
        return [run.read_cost() for run in runs]


class _Run:
    """The requests of one operation to one subject in a round, on a connection of their own."""

    def __init__(self, postgres_url: str, subject: Subject, operation: str) -> None:
        self._server = subject.server
        self._backends = fetch_backends(postgres_url, subject.name)
        self._requests = cycle(subject.requests[operation])
        self._connection = Connection(subject.server.port)
        self._send(_FIRST_REQUESTS)
        self._started = self._read_clocks()
        self._seconds = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def send_block(self) -> None:
        started = perf_counter()
        self._send(_REQUESTS_PER_BLOCK)
        self._seconds += perf_counter() - started

    def read_cost(self) -> Cost:
        """Returns the cost of all blocks. The server is idle while it has no block, so its clock counts them alone."""
        server, database = self._read_clocks()
        seconds = (server - self._started[0], database - self._started[1], self._seconds)
        return Cost(*(each / (_BLOCKS * _REQUESTS_PER_BLOCK) * 1e6 for each in seconds))

    def _send(self, count: int) -> None:
        for request in islice(self._requests, count):
            self._connection.exchange(request)

    def _read_clocks(self) -> tuple[float, float]:
        return self._server.cpu_seconds(), sum(map(cpu_seconds, self._backends))


def _print_ratio(costs: Costs, measure: str, operation: str) -> float:
    """Prints the row of a measure and an operation. Returns the median of the ratios of its rounds."""
    before, now = ([getattr(cost, measure) for cost in costs[name, operation]] for name in ("before", "now"))
    ratio = ratios(now, before)
    _print_row(_MEASURES[measure], operation, Spread.of(before).text(0), Spread.of(now).text(0), ratio.text(2))
    return ratio.median


def _print_row(measure: str, operation: str, *cells: str) -> None:
    print(f"{measure:24}{operation:8}" + "".join(f"{cell:>22}" for cell in cells))


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
