"""Compares cold starts of the functions with those of a bare FastAPI function, and prints their import times.

A start is the INIT phase of Lambda's emulator: from the start of the runtime until the handler is ready. The functions
start in turn, ROUNDS times, and ratios are computed per round. Exits with 1 if a median ratio exceeds MAX_RATIOS.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx2
from spread import Spread, ratios

from functions.groups import GROUPS
from tests.deploy import artifacts
from tests.deploy.artifacts import ARCHITECTURE, Artifact
from tests.emulator import emulator
from tests.serving import gateway_event

ROUNDS: Final = 10
MAX_RATIOS: Final = {"auth": 1.35, "todos": 1.8, "chat": 2.0, "mcp": 1.6}
ENVIRONMENT: Final = {
    "DATABASE_URL": "postgresql://user@127.0.0.1:1/database",
    "SECRET_KEY": "p8dKq2-4vWm7_Zr1xTb9yLc3nHs6fJg5",
}
_HEALTH: Final = gateway_event(httpx2.Request("GET", "https://api.example.com/health"))
_IMPORTED: Final = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\w+)")


def main() -> None:
    with TemporaryDirectory() as folder:
        build = artifacts.build(ARCHITECTURE, Path(folder))
        runtime = artifacts.runtime(Path(folder))
        functions = {group.name: build.functions[group.function_name] for group in GROUPS}
        bare = Artifact("bare.handler", Path(__file__).parent / "bare_function", functions["todos"].layers)
        milliseconds = _start_in_turn({"bare": bare, **functions}, runtime)
        for name, artifact in functions.items():
            print(f"\n{name}: import time by package in ms")
            print("  " + ", ".join(f"{package} {time:.0f}" for package, time in _import_times(artifact, runtime)))
    print(f"\nINIT in ms, median (lowest..highest) of {ROUNDS} rounds, and the ratio to the bare function")
    ratios_to_bare = {name: ratios(values, milliseconds["bare"]) for name, values in milliseconds.items()}
    for name, values in milliseconds.items():
        bar = f"  (at most {MAX_RATIOS[name]})" if name in MAX_RATIOS else ""
        print(f"  {name:6}{Spread.of(values).text(0):>20}  {ratios_to_bare[name].text(2)}{bar}")
    sys.exit(any(ratios_to_bare[name].median > max_ratio for name, max_ratio in MAX_RATIOS.items()))


def _start_in_turn(functions: Mapping[str, Artifact], runtime: Path) -> dict[str, list[float]]:
    milliseconds: dict[str, list[float]] = {name: [] for name in functions}
    # The first round is not counted, because it reads the files from disk.
    for number in range(ROUNDS + 1):
        for name, artifact in functions.items():
            with emulator(artifact, runtime, ENVIRONMENT) as function:
                function.invoke(_HEALTH)
                if number:
                    milliseconds[name].append(function.init_milliseconds)
    return milliseconds


def _import_times(artifact: Artifact, runtime: Path, limit: int = 12) -> list[tuple[str, float]]:
    """Returns the slowest packages to import, with their own milliseconds."""
    module = artifact.handler.rpartition(".")[0]
    imported = subprocess.run(  # noqa: S603 - the build of this run
        (artifacts.TOOLS / "bin/python", "-S", "-X", "importtime", "-c", f"import {module}"),
        env={**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(map(str, [*artifact.path, runtime]))},
        capture_output=True,
        text=True,
        check=True,
    )
    spent: Counter[str] = Counter()
    for line in imported.stderr.splitlines():
        if found := _IMPORTED.match(line):
            spent[found[2]] += int(found[1])
    return [(package, microseconds / 1000) for package, microseconds in spent.most_common(limit)]


if __name__ == "__main__":
    main()
