"""The tools for todos, over the operations that the routes use. Each takes lists and answers per item."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, JsonValue

from todo_assistant.errors import TurnInProgress, TurnNotFound, TurnUndone
from todo_assistant.phrases.dates import UnreadableDate, parse_date
from todo_assistant.phrases.moments import Due
from todo_assistant.phrases.recurrences import parse_recurrence
from todo_assistant.tools.items import MOST_ITEMS, Unfit, for_each
from todo_assistant.tools.projects import project_id_of
from todo_assistant.tools.registry import TODO_TOOLS, Arguments, Effect, ToolContext, ToolResult
from todo_assistant.tools.views import FIRST_DAY, LAST_DAY, due_view, view, views
from todo_assistant.turns import undo
from todo_core.text import Text
from todo_core.todos import changes, operations
from todo_core.todos.filters import DueBound, Filters
from todo_core.todos.model import Description, Priority, Tag, Title, Todo, TodoCreate, TodoUpdate, without_repeats
from todo_core.todos.projects import ProjectName

_MOST_FOUND: Final = 50
_MOST_READ: Final = 20
_LONGEST_LISTING: Final = 20_000
_LONGEST_DESCRIPTION: Final = 2_000
"""In characters. A model has to read all of it, in each round anew."""

Ids = Annotated[
    list[UUID],
    Field(min_length=1, max_length=MOST_ITEMS, description="From results of tools."),
    AfterValidator(without_repeats),
]
DatePhrase = Annotated[
    str, Field(min_length=1, max_length=100, description="As the user said it: `tomorrow 5pm`, `next friday`.")
]
RecurrencePhrase = Annotated[
    str,
    Field(
        min_length=1,
        max_length=150,
        description="As the user said it: `every weekday at 9am`, `every 2nd tuesday`, `every 3 months until june`.",
    ),
]
DayPhrase = Annotated[str, Field(min_length=1, max_length=100, description="A day as the user said it.")]
SomeTags = Annotated[list[Tag], Field(max_length=MOST_ITEMS)]


class TodoIds(Arguments):
    ids: Ids


class ReadIds(Arguments):
    ids: Annotated[Ids, Field(max_length=_MOST_READ)]


class ChangedIds(TodoIds):
    async def effect(self, _context: ToolContext) -> Effect:
        return Effect(self.ids)


class CompletedIds(TodoIds):
    async def effect(self, context: ToolContext) -> Effect:
        """What is open below is completed too; below what recurs, what is completed is opened again."""
        found = await operations.find_by_id(context.db, context.user_id, self.ids)
        recurring = [todo.id for todo in found if todo.recurrence and not todo.completed]
        below = await operations.find_below(context.db, context.user_id, self.ids)
        below_recurring = await operations.find_below(context.db, context.user_id, recurring) if recurring else []
        along = [todo for todo in below if not todo.completed] + [todo for todo in below_recurring if todo.completed]
        return Effect([*self.ids, *(todo.id for todo in along if todo.deleted_at is None)])


class DeletedIds(TodoIds):
    async def effect(self, context: ToolContext) -> Effect:
        below = await operations.find_below(context.db, context.user_id, self.ids)
        return Effect([*self.ids, *_not_in_trash(below)], deletes=True)


class RestoredIds(TodoIds):
    async def effect(self, context: ToolContext) -> Effect:
        """What went into the trash together comes back together."""
        found = await operations.find_by_id(context.db, context.user_id, self.ids)
        below = await operations.find_below(context.db, context.user_id, self.ids)
        moments = {todo.deleted_at for todo in found if todo.deleted_at}
        return Effect([*self.ids, *(todo.id for todo in below if todo.deleted_at in moments)])


class SearchTodos(Arguments):
    text: Annotated[str, Text(max_length=200)] | None = Field(None, description="Words, or beginnings of words.")
    tags: SomeTags = Field(default_factory=list, description="The todo has all of them.")
    completed: bool | None = None
    priority: Priority | None = None
    overdue: bool = False
    due_from: DayPhrase | None = None
    due_to: DayPhrase | None = Field(None, description="That day included.")
    project: ProjectName | None = Field(None, description="Its name.")
    parent_id: UUID | None = Field(None, description="For the subtodos right under that todo.")
    trashed: bool = Field(default=False, description="Search the trash instead.")


class NewTodo(Arguments):
    title: Title
    description: Description | None = None
    due: DatePhrase | None = None
    recurrence: RecurrencePhrase | None = None
    reminder: DatePhrase | None = Field(
        None, description="When to remind, as the user said it, with a time of the day."
    )
    priority: Priority | None = None
    tags: SomeTags = Field(default_factory=list)
    project: ProjectName | None = Field(None, description="Its name.")
    parent_id: UUID | None = Field(None, description="The todo of which it is a subtodo, from a result of a tool.")


class AddTodos(Arguments):
    todos: list[NewTodo] = Field(min_length=1, max_length=MOST_ITEMS)


class TodoChange(Arguments):
    id: UUID = Field(description="From a result of a tool.")
    title: Title | None = Field(None, description="null keeps it, as everywhere here.")
    description: Description | None = Field(None, description="An empty text clears it.")
    priority: Priority | None = None
    add_tags: SomeTags = Field(default_factory=list)
    remove_tags: SomeTags = Field(default_factory=list)
    recurrence: Annotated[str, Field(max_length=150)] | None = Field(
        None, description="As the user said it. An empty text: it comes no more."
    )
    reminder: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="When to remind, as the user said it, with a time of the day. An empty text: no more."
    )
    project: Annotated[str, Text(max_length=200)] | None = Field(
        None, description="Its name. An empty text: in no project."
    )
    parent_id: UUID | None = Field(None, description="Moves it under that todo.")
    to_top_level: bool = Field(default=False, description="Moves it out from under its parent.")

    @property
    def moves(self) -> bool:
        return self.project is not None or self.parent_id is not None or self.to_top_level


class UpdateTodos(Arguments):
    changes: list[TodoChange] = Field(min_length=1, max_length=MOST_ITEMS)

    async def effect(self, context: ToolContext) -> Effect:
        """Subtodos lie in the project of their parent."""
        moved = [change.id for change in self.changes if change.moves]
        below = await operations.find_below(context.db, context.user_id, moved) if moved else []
        return Effect([*(change.id for change in self.changes), *_not_in_trash(below)])


class RescheduleTodos(ChangedIds):
    due: DatePhrase | None = Field(description="null takes the date away, and the recurrence with it.")


class DayOverview(Arguments):
    day: DayPhrase | None = Field(None, description="null means today.")


class LastTurn(Arguments):
    """Needs no arguments: which turn it is follows from the conversation."""

    async def effect(self, context: ToolContext) -> Effect:
        turn_id = await undo.find_last_turn_to_undo(
            context.db, context.user_id, context.conversation_id, context.actor.turn_id
        )
        if turn_id is None:
            return Effect()
        state = await changes.find_turn_changes(context.db, context.user_id, turn_id)
        untouched = [change for change in state if change.untouched]
        trashed = [change.todo_id for change in untouched if change.to_trash]
        below = await operations.find_below(context.db, context.user_id, trashed) if trashed else []
        return Effect([*(change.todo_id for change in untouched), *_not_in_trash(below)], deletes=bool(trashed))


@TODO_TOOLS.add
async def search_todos(context: ToolContext, arguments: SearchTodos) -> ToolResult:
    """Find todos and their ids. All conditions must hold; null and empty lists do not filter."""
    try:
        first = _day(context, arguments.due_from)
        last = _day(context, arguments.due_to)
        project_id = await project_id_of(context, arguments.project) if arguments.project else None
    except (UnreadableDate, Unfit) as error:
        return ToolResult.failed(str(error))
    untils = [_start_of(context.timezone, last + timedelta(days=1))] if last else []
    if arguments.overdue:
        untils.append(DueBound(context.now, _today(context)))
    filters = Filters(
        completed=False if arguments.overdue else arguments.completed,
        priority=arguments.priority,
        tags=arguments.tags,
        q=arguments.text or None,
        project_id=project_id,
        parent_id=arguments.parent_id,
        due_from=_start_of(context.timezone, first) if first else None,
        due_until=min(untils, key=lambda until: until.at, default=None),
        trashed=arguments.trashed,
        # As the user sees the list, in which "the first" is the first.
        sort="order" if arguments.text else None,
    )
    found, more = await _list(context, filters)
    return ToolResult(ok=True, result={"todos": found, "more": more})


@TODO_TOOLS.add
async def get_todos(context: ToolContext, arguments: ReadIds) -> ToolResult:
    """Read todos with their descriptions, of which very long ones are cut."""

    async def get(todo_id: UUID) -> dict[str, JsonValue]:
        todo = await operations.get(context.db, context.user_id, todo_id)
        description = todo.description and _cut(todo.description)
        return {"todo": await view(context, todo) | {"description": description}}

    return await for_each(context, arguments.ids, get)


@TODO_TOOLS.add
async def add_todos(context: ToolContext, arguments: AddTodos) -> ToolResult:
    """Add one or several todos. Give date and recurrence as the user said them; the result names what they became.

    A todo that recurs needs no date: it is due at its first occurrence, from the date on if one is given.
    """

    async def add(new: NewTodo) -> dict[str, JsonValue]:
        readings = _readings(context, new.due)
        when = _recurring(context, new.recurrence, *readings[:1]) if new.recurrence else _due_fields(readings)
        fields = {
            "title": new.title,
            "description": new.description,
            "priority": new.priority or "none",
            "tags": new.tags,
            "project_id": await project_id_of(context, new.project) if new.project else None,
            "parent_id": new.parent_id,
            "reminder_at": _reminder(context, new.reminder) if new.reminder else None,
        }
        todo = await operations.add(context.db, context.actor, TodoCreate.model_validate(fields | when))
        others = {} if new.recurrence else _others(readings, context.timezone)
        return {"todo": await view(context, todo)} | others

    return await for_each(context, arguments.todos, add)


@TODO_TOOLS.add
async def update_todos(context: ToolContext, arguments: UpdateTodos) -> ToolResult:
    """Change title, description, priority, tags, recurrence or reminder, or move todos to a project or under another.

    What is null stays as it is. For dates use reschedule_todos.
    """

    async def update(change: TodoChange) -> dict[str, JsonValue]:
        fields = {"title": change.title, "description": change.description, "priority": change.priority}
        given: dict[str, object] = {name: value for name, value in fields.items() if value is not None}
        if change.description == "":
            given["description"] = None
        if change.add_tags or change.remove_tags:
            kept = (await operations.get(context.db, context.user_id, change.id)).tags
            given["tags"] = [tag for tag in [*kept, *change.add_tags] if tag not in change.remove_tags]
        given |= await _place(context, change)
        if change.recurrence is not None:
            given |= await _repeated(context, change.id, change.recurrence)
        if change.reminder is not None:
            given["reminder_at"] = _reminder(context, change.reminder) if change.reminder else None
        return await _update(context, change.id, TodoUpdate.model_validate(given))

    return await for_each(context, arguments.changes, update)


@TODO_TOOLS.add
async def complete_todos(context: ToolContext, arguments: CompletedIds) -> ToolResult:
    """Mark todos as done. One that recurs is open again at once, and the result tells when it is due next."""

    async def complete(todo_id: UUID) -> dict[str, JsonValue]:
        done = await operations.update(context.db, context.actor, todo_id, TodoUpdate(completed=True))
        due = None if done.completed else due_view(done.due_date or done.due_at, context.timezone)
        return {"todo": await view(context, done), "next_due": due}

    return await for_each(context, arguments.ids, complete)


@TODO_TOOLS.add
async def reopen_todos(context: ToolContext, arguments: ChangedIds) -> ToolResult:
    """Mark todos as not done."""
    return await for_each(
        context, arguments.ids, lambda todo_id: _update(context, todo_id, TodoUpdate(completed=False))
    )


@TODO_TOOLS.add
async def reschedule_todos(context: ToolContext, arguments: RescheduleTodos) -> ToolResult:
    """Give todos another due date, or none. Give it as the phrase the user said; the result names the instant."""
    try:
        readings = _readings(context, arguments.due)
    except UnreadableDate as error:
        return ToolResult.failed(str(error))
    moved = TodoUpdate.model_validate(_due_fields(readings) or dict.fromkeys(("due_date", "due_at", "recurrence")))

    async def move(todo_id: UUID) -> dict[str, JsonValue]:
        return await _update(context, todo_id, moved) | _others(readings, context.timezone)

    return await for_each(context, arguments.ids, move)


@TODO_TOOLS.add
async def delete_todos(context: ToolContext, arguments: DeletedIds) -> ToolResult:
    """Put todos into the trash, with their subtodos. The user is asked first, by the service itself."""
    deleted: dict[UUID, Todo] = {}

    async def delete(todo_id: UUID) -> dict[str, JsonValue]:
        if todo_id in deleted:  # along with its parent
            return {"todo": await view(context, deleted[todo_id]), "subtodos": 0}
        todo = await operations.get(context.db, context.user_id, todo_id)
        shown = await view(context, todo)
        below = await operations.find_below(context.db, context.user_id, [todo_id])
        along = {each.id: each for each in below if each.deleted_at is None}
        await operations.delete(context.db, context.actor, todo_id)
        deleted.update({todo_id: todo} | along)
        return {"todo": shown, "subtodos": len(along)}

    return await for_each(context, arguments.ids, delete)


@TODO_TOOLS.add
async def restore_todos(context: ToolContext, arguments: RestoredIds) -> ToolResult:
    """Take todos out of the trash, with the subtodos that went with them. Find them with search_todos and trashed."""

    async def restore(todo_id: UUID) -> dict[str, JsonValue]:
        return {"todo": await view(context, await operations.restore(context.db, context.actor, todo_id))}

    return await for_each(context, arguments.ids, restore)


@TODO_TOOLS.add
async def undo_last_turn(context: ToolContext, _arguments: LastTurn) -> ToolResult:
    """Put back everything that the last turn of this conversation changed."""
    turn_id = await undo.find_last_turn_to_undo(
        context.db, context.user_id, context.conversation_id, context.actor.turn_id
    )
    if turn_id is None:
        return ToolResult.failed("No turn of this conversation has changed anything that is not undone already.")
    try:
        undone = await undo.undo_turn(context.db, context.actor, turn_id)
    except (TurnInProgress, TurnNotFound, TurnUndone) as error:
        return ToolResult.failed(error.sentence)
    return ToolResult(
        ok=not undone.conflicts,
        result={
            "undone": [{"id": str(change.todo_id), "title": change.title} for change in undone.todos],
            "left_alone": [{"id": str(change.todo_id), "title": change.title} for change in undone.conflicts],
        },
    )


@TODO_TOOLS.add
async def day_overview(context: ToolContext, arguments: DayOverview) -> ToolResult:
    """The open todos that are due on a day, and those that were due before."""
    try:
        day = _day(context, arguments.day) or _today(context)
    except UnreadableDate as error:
        return ToolResult.failed(str(error))

    start, end = (_start_of(context.timezone, each) for each in (day, day + timedelta(days=1)))
    due, more_due = await _list(context, Filters(completed=False, due_from=start, due_until=end))
    overdue, more_overdue = await _list(
        context, Filters(completed=False, due_until=_start_of(context.timezone, min(day, _today(context))))
    )
    return ToolResult(
        ok=True,
        result={
            "day": f"{day:%A} {day.isoformat()}",
            "due": due,
            "overdue": overdue,
            "more": more_due or more_overdue,
        },
    )


async def _list(context: ToolContext, filters: Filters) -> tuple[list[JsonValue], bool]:
    """As many of the todos that pass as a model should have to read, and whether there are more."""
    page = await operations.find(context.db, context.user_id, filters, limit=_MOST_FOUND)
    shown: list[JsonValue] = []
    left = _LONGEST_LISTING
    for todo in await views(context, page.todos):
        shown.append(todo)
        left -= len(str(todo))
        if left < 0:
            break
    return shown, page.next is not None or len(page.todos) > len(shown)


def _cut(description: str) -> str:
    cut = description[:_LONGEST_DESCRIPTION]
    return cut if cut == description else f"{cut} …"


async def _update(context: ToolContext, todo_id: UUID, update: TodoUpdate) -> dict[str, JsonValue]:
    return {"todo": await view(context, await operations.update(context.db, context.actor, todo_id, update))}


async def _place(context: ToolContext, change: TodoChange) -> dict[str, object]:
    """Where a change moves a todo. Raises Unfit."""
    place: dict[str, object] = {}
    if change.project is not None:
        place["project_id"] = await project_id_of(context, change.project) if change.project else None
    if change.parent_id is not None or change.to_top_level:
        place["parent_id"] = change.parent_id
    return place


async def _repeated(context: ToolContext, todo_id: UUID, phrase: str) -> dict[str, object]:
    """From the date on that the todo has, or from today if that is over. Raises UnreadableRecurrence."""
    if not phrase:
        return {"recurrence": None}
    todo = await operations.get(context.db, context.user_id, todo_id)
    due, today = todo.due_date or todo.due_at, _today(context)
    if isinstance(due, datetime):
        local = due.astimezone(context.timezone)
        start: Due | None = due if local.date() >= today else datetime.combine(today, local.time(), context.timezone)
    else:
        start = max(due, today) if due else None
    return dict(_recurring(context, phrase, *([start] if start else [])))


def _recurring(context: ToolContext, phrase: str, start: Due | None = None) -> dict[str, object]:
    """Raises UnreadableRecurrence."""
    parsed = parse_recurrence(phrase, now=context.now, timezone=context.timezone, start=start)
    return {"recurrence": parsed.rule, **_due_fields([parsed.due])}


def _not_in_trash(found: Sequence[Todo]) -> list[UUID]:
    return [todo.id for todo in found if todo.deleted_at is None]


def _readings(context: ToolContext, phrase: str | None) -> Sequence[Due]:
    """Raises UnreadableDate."""
    if not phrase:
        return ()
    readings = parse_date(phrase, now=context.now, timezone=context.timezone)
    days = (reading.date() if isinstance(reading, datetime) else reading for reading in readings)
    if not all(FIRST_DAY <= day <= LAST_DAY for day in days):
        raise UnreadableDate(phrase)
    return readings


def _reminder(context: ToolContext, phrase: str) -> datetime:
    """Raises UnreadableDate and Unfit."""
    reading = _readings(context, phrase)[0]
    if not isinstance(reading, datetime):
        raise Unfit("A reminder needs a time of the day, as in `tomorrow 9am`: ask the user for it.")
    return reading


def _due_fields(readings: Sequence[Due]) -> dict[str, Due]:
    if not readings:
        return {}
    return {"due_at" if isinstance(readings[0], datetime) else "due_date": readings[0]}


def _others(readings: Sequence[Due], timezone: ZoneInfo) -> dict[str, JsonValue]:
    others: list[JsonValue] = [due_view(reading, timezone) for reading in readings[1:]]
    return {"other_readings_of_due": others} if others else {}


def _today(context: ToolContext) -> date:
    return context.now.astimezone(context.timezone).date()


def _day(context: ToolContext, phrase: str | None) -> date | None:
    """Raises UnreadableDate."""
    if phrase is None:
        return None
    due = _readings(context, phrase)[0]
    return due.astimezone(context.timezone).date() if isinstance(due, datetime) else due


def _start_of(timezone: ZoneInfo, day: date) -> DueBound:
    return DueBound(datetime.combine(day, time(), timezone), day)
