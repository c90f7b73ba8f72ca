"""The commands into which the grammar parses the text of a user.

Dates, spans of days, reminders and recurrences in them are phrases such as `next friday`, which `phrases` parses.
"""

from dataclasses import dataclass, field
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
    reminder: str | None = None
    """The moment of the reminder, as in `remind me tomorrow at 5 to call bob`. `due` is the same phrase then."""
    title_if_no_project: str | None = None
    """The whole title, as in `milk to Work`, which counts if there is no project `Work`.

    None if `project` is certain, so that a missing project is added.
    """
    is_place_named: bool = False
    """True if the text calls `project` or `parent` one: `in project Work`. A missing one is asked about."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Todos that fit all fields. A field with its default fits every todo."""

    text: str | None = None
    """Words of the title."""
    tags: tuple[str, ...] = ()
    priority: Priority | None = None
    completed: bool | None = None
    """True selects completed todos, False open ones.

    None leaves the state to the command: Complete searches open todos, Find todos of both states.
    """
    overdue: bool = False
    due: str | None = None
    """A day, or a span of days: `friday`, `this week`, `the next 7 days`."""
    undated: bool = False
    completed_on: str | None = None
    """A day or a span of days on which the todos were completed: `yesterday`, `this week`."""
    project: str | None = None
    parent: str | None = None
    """Words of the title of the parent."""
    trashed: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """The todos that a command changes: those of a filter, of a list shown earlier, or of the conversation.

    Unless `every` is true, exactly one todo must fit `filter`; of several, the user chooses.
    """

    filter: Filter = field(default_factory=Filter)
    every: bool = False
    numbers: tuple[int, ...] = ()
    """Numbers of the list that the user saw last, counted from 1. -1 is the last one of the list, -2 the one before."""
    reference: Literal["it", "them", "both"] | None = None
    """The todo, or the todos, that the conversation touched or listed last: `it`, `that one`; `them`; `both`."""
    titles: tuple[str, ...] = ()
    """The parts of `filter.text`, if the text may name several todos: `milk, eggs and bread`. Else empty."""


@dataclass(frozen=True, slots=True)
class Add:
    todos: tuple[NewTodo, ...]
    subject: str | None = field(default=None, compare=False)
    """Words that may name an open todo which the line is about: `dentist` in `dentist friday`.

    None if the line begins with `add` or is a title without doubt.
    """


@dataclass(frozen=True, slots=True)
class Find:
    """Lists the todos of a filter.

    If `count` is true, the answer is their number. If `next_only` is true, the answer is the one that is due first.
    """

    filter: Filter = field(default_factory=Filter)
    count: bool = False
    next_only: bool = False


@dataclass(frozen=True, slots=True)
class Overview:
    """Lists the todos that are due on a day and those that are overdue. `day` is a phrase; None means today."""

    day: str | None = None


@dataclass(frozen=True, slots=True)
class Complete:
    target: Target


@dataclass(frozen=True, slots=True)
class Skip:
    """Moves recurring todos to their next occurrence without completing them."""

    target: Target


@dataclass(frozen=True, slots=True)
class Reopen:
    target: Target


@dataclass(frozen=True, slots=True)
class Reschedule:
    """Changes the due date of todos. If `due` is None, the due date is removed.

    Besides a date, `due` may be a step from the todo's own date: `2 days later`, `an hour earlier`.
    """

    target: Target
    due: str | None


@dataclass(frozen=True, slots=True)
class Repeat:
    """Changes the recurrence of todos. If `recurrence` is None, the todos no longer repeat."""

    target: Target
    recurrence: str | None


@dataclass(frozen=True, slots=True)
class Remind:
    """Sets the reminder of todos. If `when` is None, the reminder is removed.

    Besides a moment, `when` may be a step from the todo's own date: `1 hour before`.
    """

    target: Target
    when: str | None


@dataclass(frozen=True, slots=True)
class MoveTo:
    """Moves todos to a project or under a parent.

    An empty `project` moves the todos out of their project, an empty `parent` to the top level.
    If `is_certain` is false, as in `move milk to Work`, the words may be no project: a missing one is not added.
    """

    target: Target
    project: str | None = None
    parent: str | None = None
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class Update:
    """Changes the title, the priority or the tags of todos. None and the empty tuple leave a field unchanged."""

    target: Target
    title: str | None = None
    priority: Priority | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Untag:
    """Removes a tag from a todo: its only one, or one that the user chooses.

    The last word may be the tag, as in `untag milk home`: then `tag` is `home`, and `rest` are the words before.
    """

    target: Target
    tag: str | None = None
    rest: str | None = None


@dataclass(frozen=True, slots=True)
class Show:
    """Shows todos of the list or of the conversation with their descriptions."""

    target: Target


@dataclass(frozen=True, slots=True)
class Describe:
    """Adds a text to the description of a todo."""

    target: Target
    text: str


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
class RenameTag:
    """Renames a tag in all todos."""

    tag: str
    new_tag: str


@dataclass(frozen=True, slots=True)
class DeleteTag:
    """Removes a tag from all todos."""

    tag: str


@dataclass(frozen=True, slots=True)
class Undo:
    """Undoes the last `steps` turns of the conversation that changed todos and are not undone yet."""

    steps: int = 1


@dataclass(frozen=True, slots=True)
class Redo:
    """Restores the changes of the last `steps` turns that were undone."""

    steps: int = 1


@dataclass(frozen=True, slots=True)
class Help:
    """Shows the help text with examples of commands."""


@dataclass(frozen=True, slots=True)
class Talk:
    """Words that change no todo. `no` also stands for a command that is negated: `don't delete milk`."""

    kind: Literal["greeting", "thanks", "bye", "stop", "yes", "no"]


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A command that lacks words or cannot be carried out. `answer` says so, and what to type instead.

    `options` are messages of which the user may choose one: `delete milk` after `delte milk`. Empty without a choice.
    """

    answer: str
    options: tuple[str, ...] = ()


type TargetCommand = (
    Complete | Skip | Reopen | Reschedule | Repeat | Remind | MoveTo | Update | Describe | Delete | Restore
)
"""A command that changes existing todos; its `target` describes which."""


@dataclass(frozen=True, slots=True)
class Either:
    """A text that may be a command or the title of a new todo: `finish the book`.

    If a todo fits the target of `change`, the user must choose; else `add` is carried out.
    """

    change: TargetCommand
    add: Add


@dataclass(frozen=True, slots=True)
class Unsure:
    """A text that is no certain title of a new todo: `rent is high priority`, `paid rent`, `bump rent`.

    `add` is carried out only if the user agrees. If `change` is set, the text may be this command, too.
    """

    add: Add
    subject: str = ""
    """The words that may name a todo: `rent`."""
    change: TargetCommand | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Text that is no single command: a question about other things, too long a text, or lines with some commands."""

    text: str


type Command = (
    Add
    | Find
    | Overview
    | TargetCommand
    | Untag
    | Show
    | Either
    | Unsure
    | Projects
    | NewProject
    | RenameTag
    | DeleteTag
    | Undo
    | Redo
    | Help
    | Talk
    | Incomplete
    | Unknown
)
