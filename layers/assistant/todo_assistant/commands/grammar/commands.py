"""The commands into which the grammar parses the text of a user.

Due dates and recurrences in them are phrases such as `next friday`, which `parse_date` and `parse_recurrence` parse.
"""

from dataclasses import dataclass
from typing import Literal

type Priority = Literal["none", "low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class NewTodo:
    """A todo that a command adds. `priority` is None if the text of the user names no priority."""

    title: str
    due: str | None = None
    tags: tuple[str, ...] = ()
    priority: Priority | None = None
    recurrence: str | None = None
    project: str | None = None
    """The name of the project to which the todo is added."""
    parent: str | None = None
    """The title of the parent, or the first words of that title.

    If no open todo fits, the words belong to the new todo's own title: `look under bed`.
    """


@dataclass(frozen=True, slots=True)
class Target:
    """The todos that a command changes: those that fit all fields.

    If several fit, the command changes them only if `every` is true; else the user must choose one.
    """

    text: str | None = None
    """The title of the todo, or words in the title."""
    tags: tuple[str, ...] = ()
    every: bool = False
    overdue: bool = False
    completed: bool | None = None
    """True selects completed todos, False open ones. None leaves that to the command: Complete searches open todos."""
    number: int | None = None
    """The number of the todo in the list that the user saw last, counted from 1."""
    project: str | None = None


@dataclass(frozen=True, slots=True)
class Add:
    todos: tuple[NewTodo, ...]


@dataclass(frozen=True, slots=True)
class Find:
    """Lists the todos that fit all fields. A field that is None or an empty tuple fits every todo."""

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
    """Lists the todos that are overdue, and those that are due today."""


@dataclass(frozen=True, slots=True)
class Complete:
    target: Target


@dataclass(frozen=True, slots=True)
class Reopen:
    target: Target


@dataclass(frozen=True, slots=True)
class Reschedule:
    """Changes the due date of todos. If `due` is None, the due date is removed."""

    target: Target
    due: str | None


@dataclass(frozen=True, slots=True)
class Repeat:
    """Changes the recurrence of todos. If `recurrence` is None, the todos no longer repeat."""

    target: Target
    recurrence: str | None


@dataclass(frozen=True, slots=True)
class MoveTo:
    """Moves todos to a project or under a parent.

    An empty `project` moves the todos out of their project, an empty `parent` to the top level.
    """

    target: Target
    project: str | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Changes the title, the priority or the tags of todos. None and the empty tuple leave a field unchanged."""

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
    """Undoes the last turn of the conversation that changed todos and is not undone yet."""


@dataclass(frozen=True, slots=True)
class Help:
    """Shows the help text with examples of commands."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Text that is no single command: talk, a question, a command with missing words, or too long a text.

    Lines of which only some add todos are Unknown, too.
    """

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
