"""Cache policies: paths of a router have the policy it registers, and other API paths have `no-store`."""

import pytest

from functions.groups import load_routers
from todo_core.web.caching import find_cache_policy


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        ("/api/v1/todos", b"private, no-cache"),
        ("/api/v1/todos/batch", b"private, no-cache"),
        ("/api/v1/projects/nothing/here", b"private, no-cache"),
        ("/api/v1/tags/", b"private, no-cache"),
        ("/api/v1/auth/me", b"no-store"),
        ("/api/v1/todosx", b"no-store"),
        ("/api/v1/nothing", b"no-store"),
        ("/health", None),
        ("/", None),
    ],
)
def test_a_path_has_the_policy_of_the_router_above_it(path: str, policy: bytes | None) -> None:
    load_routers("todos")  # The import of these routers registers their cache policies.

    assert find_cache_policy(path) == policy
