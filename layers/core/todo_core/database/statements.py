"""SQL statements with named parameters, in the form in which asyncpg runs them.

See docs/decisions/0002-statements.md for what this saves over running them through an AsyncSession, and
docs/decisions/0016-sql.md for why they are not made by SQLAlchemy.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

_PARAMETER: Final = re.compile(r"(?<![:\w]):([a-z_]+)")
"""`:name`, but not the type in `value::text`."""


class Statement:
    """One statement, written with `:name` for each value that comes from outside.

    `sql` has `$1`, `$2`, ... in their places; `parameters` are their names in that order. The text itself is made of
    constants only.
    """

    __slots__ = ("parameters", "sql")

    def __init__(self, sql: str) -> None:
        self.parameters: Final = tuple(dict.fromkeys(_PARAMETER.findall(sql)))
        places = {name: f"${number}" for number, name in enumerate(self.parameters, start=1)}
        self.sql: Final = _PARAMETER.sub(lambda found: places[found[1]], sql)

    def arguments(self, values: Mapping[str, object]) -> list[object]:
        """The values in the order of the parameters. Raises KeyError for one that is missing."""
        return [values[name] for name in self.parameters]


def assignments(columns: Iterable[str]) -> str:
    """For SET: each column gets the parameter of its name."""
    return ", ".join(f'"{column}" = :{column}' for column in sorted(columns))
