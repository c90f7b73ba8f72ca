"""CPU time of a request at each subject, in the server and in PostgreSQL."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

from costs import ROUNDS, Costs, format_cell, measure, print_row
from spread import Spread, ratios
from subjects import OPERATIONS, Subject

_MAX_SHARE: Final = 1 / 3
_HERE: Final = Path(__file__).parent
_PYTHON_WITH_MATPLOTLIB: Final = _HERE.parent / ".tools/bench/bin/python"


def compare(postgres_url: str, subjects: Sequence[Subject], plot: str | None = None) -> bool:
    """Prints tables of `ours`, the first subject, and the others. Draws the costs into a file, if `plot` names one.

    Returns True if all operations of ours take at most a third of naive's time.
    """
    costs = measure(postgres_url, subjects)
    names = [subject.name for subject in subjects]
    if plot:
        _draw(costs, names, plot)
    print(f"CPU time per request in µs, median of {ROUNDS} rounds (lowest..highest)\n")
    print_row("", "", *names)
    for kind in ("server", "postgres"):
        for operation in OPERATIONS:
            cells = [format_cell([getattr(cost, kind) for cost in costs[name, operation]]) for name in names]
            print_row(kind, operation, *cells)
    print("\nOurs, as a ratio of the others\n")
    print_row("", "", *names[1:])
    shares = {}
    for kind in ("server", "cpu"):
        for operation in OPERATIONS:
            found = [_compare(costs, kind, operation, name) for name in names[1:]]
            print_row("with PostgreSQL" if kind == "cpu" else kind, operation, *(ratio.text(2) for ratio in found))
            if kind == "server":
                shares[operation] = found[names.index("naive") - 1].median
    failed = [operation for operation, share in shares.items() if share > _MAX_SHARE]
    print(f"\nAt most 1/3 of naive: {f'FAILED by {", ".join(failed)}' if failed else 'passed'}\n", flush=True)
    return not failed


def _compare(costs: Costs, kind: str, operation: str, other: str) -> Spread:
    of_ours, of_other = ([getattr(cost, kind) for cost in costs[name, operation]] for name in ("ours", other))
    return ratios(of_ours, of_other)


def _draw(costs: Costs, names: Sequence[str], path: str) -> None:
    def find_medians(operation: str, name: str) -> list[float]:
        of_subject = costs[name, operation]
        return [median(cost.server for cost in of_subject), median(cost.postgres for cost in of_subject)]

    figures = {operation: {name: find_medians(operation, name) for name in names} for operation in OPERATIONS}
    command: list[str | Path] = [_PYTHON_WITH_MATPLOTLIB, _HERE / "plot.py", path]
    subprocess.run(command, input=json.dumps(figures).encode(), check=True)  # noqa: S603 - the developer's path
