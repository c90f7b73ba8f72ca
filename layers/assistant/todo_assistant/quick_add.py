"""Adds the todos of a text, without a turn: for a field for new todos of a front end.

The grammar of the commands reads the text. A new project is added, and words that name no open todo as the parent
belong to the title.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from todo_assistant.commands.grammar.commands import NewTodo
from todo_assistant.commands.grammar.parser import read_at
from todo_assistant.commands.grammar.understood import FieldName, Part, TooManyLines, UnderstoodTodo, understand
from todo_assistant.commands.matching import TitleMatcher
from todo_assistant.errors import TextNotUnderstood
from todo_assistant.tools.dues import due_fields, due_of, read_due, read_reminder, recurrence_fields
from todo_assistant.tools.items import ArgumentRejected
from todo_assistant.tools.projects import find_by_name, find_projects
from todo_assistant.tools.registry import ToolContext
from todo_core.actors import Actor
from todo_core.database.executor import Transaction
from todo_core.todos import changes, operations, projects
from todo_core.todos.filters import Filters
from todo_core.todos.model import Todo, TodoCreate
from todo_core.todos.project import Project
from todo_core.todos.projects import ProjectCreate
from todo_core.todos.word_forms import number_forms, split_words

_NO_CONVERSATION: Final = UUID(int=0)
_MAX_EQUAL_TITLES: Final = 2
_MAX_TODOS: Final = 100


@dataclass(frozen=True, slots=True)
class ReadText:
    """The todos of a text, and when and in which time zone it was typed."""

    todos: Sequence[UnderstoodTodo]
    now: datetime
    timezone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Draft:
    """A todo of a text before it is added. `project` is the name of its project, which may not exist yet."""

    fields: TodoCreate
    project: str | None


@dataclass(frozen=True, slots=True)
class UnderstoodPart:
    """A part of the text that was read as a field of the todo with the position `todo`, from 0.

    `start` and `end` are positions in the text, in characters (Unicode code points). `value` is that of the field.
    """

    todo: int
    field: FieldName
    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class QuickAdded:
    """The todos of a text as drafts and, unless nothing was to be added, as they were added; and what was read."""

    drafts: Sequence[Draft]
    todos: Sequence[Todo]
    understood: Sequence[UnderstoodPart]


def read_text(text: str, *, now: datetime, timezone: ZoneInfo) -> ReadText:
    """Reads the todos of a text that was typed at `now`. It may take 0.2 s, and needs no database.

    Raises TextNotUnderstood if the text has no todo or too many.
    """
    try:
        todos = understand(text, read_at(now, timezone))
    except TooManyLines:
        todos = []
    if not 1 <= len(todos) <= _MAX_TODOS:
        raise TextNotUnderstood(f"Type 1 to {_MAX_TODOS} todos, one per line. Nothing was added.")
    return ReadText(todos, now, timezone)


async def add(db: Transaction, actor: Actor, text: ReadText, *, is_dry: bool) -> QuickAdded:
    """Adds the todos of a text, or only tells what would be added.

    Raises TextNotUnderstood for a text that makes an invalid todo, and the errors of `todos.operations.add`.
    """
    context = ToolContext(db, actor, _NO_CONVERSATION, text.now, text.timezone)
    if not is_dry:
        await changes.lock_log(db, actor.user_id)
    names = _ProjectNames(context)
    drafts, todos, understood = [], [], []
    for position, each in enumerate(text.todos):
        placed = await _place(context, names, each)
        draft = _draft(context, placed.todo, placed.parent_id)
        drafts.append(draft)
        understood += [
            UnderstoodPart(position, part.field, part.start, part.end, value)
            for part in placed.parts
            if (value := _value_of(part, draft, placed.parent)) is not None
        ]
        if not is_dry:
            project_id = await names.find_or_add(draft.project) if draft.project else None
            new = draft.fields.model_copy(update={"project_id": project_id})
            todos.append(await operations.add(db, actor, new))
    return QuickAdded(drafts, todos, understood)


@dataclass(frozen=True, slots=True)
class _PlacedTodo:
    """A todo of a text whose project and parent were looked up. `parent` is the title of its parent."""

    todo: NewTodo
    parts: Sequence[Part]
    parent_id: UUID | None = None
    parent: str | None = None


class _ProjectNames:
    """The user's projects by name. Reads them once, when they are first needed."""

    def __init__(self, context: ToolContext) -> None:
        self._context = context
        self._projects: list[Project] | None = None

    async def find(self, name: str) -> Project | None:
        if self._projects is None:
            self._projects = await find_projects(self._context)
        return find_by_name(name, self._projects)

    async def find_or_add(self, name: str) -> UUID:
        found = await self.find(name)
        if found is None:
            found = await projects.add(self._context.db, self._context.actor, ProjectCreate(name=name))
            self._projects = [*(self._projects or []), found]
        return found.id


async def _place(context: ToolContext, names: _ProjectNames, read: UnderstoodTodo) -> _PlacedTodo:
    """Looks up the project and the parent. Words that name none, but may belong to the title, go back there."""
    todo, parts = read.todo, read.parts
    if todo.project:
        project = await names.find(todo.project)
        if project is not None:
            todo = replace(todo, project=project.name)
        elif todo.title_if_no_project:
            todo = replace(todo, title=todo.title_if_no_project, project=None)
            parts = [part for part in parts if part.field != "project"]
    if todo.parent is None:
        return _PlacedTodo(todo, parts)
    parent = await _find_parent(context, todo.parent)
    if parent is not None:
        return _PlacedTodo(replace(todo, project=None), parts, parent.id, parent.title)
    title = f"{todo.title} under {todo.parent}"
    return _PlacedTodo(replace(todo, title=title), [part for part in parts if part.field != "parent"])


async def _find_parent(context: ToolContext, words: str) -> Todo | None:
    """Returns the open todo with these words as its title, or None if there is none or several."""
    forms = [" ".join(number_forms(word)) for word in split_words(words)]
    filters = Filters(completed=False, title_words=forms, sort="order")
    page = await operations.find(context.db, context.user_id, filters, limit=_MAX_EQUAL_TITLES)
    matcher = TitleMatcher(words)
    equal = [todo for todo in page.todos if matcher.is_equal(todo.title)]
    return equal[0] if len(equal) == 1 else None


def _draft(context: ToolContext, todo: NewTodo, parent_id: UUID | None) -> Draft:
    try:
        fields = {
            "title": todo.title,
            "priority": todo.priority or "none",
            "tags": list(todo.tags),
            "parent_id": parent_id,
            **_read_dues(context, todo),
        }
        if todo.project:
            ProjectCreate(name=todo.project)
        return Draft(TodoCreate.model_validate(fields), todo.project)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        raise TextNotUnderstood(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}. Nothing was added.") from None
    except ArgumentRejected as error:
        raise TextNotUnderstood(str(error)) from None


def _read_dues(context: ToolContext, todo: NewTodo) -> Mapping[str, object]:
    """Returns the fields of the due date, the recurrence and the reminder."""
    readings = read_due(context, todo.due)
    start = readings[0] if readings else None
    dues = recurrence_fields(context, todo.recurrence, start) if todo.recurrence else due_fields(readings)
    if todo.reminder is None:
        return dues
    try:
        return {**dues, "reminder_at": read_reminder(context, todo.reminder, due_of(dues))}
    except ArgumentRejected:
        # A reminder needs a time of day. A day without one is the due date only.
        return dues


def _value_of(part: Part, draft: Draft, parent: str | None) -> str | None:
    """Returns the value of the field that a part stands for, or None if the todo lacks the field."""
    fields = draft.fields
    values = {
        "due": _format(fields.due_at or fields.due_date),
        "reminder": _format(fields.reminder_at),
        "recurrence": fields.recurrence,
        "priority": fields.priority,
        "tag": part.tag,
        "project": draft.project,
        "parent": parent,
    }
    return values[part.field]


def _format(due: date | None) -> str | None:
    return None if due is None else due.isoformat().replace("+00:00", "Z")
