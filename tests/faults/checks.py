"""Compares the service's todos and change log with the ledger, through the API."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx2

from tests.accounts import TODOS
from tests.faults.ledger import Acknowledged, Ledger

type Json = dict[str, Any]

_PAGE = {"limit": 200}


def read_todos(client: httpx2.Client) -> dict[str, Json]:
    """Returns all todos of the account by id, those in the trash included."""
    todos: dict[str, Json] = {}
    for trashed in ("false", "true"):
        page = client.get(TODOS, params={**_PAGE, "trashed": trashed}).raise_for_status()
        while True:
            todos |= {todo["id"]: todo for todo in page.json()}
            if "next" not in page.links:
                break
            page = client.get(page.links["next"]["url"]).raise_for_status()
    return todos


def read_log(client: httpx2.Client) -> list[Json]:
    """Returns all entries of the account's change log, oldest first."""
    log: list[Json] = []
    while page := client.get(f"{TODOS}/changes", params={**_PAGE, "since": log[-1]["seq"] if log else 0}).json():
        log += page
    return log


def find_lost(ledger: Ledger, todos: dict[str, Json]) -> Iterator[str]:
    """Yields a sentence for each acknowledged write that a todo does not show."""
    for expected in ledger.todos.values():
        actual = todos.get(expected.id)
        if actual is None:
            yield f"{expected} is missing"
        elif not _matches(expected, actual):
            yield f"{expected} is {actual}"


def _matches(expected: Acknowledged, actual: Json) -> bool:
    return (
        (actual["title"], actual["completed"], actual["deleted_at"] is not None)
        == (expected.title, expected.completed, expected.deleted)
    ) and expected.version in {None, actual["version"]}


def find_doubled(ledger: Ledger, log: list[Json]) -> Iterator[str]:
    """Yields a sentence for each create that took effect twice, or that no client has sent."""
    created = Counter(entry["after"]["title"] for entry in log if entry["op"] == "create")
    ids = {entry["todo_id"] for entry in log if entry["op"] == "create"}
    yield from (f"{title} was created {count} times" for title, count in created.items() if count > 1)
    unknown = len(ids - ledger.todos.keys()) - len(created.keys() & ledger.unacknowledged_titles)
    if unknown:
        yield f"{unknown} todos were created without a request"


def find_gaps(log: list[Json], todos: dict[str, Json]) -> Iterator[str]:
    """Yields a sentence for each gap of the log, and for each todo that replaying the log does not give."""
    replayed: dict[str, Json] = {}
    for number, entry in enumerate(log, start=1):
        if entry["seq"] != number:
            yield f"entry {number} has the sequence number {entry['seq']}"
        if entry["before"] != replayed.get(entry["todo_id"]):
            yield f"entry {number} does not begin where the last one of its todo ended"
        replayed[entry["todo_id"]] = entry["after"]
    yield from (
        f"the log gives {replayed.get(id_)} for {todos.get(id_)}"
        for id_ in replayed.keys() | todos.keys()
        if replayed.get(id_) != todos.get(id_)
    )
