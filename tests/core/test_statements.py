"""Statements that are written with SQLAlchemy and run by the driver itself."""

import pytest
from sqlalchemy import bindparam, literal, select
from sqlalchemy.types import Double, Integer, Text

from tests import postgres
from todo_core.statements import Statement

_FIRST = bindparam("first", type_=Integer)
_SECOND = bindparam("second", type_=Text)

PAIR = Statement(select(_SECOND.label("second"), _FIRST.label("first")))
SQUARE = Statement(select((_FIRST * _FIRST).label("square")))
SUM = Statement(select((_FIRST + literal(1000, Integer)).label("sum")))
NULL = Statement(select(_SECOND.is_(None).label("absent")))


def run(server_url: str, statement: Statement, **values: object) -> dict[str, object]:
    (row,) = postgres.query(server_url, statement.sql, *statement.arguments(values))
    return dict(row)


class TestStatement:
    def test_values_find_their_places_by_name(self, server_url: str) -> None:
        assert PAIR.parameters == ("second", "first")
        assert run(server_url, PAIR, first=1, second="two") == {"second": "two", "first": 1}

    def test_a_name_that_comes_twice_is_one_parameter(self, server_url: str) -> None:
        assert SQUARE.parameters == ("first",)
        assert run(server_url, SQUARE, first=7) == {"square": 49}

    def test_a_constant_inside_brings_its_own_value(self, server_url: str) -> None:
        assert run(server_url, SUM, first=1) == {"sum": 1001}

    def test_a_value_may_be_none(self, server_url: str) -> None:
        assert run(server_url, NULL, second=None) == {"absent": True}

    def test_a_value_is_never_part_of_the_text(self, server_url: str) -> None:
        attack = "'; DROP TABLE todos; --"
        assert run(server_url, PAIR, first=1, second=attack) == {"second": attack, "first": 1}
        assert PAIR.sql.count("$") == 2

    @pytest.mark.parametrize("statement", [PAIR, SUM], ids=["without a constant", "with a constant"])
    def test_a_missing_value_is_named(self, statement: Statement) -> None:
        with pytest.raises(KeyError, match="first"):
            statement.arguments({"second": "two"})

    def test_a_limit_is_a_parameter(self, server_url: str) -> None:
        statement = Statement(select(bindparam("number", type_=Double)).limit(bindparam("most", type_=Integer)))
        assert len(postgres.query(server_url, statement.sql, *statement.arguments({"number": 1.5, "most": 0}))) == 0
