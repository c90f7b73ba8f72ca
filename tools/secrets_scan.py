"""Scans the files that Git tracks for secrets. Fails for each match that `secrets_scan.toml` does not waive."""

import re
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Final

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

ROOT: Final = Path(__file__).parents[1]
WAIVERS: Final = Path(__file__).with_suffix(".toml")
PARTS: Final = 16
"""The parts of the files that the cores take by turns."""


def list_tracked_files() -> list[Path]:
    listed = subprocess.run(("git", "ls-files", "-z"), cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607 - Git of the developer
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def find_secrets(paths: Sequence[Path]) -> list[str]:
    """Returns the place and the kind of each match in files whose value is not waived."""
    waivers = tomllib.loads(WAIVERS.read_text())
    waived = re.compile("|".join(f"(?:{pattern})" for pattern in waivers["values"]))
    with transient_settings({"plugins_used": list_detectors(waivers["detectors"])}):
        return [
            f"{path.relative_to(ROOT)}:{match.line_number}: {match.type}"
            for path in paths
            for match in scan_file(str(path))
            if not waived.fullmatch(match.secret_value or "")
        ]


def list_detectors(waived: Mapping[str, str]) -> list[dict[str, str]]:
    detectors: Mapping[str, type] = get_mapping_from_secret_type_to_class()
    names = {detector.__name__ for detector in detectors.values()}
    return [{"name": name} for name in sorted(names - waived.keys())]


def main() -> None:
    files = list_tracked_files()
    parts = [files[start::PARTS] for start in range(PARTS)]
    with ProcessPoolExecutor() as processes:
        found = sorted(chain.from_iterable(processes.map(find_secrets, parts)))
    print(*found, f"{len(files)} files, {len(found)} secrets.", sep="\n")
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    main()
