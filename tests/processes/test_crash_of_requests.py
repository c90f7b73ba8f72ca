"""A request whose process crashes changes data exactly once after a repeat with the same idempotency key."""

from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from tests import postgres, serving
from tests.accounts import PROJECTS, TODOS, Account, sign_up
from tests.processes.crashing_app import ForkServer, fork_server
from tests.serving import OnPort

CHANGES = """
    SELECT op, coalesce(after, before)->>'title' AS title FROM changes WHERE user_id = $1 ORDER BY seq
"""
BATCH = {
    "operations": [
        {"op": "create", "ref": "milk", "todo": {"title": "Buy milk"}},
        {"op": "update", "id": "milk", "changes": {"title": "Buy oat milk"}},
        {"op": "delete", "id": "milk"},
    ]
}
REQUESTS: dict[str, tuple[dict[str, Any], list[tuple[str, str]], int]] = {
    TODOS: ({"title": "Buy milk"}, [("create", "Buy milk")], 3),
    PROJECTS: ({"name": "Home"}, [], 3),
    f"{TODOS}/batch": (
        BATCH,
        [("create", "Buy milk"), ("update", "Buy oat milk"), ("delete", "Buy oat milk")],
        3,
    ),
}
"""Requests by path: body, expected rows of the change log, and minimum number of points for a crash."""


@pytest.fixture(scope="module")
def service(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnPort]:
    """Process of the service that never crashes, for all requests except those that a crash interrupts."""
    with serving.on_port(environment, folder=str(tmp_path_factory.mktemp("service"))) as service:
        yield service


@pytest.fixture(scope="module")
def crashing(environment: dict[str, str]) -> Iterator[ForkServer]:
    with fork_server(environment) as crashing:
        yield crashing


@pytest.fixture
def ada(service: OnPort) -> Iterator[Account]:
    with service.client() as client:
        yield sign_up(client)


@pytest.mark.parametrize("path", REQUESTS)
def test_after_a_crash_at_any_point_a_repeat_has_its_effect_once(
    path: str, crashing: ForkServer, ada: Account, database_url: str
) -> None:
    body, effect, least = REQUESTS[path]
    for point in count(1):
        key = {"Idempotency-Key": uuid4().hex}
        process = crashing.start_process(point)
        try:
            first = ada.client.post(f"{process.url}{path}", json=body, headers=key)
        except httpx2.TransportError:
            first = None
        assert process.wait_for_event() == ("answered" if first else "crashed")
        repeat = ada.client.post(path, json=body, headers=key)

        assert repeat.is_success, repeat.text
        changes = [(row["op"], row["title"]) for row in postgres.query(database_url, CHANGES, UUID(ada.user["id"]))]
        assert changes == effect * point, f"The process crashed at point {point}."
        assert len(ada.client.get(PROJECTS).json()) == (point if path == PROJECTS else 0)
        if first is not None:
            assert repeat.content == first.content
            break
    assert point > least
