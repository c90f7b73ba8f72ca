"""Validation of new todos and of changes to todos, and the columns that a change writes."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from todo_core.todos.model import TodoCreate, TodoUpdate

pytestmark = pytest.mark.pooler

LATER = "2030-01-31T17:00:00Z"


def faults(model: type[TodoCreate | TodoUpdate], **fields: object) -> dict[str, str]:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(fields)
    return {".".join(map(str, error["loc"])): error["type"] for error in refused.value.errors()}


def columns_of(**fields: object) -> dict[str, Any]:
    """Returns the column names and values that a merge patch with these fields writes."""
    return TodoUpdate.model_validate(fields).to_columns()


class TestCreate:
    def test_a_title_is_required(self) -> None:
        assert faults(TodoCreate) == {"title": "missing"}

    def test_other_fields_have_defaults(self) -> None:
        not_null = {"title": "Buy milk", "completed": False, "priority": "none", "recurrence_from": "due", "tags": []}
        assert dict(TodoCreate(title="Buy milk")) == dict.fromkeys(TodoCreate.model_fields) | not_null

    def test_an_unknown_field_is_refused(self) -> None:
        assert faults(TodoCreate, title="Buy milk", user_id=str(uuid4())) == {"user_id": "extra_forbidden"}

    def test_a_due_day_beside_a_due_instant_is_refused(self) -> None:
        assert faults(TodoCreate, title="Buy milk", due_date="2030-01-31", due_at=LATER) == {"": "two_dues"}

    def test_repeated_tags_are_removed(self) -> None:
        assert TodoCreate(title="Buy milk", tags=["b", "a", "b", " a "]).tags == ["b", "a"]

    @pytest.mark.parametrize("order", [0, 1, -1.5, 2**53, -(2**53)])
    def test_an_order_up_to_the_largest_exact_integer_is_accepted(self, order: float) -> None:
        assert TodoCreate(title="Buy milk", order=order).order == order

    @pytest.mark.parametrize("order", [2**53 + 2, -(2**53) - 2, float("nan"), float("inf"), "1", True])
    def test_any_other_order_is_refused(self, order: object) -> None:
        assert list(faults(TodoCreate, title="Buy milk", order=order)) == ["order"]


class TestUpdate:
    def test_an_empty_patch_writes_no_column(self) -> None:
        assert columns_of() == {}

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("title", "Buy milk"),
            ("description", "The blue one"),
            ("description", ""),
            ("completed", True),
            ("completed", False),
            ("priority", "high"),
            ("tags", ["home"]),
            ("tags", []),
            ("order", 0),
        ],
    )
    def test_only_given_fields_are_written(self, field: str, value: object) -> None:
        assert columns_of(**{field: value}) == {field: value}

    @pytest.mark.parametrize(
        ("field", "cleared"),
        [("description", None), ("priority", "none"), ("tags", []), ("due_date", None), ("due_at", None)],
    )
    def test_null_writes_the_default(self, field: str, cleared: object) -> None:
        assert columns_of(**{field: None}) == {field: cleared}

    @pytest.mark.parametrize("field", ["title", "completed", "order"])
    def test_null_is_refused_for_a_field_without_default(self, field: str) -> None:
        assert list(faults(TodoUpdate, **{field: None})) == [field]

    def test_a_due_day_clears_the_due_instant(self) -> None:
        assert columns_of(due_date="2030-01-31") == {"due_date": date(2030, 1, 31), "due_at": None}

    def test_a_due_instant_clears_the_due_day(self) -> None:
        assert columns_of(due_at=LATER) == {"due_date": None, "due_at": datetime(2030, 1, 31, 17, tzinfo=UTC)}

    def test_one_due_field_may_be_set_while_the_other_is_cleared(self) -> None:
        assert columns_of(due_date=None, due_at=LATER) == columns_of(due_at=LATER)
        assert columns_of(due_date="2030-01-31", due_at=None) == columns_of(due_date="2030-01-31")

    def test_both_due_fields_may_be_cleared(self) -> None:
        assert columns_of(due_date=None, due_at=None) == {"due_date": None, "due_at": None}

    def test_a_due_day_beside_a_due_instant_is_refused(self) -> None:
        assert faults(TodoUpdate, due_date="2030-01-31", due_at=LATER) == {"": "two_dues"}

    def test_an_unknown_field_is_refused(self) -> None:
        assert faults(TodoUpdate, version=7) == {"version": "extra_forbidden"}

    def test_a_change_has_the_fields_of_a_new_todo(self) -> None:
        assert set(TodoUpdate.model_fields) == set(TodoCreate.model_fields) - {"id"}
