"""Builds hand-made todos and tasks for tests of the comparison."""

from uuid import uuid4

from evals.state import State, TodoState
from evals.tasks import Task

_EMPTY = TodoState(uuid4(), "", "", False, "none", None, None, "", frozenset(), "", "", False)  # noqa: FBT003 - a row


def todo(title: str, **fields: object) -> TodoState:
    """Returns a todo with a new id. Fields that are not given have no value."""
    return TodoState(**{**_fields(_EMPTY), "id": uuid4(), "title": title, **fields})  # type: ignore[arg-type]


def changed(old: TodoState, **fields: object) -> TodoState:
    return TodoState(**{**_fields(old), **fields})  # type: ignore[arg-type]


def state(*todos: TodoState, projects: tuple[str, ...] = ()) -> State:
    return State({each.id: each for each in todos}, list(projects))


def task(*start: object, **fields: object) -> Task:
    """Returns a task in UTC with these start todos."""
    row = {"name": "a task", "subject": "test", "zone": "UTC", "start": list(start), "turns": ["hello"], **fields}
    return Task.model_validate(row)


def _fields(old: TodoState) -> dict[str, object]:
    return {name: getattr(old, name) for name in TodoState.__slots__}
