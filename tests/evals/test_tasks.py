from collections import Counter

import pytest
from pydantic import ValidationError

from evals.tasks import LANGUAGES, load_tasks, select_tasks
from tests.evals.states import task

TASKS = load_tasks()


def test_there_are_enough_tasks_of_each_kind() -> None:
    languages = Counter(each.lang for each in TASKS)

    assert len(TASKS) >= 150
    assert sum(each.adversarial for each in TASKS) >= len(TASKS) / 5
    assert sum(len(each.turns) > 1 for each in TASKS) >= 30
    assert all(languages[language] >= 2 for language in LANGUAGES)


def test_each_task_has_its_own_name() -> None:
    assert [name for name, count in Counter(each.name for each in TASKS).items() if count > 1] == []


def test_a_task_that_expects_no_change_is_not_the_rule() -> None:
    idle = [each for each in TASKS if not (each.added or each.changed or each.new_projects)]

    assert len(idle) < len(TASKS) / 2


@pytest.mark.parametrize(
    ("start", "fields"),
    [
        (["Buy milk"], {"changed": {"Buy bread": {"completed": True}}}),
        (["Buy milk", "Buy milk"], {}),
        ([{"title": "Buy milk", "due": "tomorrow"}], {}),
        ([{"title": "Buy milk", "color": "red"}], {}),
        (["Buy milk"], {"changed": {"Buy milk": {"due": "+3"}}}),
        ([], {"added": [{"due": "+3d"}]}),
        ([], {"turns": []}),
        ([], {"turns": ["delete {other}"]}),
        ([], {"lang": "xx"}),
    ],
)
def test_a_malformed_task_is_refused(start: list[object], fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        task(*start, **fields)


def test_a_numbered_todo_stands_for_several() -> None:
    numbered = task({"title": "Chore {n}", "count": 2}, changed={"Chore {n}": {"completed": True}})

    assert list(numbered.expected_changes) == ["Chore 1", "Chore 2"]


def test_tasks_are_selected_by_subject_language_or_name() -> None:
    assert {each.subject for each in select_tasks(TASKS, "moving", 99)} == {"moving"}
    assert {each.lang for each in select_tasks(TASKS, "hi", 99)} == {"hi"}
    assert [each.name for each in select_tasks(TASKS, "*snoozing*", 99)] == ["snoozing until tomorrow"]
    assert select_tasks(TASKS, "nothing", 3) == []


def test_fewer_tasks_are_spread_over_the_subjects() -> None:
    selected = select_tasks(TASKS, "*", 40)

    assert len(selected) == 40
    assert {each.subject for each in selected} == {each.subject for each in TASKS}
