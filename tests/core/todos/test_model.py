"""What a todo is and what may be said about one, without HTTP."""

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


def written(**fields: object) -> dict[str, Any]:
    """The columns that a merge patch of these fields writes."""
    return TodoUpdate.model_validate(fields).values()


class TestCreate:
    def test_needs_a_title(self) -> None:
        assert faults(TodoCreate) == {"title": "missing"}

    def test_the_rest_has_defaults(self) -> None:
        assert dict(TodoCreate(title="Buy milk")) == {
            "title": "Buy milk",
            "description": None,
            "completed": False,
            "priority": "none",
            "due_date": None,
            "due_at": None,
            "reminder_at": None,
            "recurrence": None,
            "tags": [],
            "project_id": None,
            "parent_id": None,
            "order": None,
        }

    def test_takes_nothing_else(self) -> None:
        assert faults(TodoCreate, title="Buy milk", user_id=str(uuid4())) == {"user_id": "extra_forbidden"}

    def test_refuses_a_day_and_an_instant_at_once(self) -> None:
        assert faults(TodoCreate, title="Buy milk", due_date="2030-01-31", due_at=LATER) == {"": "two_dues"}

    def test_keeps_each_tag_once_in_the_order_given(self) -> None:
        assert TodoCreate(title="Buy milk", tags=["b", "a", "b", " a "]).tags == ["b", "a"]

    @pytest.mark.parametrize("order", [0, 1, -1.5, 2**53, -(2**53)])
    def test_takes_any_order_that_a_double_counts_to(self, order: float) -> None:
        assert TodoCreate(title="Buy milk", order=order).order == order

    @pytest.mark.parametrize("order", [2**53 + 2, -(2**53) - 2, float("nan"), float("inf"), "1", True])
    def test_takes_no_other_order(self, order: object) -> None:
        assert list(faults(TodoCreate, title="Buy milk", order=order)) == ["order"]


class TestUpdate:
    def test_of_nothing_writes_nothing(self) -> None:
        assert written() == {}

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
    def test_writes_what_is_given_alone(self, field: str, value: object) -> None:
        assert written(**{field: value}) == {field: value}

    @pytest.mark.parametrize(
        ("field", "cleared"),
        [("description", None), ("priority", "none"), ("tags", []), ("due_date", None), ("due_at", None)],
    )
    def test_null_writes_the_default(self, field: str, cleared: object) -> None:
        assert written(**{field: None}) == {field: cleared}

    @pytest.mark.parametrize("field", ["title", "completed", "order"])
    def test_null_is_refused_where_there_is_no_default(self, field: str) -> None:
        assert list(faults(TodoUpdate, **{field: None})) == [field]

    def test_a_day_clears_the_instant(self) -> None:
        assert written(due_date="2030-01-31") == {"due_date": date(2030, 1, 31), "due_at": None}

    def test_an_instant_clears_the_day(self) -> None:
        assert written(due_at=LATER) == {"due_date": None, "due_at": datetime(2030, 1, 31, 17, tzinfo=UTC)}

    def test_one_may_be_set_while_the_other_is_cleared(self) -> None:
        assert written(due_date=None, due_at=LATER) == written(due_at=LATER)
        assert written(due_date="2030-01-31", due_at=None) == written(due_date="2030-01-31")

    def test_both_may_be_cleared(self) -> None:
        assert written(due_date=None, due_at=None) == {"due_date": None, "due_at": None}

    def test_a_day_and_an_instant_at_once_are_refused(self) -> None:
        assert faults(TodoUpdate, due_date="2030-01-31", due_at=LATER) == {"": "two_dues"}

    def test_takes_nothing_else(self) -> None:
        assert faults(TodoUpdate, version=7) == {"version": "extra_forbidden"}

    def test_may_say_whatever_a_new_todo_may(self) -> None:
        assert set(TodoUpdate.model_fields) == set(TodoCreate.model_fields)
