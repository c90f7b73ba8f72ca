from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from evals.dates import Clock
from evals.matching import Difference, find_any_change, find_differences
from evals.state import State
from evals.tasks import Task
from tests.evals.states import changed, state, task, todo

TODAY = datetime.now(UTC).date()
MILK, BREAD = todo("Buy milk", due=TODAY), todo("Buy bread")
BEFORE = state(MILK, BREAD, projects=("Work",))


def differences(expected: Task, after: State, before: State = BEFORE) -> list[Difference]:
    return find_differences(expected, Clock.start("UTC"), before, after)


def kinds(expected: Task, after: State) -> list[str]:
    return [difference.kind for difference in differences(expected, after)]


def test_a_state_that_stays_is_right() -> None:
    assert kinds(task("Buy milk", "Buy bread"), BEFORE) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Buy oat milk"},
        {"description": "Cold"},
        {"completed": True},
        {"priority": "high"},
        {"due": None},
        {"reminder": datetime.now(UTC)},
        {"recurrence": "FREQ=DAILY"},
        {"tags": frozenset({"home"})},
        {"project": "Work"},
        {"parent": "Buy bread"},
        {"trashed": True},
    ],
)
def test_any_change_of_another_todo_is_a_wrong_effect(fields: dict[str, object]) -> None:
    expected = task("Buy milk", "Buy bread", changed={"Buy bread": {"completed": True}})
    after = state(changed(MILK, **fields), changed(BREAD, completed=True), projects=("Work",))

    (difference,) = differences(expected, after)

    assert difference.kind == "unwanted change"
    assert difference.is_wrong_effect


def test_a_missing_change_is_no_wrong_effect() -> None:
    (difference,) = differences(task("Buy milk", "Buy bread", changed={"Buy milk": {"completed": True}}), BEFORE)

    assert difference.kind == "missing change"
    assert not difference.is_wrong_effect


def test_a_change_to_another_value_is_a_wrong_effect() -> None:
    expected = task("Buy milk", "Buy bread", changed={"Buy milk": {"due": "+2d"}})
    after = state(changed(MILK, due=TODAY + timedelta(days=3)), BREAD, projects=("Work",))

    (difference,) = differences(expected, after)

    assert difference.kind == "wrong value"
    assert difference.is_wrong_effect


def test_a_todo_that_is_gone_is_a_wrong_effect() -> None:
    assert kinds(task("Buy milk", "Buy bread"), state(MILK, projects=("Work",))) == ["unwanted change"]


def test_a_new_todo_has_the_expected_fields_and_no_others() -> None:
    expected = task("Buy milk", "Buy bread", added=[{"title": ["call mum", "phone mum"], "due": ["+1d", "+2d"]}])
    right = todo("Phone  Mum.", due=TODAY + timedelta(days=2))

    assert kinds(expected, state(MILK, BREAD, right, projects=("Work",))) == []
    assert kinds(expected, state(MILK, BREAD, changed(right, priority="low"), projects=("Work",))) == ["wrong value"]
    assert kinds(expected, state(MILK, BREAD, changed(right, due=None), projects=("Work",))) == ["wrong value"]
    assert kinds(expected, BEFORE) == ["missing todo"]


def test_a_new_todo_that_nobody_asked_for_is_a_wrong_effect_even_in_the_trash() -> None:
    after = state(MILK, BREAD, todo("call mum", trashed=True), projects=("Work",))

    assert kinds(task("Buy milk", "Buy bread"), after) == ["unwanted todo"]
    assert kinds(task("Buy milk", "Buy bread", added=[{"title": "call mum", "trashed": True}]), after) == []


def test_a_second_new_todo_of_the_same_title_is_unwanted() -> None:
    expected = task("Buy milk", "Buy bread", added=["call mum"])
    twice = state(MILK, BREAD, todo("call mum", completed=True), todo("call mum"), projects=("Work",))

    assert kinds(expected, twice) == ["unwanted todo"]


def test_projects_are_compared_by_name() -> None:
    expected = task("Buy milk", "Buy bread", new_projects=["Home"])

    assert kinds(expected, state(MILK, BREAD, projects=("Work", "Home"))) == []
    assert kinds(expected, BEFORE) == ["missing change"]
    assert kinds(expected, state(MILK, BREAD, projects=("Home", "Shop"))) == ["unwanted change", "unwanted change"]


@pytest.mark.parametrize(
    ("rule", "is_alike"),
    [
        ("FREQ=WEEKLY", True),
        ("FREQ=WEEKLY;BYDAY=MO;INTERVAL=1", True),
        ("FREQ=DAILY;INTERVAL=7", True),
        ("FREQ=WEEKLY;BYDAY=TU", False),
        ("FREQ=WEEKLY;INTERVAL=2", False),
        ("FREQ=WEEKLY;COUNT=10", False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_recurrences_are_compared_by_their_occurrences(rule: str, *, is_alike: bool) -> None:
    monday = date(2026, 11, 30)
    expected = task({"title": "Gym"}, changed={"Gym": {"recurrence": "FREQ=WEEKLY;BYDAY=MO"}})
    gym = todo("Gym", due=monday)
    found = differences(expected, state(changed(gym, recurrence=rule)), state(gym))

    assert (found == []) is is_alike


def test_a_todo_of_another_user_may_not_change_at_all() -> None:
    fields: dict[str, Any] = {"completed": True}

    assert find_any_change(BEFORE, BEFORE) == []
    assert len(find_any_change(BEFORE, state(changed(MILK, **fields), BREAD))) == 1
    assert len(find_any_change(BEFORE, state(MILK))) == 1
    assert len(find_any_change(BEFORE, state(MILK, BREAD, todo("New")))) == 1
