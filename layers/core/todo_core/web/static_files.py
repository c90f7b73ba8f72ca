"""Paths of static files. Requests for them have no rate limit, and are logged at DEBUG only.

A page loads dozens of files at once. They are in memory, and cost no more than the answer that refuses them.
"""

from typing import Final

_prefixes: Final[list[str]] = []


def register_static_files(path: str) -> None:
    """Makes all paths below this one those of static files."""
    _prefixes.append(f"{path}/")


def is_static_file(path: str) -> bool:
    return any(path.startswith(prefix) for prefix in _prefixes)
