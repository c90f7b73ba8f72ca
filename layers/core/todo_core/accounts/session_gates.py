"""SELECT statements that check the session of their request, which saves a statement.

docs/decisions/0055-requests.md has the measure.
"""

from functools import lru_cache
from typing import Final

from todo_core.accounts.sessions import SESSION_LASTS
from todo_core.accounts.user import USERS_WITH_USAGE
from todo_core.database.statements import Statement

_MAX_CACHED_STATEMENTS: Final = 128
"""Clients choose filters and sort orders, which make thousands of statements."""


@lru_cache(_MAX_CACHED_STATEMENTS)
def gate(statement: Statement) -> Statement:
    """Returns a statement that selects the same rows, or none if the session has ended.

    A gated statement also needs the values `session_id`, `user_id` and `max_lifetime`.
    """
    sql = f"SELECT * FROM ({{inner}}) AS gated WHERE EXISTS (SELECT FROM sessions WHERE {SESSION_LASTS})"  # noqa: S608
    return Statement(sql, statement)


@lru_cache(_MAX_CACHED_STATEMENTS)
def gate_list(statement: Statement) -> Statement:
    """Returns a statement that selects the same rows in the same order, or none if the session has ended.

    Each row also has the user's `timezone` and `last_seq`. If the list is empty, it is one row whose other columns are
    null.
    """
    sql = f"""
        SELECT gated.*, signed_in.* FROM (
            SELECT users.timezone, last_seq FROM sessions JOIN {USERS_WITH_USAGE} ON users.id = sessions.user_id
            WHERE {SESSION_LASTS}
        ) AS signed_in LEFT JOIN ({{inner}}) AS gated ON true
    """  # noqa: S608 - constants, as above
    return Statement(sql, statement)
