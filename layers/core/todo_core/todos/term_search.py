"""The SQL of searches for tags and words in todos.

Each sort order has an index, but tags and words share one GIN index, which has no order. Sorting all matches would cost
more with every todo. A search is therefore one statement with three steps; later steps run only if the page is not
yet full:

1. Filter the next 400 todos of the sorted list.
2. Read the matches from the GIN index and sort them, if there are at most 2,000.
3. If there are more, filter the sorted list until the page is full or the list ends.

See docs/decisions/0011-lists.md.
"""

from typing import Final

from msgspec import Struct

from todo_core.schema.sort_keys import TERMS
from todo_core.todos.columns import COLUMNS
from todo_core.todos.conditions import CONDITIONS, WORDS_ANYWHERE, WORDS_IN_TITLE, ask_title_words
from todo_core.todos.sort_orders import SortOrder

TERM_CONDITIONS: Final = {"tags", "q", "title_words"}
"""The filters of a list whose matches the GIN index of tags and words finds."""

_NEXT_ROWS: Final = 400
"""The number of todos that the first step of a search filters. They fill a page of 50 if one in 8 matches."""
_MAX_SORTED_ROWS: Final = 2_000
"""The most matches that the second step of a search sorts.

If more of 100,000 todos match, the third step finds 50 of them within about 2,500 todos.
"""


class TermSearch(Struct, frozen=True):
    """A search for tags, words or both among the todos that meet `where`.

    `excluded` and `enabled` are SQL: matches that meet `excluded` are left out; nothing is searched unless `enabled`.
    """

    where: str
    conditions: frozenset[str]
    in_title: bool = False
    excluded: str = "false"
    enabled: str = "true"

    @property
    def found_by_index(self) -> str:
        """The SQL condition by which the GIN index finds the matches.

        Each term includes the owner: PostgreSQL reads only the user's own terms, and its planner does not prefer an
        index by owner.
        """
        queries = []
        if "title_words" in self.conditions:
            queries.append(ask_title_words("term_owner(:user_id) || '='"))
        if not self.conditions.isdisjoint({"tags", "q"}):
            tags = "CAST(:tags AS text[])" if "tags" in self.conditions else "'{}'::text[]"
            q = ":q" if "q" in self.conditions else "''"
            kind = "'='" if self.in_title else "'-'"
            queries.append(f"(SELECT terms_asked(:user_id, {tags}, {q}, {kind}))")
        return f"{TERMS} @@ ({' && '.join(queries)})"

    @property
    def matches(self) -> str:
        """The SQL condition by which a todo that was read from a table or index is a match."""
        by_name = CONDITIONS | {"q": WORDS_IN_TITLE if self.in_title else WORDS_ANYWHERE}
        return f"({' AND '.join(by_name[name] for name in sorted(self.conditions))} AND NOT {self.excluded})"


def build_search(name: str, search: TermSearch, order: SortOrder) -> str:
    """Returns the CTEs of a search. The last CTE, called `name`, has at most one page of matches, sorted."""
    next_rows, by_index = f"{name}_in_next_rows", f"{name}_by_index"
    not_in_next_rows = f"({search.enabled} AND {count_rows(next_rows)} < :limit)"
    columns = f"{COLUMNS}, {order.key} AS key"
    # coalesce hides from the planner how many todos match; otherwise it may sort all matches instead of using an index.
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
