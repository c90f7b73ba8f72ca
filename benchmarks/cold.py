"""Cold starts of the built functions, paired in one run with a bare FastAPI function, and where their time goes.

A start is what Lambda's emulator reports as INIT: from the start of the runtime to a handler that is ready. The
functions start in turn, ROUNDS times; a ratio is taken round by round. Ends with status 1 when the median ratio of
auth or todos is above 1.8, or of chat above 2.0.
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
BARS: Final = {"auth": 1.8, "todos": 1.8, "chat": 2.0}
ENVIRONMENT: Final = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "SECRET_KEY": "p8dKq2-4vWm7_Zr1xTb9yLc3nHs6fJg5",
}
_HEALTH: Final = gateway_event(httpx2.Request("GET", "https://api.example.com/health"))
_IMPORTED: Final = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\w+)")


def main() -> None:
    with TemporaryDirectory() as folder:
        build = artifacts.build(ARCHITECTURE, Path(folder))
        runtime = artifacts.runtime(Path(folder))
        ours = {group.name: build.functions[group.function_name] for group in GROUPS}
        bare = Artifact("bare.handler", Path(__file__).parent / "bare_function", ours["todos"].layers)
        milliseconds = _start_in_turn({"bare": bare, **ours}, runtime)
        for name, artifact in ours.items():
            print(f"\n{name}: milliseconds of imports by package")
            print("  " + ", ".join(f"{package} {spent:.0f}" for package, spent in _where(artifact, runtime)))
    print(f"\nINIT in milliseconds, median (lowest..highest) of {ROUNDS}, and how many times the bare one")
    compared = {name: ratios(values, milliseconds["bare"]) for name, values in milliseconds.items()}
    for name, values in milliseconds.items():
        bar = f"  (at most {BARS[name]})" if name in BARS else ""
        print(f"  {name:6}{Spread.of(values).text(0):>20}  {compared[name].text(2)}{bar}")
    sys.exit(any(compared[name].median > bar for name, bar in BARS.items()))


def _start_in_turn(functions: Mapping[str, Artifact], runtime: Path) -> dict[str, list[float]]:
    milliseconds: dict[str, list[float]] = {name: [] for name in functions}
    # The first round reads the files from disk.
    for number in range(ROUNDS + 1):
        for name, artifact in functions.items():
            with emulator(artifact, runtime, ENVIRONMENT) as one:
                one.invoke(_HEALTH)
                if number:
                    milliseconds[name].append(one.init_milliseconds)
    return milliseconds


def _where(artifact: Artifact, runtime: Path, limit: int = 12) -> list[tuple[str, float]]:
    """The packages whose own modules take the longest to import."""
    module = artifact.handler.rpartition(".")[0]
    imported = subprocess.run(  # noqa: S603 - our own build
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
