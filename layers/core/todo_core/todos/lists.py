"""The statements behind lists. None reads more for a page than the page is worth, however long the list.

What a list goes by has an index, and so has each filter beside the default order; but tags and words have one together,
which knows no order: sorting all that it finds would cost more with every todo. So a list of what has a tag, or a word,
is read in up to three steps of one statement, each only where those before did not fill the page: the next todos of
the list without tags and words, of which the page keeps what passes (it is full at once where much does); then
all that passes, sorted, if that is not much; and if it is, the list again, to its end if need be.
See docs/decisions/0011-lists.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Double,
    FromClause,
    Integer,
    LargeBinary,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    false,
    func,
    literal,
    literal_column,
    not_,
    select,
    text,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from todo_core.statements import Statement
from todo_core.tables import table_of
from todo_core.tables.todos import NOWHERE, SORT_KEYS, TERMS, TodoRow, place_key
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

_todos = table_of(TodoRow)
_COLUMNS = [_todos.c[name] for name in Todo.__struct_fields__]
_OWNED = _todos.c.user_id == bindparam("of_user")
_LIVE = _OWNED & _todos.c.deleted_at.is_(None)
_TRASHED = _OWNED & _todos.c.deleted_at.is_not(None)
_MOST = bindparam("most", type_=Integer)
_ID = _todos.c.id


def _due(name: str) -> tuple[ColumnElement[datetime], ColumnElement[date]]:
    return bindparam(f"{name}_at", type_=DateTime(timezone=True)), bindparam(f"{name}_day", type_=Date)


def _due_before(name: str) -> ColumnElement[bool]:
    at, day = _due(name)
    return (_todos.c.due_at < at) | (_todos.c.due_date < day)


def _due_from(name: str) -> ColumnElement[bool]:
    at, day = _due(name)
    return (_todos.c.due_at >= at) | (_todos.c.due_date >= day)


_TAGS = cast(bindparam("tags"), ARRAY(Text))
_Q = bindparam("q", type_=Text)


# In a query of its own it is read once, and not for every row.
_ASKED = select(func.words_asked(_Q)).scalar_subquery()
_ANYWHERE: Final = _todos.c.words.op("@@", return_type=Boolean())(_ASKED)
_IN_TITLE: Final = literal_column("ts_filter(words, '{a}')").op("@@", return_type=Boolean())(_ASKED)

_OPEN = _todos.c.completed.is_(False)
_DUES = {
    "due_from": _due_from("due_from"),
    "due_until": _due_before("due_until"),
    "overdue": _due_before("overdue"),
}

CONDITIONS: Final[dict[str, ColumnElement[bool]]] = {
    "completed": _todos.c.completed == bindparam("completed"),
    "priority": _todos.c.priority == bindparam("priority"),
    "tags": _todos.c.tags.contains(_TAGS),
    "q": _ANYWHERE,
    "project_id": literal_column(place_key("project_id"), Uuid) == bindparam("project_id"),
    "parent_id": literal_column(place_key("parent_id"), Uuid) == bindparam("parent_id"),
    **_DUES,
    "overdue": _OPEN & _DUES["overdue"],
    "not_overdue": _todos.c.completed | not_(func.coalesce(_due_before("not_overdue"), false())),
}
"""What each of the conditions that `Filters` names means, but for `trashed`."""

type _Where = Sequence[ColumnElement[bool]]
type Part = Literal["start", "title", "rest"]
"""What a page comes after: nothing, or a position in the first or the only part of a list."""

_FOUND_BY_TERMS: Final = {"tags", "q"}


_TYPES: Final[dict[str, TypeEngine[Any]]] = {
    "order": Double(),
    "created_at": DateTime(timezone=True),
    "updated_at": DateTime(timezone=True),
    "due": DateTime(timezone=True),
    "priority": Integer(),
    "title": LargeBinary(),
}


_CODED: Final = {"priority", "title"}
"""Fields that lists go by in a form of their own."""


class Order:
    """What a list goes by: a key that is never null, and the id. `field` is the todo's own that is the key, if any."""

    def __init__(self, sort: Sort) -> None:
        name = "-created_at" if sort == "relevance" else sort
        ascending = name.removeprefix("-")
        self.name = name
        self.descending = name != ascending
        self.field = ascending if ascending in Todo.__struct_fields__ and ascending not in _CODED else None
        self.type = _TYPES[ascending]
        self.key: ColumnElement[Any] = literal_column(SORT_KEYS.get(name) or SORT_KEYS[ascending], self.type)

    def sorted(self, key: ColumnElement[Any], todo_id: ColumnElement[Any]) -> Sequence[ColumnElement[Any]]:
        return (key.desc(), todo_id.desc()) if self.descending else (key, todo_id)

    def from_due(self, name: str) -> ColumnElement[bool]:
        return self.key >= bindparam(f"{name}_first", type_=self.type)

    def until_due(self, name: str) -> ColumnElement[bool]:
        return self.key < bindparam(f"{name}_last", type_=self.type)

    @property
    def has_due(self) -> ColumnElement[bool]:
        """Ends a list by due before what has no due. As a pair, because two ends of a key alone are taken for a narrow
        span.
        """
        here = tuple_(self.key, _todos.c.id)
        if self.descending:
            return here > tuple_(literal_column("'-infinity'::timestamptz", self.type), literal(NOWHERE, Uuid))
        return here < tuple_(literal_column("'infinity'::timestamptz", self.type), literal(_FIRST_ID, Uuid))

    @property
    def after(self) -> ColumnElement[bool]:
        here = tuple_(self.key, _todos.c.id)
        place = tuple_(bindparam("after_key", type_=self.type), bindparam("after_id", type_=Uuid))
        return here < place if self.descending else here > place


@dataclass(frozen=True)
class _Search:
    """What of a list has tags and words, except for what has `but`, too; and whether it is `wanted` at all."""

    where: _Where
    conditions: frozenset[str]
    in_title: bool = False
    but: ColumnElement[bool] = field(default_factory=false)
    wanted: ColumnElement[bool] = field(default_factory=true)

    @property
    def terms(self) -> ColumnElement[bool]:
        """What the index is asked for. In it the owner is part of each tag and word: PostgreSQL will not think that the
        way there leads through another index, and nobody else's words are looked through.
        """
        asked = func.terms_asked(
            bindparam("of_user", type_=Uuid),
            _TAGS if "tags" in self.conditions else literal_column("'{}'::text[]"),
            _Q if "q" in self.conditions else literal_column("''"),
            literal_column("'='" if self.in_title else "'-'"),
        )
        return literal_column(TERMS).op("@@", return_type=Boolean())(select(asked).scalar_subquery())

    @property
    def passes(self) -> ColumnElement[bool]:
        asked = {"tags": CONDITIONS["tags"], "q": _IN_TITLE if self.in_title else _ANYWHERE}
        return and_(*(asked[name] for name in sorted(self.conditions)), not_(self.but))


@cache
def select_page(conditions: frozenset[str], sort: Sort, *, after: Part) -> Statement:
    """A page of a list under the conditions that `Filters` names, from its start or after a position.

    After the columns of a todo comes the key where it is not one of them. A list by relevance has two parts, and tells
    behind the columns in which a todo is; only there it matters in which the position lies.
    """
    order = Order(sort)
    where = [_where(conditions - _FOUND_BY_TERMS, order, after)]
    after_where = where if after == "start" else [*where, order.after]
    terms = conditions & _FOUND_BY_TERMS
    if sort == "relevance":
        return Statement(_by_relevance(where, after_where, terms, after))
    if terms:
        page = _found_by_terms("page", _Search(after_where, terms), order)
        return Statement(select(*_of(page, order)).order_by(*order.sorted(page.c.key, page.c.id)))
    columns = _COLUMNS if order.field else [*_COLUMNS, order.key.label("key")]
    return Statement(select(*columns).where(*after_where).order_by(*order.sorted(order.key, _todos.c.id)).limit(_MOST))


def matching(conditions: frozenset[str]) -> ColumnElement[bool]:
    """What `Filters` selects, for a change of all of it."""
    return and_(_LIVE, *(CONDITIONS[name] for name in sorted(conditions)))


SELECT_TAGS = Statement(
    text("""
        SELECT tag AS name, count(*), folded(tag) AS key FROM todos, unnest(tags) AS tag
        WHERE user_id = :of_user AND deleted_at IS NULL
            AND (folded(tag) COLLATE "C", tag COLLATE "C") > (:after_key, :after_name)
        GROUP BY tag ORDER BY folded(tag) COLLATE "C", tag COLLATE "C" LIMIT CAST(:most AS integer)
    """)
)


def _by_relevance(where: _Where, after_where: _Where, terms: frozenset[str], after: Part) -> Select[Any]:
    order = Order("relevance")
    if after == "rest":
        rest = _found_by_terms("rest", _Search(after_where, terms, but=_IN_TITLE), order)
        parts: Any = _part(rest, in_title=False)
    else:
        title = _found_by_terms("title", _Search(after_where, terms, in_title=True), order)
        missing = _count(title) < _MOST
        rest = _found_by_terms("rest", _Search(where, terms, but=_IN_TITLE, wanted=missing), order)
        parts = union_all(_part(title, in_title=True), _part(rest, in_title=False))
    found = parts.subquery()
    return (
        select(*_of(found, order), found.c.in_title)
        .order_by(found.c.in_title.desc(), *order.sorted(found.c.key, found.c.id))
        .limit(_MOST)
    )


def _part(found: CTE, *, in_title: bool) -> Select[Any]:
    return select(found, literal_column(str(in_title).lower(), Boolean).label("in_title"))


def _where(conditions: frozenset[str], order: Order, after: Part) -> ColumnElement[bool]:
    """The conditions; and for a list by due, between which of its keys they hold, so that its index is read no further.

    A position takes the place of where these begin: PostgreSQL would have to choose between the two.
    """
    held = {name: CONDITIONS[name] for name in sorted(conditions - {"trashed"})}
    ends = []
    if order.name in {"due", "-due"}:
        for name in sorted(conditions & {"due_from", "due_until", "overdue"}):
            held[name] = func.coalesce(_DUES[name], false())  # PostgreSQL is not to think that ever fewer are left
            begins_here = (name == "due_from") != order.descending
            if after == "start" or not begins_here:
                ends.append(order.from_due(name) if name == "due_from" else order.until_due(name))
            ends.append(order.has_due)
        if "overdue" in conditions:
            ends.append(_OPEN)
    return and_(_TRASHED if "trashed" in conditions else _LIVE, *held.values(), *ends)


def _found_by_terms(name: str, search: _Search, order: Order) -> CTE:
    """At most a page of the todos that a search finds, as it is told above."""
    where, passes, terms, wanted = search.where, search.passes, search.terms, search.wanted
    columns = [*_COLUMNS, order.key.label("key")]
    in_order = order.sorted(order.key, _todos.c.id)
    next_ones = (
        select(*columns, passes.label("passes")).where(*where, wanted).order_by(*in_order).limit(_NEAR).subquery()
    )
    near = select(*_all_of(next_ones)).where(next_ones.c.passes).limit(_MOST).cte(f"{name}_near")
    too_few = wanted & (_count(near) < _MOST)
    found = select(*columns, and_(*where, passes).label("passes")).where(terms, too_few).offset(0).subquery()
    few = select(*_all_of(found)).where(found.c.passes).limit(_FEW + 1).cte(f"{name}_few")
    # Nobody may think that few of them pass, and sort them all.
    far = (
        select(*columns)
        .where(*where, func.coalesce(passes, false()), too_few & (_count(few) > _FEW))
        .order_by(*in_order)
        .limit(_MOST)
        .subquery()
    )
    found_at_last = union_all(
        select(near).where(_count(near) >= _MOST), select(few).where(_count(few) <= _FEW, too_few), select(far)
    ).subquery()
    return select(found_at_last).order_by(*order.sorted(found_at_last.c.key, found_at_last.c.id)).limit(_MOST).cte(name)


def _count(rows: CTE) -> ColumnElement[int]:
    return select(func.count()).select_from(rows).scalar_subquery()


def _all_of(rows: FromClause) -> list[ColumnElement[Any]]:
    return [rows.c[name] for name in (*Todo.__struct_fields__, "key")]


def _of(rows: FromClause, order: Order) -> list[ColumnElement[Any]]:
    return [rows.c[name] for name in Todo.__struct_fields__] + ([] if order.field else [rows.c.key])
