"""Lists by due date, in which days and instants are compared by the clock of the user.

An index cannot have the time zone of each user. So a page is merged of two index scans: days by date, and instants by
time. Each scan reads at most a page. Todos without a due date follow if the page has room. All is one statement.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, partial
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from todo_core.database.byte_pages import MAX_PAGE_BYTES, end_by_bytes
from todo_core.database.executor import Executor, Row
from todo_core.database.statements import Statement
from todo_core.schema.sort_keys import NIL_ID, NO_ID
from todo_core.todos.columns import COLUMNS
from todo_core.todos.conditions import OPEN
from todo_core.todos.filters import Filters, Page, Position
from todo_core.todos.lists import BYTES, IS_LONG, MAX_ROWS, SHORT_COLUMNS, build_where
from todo_core.todos.model import Todo
from todo_core.todos.sort_orders import DueKind, DueOrder
from todo_core.todos.term_search import TERM_CONDITIONS, TermSearch, build_search, count_rows

type _Start = Literal["start", "after_due", "after_undated"]
"""The place where a page begins: at the start, or after a todo with or without a due date."""
type _SortKey = tuple[timedelta, int, date, UUID]

_BOUNDS: Final = frozenset({"due_from", "due_until", "overdue"})
"""The filters that only todos with a due date meet."""
_MAX_CACHED_STATEMENTS: Final = 64
"""Clients choose filters and pages. A search has some 20 KB, for it searches each kind of due date."""
_FIELD_COUNT: Final = len(Todo.__struct_fields__)


async def find(db: Executor, user_id: UUID, filters: Filters, *, limit: int, after: Position | None) -> Page:
    """Returns a page of a list by due date, like `operations.find`. The key of a position is the due date or None."""
    conditions, descending = frozenset(filters.conditions), filters.sorted_by == "-due"
    values = filters.values | {"user_id": user_id, "limit": limit + 1} | _position_values(after, filters.timezone)
    start: _Start = "start" if after is None else "after_undated" if after.key is None else "after_due"
    select = partial(select_page, conditions, descending=descending, start=start)
    rows = await db.fetch_all(select(by_bytes=False), max_row_bytes=MAX_PAGE_BYTES // (limit + 1), **values)
    has_long = any(row["is_long"] for row in rows)
    if has_long:
        # The page may have too many bytes, and has no long descriptions. Few pages are read twice.
        rows = await db.fetch_all(select(by_bytes=True), max_bytes=MAX_PAGE_BYTES, **values)
    rows = sorted(rows, key=partial(_sort_key, timezone=filters.timezone, descending=descending), reverse=descending)
    number = min(limit, _count_until_bytes(rows)) if has_long else limit
    todos = [Todo(*row[:_FIELD_COUNT]) for row in rows[:number]]
    if len(rows) <= number and not (has_long and _size_of(rows) >= MAX_PAGE_BYTES):
        return Page(todos, None)
    last = todos[-1]
    return Page(todos, Position(last.due_at or last.due_date, last.id))


@lru_cache(_MAX_CACHED_STATEMENTS)
def select_page(conditions: frozenset[str], *, descending: bool, start: _Start, by_bytes: bool) -> Statement:
    """Returns the statement that reads the todos of one page, in any order, and perhaps later ones.

    A row has the columns of a todo. `is_long` follows or, if `by_bytes`, the size of the todo as `bytes`: see
    `lists.select_page`.
    """
    kinds: list[DueKind] = ["day", "instant"] if start != "after_undated" and "undated" not in conditions else []
    room = " + ".join(["0", *(count_rows(_name(kind)) for kind in kinds)])
    selects: dict[DueKind, str] = {
        kind: _select_kind(kind, conditions, start, room, descending=descending) for kind in kinds
    }
    if not conditions & _BOUNDS:
        selects["undated"] = _select_kind("undated", conditions, start, room, descending=descending)
    if by_bytes:
        columns = f"{COLUMNS}, bytes"
        parts = [_end_by_bytes(kind, descending=descending) for kind in selects]
        parts = [f"SELECT {columns} FROM ({rows}) AS page" for rows in parts]  # noqa: S608 - constants, as all below
    else:
        parts = [f"SELECT {SHORT_COLUMNS}, {IS_LONG} FROM {_name(kind)}" for kind in selects]  # noqa: S608
    searches = ", ".join(selects.values())
    return Statement(f"WITH {searches} {' UNION ALL '.join(parts)}")


def _select_kind(kind: DueKind, conditions: frozenset[str], start: _Start, room: str, *, descending: bool) -> str:
    """Returns the CTEs that select at most `:limit` todos of one kind. The last one is `_name(kind)`."""
    order = DueOrder(kind, descending=descending)
    where = [build_where(conditions - TERM_CONDITIONS - _BOUNDS - {"undated"})]
    has_position = start == "after_undated" if kind == "undated" else start == "after_due"
    if has_position:
        where.append(order.after_position)
    bounds = sorted(conditions & _BOUNDS) if kind != "undated" else []
    for name in bounds:
        begins_list = (name == "due_from") is not descending
        condition = _compare(kind, name)
        # After a position, PostgreSQL may begin to read the index at the bound instead. coalesce hides the bound.
        where.append(f"coalesce({condition}, false)" if has_position and begins_list else condition)
    # A bound implies a due date. PostgreSQL would count its selectivity twice.
    if not has_position if order.field is None else has_position or not bounds:
        where.append(order.is_of_kind)
    enabled = f"{room} < :limit" if kind == "undated" else "true"
    if terms := conditions & TERM_CONDITIONS:
        return build_search(_name(kind), TermSearch(" AND ".join(where), terms, enabled=enabled), order)
    # A constant limit has the reason that lists._select_rows tells.
    return f"""
        {_name(kind)} AS (
            SELECT * FROM (
                SELECT {COLUMNS} FROM todos WHERE {" AND ".join([*where, enabled])}
                ORDER BY {order.order_by(order.key)} LIMIT {MAX_ROWS}
            ) AS longest_page LIMIT :limit
        )
    """  # noqa: S608


def _compare(kind: DueKind, name: str) -> str:
    """Returns the condition of a bound for the todos of one kind: an instant for instants, a day for days."""
    column, part, cast = ("due_date", "day", "date") if kind == "day" else ("due_at", "at", "timestamptz")
    # A subquery hides the value: PostgreSQL would underestimate the todos in the range, and sort them all.
    bound = f"(SELECT CAST(:{name}_{part} AS {cast}))"
    if name == "due_from":
        return f"{column} >= {bound}"
    is_open = f" AND {OPEN}" if name == "overdue" else ""
    return f"{column} < {bound}{is_open}"


def _name(kind: DueKind) -> str:
    return f"{kind}_todos"


def _end_by_bytes(kind: DueKind, *, descending: bool) -> str:
    order = DueOrder(kind, descending=descending)
    return end_by_bytes(f"SELECT * FROM {_name(kind)}", BYTES, order_by=order.order_by(order.field or "id"))  # noqa: S608


def _count_until_bytes(rows: Sequence[Row]) -> int:
    """Returns the number of the first rows that fill a page, at least one."""
    size = 0
    for number, row in enumerate(rows):
        size += row["bytes"]
        if size >= MAX_PAGE_BYTES:
            return max(number, 1)
    return len(rows)


def _size_of(rows: Sequence[Row]) -> int:
    return sum(row["bytes"] for row in rows)


def _sort_key(row: Row, timezone: ZoneInfo, *, descending: bool) -> _SortKey:
    """Returns the sort key of a row: an all-day todo begins with its day, before the instants of that moment."""
    if row["due_at"] is not None:
        return _elapsed(row["due_at"]), 1, date.min, row["id"]
    if row["due_date"] is not None:
        return _midnight(row["due_date"], timezone), 0, row["due_date"], row["id"]
    return timedelta.min if descending else timedelta.max, 2, date.min, row["id"]


def _position_values(after: Position | None, timezone: ZoneInfo) -> dict[str, object]:
    """Returns the values of the parameters that begin each of the scans after the last todo of the page before."""
    if after is None:
        return {}
    match after.key:
        case datetime() as instant:
            day = _find_day(instant, timezone)
            # West of UTC, not even the first day of the calendar has begun at its first instants.
            has_begun = _midnight(day, timezone) <= _elapsed(instant)
            return {
                "after_instant": instant,
                "after_instant_id": after.id,
                "after_day": day,
                "after_day_id": NO_ID if has_begun else NIL_ID,
            }
        case date() as day:
            midnight = _EPOCH + max(_midnight(day, timezone), timedelta())
            return {
                "after_instant": midnight,
                "after_instant_id": NIL_ID,
                "after_day": day,
                "after_day_id": after.id,
            }
    return {"after_id": after.id}


_EPOCH: Final = datetime.min.replace(tzinfo=UTC)
_ONE_DAY: Final = timedelta(days=1)


def _elapsed(instant: datetime) -> timedelta:
    return instant - _EPOCH


def _midnight(day: date, timezone: ZoneInfo) -> timedelta:
    """Returns the moment at which a day begins, as the time since the year 1. In that year it may be negative."""
    begin = datetime.combine(day, time(), timezone)
    return begin.replace(tzinfo=UTC) - _EPOCH - (begin.utcoffset() or timedelta())


def _find_day(instant: datetime, timezone: ZoneInfo) -> date:
    """Returns the last day that has begun at an instant, or the first day of the calendar if none has."""
    moment = _elapsed(instant)
    try:
        day = instant.astimezone(timezone).date()
    except OverflowError:  # outside the years 1 to 9999
        day = instant.date()
    # A clock that goes back over midnight returns to the day before.
    while day > date.min and _midnight(day, timezone) > moment:
        day -= _ONE_DAY
    while day < date.max and _midnight(day + _ONE_DAY, timezone) <= moment:
        day += _ONE_DAY
    return day
