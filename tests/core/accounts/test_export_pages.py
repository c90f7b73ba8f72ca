"""The pages of an export are read from indexes that begin with the owner: no rows of other users are read."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from tests import postgres
from tests.core.accounts.test_export import FILL, create_user
from todo_core.accounts import export_queries
from todo_core.schema.tables import all_tables

OTHERS = 30
LIMIT = 32
ROWS = 550
"""Rows of each user in each table, or a multiple of it."""

ADD_TODOS = """
    INSERT INTO todos (id, user_id, title, "order") SELECT gen_random_uuid(), $1, n, n FROM generate_series(1, 550) AS n
"""
LARGE_TABLES = ("todos", "change_log", "turns", "rounds", "tool_calls")
"""Tables in which a user may have any number of rows. In the others, a page may read all rows of its user."""


@pytest.fixture(scope="module")
def crowded_url(server_url: str) -> Iterator[str]:
    """URL of a separate database, because the rows of other tests would change PostgreSQL's table statistics."""
    with postgres.database(server_url) as url:
        yield url


@pytest.fixture(scope="module")
def ada(crowded_url: str) -> UUID:
    """Returns a user among 30 others who have as many rows."""
    ada, *_ = users = [create_user(crowded_url) for _ in range(OTHERS + 1)]
    for user_id in users:
        for statement in (*FILL, ADD_TODOS):
            postgres.query(crowded_url, statement, user_id)
    postgres.run(crowded_url, "VACUUM ANALYZE")
    return ada


def count_rows_read(url: str, table: str, user_id: UUID, *, from_middle: bool) -> int:
    """Returns the number of rows that a page of the export takes from tables and indexes, those filtered out included.

    The rows of nested scans count too. A page from the middle follows a row with half of the user's rows before it.
    """
    page = export_queries.build_page_statement(all_tables().tables[table], after_key=False)
    values: dict[str, Any] = {"user_id": user_id, "limit": ROWS // 2, "max_bytes": 10**9}
    if from_middle:
        *_, middle = postgres.query(url, page.sql, *page.arguments(values))
        values |= export_queries.name_last_key(all_tables().tables[table], middle)
        page = export_queries.build_page_statement(all_tables().tables[table], after_key=True)
    arguments = page.arguments(values | {"limit": LIMIT})
    [row] = postgres.query(url, f"EXPLAIN (ANALYZE, FORMAT JSON) {page.sql}", *arguments)
    return sum(_count_rows(node) for node in _list_nodes(json.loads(row[0])[0]["Plan"]) if "Scan" in node["Node Type"])


def _list_nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if node["Node Type"] != "Subquery Scan":
        yield node
    for child in node.get("Plans", ()):
        yield from _list_nodes(child)


def _count_rows(node: dict[str, Any]) -> int:
    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int(rows * node["Actual Loops"])


@pytest.mark.parametrize("plan", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("from_middle", [False, True])
class TestPages:
    @pytest.mark.parametrize("table", LARGE_TABLES)
    def test_a_page_of_a_large_table_reads_few_rows_beside_its_own(
        self, crowded_url: str, ada: UUID, table: str, plan: str, *, from_middle: bool
    ) -> None:
        url = f"{crowded_url}{'&' if '?' in crowded_url else '?'}plan_cache_mode={plan}"
        assert LIMIT <= count_rows_read(url, table, ada, from_middle=from_middle) <= 4 * LIMIT

    @pytest.mark.parametrize("table", ["conversations", "sessions", "assistant_usage"])
    def test_a_page_of_a_small_table_reads_only_rows_of_its_owner(
        self, crowded_url: str, ada: UUID, table: str, plan: str, *, from_middle: bool
    ) -> None:
        url = f"{crowded_url}{'&' if '?' in crowded_url else '?'}plan_cache_mode={plan}"
        # A bitmap scan takes each row from the index and from the table, and a sort takes it again.
        assert LIMIT <= count_rows_read(url, table, ada, from_middle=from_middle) <= 3 * ROWS + LIMIT
