"""Cache-Control headers: each router registers the policy of its paths; no other response of the API is stored."""

from typing import Final

REVALIDATE: Final = "private, no-cache"
"""Stored by the client only, and revalidated with If-None-Match before each use."""

_API: Final = "/api/v1/"
_NO_STORE: Final = b"no-store"

_policies: dict[str, bytes] = {}


def register_cache_policy(path: str, policy: str) -> None:
    """Sets the default Cache-Control header of the responses at this path and below it, errors included."""
    _policies[f"{path}/"] = policy.encode()


def find_cache_policy(path: str) -> bytes | None:
    """Returns the Cache-Control header for responses at a path, None outside the API."""
    path = f"{path}/"
    if not path.startswith(_API):
        return None
    for registered, policy in _policies.items():
        if path.startswith(registered):
            return policy
    return _NO_STORE
