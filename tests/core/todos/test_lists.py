"""Lists of todos: their contents and order, and the PostgreSQL indexes from which they are read."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import pytest

from tests import postgres
from tests.core.databases import add_user
from todo_core.database.byte_pages import MAX_PAGE_BYTES
from todo_core.database.executor import Transaction
from todo_core.database.statements import Statement
from todo_core.todos import due_lists, lists, operations
from todo_core.todos.filters import DueBound, Filters, ListSort
from todo_core.todos.model import Todo

COUNT = 5_000
MAX_BYTES = MAX_PAGE_BYTES
NOW = DueBound(datetime(2030, 1, 15, tzinfo=UTC), date(2030, 1, 15))
PROJECT = UUID(int=7)

# The tags make each step of a search run: filtering the first 400 todos, sorting up to 2,000 matches, reading on.
# Every second todo has `often`, and 20 have `seldom`. More than 2,000 have `late`, all behind the first 400 by `order`.
ADD_TODOS = """
    INSERT INTO todos (id, user_id, title, description, "order", tags, priority, completed, completed_at, due_date,
        due_at, project_id, created_at, updated_at, deleted_at)
    SELECT gen_random_uuid(), owner,
        CASE WHEN number % 2 = 0 THEN 'Often ' ELSE '' END || CASE WHEN number > $2::int / 2 THEN 'late ' ELSE '' END
            || CASE WHEN number % 250 = 125 THEN 'seldom ' ELSE '' END || (number * 7919 % 97),
        CASE WHEN number % 3 = 0 THEN 'often late seldom' END,
        number % 1000,
        array_remove(ARRAY[
            CASE WHEN number % 2 = 0 THEN 'often' END, CASE WHEN number % 1000 > 450 THEN 'late' END,
            CASE WHEN number % 250 = 125 THEN 'seldom' END
        ], NULL),
        (ARRAY['none', 'low', 'medium', 'high'])[1 + number % 4], number % 5 = 0,
        CASE WHEN number % 5 = 0 THEN now() END,
        CASE WHEN number % 3 = 0 THEN '2030-01-01'::date + number % 30 END,
        CASE WHEN number % 3 = 1 THEN '2030-01-01T00:00Z'::timestamptz + number % 60 * '12 hours'::interval END,
        NULL, now() - number % 700 * '1 hour'::interval, now() - number % 300 * '1 hour'::interval,
        CASE WHEN number % 11 = 0 THEN now() END
    FROM generate_series(1, $2::int) AS number, unnest($1::uuid[]) AS owner
"""
ADD_TRASH = """
    INSERT INTO todos (id, user_id, title, "order", created_at, updated_at, deleted_at)
    SELECT gen_random_uuid(), $1, 'Thrown away', number % 1000, now(), now(), now() - number * '1 minute'::interval
    FROM generate_series(1, $2::int) AS number
"""


@pytest.fixture(scope="module")
def crowded_url(server_url: str) -> Iterator[str]:
    """URL of a separate database, because todos of other tests would change PostgreSQL's table statistics."""
    with postgres.database(server_url) as url:
        yield url


@pytest.fixture(scope="module")
def ada(crowded_url: str) -> UUID:
    """Adds two users with 5,000 todos each, and a third with 5,000 todos in the trash. Returns the first user's id."""
    ada, bob, eve = (add_user(crowded_url) for _ in range(3))
    postgres.query(crowded_url, ADD_TODOS, [ada, bob], COUNT)
    postgres.query(crowded_url, ADD_TRASH, eve, COUNT)
    postgres.run(crowded_url, "VACUUM ANALYZE todos")
    return ada


def read_all_pages(url: str, owner: UUID, filters: Filters, *, limit: int) -> list[Todo]:
    """Reads a list page by page, with at most `limit` todos a page, and returns the todos of all pages."""

    async def read_on_one_connection() -> list[Todo]:
        connection = await postgres.connect(url)
        try:
            page = await operations.find(
                Transaction(connection, statement_timeout_seconds=60), owner, filters, limit=limit
            )
            found = list(page.todos)
            while page.next:
                page = await operations.find(
                    Transaction(connection, statement_timeout_seconds=60), owner, filters, limit=limit, after=page.next
                )
                assert page.todos
                found += page.todos
            return found
        finally:
            await connection.close()

    return asyncio.run(read_on_one_connection())


def scans(url: str, statement: Statement, **values: object) -> list[dict[str, Any]]:
    """Runs the statement with EXPLAIN ANALYZE. Returns the executed plan nodes that read `todos` or its index."""
    [row] = postgres.query(url, f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.sql}", *statement.arguments(values))
    found: list[dict[str, Any]] = []

    def visit(node: dict[str, Any]) -> None:
        if node["Actual Loops"]:
            found.append(node)
            for below in node.get("Plans", ()):
                visit(below)

    visit(json.loads(row[0])[0]["Plan"])
    # The number of the latest change comes from another table, whose only index is its primary key.
    return [node for node in found if node.get("Index Name", node.get("Relation Name", "")).startswith("todos")]


SORT_INDEXES = {
    "order": "todos_by_order",
    "created_at": "todos_by_created_at",
    "updated_at": "todos_by_updated_at",
    "priority": "todos_by_priority",
    "title": "todos_by_title",
}


BY_KEY = [sort for sort in get_args(ListSort) if sort not in {"due", "-due"}]
"""The sort orders whose keys do not depend on the time zone of the user."""


def due_of(todo: Todo) -> tuple[datetime, bool, date] | None:
    """Returns the place of a todo among others in UTC: an all-day todo comes before the instants of its day."""
    if todo.due_date:
        return datetime.combine(todo.due_date, datetime.min.time(), UTC), False, todo.due_date
    return (todo.due_at, True, date.min) if todo.due_at else None


KEYS: dict[str, Callable[[Todo], Any]] = {
    "order": lambda todo: todo.order,
    "created_at": lambda todo: todo.created_at,
    "updated_at": lambda todo: todo.updated_at,
    "due": due_of,
    "priority": lambda todo: ("none", "low", "medium", "high").index(todo.priority),
    "title": lambda todo: todo.title.lower(),
}
POSITIONS: dict[str, float | bytes | datetime] = {
    "order": 25.0,
    "created_at": datetime.now(UTC) - timedelta(hours=300),
    "updated_at": datetime.now(UTC) - timedelta(hours=150),
    "priority": 1,
    "title": b"late",
}


def expected(url: str, owner: UUID, sort: str, passes: Callable[[Todo], bool]) -> list[Todo]:
    """Returns the user's todos outside the trash that pass the filter, sorted by Python instead of PostgreSQL."""
    every = postgres.query(url, "SELECT id FROM todos WHERE user_id = $1 AND deleted_at IS NULL", owner)

    async def read() -> list[Todo]:
        connection = await postgres.connect(url)
        try:
            return await operations.find_by_id(
                Transaction(connection, statement_timeout_seconds=60), owner, [row["id"] for row in every]
            )
        finally:
            await connection.close()

    found = [todo for todo in asyncio.run(read()) if passes(todo)]
    key = KEYS[sort.removeprefix("-")]
    descending = sort.startswith("-")
    with_key = [todo for todo in found if key(todo) is not None]
    without = [todo for todo in found if key(todo) is None]
    in_order = sorted(with_key, key=lambda todo: (key(todo), todo.id), reverse=descending)
    return in_order + sorted(without, key=lambda todo: todo.id, reverse=descending)


def ids(found: Sequence[Todo]) -> list[UUID]:
    return [todo.id for todo in found]


class TestFilters:
    def test_no_filter_is_set_by_default(self) -> None:
        assert Filters().conditions == set()

    def test_given_filters_are_set(self) -> None:
        filters = Filters(completed=True, priority="high", tags=("home", "shop"), q="milk")
        assert filters.conditions == {"completed", "priority", "tags", "q"}

    def test_false_is_a_filter_too(self) -> None:
        assert Filters(completed=False).conditions == {"completed"}
        assert Filters(trashed=True).conditions == {"trashed"}

    def test_none_selects_an_id_that_no_project_and_no_parent_has(self) -> None:
        values = Filters(project_id="none", parent_id=PROJECT).values
        assert (values["project_id"], values["parent_id"]) == (UUID("f" * 32), PROJECT)

    @pytest.mark.parametrize(
        ("filters", "sort"),
        [
            (Filters(), "order"),
            (Filters(completed=False, tags=["home"], trashed=True), "order"),
            (Filters(due_from=NOW), "due"),
            (Filters(due_until=NOW), "due"),
            (Filters(overdue=NOW), "due"),
            (Filters(not_overdue=NOW), "order"),
            (Filters(q="milk"), "relevance"),
            (Filters(q="milk", overdue=NOW), "relevance"),
            (Filters(q="milk", overdue=NOW, sort="-title"), "-title"),
        ],
    )
    def test_filters_choose_the_default_sort_order(self, filters: Filters, sort: str) -> None:
        assert filters.sorted_by == sort


class TestSortOrders:
    @pytest.mark.parametrize("sort", get_args(ListSort))
    def test_every_todo_is_listed_once_in_order(self, crowded_url: str, ada: UUID, sort: ListSort) -> None:
        found = read_all_pages(crowded_url, ada, Filters(sort=sort), limit=200)
        assert ids(found) == ids(expected(crowded_url, ada, sort, lambda _: True))

    @pytest.mark.parametrize("sort", BY_KEY)
    @pytest.mark.parametrize("start", ["start", "after_todo"])
    @pytest.mark.parametrize("by_bytes", [False, True])
    def test_a_page_is_read_from_its_index_without_extra_rows(
        self, crowded_url: str, ada: UUID, sort: ListSort, start: lists.PageStart, *, by_bytes: bool
    ) -> None:
        name = sort.removeprefix("-")
        values = {
            "user_id": ada,
            "limit": 51,
            "max_bytes": MAX_BYTES,
            "max_row_bytes": MAX_BYTES,
            "after_key": POSITIONS[name],
            "after_id": UUID(int=0),
        }
        [scan] = scans(crowded_url, lists.select_page(frozenset(), sort, start=start, by_bytes=by_bytes), **values)
        assert scan["Index Name"] == SORT_INDEXES[name]
        assert scan["Actual Rows"] == 51
        assert scan.get("Rows Removed by Filter", 0) == 0

    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize("by_bytes", [False, True])
    @pytest.mark.parametrize(
        ("start", "read"),
        [
            ("start", {"todos_by_due_at": 51, "todos_by_due_date": 51}),
            ("after_due", {"todos_by_due_at": 51, "todos_by_due_date": 51}),
            ("after_undated", {"todos_by_due": 51}),
        ],
    )
    def test_a_page_by_due_date_reads_at_most_a_page_of_each_index(  # noqa: PLR0913 - each is a case
        self, crowded_url: str, ada: UUID, start: Any, read: dict[str, int], *, by_bytes: bool, descending: bool
    ) -> None:
        page = due_lists.select_page(frozenset(), descending=descending, start=start, by_bytes=by_bytes)
        values = {
            "user_id": ada,
            "limit": 51,
            "max_bytes": MAX_BYTES,
            "max_row_bytes": MAX_BYTES,
            "after_instant": datetime(2030, 1, 15, tzinfo=UTC),
            "after_instant_id": UUID(int=0),
            "after_day": date(2030, 1, 15),
            "after_day_id": UUID(int=0),
            "after_id": UUID(int=2**127),
        }
        found = [scan for scan in scans(crowded_url, page, **values) if scan["Actual Rows"]]
        assert {scan["Index Name"]: scan["Actual Rows"] for scan in found} == read
        assert sum(scan.get("Rows Removed by Filter", 0) for scan in found) == 0

    def test_equal_orders_are_sorted_by_id_without_the_index_too(self, crowded_url: str, ada: UUID) -> None:
        page = lists.select_page(frozenset(), "order", start="start", by_bytes=False)
        no_index = "&".join(f"enable_{scan}=off" for scan in ("indexscan", "indexonlyscan", "bitmapscan"))
        url = f"{crowded_url}{'&' if '?' in crowded_url else '?'}{no_index}"
        rows = postgres.query(
            url, page.sql, *page.arguments({"user_id": ada, "limit": lists.MAX_ROWS, "max_row_bytes": MAX_BYTES})
        )
        places = [(row["order"], row["id"]) for row in rows]
        assert len(places) == lists.MAX_ROWS
        assert places == sorted(places)


INDEXED: list[tuple[Filters, str]] = [
    (Filters(completed=True), "todos_by_order"),
    (Filters(priority="high"), "todos_by_order"),
    (Filters(project_id="none"), "todos_by_project"),
    (Filters(project_id=PROJECT), "todos_by_project"),
    (Filters(parent_id="none"), "todos_by_parent"),
    (Filters(parent_id=PROJECT), "todos_by_parent"),
    (Filters(trashed=True), "todos_in_trash"),
]


class TestIndexes:
    @pytest.mark.parametrize(("filters", "index"), INDEXED)
    def test_a_filtered_page_is_read_from_an_index_with_few_extra_rows(
        self, crowded_url: str, ada: UUID, filters: Filters, index: str
    ) -> None:
        page = lists.select_page(frozenset(filters.conditions), filters.sorted_by, start="start", by_bytes=False)
        [scan] = scans(crowded_url, page, user_id=ada, limit=51, max_row_bytes=MAX_BYTES, **filters.values)
        # PostgreSQL may read `todos_by_order` instead of the filter's own index if nearly every todo meets the filter.
        assert scan["Index Name"] in {index, "todos_by_order"}
        assert scan.get("Rows Removed by Filter", 0) <= 10

    @pytest.mark.parametrize(
        "filters",
        [
            Filters(due_from=NOW),
            Filters(due_until=NOW),
            Filters(due_until=NOW, sort="-due"),
            Filters(due_from=NOW, sort="-due"),
            Filters(overdue=NOW),
        ],
    )
    def test_a_page_with_a_bound_reads_at_most_a_page_of_each_index(
        self, crowded_url: str, ada: UUID, filters: Filters
    ) -> None:
        page = due_lists.select_page(
            frozenset(filters.conditions), descending=filters.sort == "-due", start="start", by_bytes=False
        )
        found = scans(crowded_url, page, user_id=ada, limit=51, max_row_bytes=MAX_BYTES, **filters.values)
        assert {scan["Index Name"] for scan in found} == {"todos_by_due_at", "todos_by_due_date"}
        assert all(scan["Actual Rows"] <= 51 for scan in found)
        # `completed` is in the indexes, so PostgreSQL reads no row of a todo that is done.
        assert sum(scan.get("Rows Removed by Filter", 0) for scan in found) <= 51


class TestLongTodos:
    """A page reads a long description only by the statement that bounds the bytes of the page."""

    @pytest.mark.parametrize("filters", [Filters(), Filters(sort="title"), Filters(q="often"), Filters(tags=["late"])])
    def test_a_page_leaves_out_the_descriptions_of_long_todos(
        self, crowded_url: str, ada: UUID, filters: Filters
    ) -> None:
        page = lists.select_page(frozenset(filters.conditions), filters.sorted_by, start="start", by_bytes=False)

        def read(max_row_bytes: int) -> dict[UUID, tuple[str | None, bool]]:
            values = filters.values | {"user_id": ada, "limit": 201, "max_row_bytes": max_row_bytes}
            rows = postgres.query(crowded_url, page.sql, *page.arguments(values))
            return {row["id"]: (row["description"], row["is_long"]) for row in rows}

        assert set(read(0).values()) == {(None, True)}
        assert set(read(10_000).values()) == {(None, False), ("often late seldom", False)}

    def test_a_page_is_bounded_in_bytes_only_if_a_todo_is_long(self, crowded_url: str) -> None:
        user_id = add_user(crowded_url)
        add = (
            "INSERT INTO todos (id, user_id, title, description, \"order\") VALUES (gen_random_uuid(), $1, 'A', $2, 1)"
        )

        async def count_statements() -> tuple[int, Todo]:
            connection = await postgres.connect(crowded_url)
            statements: list[str] = []
            try:
                connection.add_query_logger(lambda query: statements.append(query.query))
                db = Transaction(connection, statement_timeout_seconds=60)
                page = await operations.find(db, user_id, Filters(), limit=199)
            finally:
                await connection.close()
            return len(statements), page.todos[-1]

        postgres.query(crowded_url, add, user_id, "x" * 2000)
        assert asyncio.run(count_statements())[0] == 1
        postgres.query(crowded_url, add, user_id, "y" * 3000)
        count, todo = asyncio.run(count_statements())
        assert count == 2
        assert todo.description is not None


class TestSearches:
    """Searches by tag or words return the right todos, whichever of their three steps finds the todos."""

    @pytest.mark.parametrize("tag", ["often", "seldom", "late", "never"])
    @pytest.mark.parametrize("sort", ["order", "-due", "title"])
    def test_every_todo_with_a_tag_is_listed_once_in_order(
        self, crowded_url: str, ada: UUID, tag: str, sort: ListSort
    ) -> None:
        found = read_all_pages(crowded_url, ada, Filters(tags=[tag], sort=sort), limit=200)
        assert ids(found) == ids(expected(crowded_url, ada, sort, lambda todo: tag in todo.tags))

    @pytest.mark.parametrize("q", ["often", "seldom", "late", "never", "often late", "o"])
    @pytest.mark.parametrize("limit", [40, 200])
    def test_words_are_found_in_titles_first_and_then_elsewhere_each_newest_first(
        self, crowded_url: str, ada: UUID, q: str, limit: int
    ) -> None:
        def has(*texts: str | None) -> bool:
            words = " ".join(text or "" for text in texts).lower().split()
            return all(any(word.startswith(asked) for word in words) for asked in q.split())

        title = expected(crowded_url, ada, "-created_at", lambda todo: has(todo.title))
        anywhere = expected(crowded_url, ada, "-created_at", lambda todo: has(todo.title, todo.description))
        rest = [todo for todo in anywhere if not has(todo.title)]
        assert ids(read_all_pages(crowded_url, ada, Filters(q=q), limit=limit)) == ids([*title, *rest])

    def read(self, url: str, owner: UUID, tag: str, **after: object) -> set[str]:
        page = lists.select_page(frozenset({"tags"}), "order", start="after_todo" if after else "start", by_bytes=False)
        return {
            str(scan.get("Index Name"))
            for scan in scans(url, page, user_id=owner, limit=11, max_row_bytes=MAX_BYTES, tags=[tag], **after)
            if scan["Node Type"] != "Bitmap Heap Scan"
        }

    def test_a_frequent_tag_is_found_in_the_sorted_list(self, crowded_url: str, ada: UUID) -> None:
        assert self.read(crowded_url, ada, "often") == {"todos_by_order"}

    def test_a_rare_tag_is_found_by_the_gin_index(self, crowded_url: str, ada: UUID) -> None:
        assert self.read(crowded_url, ada, "never") == {"todos_by_order", "todos_by_terms"}

    def test_the_gin_index_reads_only_the_users_own_words(self, crowded_url: str, ada: UUID) -> None:
        page = lists.select_page(frozenset({"q"}), "relevance", start="start", by_bytes=False)
        found = scans(crowded_url, page, user_id=ada, limit=51, max_row_bytes=MAX_BYTES, q="seldom")
        [by_terms] = [scan for scan in found if scan.get("Index Name") == "todos_by_terms"][:1]
        assert by_terms["Actual Rows"] == COUNT // 250
