"""The statements behind lists. None reads more for a page than the page is worth, however long the list.

What a list goes by has an index, and so has each filter beside the default order; but tags and words have one together,
which knows no order: sorting all that it finds would cost more with every todo. So a list of what has a tag, or a word,
is read in up to three steps of one statement, each only where those before did not fill the page: the next todos of
the list without tags and words, of which the page keeps what passes (it is full at once where much does); then
all that passes, sorted, if that is not much; and if it is, the list again, to its end if need be.
See docs/decisions/0011-lists.md.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal
from uuid import UUID

from todo_core.database.statements import Statement
from todo_core.schema.sort_keys import NOWHERE, SORT_KEYS, TERMS, place_key
from todo_core.todos.filters import Sort
from todo_core.todos.model import Todo

_NEAR: Final = 400
"""So many of the next todos of a list are looked at one by one for tags and words. Of a list of 100,000 that has a
page 2,000, one in 50 passes for each that a page takes: these are enough to fill it, unless they lie far apart.
"""
_FEW: Final = 2_000
"""So many todos with the tags and words are sorted. Where more pass, at most some 2,500 of a list of 100,000 have to
be looked at to find 50 of them.
"""

_FIRST_ID: Final = UUID(int=0)

COLUMNS: Final = ", ".join(f'"{name}"' for name in Todo.__struct_fields__)
LIVE: Final = "user_id = :user_id AND deleted_at IS NULL"
_TRASHED: Final = "user_id = :user_id AND deleted_at IS NOT NULL"

# In a query of its own it is read once, and not for every row.
_ASKED: Final = "(SELECT words_asked(:q))"
_ANYWHERE: Final = f"words @@ {_ASKED}"
_IN_TITLE: Final = f"ts_filter(words, '{{a}}') @@ {_ASKED}"


def _due_before(name: str) -> str:
    return f"(due_at < :{name}_at OR due_date < :{name}_day)"


def _due_from(name: str) -> str:
    return f"(due_at >= :{name}_at OR due_date >= :{name}_day)"


_OPEN: Final = "NOT completed"
_DUES: Final = {
    "due_from": _due_from("due_from"),
    "due_until": _due_before("due_until"),
    "overdue": _due_before("overdue"),
}

CONDITIONS: Final = {
    "completed": "completed = :completed",
    "priority": "priority = :priority",
    "tags": "tags @> CAST(:tags AS text[])",
    "q": _ANYWHERE,
    "project_id": f"{place_key('project_id')} = :project_id",
    "parent_id": f"{place_key('parent_id')} = :parent_id",
    **_DUES,
    "overdue": f"({_OPEN} AND {_DUES['overdue']})",
    "not_overdue": f"(completed OR NOT coalesce({_due_before('not_overdue')}, false))",
}
"""What each of the conditions that `Filters` names means, but for `trashed`."""

type Part = Literal["start", "title", "rest"]
"""What a page comes after: nothing, or a position in the first or the only part of a list."""

_FOUND_BY_TERMS: Final = {"tags", "q"}
_CODED: Final = {"priority", "title"}
"""Fields that lists go by in a form of their own."""


class SortOrder:
    """What a list goes by: a key that is never null, and the id. `field` is the todo's own that is the key, if any."""

    def __init__(self, sort: Sort) -> None:
        name = "-created_at" if sort == "relevance" else sort
        ascending = name.removeprefix("-")
        self.name = name
        self.descending = name != ascending
        self.field = ascending if ascending in Todo.__struct_fields__ and ascending not in _CODED else None
        self.key = SORT_KEYS.get(name) or SORT_KEYS[ascending]

    def by(self, key: str) -> str:
        """For ORDER BY."""
        return f"{key} DESC, id DESC" if self.descending else f"{key}, id"

    def from_due(self, name: str) -> str:
        return f"{self.key} >= :{name}_first"

    def until_due(self, name: str) -> str:
        return f"{self.key} < :{name}_last"

    @property
    def has_due(self) -> str:
        """Ends a list by due before what has no due. As a pair, because two ends of a key alone are taken for a narrow
        span.
        """
        if self.descending:
            return f"({self.key}, id) > ('-infinity'::timestamptz, '{NOWHERE}'::uuid)"
        return f"({self.key}, id) < ('infinity'::timestamptz, '{_FIRST_ID}'::uuid)"

    @property
    def after(self) -> str:
        """That a todo comes after a position."""
        return f"({self.key}, id) {'<' if self.descending else '>'} (:after_key, :after_id)"


@dataclass(frozen=True)
class _Search:
    """What of a list has tags and words, except for what has `but`, too; and whether it is `wanted` at all."""

    where: str
    conditions: frozenset[str]
    in_title: bool = False
    but: str = "false"
    wanted: str = "true"

    @property
    def terms(self) -> str:
        """What the index is asked for. In it the owner is part of each tag and word: PostgreSQL will not think that the
        way there leads through another index, and nobody else's words are looked through.
        """
        tags = "CAST(:tags AS text[])" if "tags" in self.conditions else "'{}'::text[]"
        q = ":q" if "q" in self.conditions else "''"
        kind = "'='" if self.in_title else "'-'"
        return f"{TERMS} @@ (SELECT terms_asked(:user_id, {tags}, {q}, {kind}))"

    @property
    def passes(self) -> str:
        asked = {"tags": CONDITIONS["tags"], "q": _IN_TITLE if self.in_title else _ANYWHERE}
        return f"({' AND '.join(asked[name] for name in sorted(self.conditions))} AND NOT {self.but})"


@cache
def select_page(conditions: frozenset[str], sort: Sort, *, after: Part) -> Statement:
    """A page of a list under the conditions that `Filters` names, from its start or after a position.

    After the columns of a todo comes the key where it is not one of them. A list by relevance has two parts, and tells
    behind the columns in which a todo is; only there it matters in which the position lies.
    """
    order = SortOrder(sort)
    where = _where(conditions - _FOUND_BY_TERMS, order, after)
    after_where = where if after == "start" else f"{where} AND {order.after}"
    terms = conditions & _FOUND_BY_TERMS
    if sort == "relevance":
        return Statement(_by_relevance(where, after_where, terms, after))
    if terms:
        return Statement(f"""
            WITH {_found_by_terms("page", _Search(after_where, terms), order)}
            SELECT {_shown(order)} FROM page ORDER BY {order.by("key")}
        """)  # noqa: S608 - constants, as all below
    key = "" if order.field else f", {order.key} AS key"
    return Statement(f"""
        SELECT {COLUMNS}{key} FROM todos WHERE {after_where} ORDER BY {order.by(order.key)} LIMIT :limit
    """)  # noqa: S608


def matching(conditions: frozenset[str]) -> str:
    """What `Filters` selects, for a change of all of it."""
    return " AND ".join([LIVE, *(CONDITIONS[name] for name in sorted(conditions))])


def _by_relevance(where: str, after_where: str, terms: frozenset[str], after: Part) -> str:
    order = SortOrder("relevance")
    if after == "rest":
        searches = _found_by_terms("rest", _Search(after_where, terms, but=_IN_TITLE), order)
        found = _part("rest", in_title=False)
    else:
        title = _found_by_terms("title", _Search(after_where, terms, in_title=True), order)
        missing = f"{_count('title')} < :limit"
        rest = _found_by_terms("rest", _Search(where, terms, but=_IN_TITLE, wanted=missing), order)
        searches = f"{title}, {rest}"
        found = f"{_part('title', in_title=True)} UNION ALL {_part('rest', in_title=False)}"
    return f"""
        WITH {searches}
        SELECT {_shown(order)}, in_title FROM ({found}) AS found
        ORDER BY in_title DESC, {order.by("key")} LIMIT :limit
    """  # noqa: S608


def _part(found: str, *, in_title: bool) -> str:
    return f"SELECT *, {str(in_title).lower()} AS in_title FROM {found}"  # noqa: S608


def _where(conditions: frozenset[str], order: SortOrder, after: Part) -> str:
    """The conditions; and for a list by due, between which of its keys they hold, so that its index is read no further.

    A position takes the place of where these begin: PostgreSQL would have to choose between the two.
    """
    held = {name: CONDITIONS[name] for name in sorted(conditions - {"trashed"})}
    ends = []
    if order.name in {"due", "-due"}:
        for name in sorted(conditions & {"due_from", "due_until", "overdue"}):
            held[name] = f"coalesce({_DUES[name]}, false)"  # PostgreSQL is not to think that ever fewer are left
            begins_here = (name == "due_from") != order.descending
            if after == "start" or not begins_here:
                ends.append(order.from_due(name) if name == "due_from" else order.until_due(name))
            ends.append(order.has_due)
        if "overdue" in conditions:
            ends.append(_OPEN)
    return " AND ".join([_TRASHED if "trashed" in conditions else LIVE, *held.values(), *ends])


def _found_by_terms(name: str, search: _Search, order: SortOrder) -> str:
    """At most a page of the todos that a search finds, as it is told above: the last of these common tables."""
    near, few = f"{name}_near", f"{name}_few"
    too_few = f"({search.wanted} AND {_count(near)} < :limit)"
    columns = f"{COLUMNS}, {order.key} AS key"
    # Nobody may think that few of them pass, and sort them all.
    passes_indeed = f"coalesce({search.passes}, false)"
    return f"""
        {near} AS (
            SELECT {COLUMNS}, key FROM (
                SELECT {columns}, {search.passes} AS passes FROM todos WHERE {search.where} AND {search.wanted}
                ORDER BY {order.by(order.key)} LIMIT {_NEAR}
            ) AS next_ones
            WHERE passes LIMIT :limit
        ), {few} AS (
            SELECT {COLUMNS}, key FROM (
                SELECT {columns}, {search.where} AND {search.passes} AS passes FROM todos
                WHERE {search.terms} AND {too_few} OFFSET 0
            ) AS found
            WHERE passes LIMIT {_FEW + 1}
        ), {name} AS (
            SELECT * FROM (
                SELECT * FROM {near} WHERE {_count(near)} >= :limit
                UNION ALL SELECT * FROM {few} WHERE {_count(few)} <= {_FEW} AND {too_few}
                UNION ALL SELECT * FROM (
                    SELECT {columns} FROM todos
                    WHERE {search.where} AND {passes_indeed} AND {too_few} AND {_count(few)} > {_FEW}
                    ORDER BY {order.by(order.key)} LIMIT :limit
                ) AS far
            ) AS found_at_last
            ORDER BY {order.by("key")} LIMIT :limit
        )
    """  # noqa: S608


def _count(rows: str) -> str:
    return f"(SELECT count(*) FROM {rows})"  # noqa: S608


def _shown(order: SortOrder) -> str:
    return COLUMNS if order.field else f"{COLUMNS}, key"
