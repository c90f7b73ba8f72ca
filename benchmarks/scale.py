"""Holds lists of a user with 100,000 todos in a table of 1,000,000 against those of a user with 1,000 alone in theirs.

A list is flat when a page of it costs the same however long the list and the table are. What it costs is told by
PostgreSQL itself: the buffers that `EXPLAIN (ANALYZE, BUFFERS)` counts for exactly the statement that the service runs,
as prepared as the service has it. PostgreSQL may run that under a plan for the very values or, after some runs, under
one for any: the worse of the two counts.

For each sort, both ways, each filter and some searches, page 1 and page 2,000 are read. A list of the smaller user has
no page 2,000: there it is the last one that is full. Pages have at most 50 todos, and so few where a filter leaves a
part that there is a page 2,000; of what few todos pass, at either size, the only page is read.

Prints a row for each, and the plan of any that touches more than three times as many buffers with 1,000,000 todos, or
reads a table from its beginning to its end; ends with status 1 then. Runs for about ten minutes, most of which goes
into writing the todos (what they are like is said in `crowd.py`).
"""

import asyncio
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import FrameType
from typing import Any, Final
from uuid import UUID

import asyncpg
from crowd import INSIDE, OFTEN, OWNER, PARENT, PROJECT, SELDOM, Crowd, fill
from servers import new_database, postgres

from functions.migrate.app import upgrade
from todo_core.database.executor import Transaction
from todo_core.database.pool import Connection
from todo_core.database.statements import Statement
from todo_core.settings import Settings
from todo_core.todos import operations
from todo_core.todos.filters import DueBound, Filters, Position

_SMALL: Final = Crowd(todos=1_000, owned=1_000)
_LARGE: Final = Crowd(todos=1_000_000, owned=100_000)
_FAR: Final = 2_000
_LARGEST_PAGE: Final = 50
_LARGEST_RATIO: Final = 3.0
_ALL: Final = 10**6
_SECONDS: Final = 600.0
"""More than any statement takes."""
_PLANS: Final = ("force_custom_plan", "force_generic_plan")
_NOW: Final = datetime.now(UTC)
_TODAY: Final = DueBound(_NOW, _NOW.date())

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
    "tag, of some 30 todos": Filters(tags=[SELDOM]),
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
    "q, often in titles": Filters(q=OFTEN),
    "q, in descriptions": Filters(q=INSIDE),
    "q, of some 30 todos": Filters(q=SELDOM),
    "q, one letter": Filters(q="e"),
    "q, two words": Filters(q=f"{OFTEN} e"),
    "q, by title": Filters(q=OFTEN, sort="title"),
    "q and tag": Filters(q=OFTEN, tags=["tag0"]),
}


@dataclass(frozen=True)
class Asked:
    """A page: how many todos at most, and after which place."""

    limit: int
    number: int
    after: Position | None


@dataclass(frozen=True)
class Read:
    """What reading a page took, under the plan that took more."""

    buffers: int
    plan: str

    @property
    def scans_table(self) -> bool:
        return re.search(r"Seq Scan on todos .*\n?.*actual", self.plan) is not None


class Recorder(Transaction):
    """Where operations run, to be told which statement they would have run."""

    statement: Statement
    arguments: Sequence[object]

    async def fetch_all(self, statement: Statement, **values: object) -> list[asyncpg.Record]:
        self.statement, self.arguments = statement, statement.arguments(values)
        return []


class Table:
    """A table of todos, and how it is read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def count(self, filters: Filters) -> int:
        return len((await operations.find(Transaction(self._connection, _SECONDS), OWNER, filters, limit=_ALL)).todos)

    async def page(self, filters: Filters, number: int, limit: int) -> Asked:
        """The page with a number, from 1."""
        if number == 1:
            return Asked(limit, 1, None)
        before = await operations.find(
            Transaction(self._connection, _SECONDS), OWNER, filters, limit=limit * (number - 1)
        )
        return Asked(limit, number, before.next)

    async def read(self, filters: Filters, asked: Asked) -> Read:
        """The worse of the two ways to read a page."""
        recorder = Recorder(self._connection, _SECONDS)
        await operations.find(recorder, OWNER, filters, limit=asked.limit, after=asked.after)
        await self._connection.execute(f"PREPARE page AS {recorder.statement.sql}")
        arguments = ", ".join(_literal(value) for value in recorder.arguments)
        reads = []
        for plan in _PLANS:
            await self._connection.execute(f"SET plan_cache_mode = {plan}")
            explained = await self._connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS) EXECUTE page({arguments})")
            reads.append(_read("\n".join(line[0] for line in explained), plan))
        await self._connection.execute("DEALLOCATE page")
        return max(reads, key=lambda read: read.buffers)


def _read(explained: str, plan: str) -> Read:
    # The first line of a plan has what all of it took; what planning took comes after "Planning:".
    [counts] = re.findall(r"^ *Buffers: (.*)$", explained.partition("Planning:")[0], re.MULTILINE)[:1] or [""]
    return Read(sum(map(int, re.findall(r"(?:hit|read)=(\d+)", counts))), f"{plan}\n{explained}")


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
    if isinstance(value, str | UUID | date):
        quoted = str(value).replace("'", "''")
        return f"'{quoted}'"
    return str(value)


async def _compare(small_url: str, large_url: str) -> bool:
    small_connection, large_connection = await asyncpg.connect(small_url), await asyncpg.connect(large_url)
    for connection, crowd in ((small_connection, _SMALL), (large_connection, _LARGE)):
        await fill(connection, crowd)
    small, large = Table(small_connection), Table(large_connection)
    print(f"Buffers for a page of a list, with {_SMALL.todos:,} todos and with {_LARGE.todos:,}\n")
    print(
        f"{'list':24}{'todos':>8}{'limit':>7}{'page':>7}{'buffers':>9}  |{'todos':>8}{'page':>7}{'buffers':>9}   ratio"
    )
    steep = [row for name, filters in _LISTS.items() for row in await _compare_list(name, filters, small, large)]
    for name, plan in steep:
        print(f"\n{name}: more than {_LARGEST_RATIO:.0f} times\n{plan}")
    print(f"\nAt most {_LARGEST_RATIO:.0f} times, each from an index: {'MISSED' if steep else 'holds'}", flush=True)
    for connection in (small_connection, large_connection):
        await connection.close()
    return not steep


async def _compare_list(name: str, filters: Filters, small: Table, large: Table) -> list[tuple[str, str]]:
    """Prints the rows of a list, and gives the plans of the pages that are not flat."""
    few, many = await small.count(filters), await large.count(filters)
    limit = min(max(many // _FAR, 1), few, _LARGEST_PAGE) if many >= _FAR else min(few, many)
    steep = []
    for number in (1, _FAR) if many >= _FAR else (1,):
        near = await small.page(filters, min(number, few // limit), limit)
        far = await large.page(filters, number, limit)
        one, other = await small.read(filters, near), await large.read(filters, far)
        ratio = other.buffers / one.buffers
        print(
            f"{name:24}{few:8,}{limit:7}{near.number:7,}{one.buffers:9,}  |"
            f"{many:8,}{far.number:7,}{other.buffers:9,}{ratio:8.2f}",
            flush=True,
        )
        if ratio > _LARGEST_RATIO or other.scans_table:
            steep.append((f"{name}, page {number:,}", other.plan))
    return steep


def main() -> None:
    # As Ctrl-C does, so that the server is stopped on the way out.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with postgres() as url:
            urls = [new_database(url, name) for name in ("small", "large")]
            for each in urls:
                upgrade(Settings(database={"url": each, "url_unpooled": each}))
            holds = asyncio.run(_compare(*urls))
    except KeyboardInterrupt:
        sys.exit("Interrupted.")
    sys.exit(0 if holds else 1)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
