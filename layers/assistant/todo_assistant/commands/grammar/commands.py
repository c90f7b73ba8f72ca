"""The commands. A due date is the phrase as typed, readable by `parse_date`; a recurrence likewise by
`parse_recurrence`.
"""

from dataclasses import dataclass
from typing import Literal

type Priority = Literal["none", "low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class NewTodo:
    """`priority` is None if none was said."""

    title: str
    due: str | None = None
    tags: tuple[str, ...] = ()
    priority: Priority | None = None
    recurrence: str | None = None
    project: str | None = None
    """Its name."""
    parent: str | None = None
    """The title, or words of it. If there is no such todo, the words were part of the title: `look under bed`."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which todos a command means: what is set must all hold. Only with `every` is more than one todo meant."""

    text: str | None = None
    """The title, or words of it."""
    tags: tuple[str, ...] = ()
    every: bool = False
    overdue: bool = False
    completed: bool | None = None
    """None leaves it to the command: what is completed is open so far."""
    number: int | None = None
    """The place, from 1, in the list that was shown last."""
    project: str | None = None


@dataclass(frozen=True, slots=True)
class Add:
    todos: tuple[NewTodo, ...]


@dataclass(frozen=True, slots=True)
class Find:
    """None and the empty tuple do not filter."""

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
    """What today holds."""


@dataclass(frozen=True, slots=True)
class Complete:
    target: Target


@dataclass(frozen=True, slots=True)
class Reopen:
    target: Target


@dataclass(frozen=True, slots=True)
class Reschedule:
    """`due` None takes the due date away."""

    target: Target
    due: str | None


@dataclass(frozen=True, slots=True)
class Repeat:
    """`recurrence` None lets it come no more."""

    target: Target
    recurrence: str | None


@dataclass(frozen=True, slots=True)
class MoveTo:
    """Into a project, or under another todo. An empty name takes it out of its project, or to the top level."""

    target: Target
    project: str | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """None and the empty tuple change nothing."""

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
    """Asks which there are."""


@dataclass(frozen=True, slots=True)
class NewProject:
    name: str


@dataclass(frozen=True, slots=True)
class Undo:
    """Takes back what was done last."""


@dataclass(frozen=True, slots=True)
class Help:
    """Asks what can be said."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Talk, a question, or a command that lacks something."""

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
