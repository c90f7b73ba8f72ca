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
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from types import FrameType
from typing import Final

from costs import ROUNDS, Costs, format_cell, measure, print_row
from servers import postgres
from spread import ratios
from subjects import OPERATIONS, at_commit

_MAX_RATIO: Final = 1.05
_ROOT: Final = Path(__file__).parents[1]


_MEASURES: Final = {"server": "CPU time of the server", "postgres": "CPU time of PostgreSQL", "wall": "time"}
_LIMITED: Final = {"server", "wall"}
"""The measures that users notice. PostgreSQL's time is part of `wall`."""


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
        costs = measure(url, (before, now))
    print(f"Microseconds per request, median of {ROUNDS} rounds (lowest..highest). Before is {commit}.\n")
    print_row("", "", "before", "now", "now/before")
    failed = [
        f"{operation} ({each})"
        for each in _MEASURES
        for operation in OPERATIONS
        if _print_ratio(costs, each, operation) > _MAX_RATIO and each in _LIMITED
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


def _print_ratio(costs: Costs, kind: str, operation: str) -> float:
    """Prints the row of a measure and an operation. Returns the median of the ratios of its rounds."""
    before, now = ([getattr(cost, kind) for cost in costs[name, operation]] for name in ("before", "now"))
    ratio = ratios(now, before)
    print_row(_MEASURES[kind], operation, format_cell(before), format_cell(now), ratio.text(2))
    return ratio.median


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
