"""Gives the project a new version: writes it into each file that contains it, and heads its part of CHANGELOG.md.

Usage: `tools/release.py 1.2.0`. CONTRIBUTING.md lists the steps before and after it.
"""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]

COPIES: Final = (
    ("pyproject.toml", r'(?m)^version = "(.+)"$'),
    ("layers/core/pyproject.toml", r'(?m)^version = "(.+)"$'),
    ("layers/assistant/pyproject.toml", r'(?m)^version = "(.+)"$'),
    ("layers/delivery/pyproject.toml", r'(?m)^version = "(.+)"$'),
    ("k8s/todo-web-app/Chart.yaml", r"(?m)^version: (.+)$"),
    ("k8s/todo-web-app/Chart.yaml", r"(?m)^appVersion: (.+)$"),
    ("Dockerfile", r"(?m)^ARG VERSION=(.+)$"),
)
"""The files that contain the version, each with a pattern whose group is the version. The first is the original."""

_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_UNRELEASED: Final = "## Unreleased\n"


class ReleaseRefused(Exception):
    """The release cannot be made. The message says how to proceed."""


def make_release(root: Path, version: str, date: str) -> None:
    """Writes the version into all files of COPIES, and moves the unreleased changes under a heading with the date.

    Writes nothing and raises ReleaseRefused if the version is not higher than the present one. The same if no change
    is unreleased.
    """
    original, pattern = COPIES[0]
    present = (root / original).read_text()[_find_version(root, original, pattern)]
    if _parse(version) <= _parse(present):
        raise ReleaseRefused(f"{version} is not higher than {present}, the present version.")
    changelog = _head_changes((root / "CHANGELOG.md").read_text(), version, date)
    for name, pattern in COPIES:
        found = _find_version(root, name, pattern)
        text = (root / name).read_text()
        (root / name).write_text(text[: found.start] + version + text[found.stop :])
    (root / "CHANGELOG.md").write_text(changelog)


def _find_version(root: Path, name: str, pattern: str) -> slice:
    """Returns the place of the version in the text of a file."""
    found = re.search(pattern, (root / name).read_text())
    if found is None:
        raise ReleaseRefused(f"{name} has no line with the version.")
    return slice(*found.span(1))


def _head_changes(changelog: str, version: str, date: str) -> str:
    before, _, after = changelog.partition(_UNRELEASED)
    if not after.strip() or after.lstrip().startswith("## "):
        raise ReleaseRefused(f'CHANGELOG.md has no changes under "{_UNRELEASED.strip()}".')
    return f"{before}{_UNRELEASED}\n## {version} - {date}\n{after}"


def _parse(version: str) -> tuple[int, ...]:
    found = _VERSION.fullmatch(version)
    if found is None:
        raise ReleaseRefused(f"{version!r} is no version such as 1.2.0.")
    return tuple(int(number) for number in found.groups())


if __name__ == "__main__":
    if len(sys.argv) != len(("script", "version")):
        raise SystemExit(__doc__)
    new = sys.argv[1]
    try:
        make_release(ROOT, new, datetime.now(UTC).date().isoformat())
    except ReleaseRefused as refusal:
        raise SystemExit(str(refusal)) from None
    print(f"The project has version {new}. Run `make openapi`, then continue with CONTRIBUTING.md.")
