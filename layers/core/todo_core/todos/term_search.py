"""The SQL of searches for tags and words.

Each sort has an index, but tags and words share one GIN index, which has no order. Sorting all matches would cost more
with every todo. A search therefore has three steps in one statement, each run only if the page is not yet full:

1. Filter the next 400 todos of the sorted list.
2. Read all matches from the GIN index and sort them, if there are at most 2,000.
3. Filter the sorted list until the page is full or the list ends.

See docs/decisions/0011-lists.md.
"""

from dataclasses import dataclass
from typing import Final

from todo_core.schema.sort_keys import TERMS
from todo_core.todos.columns import COLUMNS
from todo_core.todos.conditions import CONDITIONS, WORDS_ANYWHERE, WORDS_IN_TITLE
from todo_core.todos.sort_orders import SortOrder

TERM_CONDITIONS: Final = {"tags", "q"}
"""The conditions that the GIN index finds."""

_NEXT_ROWS: Final = 400
"""Todos that step 1 filters. They fill a page of 50 if one in 8 matches."""
_MAX_SORTED_ROWS: Final = 2_000
"""Matches that step 2 sorts. With more in a list of 100,000, step 3 finds 50 within about 2,500 todos."""


@dataclass(frozen=True)
class TermSearch:
    """A search for tags, words or both among the todos that meet `where`.

    `excluded` and `enabled` are SQL conditions: matches to leave out, and a reason to search at all.
    """

    where: str
    conditions: frozenset[str]
    in_title: bool = False
    excluded: str = "false"
    enabled: str = "true"

    @property
    def found_by_index(self) -> str:
        """The condition that the GIN index answers.

        Each of its terms includes the owner. The index reads only the user's own terms, and the planner does not
        prefer an index by owner.
        """
        tags = "CAST(:tags AS text[])" if "tags" in self.conditions else "'{}'::text[]"
        q = ":q" if "q" in self.conditions else "''"
        kind = "'='" if self.in_title else "'-'"
        return f"{TERMS} @@ (SELECT terms_asked(:user_id, {tags}, {q}, {kind}))"

    @property
    def matches(self) -> str:
        """The condition for a row that was read."""
        by_name = {"tags": CONDITIONS["tags"], "q": WORDS_IN_TITLE if self.in_title else WORDS_ANYWHERE}
        return f"({' AND '.join(by_name[name] for name in sorted(self.conditions))} AND NOT {self.excluded})"


def build_search(name: str, search: TermSearch, order: SortOrder) -> str:
    """Returns the CTEs of the three steps. The last one, called `name`, has at most a page of matches, sorted."""
    next_rows, by_index = f"{name}_in_next_rows", f"{name}_by_index"
    not_in_next_rows = f"({search.enabled} AND {count_rows(next_rows)} < :limit)"
    columns = f"{COLUMNS}, {order.key} AS key"
    # coalesce hides the selectivity from the planner, which would otherwise choose a sort.
    matches_without_estimate = f"coalesce({search.matches}, false)"
    return f"""
        {next_rows} AS (
            SELECT {COLUMNS}, key FROM (
                SELECT {columns}, {search.matches} AS matches FROM todos WHERE {search.where} AND {search.enabled}
                ORDER BY {order.order_by(order.key)} LIMIT {_NEXT_ROWS}
            ) AS next_rows
            WHERE matches LIMIT :limit
        ), {by_index} AS (
            SELECT {COLUMNS}, key FROM (
                SELECT {columns}, {search.where} AND {search.matches} AS matches FROM todos
                WHERE {search.found_by_index} AND {not_in_next_rows} OFFSET 0
            ) AS index_rows
            WHERE matches LIMIT {_MAX_SORTED_ROWS + 1}
        ), {name} AS (
            SELECT * FROM (
                SELECT * FROM {next_rows} WHERE {count_rows(next_rows)} >= :limit
                UNION ALL SELECT * FROM {by_index}
                    WHERE {count_rows(by_index)} <= {_MAX_SORTED_ROWS} AND {not_in_next_rows}
                UNION ALL SELECT * FROM (
                    SELECT {columns} FROM todos
                    WHERE {search.where} AND {matches_without_estimate} AND {not_in_next_rows}
                        AND {count_rows(by_index)} > {_MAX_SORTED_ROWS}
                    ORDER BY {order.order_by(order.key)} LIMIT :limit
                ) AS whole_list
            ) AS matches_of_one_step
            ORDER BY {order.order_by("key")} LIMIT :limit
        )
    """  # noqa: S608 - constants


def count_rows(cte: str) -> str:
    return f"(SELECT count(*) FROM {cte})"  # noqa: S608 - a constant
