"""The statements behind lists of todos.

The cost of a page does not grow with the length of the list: each sort order and each filter of the default order has
an index. See docs/decisions/0011-lists.md.
"""

from functools import cache
from typing import Literal

from todo_core.database.statements import Statement
from todo_core.todos.columns import COLUMNS
from todo_core.todos.conditions import CONDITIONS, DUE_CONDITIONS, LIVE, OPEN, TRASHED, WORDS_IN_TITLE
from todo_core.todos.filters import Sort
from todo_core.todos.sort_orders import SortOrder
from todo_core.todos.term_search import TERM_CONDITIONS, TermSearch, build_search, count_rows

type PageStart = Literal["start", "after_title_match", "after_todo"]
"""The start of a page: that of the list, or a position.

A position in a list by relevance is after a match of the title, or after another todo.
"""


@cache
def select_page(conditions: frozenset[str], sort: Sort, *, start: PageStart) -> Statement:
    """Returns the statement for one page of a list, under the conditions that `Filters.conditions` names.

    A row has the columns of a todo, `key` unless a field equals the key, and `in_title` if by relevance.
    """
    order = SortOrder(sort)
    where = _build_where(conditions - TERM_CONDITIONS, order, start)
    page_where = where if start == "start" else f"{where} AND {order.after_position}"
    terms = conditions & TERM_CONDITIONS
    if sort == "relevance":
        return Statement(_select_by_relevance(where, page_where, terms, start))
    if terms:
        return Statement(f"""
            WITH {build_search("page", TermSearch(page_where, terms), order)}
            SELECT {_list_page_columns(order)} FROM page ORDER BY {order.order_by("key")}
        """)  # noqa: S608 - constants, as all below
    key = "" if order.field else f", {order.key} AS key"
    return Statement(f"""
        SELECT {COLUMNS}{key} FROM todos WHERE {page_where} ORDER BY {order.order_by(order.key)} LIMIT :limit
    """)  # noqa: S608


def _select_by_relevance(where: str, page_where: str, terms: frozenset[str], start: PageStart) -> str:
    """Returns the SELECT of a page by relevance: matches of the title, then others if the page has room for them."""
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


def _build_where(conditions: frozenset[str], order: SortOrder, start: PageStart) -> str:
    """Returns the conditions of a list, and for a list by due date the index range to read.

    A position replaces the lower end of the range: with two lower ends, PostgreSQL may start at the wrong one.
    """
    by_name = {name: CONDITIONS[name] for name in sorted(conditions - {"trashed"})}
    range_ends = []
    if order.name in {"due", "-due"}:
        for name in sorted(conditions & {"due_from", "due_until", "overdue"}):
            # coalesce hides the selectivity from the planner, which would otherwise multiply it with the range's.
            by_name[name] = f"coalesce({DUE_CONDITIONS[name]}, false)"
            is_lower_end = (name == "due_from") != order.descending
            if start == "start" or not is_lower_end:
                range_ends.append(order.due_from(name) if name == "due_from" else order.due_until(name))
            range_ends.append(order.has_due)
        if "overdue" in conditions:
            range_ends.append(OPEN)
    return " AND ".join([TRASHED if "trashed" in conditions else LIVE, *by_name.values(), *range_ends])


def _list_page_columns(order: SortOrder) -> str:
    return COLUMNS if order.field else f"{COLUMNS}, key"
