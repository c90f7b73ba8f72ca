"""Commands, as the grammar parses them.

Due dates and recurrences are phrases as typed, for `parse_date` and `parse_recurrence`.
"""

from dataclasses import dataclass
from typing import Literal

type Priority = Literal["none", "low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class NewTodo:
    """A todo to add. `priority` is None if the text names none."""

    title: str
    due: str | None = None
    tags: tuple[str, ...] = ()
    priority: Priority | None = None
    recurrence: str | None = None
    project: str | None = None
    """The name of the project."""
    parent: str | None = None
    """The title of the parent, or its first words. If no todo fits, they belong to the title: `look under bed`."""


@dataclass(frozen=True, slots=True)
class Target:
    """The todos that a command is about: those that fit all fields. More than one only with `every`."""

    text: str | None = None
    """The title, or words of it."""
    tags: tuple[str, ...] = ()
    every: bool = False
    overdue: bool = False
    completed: bool | None = None
    """The state of the todos; None leaves it to the command: Complete searches open ones."""
    number: int | None = None
    """The number, from 1, in the list that was shown last."""
    project: str | None = None


@dataclass(frozen=True, slots=True)
class Add:
    todos: tuple[NewTodo, ...]


@dataclass(frozen=True, slots=True)
class Find:
    """Lists the todos that fit all fields; None and the empty tuple do not filter."""

    text: str | None = None
    tags: tuple[str, ...] = ()
    priority: Priority | None = None
    completed: bool | None = False
    overdue: bool = False
    due: str | None = None
    trashed: bool = False
    project: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """Lists the todos that are overdue and due today."""


@dataclass(frozen=True, slots=True)
class Complete:
    target: Target


@dataclass(frozen=True, slots=True)
class Reopen:
    target: Target


@dataclass(frozen=True, slots=True)
class Reschedule:
    """Changes the due date; `due` None deletes it."""

    target: Target
    due: str | None


@dataclass(frozen=True, slots=True)
class Repeat:
    """Changes the recurrence; `recurrence` None ends it."""

    target: Target
    recurrence: str | None


@dataclass(frozen=True, slots=True)
class MoveTo:
    """Moves todos to a project or under a parent.

    An empty `project` moves them out of their project, an empty `parent` to the top level.
    """

    target: Target
    project: str | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Changes other fields; None and the empty tuple leave a field as it is."""

    target: Target
    title: str | None = None
    priority: Priority | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete:
    target: Target


@dataclass(frozen=True, slots=True)
class Restore:
    target: Target


@dataclass(frozen=True, slots=True)
class Projects:
    """Lists the projects."""


@dataclass(frozen=True, slots=True)
class NewProject:
    name: str


@dataclass(frozen=True, slots=True)
class Undo:
    """Undoes the last turn that changed todos."""


@dataclass(frozen=True, slots=True)
class Help:
    """Shows the list of commands."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Text without a command: talk, a question, or a command with missing words."""

    text: str


type Command = (
    Add
    | Find
    | Overview
    | Complete
    | Reopen
    | Reschedule
    | Repeat
    | MoveTo
    | Update
    | Delete
    | Restore
    | Projects
    | NewProject
    | Undo
    | Help
    | Unknown
)
