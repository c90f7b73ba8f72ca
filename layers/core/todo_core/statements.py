"""SQL statements, written with SQLAlchemy from the tables, compiled once, run by asyncpg itself.

See docs/decisions/0002-statements.md for what this saves over running them through an AsyncSession.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.compiler import SQLCompiler

_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


class Statement:
    """One statement and the order of its parameters.

    `sql` is text with `$1`, `$2`, ...; `parameters` are the names of its `bindparam`s in that order. It is
    compiled at its first use: a start would compile many that its process never runs.
    """

    __slots__ = ("_clause", "_defaults", "parameters", "sql")

    sql: str
    parameters: tuple[str, ...]
    _defaults: dict[str, Any]

    def __init__(self, clause: ClauseElement) -> None:
        self._clause = clause

    def __getattr__(self, name: str) -> Any:
        # Asked only for what is not there yet, so it costs nothing later.
        if name not in {"sql", "parameters", "_defaults"}:
            raise AttributeError(name)
        self._compile()
        return getattr(self, name)

    def _compile(self) -> None:
        compiled = self._clause.compile(dialect=_DIALECT)
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 - DDL, the other kind, is not run here
        self.sql = compiled.string
        self.parameters = tuple(compiled.positiontup or ())
        # Constants inside the statement (a LIMIT, a default) are parameters too, with values of their own.
        self._defaults = {name: v for name, v in compiled.params.items() if v is not None}

    def arguments(self, values: Mapping[str, object]) -> list[object]:
        """The values in the order of the parameters. Raises KeyError for one that is missing."""
        if self._defaults:
            values = {**self._defaults, **values}
        return [values[name] for name in self.parameters]
