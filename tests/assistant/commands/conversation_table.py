"""Loads the conversations of the TOML files, and reads and writes todos in the short form of these files.

The state of a todo is a text of parts: `due +3d 16:00, reminder +3d 15:00, every FREQ=DAILY, !high, #home, /Work, under
Bake cake, done, trash, note needs milk`. `done -1d` is done yesterday. The dates are those of `evals.dates`.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from evals.dates import Clock
from tests import postgres
from tests.accounts import Account

_FILES: Final = sorted(Path(__file__).parent.glob("conversations_*.toml"))
_SELECT_TODOS: Final = """
    SELECT todos.title, todos.description, todos.completed, todos.priority, todos.due_date, todos.due_at,
        todos.reminder_at, todos.recurrence, todos.tags, projects.name AS project, parents.title AS parent,
        todos.deleted_at IS NOT NULL AS trashed
    FROM todos
    LEFT JOIN projects ON projects.id = todos.project_id
    LEFT JOIN todos parents ON parents.id = todos.parent_id
    WHERE todos.user_id = $1
"""
_SET_COMPLETION_TIME: Final = "UPDATE todos SET completed_at = $1 WHERE id = $2"
ZONE: Final = "Europe/Berlin"

type State = dict[str, frozenset[str]]
"""The parts of each todo's state, by title."""


@dataclass(frozen=True)
class Conversation:
    """Messages that a user sends in one conversation, with the todos before and after them.

    `ends` holds only the todos that change: a title with its whole new state, or with `gone`. `answer` is the beginning
    of the last answer. `asks` is the number of options of its question.
    """

    say: Sequence[str]
    start: Mapping[str, str] = field(default_factory=dict)
    ends: Mapping[str, str] = field(default_factory=dict)
    answer: str = ""
    asks: int = 0

    def expected_end(self, clock: Clock) -> State:
        """Returns the state that the todos must have after the messages."""
        state = {title: parse_state(text, clock) for title, text in self.start.items()}
        for title, text in self.ends.items():
            if text == "gone":
                del state[title]
            else:
                state[title] = parse_state(text, clock)
        return state


def load_conversations() -> Iterator[Conversation]:
    """Yields the conversations of all files. Those of a scene begin with the same todos."""
    for file in _FILES:
        for scene in tomllib.loads(file.read_text(encoding="utf-8"))["scene"]:
            for row in scene["rows"]:
                say = row["say"]
                fields = {"start": scene.get("start", {})} | row
                yield Conversation(**fields | {"say": [say] if isinstance(say, str) else say})


def parse_state(text: str, clock: Clock) -> frozenset[str]:
    """Returns the parts of a state, with dates in ISO 8601."""
    return frozenset(_resolve(part.strip(), clock) for part in text.split(",") if part.strip())


def create_todos(user: Account, todos: Mapping[str, str], clock: Clock, database_url: str) -> None:
    """Creates todos with these states through the API. A parent must precede its subtodos."""
    ids: dict[str, str] = {}
    projects: dict[str, str] = {}
    for title, text in todos.items():
        fields = _parse_fields(text, clock)
        if (project := fields.pop("project", None)) and project not in projects:
            projects[project] = user.add_project(project)["id"]
        if project:
            fields["project_id"] = projects[project]
        if parent := fields.pop("parent", None):
            fields["parent_id"] = ids[parent]
        is_trashed, completed = fields.pop("trashed", False), fields.pop("completed_at", None)
        todo = user.add(title, **fields)
        ids[title] = todo["id"]
        if completed:
            postgres.query(database_url, _SET_COMPLETION_TIME, completed, todo["id"])
        if is_trashed:
            user.delete(todo["url"])


def read_todos(user: Account, database_url: str) -> State:
    """Returns the state of all todos of the user. Fails if two have the same title."""
    rows = postgres.query(database_url, _SELECT_TODOS, user.user["id"])
    state = {row["title"]: frozenset(_describe(dict(row))) for row in rows}
    assert len(state) == len(rows), sorted(row["title"] for row in rows)
    return state


def _resolve(part: str, clock: Clock) -> str:
    kind, _, rest = part.partition(" ")
    if kind in ("due", "reminder"):
        return f"{kind} {clock.resolve(rest).isoformat()}"
    return "done" if kind == "done" else part


def _describe(row: Mapping[str, Any]) -> Iterator[str]:
    due: date | datetime | None = row["due_date"] or row["due_at"]
    parts = {
        "due {}": due and due.isoformat(),
        "reminder {}": row["reminder_at"] and row["reminder_at"].isoformat(),
        "every {}": row["recurrence"],
        "!{}": row["priority"] if row["priority"] != "none" else None,
        "/{}": row["project"],
        "under {}": row["parent"],
        "note {}": row["description"],
        "done": row["completed"],
        "trash": row["trashed"],
    }
    yield from (form.format(value) for form, value in parts.items() if value)
    yield from (f"#{tag}" for tag in row["tags"])


def _parse_fields(text: str, clock: Clock) -> dict[str, Any]:
    """Returns the fields of a todo in the API, and `parent`, `project` and `trashed`."""
    fields: dict[str, Any] = {"tags": []}
    for part in (part.strip() for part in text.split(",") if part.strip()):
        kind, _, rest = part.partition(" ")
        match kind:
            case "due":
                due = clock.resolve(rest)
                fields["due_at" if isinstance(due, datetime) else "due_date"] = due.isoformat()
            case "reminder":
                fields["reminder_at"] = clock.resolve(rest).isoformat()
            case "every":
                fields["recurrence"] = rest
            case "under":
                fields["parent"] = rest
            case "note":
                fields["description"] = rest
            case "trash":
                fields["trashed"] = True
            case "done":
                fields |= {"completed": True, "completed_at": clock.resolve(f"{rest} 12:00") if rest else None}
            case _:
                _parse_sign(part, fields)
    return fields


def _parse_sign(part: str, fields: dict[str, Any]) -> None:
    name = part[1:]
    match part[0]:
        case "#":
            fields["tags"].append(name)
        case "!":
            fields["priority"] = name
        case "/":
            fields["project"] = name
        case _:
            raise ValueError(part)
