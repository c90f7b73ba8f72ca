"""Reads server-sent events, and inserts todos beside the service."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests import postgres

ACCEPT_EVENTS = {"Accept": "text/event-stream"}
INSERT = """
    INSERT INTO todos (id, user_id, title, "order")
    SELECT gen_random_uuid(), $1, 'Todo ' || number, number FROM generate_series(1, $2::integer) AS number
"""


@dataclass
class Event:
    """One block of a stream, with the fields of the format. `comment` is the text of a comment."""

    id: int | None = None
    name: str = ""
    data: Any = None
    retry: int | None = None
    comment: str = ""
    fields: set[str] = field(default_factory=set)


def parse_events(lines: Iterable[str]) -> Iterator[Event]:
    """Yields the events of a stream, without those that are cut off."""
    event = Event()
    for line in lines:
        if not line:
            yield event
            event = Event()
            continue
        name, _, value = line.partition(": ")
        event.fields.add(name)
        match name:
            case "id":
                event.id = int(value)
            case "event":
                event.name = value
            case "data":
                event.data = json.loads(value)
            case "retry":
                event.retry = int(value)
            case "":
                event.comment = value


def changes_in(events: Iterable[Event]) -> Iterator[Event]:
    return (event for event in events if event.name == "change")


def insert_todos(database_url: str, user_id: str, number: int = 1) -> None:
    """Adds todos as another process would, in one transaction."""
    postgres.query(database_url, INSERT, UUID(user_id), number)
