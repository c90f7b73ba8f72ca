"""Paths of requests without the root path, which is the stage of an API gateway or a proxy's prefix."""

from collections.abc import Mapping
from typing import Any


def find_path_below_root(scope: Mapping[str, Any]) -> str:
    """Returns the path of a request without the root path, as routes declare it."""
    path: str = scope["path"]
    return path.removeprefix(scope["root_path"])
