"""Compares the cost of lists at two sizes: 100,000 todos of a user in a table of 1,000,000, and 1,000 todos alone.

A page of a list must cost the same at both sizes. The cost is the number of buffers that `EXPLAIN (ANALYZE, BUFFERS)`
counts for the prepared statement of the service. PostgreSQL may use a custom or a generic plan, so the more expensive
one counts.

The lists have all sort orders, all filters and some searches. Of each list, page 1 and page 2,000 are measured. The
small list has no page 2,000, so its last full page is used instead. A page has at most 50 todos, or fewer so that page
2,000 exists. If a filter matches less than 2,000 todos, only page 1 is measured.

Prints one row for each page. A page fails if the large table needs more than three times the buffers, or a sequential
scan. Then the plan is printed and the exit code is 1. A run takes about ten minutes, mostly to write the todos
(`crowd.py`).
"""

import asyncio
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import FrameType
from typing import Any, Final
from uuid import UUID

import asyncpg
from crowd import DESCRIPTION_WORD, FREQUENT_WORD, OWNER, PARENT, PROJECT, RARE_WORD, Crowd, fill
from servers import new_database, postgres

from functions.migrate.app import upgrade
from todo_core.accounts.session_gates import gate_list
from todo_core.database.executor import Transaction
from todo_core.database.lost_connections import Connection
from todo_core.database.statements import Statement
from todo_core.settings import Settings
from todo_core.todos import operations
from todo_core.todos.filters import DueBound, Filters, Position
from todo_core.web.query import MAX_PAGE_ITEMS

_SESSION: Final = {"session_id": UUID(int=1), "user_id": OWNER, "max_lifetime": timedelta(days=90)}
_INSERT_SESSION: Final = """
    INSERT INTO sessions (id, user_id, opened_by, expires_at) VALUES ($1, $2, 'password', now() + interval '1 day')
"""
_SMALL: Final = Crowd(todos=1_000, owned=1_000)
_LARGE: Final = Crowd(todos=1_000_000, owned=100_000)
_FAR_PAGE: Final = 2_000
_MAX_PAGE_SIZE: Final = 50
_MAX_RATIO: Final = 3.0
_ALL_TODOS: Final = 10**6
_TIMEOUT_SECONDS: Final = 600.0
"""Longer than any statement."""
_PLANS: Final = ("force_custom_plan", "force_generic_plan")
_NOW: Final = datetime.now(UTC)
_TODAY: Final = DueBound(_NOW, _NOW.date())
_A_MONTH_AGO: Final = DueBound(_NOW - timedelta(days=30), _NOW.date() - timedelta(days=30))

_LISTS: Final[Mapping[str, Filters]] = {
    **{
        f"sort={sign}{sort}": Filters(sort=f"{sign}{sort}")  # type: ignore[arg-type] # mypy does not read f-strings
        for sort in ("order", "created_at", "updated_at", "due", "priority", "title")
        for sign in ("", "-")
    },
    "completed=false": Filters(completed=False),
    "completed=true": Filters(completed=True),
    **{f"priority={each}": Filters(priority=each) for each in ("none", "low", "medium", "high")},
    "tag, often": Filters(tags=["tag0"]),
    "tag, less often": Filters(tags=["tag8"]),
    "two tags": Filters(tags=["tag0", "tag1"]),
    "tag, of some 30 todos": Filters(tags=[RARE_WORD]),
    "project_id": Filters(project_id=PROJECT),
    "project_id=none": Filters(project_id="none"),
    "parent_id": Filters(parent_id=PARENT),
    "parent_id=none": Filters(parent_id="none"),
    "due_before": Filters(due_until=_TODAY),
    "due_after": Filters(due_from=_TODAY),
    "due_before, sort=-due": Filters(due_until=_TODAY, sort="-due"),
    "due_after, sort=-due": Filters(due_from=_TODAY, sort="-due"),
    "overdue=true": Filters(overdue=_TODAY),
    "overdue=false": Filters(not_overdue=_TODAY),
    "trashed": Filters(trashed=True),
    "open, by due": Filters(completed=False, sort="due"),
    "q, often in titles": Filters(q=FREQUENT_WORD),
    "q, in descriptions": Filters(q=DESCRIPTION_WORD),
    "q, of some 30 todos": Filters(q=RARE_WORD),
    "q, one letter": Filters(q="e"),
    "q, two words": Filters(q=f"{FREQUENT_WORD} e"),
    "q, by title": Filters(q=FREQUENT_WORD, sort="title"),
    "q and tag": Filters(q=FREQUENT_WORD, tags=["tag0"]),
    "word of titles, often": Filters(title_words=[f"{FREQUENT_WORD} {FREQUENT_WORD}s"], sort="order"),
    "word of some 30 titles": Filters(title_words=[RARE_WORD], sort="order"),
    "undated": Filters(undated=True),
    "open and undated": Filters(undated=True, completed=False),
    "completed lately": Filters(completed=True, completed_from=_A_MONTH_AGO),
}


@dataclass(frozen=True)
class Page:
    """Page of a list: its size, its number from 1, and the position after which it begins."""

    limit: int
    number: int
    after: Position | None


@dataclass(frozen=True)
class PageCost:
    """Buffers that a page reads, and the plan."""

    buffers: int
    plan: str

    @property
    def scans_table(self) -> bool:
        return re.search(r"Seq Scan on todos .*\n?.*actual", self.plan) is not None


class Recorder(Transaction):
    """Transaction that records the statement of an operation, as a request sends it, instead of running it."""

    statement: Statement
    arguments: Sequence[object]

    async def fetch_all(self, statement: Statement, **values: object) -> list[asyncpg.Record]:
        self.statement = gate_list(statement)
        self.arguments = self.statement.arguments(values | _SESSION)
        return []


class Table:
    """Table of todos in one database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def count(self, filters: Filters) -> int:
        counted, _ = await self._skip(filters, _ALL_TODOS)
        return counted

    async def page(self, filters: Filters, number: int, limit: int) -> Page:
        """Returns the page with a number, from 1."""
        if number == 1:
            return Page(limit, 1, None)
        _, position = await self._skip(filters, limit * (number - 1))
        return Page(limit, number, position)

    async def _skip(self, filters: Filters, count: int) -> tuple[int, Position | None]:
        """Reads at most `count` todos. Returns their number, and the position after them if more follow."""
        transaction = Transaction(self._connection, _TIMEOUT_SECONDS)
        skipped, position = 0, None
        while skipped < count:
            found = await operations.find(
                transaction, OWNER, filters, limit=min(count - skipped, MAX_PAGE_ITEMS), after=position
            )
            skipped, position = skipped + len(found.todos), found.next
            if position is None:
                break
        return skipped, position

    async def read(self, filters: Filters, page: Page) -> PageCost:
        """Returns the cost of a page under the more expensive plan."""
        recorder = Recorder(self._connection, _TIMEOUT_SECONDS)
        await operations.find(recorder, OWNER, filters, limit=page.limit, after=page.after)
        await self._connection.execute(f"PREPARE page AS {recorder.statement.sql}")
        arguments = ", ".join(_literal(value) for value in recorder.arguments)
        costs = []
        for plan in _PLANS:
            await self._connection.execute(f"SET plan_cache_mode = {plan}")
            explained = await self._connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS) EXECUTE page({arguments})")
            costs.append(_parse_plan("\n".join(line[0] for line in explained), plan))
        await self._connection.execute("DEALLOCATE page")
        return max(costs, key=lambda cost: cost.buffers)


def _parse_plan(explained: str, plan: str) -> PageCost:
    # The first line has the total of the plan. The buffers of planning come after "Planning:".
    [counts] = re.findall(r"^ *Buffers: (.*)$", explained.partition("Planning:")[0], re.MULTILINE)[:1] or [""]
    return PageCost(sum(map(int, re.findall(r"(?:hit|read)=(\d+)", counts))), f"{plan}\n{explained}")


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    if isinstance(value, list):
        return f"ARRAY[{', '.join(map(_literal, value))}]::text[]"
    if isinstance(value, datetime) and value.year in {1, 9999}:
        value = "-infinity" if value.year == 1 else "infinity"
    if isinstance(value, str | UUID | date | timedelta):
        quoted = str(value).replace("'", "''")
        return f"'{quoted}'"
    return str(value)


async def _compare(small_url: str, large_url: str) -> bool:
    small_connection, large_connection = await asyncpg.connect(small_url), await asyncpg.connect(large_url)
    for connection, crowd in ((small_connection, _SMALL), (large_connection, _LARGE)):
        await fill(connection, crowd)
        await connection.execute(_INSERT_SESSION, _SESSION["session_id"], OWNER)
    small, large = Table(small_connection), Table(large_connection)
    print(f"Buffers for a page of a list, with {_SMALL.todos:,} todos and with {_LARGE.todos:,}\n")
    print(
        f"{'list':24}{'todos':>8}{'limit':>7}{'page':>7}{'buffers':>9}  |{'todos':>8}{'page':>7}{'buffers':>9}   ratio"
    )
    failures = [row for name, filters in _LISTS.items() for row in await _compare_list(name, filters, small, large)]
    for name, plan in failures:
        print(f"\n{name}: more than {_MAX_RATIO:.0f} times, or a sequential scan\n{plan}")
    print(
        f"\nAt most {_MAX_RATIO:.0f} times, without sequential scans: {'FAILED' if failures else 'passed'}", flush=True
    )
    for connection in (small_connection, large_connection):
        await connection.close()
    return not failures


async def _compare_list(name: str, filters: Filters, small: Table, large: Table) -> list[tuple[str, str]]:
    """Prints the rows of a list. Returns the failed pages with their plans."""
    small_count, large_count = await small.count(filters), await large.count(filters)
    limit = (
        min(max(large_count // _FAR_PAGE, 1), small_count, _MAX_PAGE_SIZE)
        if large_count >= _FAR_PAGE
        else min(small_count, large_count)
    )
    failures = []
    for number in (1, _FAR_PAGE) if large_count >= _FAR_PAGE else (1,):
        small_page = await small.page(filters, min(number, small_count // limit), limit)
        large_page = await large.page(filters, number, limit)
        small_cost, large_cost = await small.read(filters, small_page), await large.read(filters, large_page)
        ratio = large_cost.buffers / small_cost.buffers
        print(
            f"{name:24}{small_count:8,}{limit:7}{small_page.number:7,}{small_cost.buffers:9,}  |"
            f"{large_count:8,}{large_page.number:7,}{large_cost.buffers:9,}{ratio:8.2f}",
            flush=True,
        )
        if ratio > _MAX_RATIO or large_cost.scans_table:
            failures.append((f"{name}, page {number:,}", large_cost.plan))
    return failures


def main() -> None:
    # Like Ctrl-C, so that the server is stopped.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with postgres() as url:
            urls = [new_database(url, name) for name in ("small", "large")]
            for each in urls:
                upgrade(Settings(database={"url": each, "url_unpooled": each}))
            has_passed = asyncio.run(_compare(*urls))
    except KeyboardInterrupt:
        sys.exit("Interrupted.")
    sys.exit(0 if has_passed else 1)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
