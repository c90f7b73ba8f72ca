"""The scopes that operations need of an API token. Route groups register them by path.

Only requests with an API token look here. An operation without a scope needs a session.
"""

from collections.abc import Iterable
from functools import cache
from typing import Final

from todo_core.accounts.api_tokens import TokenScope

_READING: Final = "GET"

_registered: Final[dict[str, tuple[frozenset[TokenScope], frozenset[TokenScope]]]] = {}


def register_scopes(path: str, *, read: Iterable[TokenScope] = (), write: Iterable[TokenScope] = ()) -> None:
    """Sets the scopes for GET (`read`) and for all other methods (`write`), at a path and below it.

    An operation needs all of its scopes. Those of a longer path take precedence.
    """
    _registered[path] = frozenset(read), frozenset(write)


@cache
def find_scopes(method: str, path: str) -> frozenset[TokenScope]:
    """Returns the scopes of the operation with this method and path template. Empty if it needs a session."""
    paths = [registered for registered in _registered if f"{path}/".startswith(f"{registered}/")]
    if not paths:
        return frozenset()
    read, write = _registered[max(paths, key=len)]
    return read if method == _READING else write
