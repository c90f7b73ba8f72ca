"""The cost of a request: CPU time of the server and of PostgreSQL, and the time until the response."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import cycle, islice
from time import perf_counter
from typing import Final, NamedTuple, Self

from client import Connection
from servers import cpu_seconds, fetch_backends
from spread import Spread
from subjects import OPERATIONS, Subject

ROUNDS: Final = 15
_BLOCKS: Final = 50
_REQUESTS_PER_BLOCK: Final = 5
"""The subjects alternate after so few requests that other load on the machine reaches all of them."""
_FIRST_REQUESTS: Final = 20


class Cost(NamedTuple):
    """Microseconds per request: CPU time of the server and of PostgreSQL, and the time until the response."""

    server: float
    postgres: float
    wall: float

    @property
    def cpu(self) -> float:
        return self.server + self.postgres


type Costs = Mapping[tuple[str, str], Sequence[Cost]]
"""The cost in each round, by the names of subject and operation."""


def measure(postgres_url: str, subjects: Sequence[Subject]) -> Costs:
    """Sends requests of all operations to all subjects. A subject has the database with its name, if it has one."""
    costs: dict[tuple[str, str], list[Cost]] = defaultdict(list)
    for number in range(-1, ROUNDS):
        for operation in OPERATIONS:
            round_costs = _measure_round(postgres_url, subjects, operation)
            if number >= 0:  # the first round warms up
                for subject, cost in zip(subjects, round_costs, strict=True):
                    costs[subject.name, operation].append(cost)
    return costs


def print_row(heading: str, operation: str, *cells: str) -> None:
    print(f"{heading:24}{operation:8}" + "".join(f"{cell:>22}" for cell in cells))


def format_cell(costs: Sequence[float]) -> str:
    """Formats microseconds, for example `520 (505..610)`."""
    return Spread.of(costs).text(0)


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
        server, backends = self._read_clocks()
        started_server, started_backends = self._started
        database = sum(seconds - started_backends[process_id] for process_id, seconds in backends.items())
        seconds = (server - started_server, database, self._seconds)
        return Cost(*(each / (_BLOCKS * _REQUESTS_PER_BLOCK) * 1e6 for each in seconds))

    def _send(self, count: int) -> None:
        for request in islice(self._requests, count):
            self._connection.exchange(request)

    def _read_clocks(self) -> tuple[float, Mapping[int, float]]:
        """Returns the CPU seconds of the server and of each of PostgreSQL's processes that still runs.

        A process ends when its connection was idle for minutes. So it has done nothing in this round.
        """
        backends = {}
        for process_id in self._backends:
            with suppress(OSError):
                backends[process_id] = cpu_seconds(process_id)
        return self._server.cpu_seconds(), backends
