"""Lists the licences in a software bill of materials, and fails for one that pyproject.toml does not allow.

Usage: `licences.py SBOM [LOCK]`. With LOCK, a requirements file, packages that it does not name are left out.
"""

import json
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

PROJECT: Final = Path(__file__).parents[1] / "pyproject.toml"
NO_LICENCE: Final = "no licence"


def read_licences(component: Mapping[str, Any]) -> set[str]:
    """Returns the licences of a component, by their SPDX identifiers, SPDX expressions or trove classifiers."""
    choices = component.get("licenses", [])
    named = {choice.get("expression") or choice["license"].get("id") or choice["license"]["name"] for choice in choices}
    return named or {NO_LICENCE}


def normalize(name: str) -> str:
    """Returns the form of a package name that is equal for all its spellings (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def find_licences(sbom: Path, lock: Path | None) -> dict[str, list[str]]:
    """Maps each licence to the packages under it."""
    named = set(re.findall(r"^([\w.-]+)==", lock.read_text(), re.MULTILINE)) if lock else None
    packages = defaultdict(list)
    for component in json.loads(sbom.read_text())["components"]:
        if named is None or normalize(component["name"]) in named:
            for licence in read_licences(component):
                packages[licence].append(component["name"])
    return packages


def main(sbom: Path, lock: Path | None = None) -> None:
    allowed = tomllib.loads(PROJECT.read_text())["tool"]["licences"]["allowed"]
    packages = find_licences(sbom, lock)
    for licence, names in sorted(packages.items()):
        print(f"{licence}: {', '.join(sorted(names, key=str.lower))}")
    if refused := packages.keys() - set(allowed):
        raise SystemExit(f"Not among the allowed licences of pyproject.toml: {', '.join(sorted(refused))}.")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
