"""The commands. Every due is a phrase as it was typed, one that `todo_assistant.dates.resolve` can read."""

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
    Add | Find | Overview | Complete | Reopen | Reschedule | Update | Delete | Restore | Undo | Help | Unknown
)
