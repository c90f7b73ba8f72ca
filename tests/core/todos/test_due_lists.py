"""Lists by due date: days and instants by the clock of the user, page by page, in every time zone."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests import postgres
from tests.core.databases import add_user
from todo_core.database.executor import Transaction
from todo_core.todos import operations
from todo_core.todos.filters import DueBound, Filters, Position, format_due_key, parse_due_key
from todo_core.todos.model import Todo

ADD = """
    INSERT INTO todos (id, user_id, title, "order", due_date, due_at, tags, completed, completed_at)
    SELECT gen_random_uuid(), $1, 'Todo', 1, day, instant, CASE WHEN number % 3 = 0 THEN ARRAY['third'] ELSE '{}' END,
        number % 4 = 0, CASE WHEN number % 4 = 0 THEN now() END
    FROM unnest($2::date[], $3::timestamptz[]) WITH ORDINALITY AS given (day, instant, number)
"""
# Zones east and west, with clocks that change at midnight, over midnight, and one that has left out a day.
ZONES = [
    *("UTC", "America/Los_Angeles", "Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin", "America/Havana"),
    *("Asia/Beirut", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu"),
]
# Around the days of clock changes in these zones.
BEGINNINGS = [datetime(2026, 3, 7, tzinfo=UTC), datetime(2026, 10, 31, tzinfo=UTC), datetime(2011, 12, 29, tzinfo=UTC)]


def add_todos(url: str, seed: int) -> UUID:
    """Adds a user with 60 todos: due on days, at instants near midnights, several at the same time, and undated."""
    random, owner = Random(seed), add_user(url)  # noqa: S311 - not for secrets
    days: list[date | None] = []
    instants: list[datetime | None] = []
    for _ in range(60):
        begin = random.choice(BEGINNINGS)
        kind = random.choice(["day", "instant", "instant", "undated"])
        days.append(begin.date() + timedelta(days=random.randrange(4)) if kind == "day" else None)
        instants.append(begin + timedelta(minutes=30 * random.randrange(192)) if kind == "instant" else None)
    postgres.query(url, ADD, owner, days, instants)
    return owner


def sort_key(todo: Todo, zone: ZoneInfo, *, descending: bool) -> tuple[Any, ...]:
    if todo.due_date:
        return (datetime.combine(todo.due_date, time(), zone).astimezone(UTC), 0, todo.due_date, todo.id)
    if todo.due_at:
        return (todo.due_at, 1, date.min, todo.id)
    end = datetime(1 if descending else 9999, 1, 1, tzinfo=UTC)
    return (end, 2, date.min, todo.id)


async def read_pages(url: str, owner: UUID, filters: Filters, limit: int) -> list[Todo]:
    connection = await postgres.connect(url)
    try:
        found: list[Todo] = []
        after: Position | None = None
        while True:
            transaction = Transaction(connection, statement_timeout_seconds=60)
            page = await operations.find(transaction, owner, filters, limit=limit, after=after)
            found += page.todos
            after = page.next
            if after is None:
                return found
            assert page.todos
            after = Position(parse_due_key(format_due_key(after.key)), after.id)  # type: ignore[arg-type]
    finally:
        await connection.close()


def read(url: str, owner: UUID, filters: Filters, limit: int = 200) -> list[Todo]:
    return asyncio.run(read_pages(url, owner, filters, limit))


@pytest.fixture(scope="module")
def crowd(database_url: str) -> UUID:
    return add_todos(database_url, seed=18)


@pytest.mark.parametrize("name", ZONES)
class TestOrder:
    @pytest.mark.parametrize("limit", [4, 200])
    @pytest.mark.parametrize("descending", [False, True])
    def test_pages_are_in_the_order_of_the_users_clock(
        self, name: str, limit: int, crowd: UUID, database_url: str, *, descending: bool
    ) -> None:
        zone = ZoneInfo(name)
        todos = read(database_url, crowd, Filters(sort="order"))
        listed = read(database_url, crowd, Filters(sort="-due" if descending else "due", timezone=zone), limit)
        expected = sorted(todos, key=lambda todo: sort_key(todo, zone, descending=descending), reverse=descending)
        assert [todo.id for todo in listed] == [todo.id for todo in expected]

    def test_a_filter_cuts_the_list_at_one_place(self, name: str, crowd: UUID, database_url: str) -> None:
        """Todos that are due before a bound come first in the list."""
        zone = ZoneInfo(name)
        whole = [todo.id for todo in read(database_url, crowd, Filters(sort="due", timezone=zone))]
        for begin in BEGINNINGS:
            for days in range(5):
                bound = DueBound.of(begin.date() + timedelta(days=days), zone)
                before = read(database_url, crowd, Filters(due_until=bound, timezone=zone))
                assert [todo.id for todo in before] == whole[: len(before)]

    @pytest.mark.parametrize(
        "chosen", [{"tags": ["third"]}, {"q": "todo"}, {"completed": False}, {"tags": ["third"], "completed": True}]
    )
    def test_a_filtered_list_has_the_same_order(
        self, name: str, chosen: dict[str, Any], crowd: UUID, database_url: str
    ) -> None:
        zone = ZoneInfo(name)
        for sort in ("due", "-due"):
            whole = read(database_url, crowd, Filters(sort=sort, timezone=zone))
            matches = {todo.id for todo in read(database_url, crowd, Filters(sort="order", **chosen))}
            filters = Filters(sort=sort, timezone=zone, **chosen)
            for limit in (9, 200):
                listed = read(database_url, crowd, filters, limit)
                assert [todo.id for todo in listed] == [todo.id for todo in whole if todo.id in matches]


class TestEnds:
    @pytest.mark.parametrize("name", ["Pacific/Kiritimati", "Etc/GMT+12"])
    def test_the_first_and_the_last_days_are_listed_in_every_zone(self, name: str, database_url: str) -> None:
        owner, zone = add_user(database_url), ZoneInfo(name)
        days = [date.min, date.max, None, None]
        instants = [None, None, datetime(1, 1, 1, 0, 30, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)]
        postgres.query(database_url, ADD, owner, days, instants)
        for limit in (1, 200):
            assert len(read(database_url, owner, Filters(sort="due", timezone=zone), limit)) == 4
            assert len(read(database_url, owner, Filters(sort="-due", timezone=zone), limit)) == 4
