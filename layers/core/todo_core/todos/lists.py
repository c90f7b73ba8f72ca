"""The SQL statements that read pages of lists of todos, except lists by due date: see due_lists.

The cost of a page does not grow with the length of the list: the sort orders and filters have indexes.
docs/decisions/0011-lists.md has the details.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal

from todo_core.database.byte_pages import end_by_bytes
from todo_core.database.statements import Statement
from todo_core.schema.sort_keys import NIL_ID, SORT_KEYS
from todo_core.todos.columns import COLUMNS
from todo_core.todos.conditions import (
    CONDITIONS,
    DUE_CONDITIONS,
    LIVE,
    OPEN,
    TRASHED,
    WORDS_IN_TITLE,
    is_due_before,
    is_due_from,
)
from todo_core.todos.filters import Sort
from todo_core.todos.sort_orders import SortOrder
from todo_core.todos.term_search import TERM_CONDITIONS, TermSearch, build_search, count_rows

type PageStart = Literal["start", "after_title_match", "after_todo"]
"""The place where a page begins: at the start of the list, or after the last todo of the page before.

`after_title_match` is for lists by relevance: the last todo matched in its title. All other cases are `after_todo`.
"""

MAX_ROWS: Final = 201
"""The most rows of a page: one more than clients may ask for, to find out whether more follow."""
BYTES: Final = "octet_length(title) + coalesce(octet_length(description), 0) + pg_column_size(tags)"
SHORT_COLUMNS: Final = COLUMNS.replace(
    '"description"', f"CASE WHEN {BYTES} <= :max_row_bytes THEN description END AS description"
)
"""The columns of a todo, without the description if the todo is long."""
IS_LONG: Final = f"{BYTES} > :max_row_bytes AS is_long"
_MAX_CACHED_STATEMENTS: Final = 256
"""Clients choose filters and sort orders, which make some 80,000 statements of 4 KB each."""


@lru_cache(_MAX_CACHED_STATEMENTS)
def select_page(conditions: frozenset[str], sort: Sort, *, start: PageStart, by_bytes: bool) -> Statement:
    """Returns the statement that reads one page of a list. `conditions` are the names of the filters that are set.

    A row has the columns of a todo. The sort key follows as `key`, unless it equals a field of the todo. In a list by
    relevance `in_title` follows. The page has at most `:limit` rows.

    The page `by_bytes` ends with the row that reaches `:max_bytes`. Its last columns are `bytes`, the size of the todo,
    and `bytes_so_far`, the size of the page up to it. The other page costs less. There, a todo of more than
    `:max_row_bytes` has no description, and true in the last column, `is_long`.
    """
    order = SortOrder(sort)
    if not by_bytes and not conditions & TERM_CONDITIONS:
        # Measures the rows where they are read. A SELECT around it would add a fifth to PostgreSQL's time of a list.
        where = _build_page_where(conditions, order, start)
        return Statement(_select_sorted([SHORT_COLUMNS, *_sort_key(order), IS_LONG], where, order))
    rows = _select_rows(conditions, order, start, is_by_relevance=sort == "relevance")
    in_title = ["in_title"] if sort == "relevance" else []
    if by_bytes:
        order_by = ", ".join([*(f"{column} DESC" for column in in_title), order.order_by(order.field_or_key)])
        return Statement(end_by_bytes(rows, BYTES, order_by=order_by))
    columns = ", ".join([SHORT_COLUMNS, *([] if order.field else ["key"]), *in_title, IS_LONG])
    return Statement(f"SELECT {columns} FROM ({rows}) AS sorted_rows")  # noqa: S608 - constants, as all below


@lru_cache(_MAX_CACHED_STATEMENTS)
def select_counts(conditions: frozenset[str], sort: Sort) -> Statement:
    """Returns the statement that counts at most `:limit` todos of a list, with or without the named filters.

    Its only row has the columns total, completed, overdue and due_today. Open todos due before the bound `now`
    are overdue. Open todos due from the bound `today` until the bound `tomorrow` are due today.
    """
    bounds = _bound_due_keys(conditions) if sort in {"due", "-due"} else []
    where = " AND ".join([build_where(conditions - TERM_CONDITIONS, hides_due=bool(bounds)), *bounds])
    if terms := conditions & TERM_CONDITIONS:
        search = TermSearch(where, terms)
        where = f"{where} AND {search.found_by_index} AND {search.matches}"
    return Statement(f"""
        SELECT count(*) AS total, count(*) FILTER (WHERE completed) AS completed,
            count(*) FILTER (WHERE {OPEN} AND {is_due_before("now")}) AS overdue,
            count(*) FILTER (WHERE {OPEN} AND {is_due_from("today")} AND {is_due_before("tomorrow")}) AS due_today
        FROM (SELECT completed, due_at, due_date FROM todos WHERE {where} LIMIT :limit) AS counted
    """)  # noqa: S608


def _select_rows(conditions: frozenset[str], order: SortOrder, start: PageStart, *, is_by_relevance: bool) -> str:
    """Returns the SELECT of at most `:limit` sorted rows."""
    page_where = _build_page_where(conditions, order, start)
    terms = conditions & TERM_CONDITIONS
    if is_by_relevance:
        return _select_by_relevance(build_where(conditions - TERM_CONDITIONS), page_where, terms, start)
    if terms:
        return f"""
            WITH {build_search("page", TermSearch(page_where, terms), order)}
            SELECT {_list_page_columns(order)} FROM page ORDER BY {order.order_by("key")}
        """  # noqa: S608
    return _select_sorted([COLUMNS, *_sort_key(order)], page_where, order)


def _select_sorted(columns: Sequence[str], where: str, order: SortOrder) -> str:
    """Returns the SELECT of at most `:limit` sorted rows, without a search."""
    # With a constant limit, PostgreSQL expects few rows for any `:limit`. It then keeps one plan for a statement, which
    # takes a quarter of the time off a page.
    return f"""
        SELECT * FROM (
            SELECT {", ".join(columns)} FROM todos WHERE {where} ORDER BY {order.order_by(order.key)} LIMIT {MAX_ROWS}
        ) AS longest_page LIMIT :limit
    """  # noqa: S608


def _sort_key(order: SortOrder) -> list[str]:
    """Returns the column `key`, unless the sort key equals a field of the todo."""
    return [] if order.field else [f"{order.key} AS key"]


def _build_page_where(conditions: frozenset[str], order: SortOrder, start: PageStart) -> str:
    where = build_where(conditions - TERM_CONDITIONS)
    return where if start == "start" else f"{where} AND {order.after_position}"


def _select_by_relevance(where: str, page_where: str, terms: frozenset[str], start: PageStart) -> str:
    """Returns the SELECT of a page by relevance.

    Todos whose title matches come first. Other matches are searched only if the page has room for them.
    """
    order = SortOrder("relevance")
    if start == "after_todo":
        searches = build_search("other_matches", TermSearch(page_where, terms, excluded=WORDS_IN_TITLE), order)
        matches = _select_matches("other_matches", in_title=False)
    else:
        in_title = build_search("title_matches", TermSearch(page_where, terms, in_title=True), order)
        has_room = f"{count_rows('title_matches')} < :limit"
        others = TermSearch(where, terms, excluded=WORDS_IN_TITLE, enabled=has_room)
        searches = f"{in_title}, {build_search('other_matches', others, order)}"
        matches = f"""{_select_matches("title_matches", in_title=True)}
            UNION ALL {_select_matches("other_matches", in_title=False)}"""
    return f"""
        WITH {searches}
        SELECT {_list_page_columns(order)}, in_title FROM ({matches}) AS matches
        ORDER BY in_title DESC, {order.order_by("key")} LIMIT :limit
    """  # noqa: S608


def _select_matches(cte: str, *, in_title: bool) -> str:
    return f"SELECT *, {str(in_title).lower()} AS in_title FROM {cte}"  # noqa: S608


def build_where(conditions: frozenset[str], *, hides_due: bool = False) -> str:
    """Returns the WHERE condition of a list.

    `hides_due` hides the selectivity of bounds of the due date from the planner, which knows it from other conditions.
    """
    by_name = {name: CONDITIONS[name] for name in sorted(conditions - {"trashed"})}
    if hides_due:
        by_name |= {name: f"coalesce({by_name[name]}, false)" for name in by_name.keys() & DUE_CONDITIONS.keys()}
    return " AND ".join([TRASHED if "trashed" in conditions else LIVE, *by_name.values()])


def _bound_due_keys(conditions: frozenset[str]) -> list[str]:
    """Returns the conditions that bound the part of the index by due date which has the counted todos.

    A bound has two sort keys: its instant, and 00:00 UTC of its day. The earlier one begins, the later one ends.
    """
    key, bounds = SORT_KEYS["due"], conditions & DUE_CONDITIONS.keys()
    ends = [f"{key} >= :{name}_first" if name == "due_from" else f"{key} < :{name}_last" for name in sorted(bounds)]
    # A pair: for two bounds of the key alone, PostgreSQL's planner assumes a narrow range.
    return [*ends, f"({key}, id) < ('infinity'::timestamptz, '{NIL_ID}'::uuid)"] if ends else []


def _list_page_columns(order: SortOrder) -> str:
    return COLUMNS if order.field else f"{COLUMNS}, key"
