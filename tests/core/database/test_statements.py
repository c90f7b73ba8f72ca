"""SQL statements whose named parameters are replaced by numbered ones, which the driver requires."""

import pytest

from tests import postgres
from todo_core.database.statements import Statement, assignments

pytestmark = pytest.mark.pooler

PAIR = Statement("SELECT CAST(:second AS text) AS second, CAST(:first AS int) AS first")
SQUARE = Statement("SELECT CAST(:first AS int) * :first AS square")
NULL = Statement("SELECT CAST(:second AS text) IS NULL AS absent")


def run(server_url: str, statement: Statement, **values: object) -> dict[str, object]:
    (row,) = postgres.query(server_url, statement.sql, *statement.arguments(values))
    return dict(row)


class TestStatement:
    def test_values_are_passed_by_name(self, server_url: str) -> None:
        assert PAIR.parameters == ("second", "first")
        assert run(server_url, PAIR, first=1, second="two") == {"second": "two", "first": 1}

    def test_a_repeated_name_is_one_parameter(self, server_url: str) -> None:
        assert SQUARE.parameters == ("first",)
        assert run(server_url, SQUARE, first=7) == {"square": 49}

    def test_a_name_may_be_the_beginning_of_another_name(self) -> None:
        statement = Statement("SELECT :due, :due_at")
        assert (statement.sql, statement.parameters) == ("SELECT $1, $2", ("due", "due_at"))

    def test_a_type_cast_is_not_a_parameter(self, server_url: str) -> None:
        assert run(server_url, Statement("SELECT :first::int AS first, '1'::int AS one"), first=2) == {
            "first": 2,
            "one": 1,
        }

    def test_a_value_may_be_none(self, server_url: str) -> None:
        assert run(server_url, NULL, second=None) == {"absent": True}

    def test_a_value_never_becomes_part_of_the_sql(self, server_url: str) -> None:
        attack = "'; DROP TABLE todos; --"
        assert run(server_url, PAIR, first=1, second=attack) == {"second": attack, "first": 1}
        assert PAIR.sql.count("$") == 2

    def test_a_missing_value_raises_an_error_with_its_name(self) -> None:
        with pytest.raises(KeyError, match="first"):
            PAIR.arguments({"second": "two"})

    def test_a_value_without_a_parameter_is_ignored(self) -> None:
        assert PAIR.arguments({"first": 1, "second": "two", "third": 3}) == ["two", 1]


class TestAssignments:
    def test_each_column_gets_the_parameter_of_its_name(self) -> None:
        assert assignments({"title", "order"}) == '"order" = :order, "title" = :title'
