"""Compares the todos before and after a run with the end state that a task expects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Final, Literal
from uuid import UUID

from dateutil.rrule import rrulestr

from evals.dates import Clock
from evals.state import State, TodoState
from evals.tasks import Task, TodoFields

_FIELDS: Final = (
    *("title", "description", "completed", "priority", "due", "reminder", "recurrence"),
    *("tags", "project", "parent", "trashed"),
)
_COMPARED_OCCURRENCES: Final = 30
_MAX_SHOWN_CHARACTERS: Final = 80

type Kind = Literal["unwanted change", "unwanted todo", "wrong value", "missing change", "missing todo"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference of the end state from the expected one.

    A change that the task does not allow is a wrong effect. A change that is missing is none.
    """

    kind: Kind
    text: str

    @property
    def is_wrong_effect(self) -> bool:
        return not self.kind.startswith("missing")


def find_differences(task: Task, clock: Clock, before: State, after: State) -> list[Difference]:
    """Returns all differences between the expected and the actual end state. Empty if the run is right."""
    return [
        *_compare_old_todos(task, clock, before, after),
        *_compare_new_todos(
            task, clock, [todo for todo_id, todo in after.todos.items() if todo_id not in before.todos]
        ),
        *_compare_projects(task, before, after),
    ]


def find_any_change(before: State, after: State) -> list[Difference]:
    """Returns a difference for each todo that is not exactly as before, for a user whose todos nobody may change."""
    return [
        Difference("unwanted change", _show(todo.title))
        for todo_id in before.todos.keys() | after.todos.keys()
        for todo in [after.todos.get(todo_id) or before.todos[todo_id]]
        if before.todos.get(todo_id) != after.todos.get(todo_id)
    ]


def _compare_old_todos(task: Task, clock: Clock, before: State, after: State) -> Iterator[Difference]:
    for todo_id, old in before.todos.items():
        expected = task.expected_changes.get(old.title)
        yield from _compare_old_todo(expected, clock, old, after.todos.get(todo_id))


def _compare_old_todo(
    expected: TodoFields | None, clock: Clock, old: TodoState, new: TodoState | None
) -> Iterator[Difference]:
    if new is None:
        yield Difference("unwanted change", f"{_show(old.title)} is gone")
        return
    given = expected.model_fields_set if expected else set()
    for field in _FIELDS:
        was, now = getattr(old, field), getattr(new, field)
        if expected is None or field not in given:
            if was != now:
                yield Difference("unwanted change", f"{_show(old.title)}: {field} {_show(was)} became {_show(now)}")
        elif not _is_met(expected, field, clock, new):
            kind: Kind = "missing change" if was == now else "wrong value"
            yield Difference(kind, f"{_show(old.title)}: {field} is {_show(now)}, not {_wanted(expected, field)}")


def _compare_new_todos(task: Task, clock: Clock, new_todos: Sequence[TodoState]) -> Iterator[Difference]:
    """Yields differences of new todos. Each expected one is compared with the first new todo of its title."""
    left = list(new_todos)
    for expected in task.added:
        # A todo that is right in all fields has precedence, because several may have the same title.
        titled = [todo for todo in left if _is_met(expected, "title", clock, todo)]
        titled.sort(key=lambda todo: len(_wrong_fields(expected, clock, todo)))
        if not titled:
            yield Difference("missing todo", _wanted(expected, "title"))
            continue
        left.remove(titled[0])
        for field in _wrong_fields(expected, clock, titled[0]):
            actual = f"{_show(titled[0].title)}: {field} is {_show(getattr(titled[0], field))}"
            yield Difference("wrong value", f"{actual}, not {_wanted(expected, field)}")
    for todo in left:
        yield Difference("unwanted todo", _show(todo.title))


def _wrong_fields(expected: TodoFields, clock: Clock, todo: TodoState) -> list[str]:
    return [field for field in _FIELDS if not _is_met(expected, field, clock, todo)]


def _compare_projects(task: Task, before: State, after: State) -> Iterator[Difference]:
    expected = [*before.projects, *task.new_projects]
    for name in set(after.projects) - set(expected):
        yield Difference("unwanted change", f"new project {_show(name)}")
    for name in set(before.projects) - set(after.projects):
        yield Difference("unwanted change", f"project {_show(name)} is gone")
    for name in set(task.new_projects) - set(after.projects):
        yield Difference("missing change", f"new project {_show(name)}")


def _is_met(expected: TodoFields, field: str, clock: Clock, todo: TodoState) -> bool:
    """Returns True if a todo has the expected value in a field. Capitals in titles and tags are not compared."""
    wanted, actual = getattr(expected, field), getattr(todo, field)
    match field:
        case "due" | "reminder":
            return any(clock.is_met(text, actual) for text in wanted)
        case "recurrence":
            return any(_recur_alike(text, actual, todo.due, clock) for text in wanted)
        case "tags":
            return {tag.casefold() for tag in wanted} == {tag.casefold() for tag in actual}
        case "title" | "project" | "parent":
            return any(_simplify(text) == _simplify(actual) for text in wanted)
        case "description":
            return actual in wanted
        case _:
            return bool(wanted == actual)


def _simplify(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".!")


def _recur_alike(wanted: str, actual: str, due: date | datetime | None, clock: Clock) -> bool:
    """Returns True if two recurrence rules have the same next occurrences, counted from the due date of the todo."""
    if not wanted or not actual or due is None:
        return wanted == actual
    start = due.astimezone(clock.zone).replace(tzinfo=None) if isinstance(due, datetime) else _midnight(due)
    try:
        first, second = (
            list(islice(rrulestr(rule, dtstart=start, ignoretz=True), _COMPARED_OCCURRENCES))
            for rule in (wanted, actual)
        )
    except ValueError:
        return False
    return first == second


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - dateutil compares occurrences in local time


def _wanted(expected: TodoFields, field: str) -> str:
    value = getattr(expected, field)
    return " or ".join(map(_show, value)) if isinstance(value, list) and field != "tags" else _show(value)


def _show(value: object) -> str:
    if isinstance(value, frozenset):
        value = sorted(value)
    text = str(value) if isinstance(value, date | UUID) else repr(value)
    return text if len(text) <= _MAX_SHOWN_CHARACTERS else f"{text[:_MAX_SHOWN_CHARACTERS]}..."
