"""SQL statements with named parameters, converted once to the numbered parameters that asyncpg needs.

docs/decisions/0002-statements.md has the time that this saves compared with SQLAlchemy's AsyncSession.
docs/decisions/0016-sql.md has the reasons for writing SQL as text.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

_PARAMETER: Final = re.compile(r"(?<![:\w]):([a-z_]+)")
"""Matches a parameter such as `:name`, but not the type of a cast such as `value::text`."""


class Statement:
    """One SQL statement, written with a parameter `:name` for each value.

    The attribute `sql` has `$1`, `$2`, ... instead; `parameters` has the names in that order. The SQL text must be
    built from constants only, so that no value can inject SQL.
    """

    __slots__ = ("parameters", "sql")

    def __init__(self, sql: str, inner: "Statement | None" = None) -> None:
        """Makes a statement of SQL text. With `inner`, the text has `{inner}` where that statement is part of it."""
        first = () if inner is None else inner.parameters
        self.parameters: Final[tuple[str, ...]] = tuple(dict.fromkeys([*first, *_PARAMETER.findall(sql)]))
        numbered = {name: f"${number}" for number, name in enumerate(self.parameters, start=1)}
        numbered_sql = _PARAMETER.sub(lambda match: numbered[match[1]], sql)
        self.sql: Final[str] = numbered_sql if inner is None else numbered_sql.replace("{inner}", inner.sql)

    def arguments(self, values: Mapping[str, object]) -> list[object]:
        """Returns the values in the order of the parameters. Raises KeyError when a parameter has no value."""
        return [values[name] for name in self.parameters]


def assignments(columns: Iterable[str]) -> str:
    """Returns the assignments of a SET clause, such as `"title" = :title` for the column `title`."""
    return ", ".join(f'"{column}" = :{column}' for column in sorted(columns))
