"""Cache-Control headers: a router may register a policy for its paths; other responses of the API get `no-store`."""

from typing import Final

REVALIDATE: Final = "private, no-cache"
"""The policy for responses that only the client may store, and must revalidate with If-None-Match at each use."""

_API: Final = "/api/v1/"
_NO_STORE: Final = b"no-store"

_policies: dict[str, bytes] = {}


def register_cache_policy(path: str, policy: str) -> None:
    """Sets the Cache-Control header for responses at this path and below it, errors included, that have none."""
    _policies[f"{path}/"] = policy.encode()


def find_cache_policy(path: str) -> bytes | None:
    """Returns the Cache-Control header for a path: a registered policy or `no-store`, or None outside the API."""
    path = f"{path}/"
    if not path.startswith(_API):
        return None
    for registered, policy in _policies.items():
        if path.startswith(registered):
            return policy
    return _NO_STORE
