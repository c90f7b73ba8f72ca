"""The tools for todos, over the operations that the routes use. Each takes lists and answers per item."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, JsonValue, ValidationError

from todo_assistant import turns
from todo_assistant.dates import Due, UnreadableDate, resolve
from todo_assistant.errors import TurnInProgress, TurnNotFound, TurnUndone
from todo_assistant.tools.toolbox import Arguments, Effect, Outcome, Toolbox, ToolContext, sentence_of
from todo_core import todos
from todo_core.errors import InvalidTodo, ServiceError, TodoNotFound
from todo_core.text import Text
from todo_core.todos import DueBound, Filters, Todo, TodoCreate, TodoUpdate, changes
from todo_core.todos.model import Description, Priority, Tag, Title, without_repeats

_MOST_ITEMS: Final = 50
_MOST_FOUND: Final = 50
_MOST_READ: Final = 20
_LONGEST_LISTING: Final = 20_000
_LONGEST_DESCRIPTION: Final = 2_000
"""In characters. A model has to read all of it, in each round anew."""
_FIRST_DAY: Final = date(1, 1, 3)
_LAST_DAY: Final = date(9999, 12, 29)
"""Nearer to the ends of the calendar, a day or an instant has no counterpart in every time zone."""

TODO_TOOLS: Final = Toolbox()


Ids = Annotated[
    list[UUID],
    Field(min_length=1, max_length=_MOST_ITEMS, description="From results of tools."),
    AfterValidator(without_repeats),
]
DatePhrase = Annotated[
    str, Field(min_length=1, max_length=100, description="As the user said it: `tomorrow 5pm`, `next friday`.")
]
DayPhrase = Annotated[str, Field(min_length=1, max_length=100, description="A day as the user said it.")]
SomeTags = Annotated[list[Tag], Field(max_length=_MOST_ITEMS)]


class TodoIds(Arguments):
    ids: Ids


class ReadIds(Arguments):
    ids: Annotated[Ids, Field(max_length=_MOST_READ)]


class ChangedIds(TodoIds):
    async def effect(self, _context: ToolContext) -> Effect:
        return Effect(self.ids)


class DeletedIds(TodoIds):
    async def effect(self, _context: ToolContext) -> Effect:
        return Effect(self.ids, deletes=True)


class SearchTodos(Arguments):
    text: Annotated[str, Text(max_length=200)] | None = Field(None, description="Words, or beginnings of words.")
    tags: SomeTags = Field(default_factory=list, description="The todo has all of them.")
    completed: bool | None = None
    priority: Priority | None = None
    overdue: bool = False
    due_from: DayPhrase | None = None
    due_to: DayPhrase | None = Field(None, description="That day included.")
    trashed: bool = Field(default=False, description="Search the trash instead.")


class NewTodo(Arguments):
    title: Title
    description: Description | None = None
    due: DatePhrase | None = None
    priority: Priority | None = None
    tags: SomeTags = Field(default_factory=list)


class AddTodos(Arguments):
    todos: list[NewTodo] = Field(min_length=1, max_length=_MOST_ITEMS)


class TodoChange(Arguments):
    id: UUID = Field(description="From a result of a tool.")
    title: Title | None = Field(None, description="null keeps it, as everywhere here.")
    description: Description | None = Field(None, description="An empty text clears it.")
    priority: Priority | None = None
    add_tags: SomeTags = Field(default_factory=list)
    remove_tags: SomeTags = Field(default_factory=list)


class UpdateTodos(Arguments):
    changes: list[TodoChange] = Field(min_length=1, max_length=_MOST_ITEMS)

    async def effect(self, _context: ToolContext) -> Effect:
        return Effect([change.id for change in self.changes])


class RescheduleTodos(ChangedIds):
    due: DatePhrase | None = Field(description="null takes the date away.")


class DayOverview(Arguments):
    day: DayPhrase | None = Field(None, description="null means today.")


class LastTurn(Arguments):
    """Needs no arguments: which turn it is follows from the conversation."""

    async def effect(self, context: ToolContext) -> Effect:
        turn_id = await turns.last_to_undo(context.db, context.user_id, context.conversation_id, context.actor.turn_id)
        if turn_id is None:
            return Effect()
        state = await changes.state_of_turn(context.db, context.user_id, turn_id)
        untouched = [change for change in state if change.untouched]
        return Effect([change.todo_id for change in untouched], deletes=any(change.to_trash for change in untouched))


@TODO_TOOLS.add
async def search_todos(context: ToolContext, arguments: SearchTodos) -> Outcome:
    """Find todos and their ids. All conditions must hold; null and empty lists do not filter."""
    try:
        first = _day(context, arguments.due_from)
        last = _day(context, arguments.due_to)
    except UnreadableDate as error:
        return Outcome.failed(str(error))
    untils = [_start_of(context.timezone, last + timedelta(days=1))] if last else []
    if arguments.overdue:
        untils.append(DueBound(context.now, _today(context)))
    filters = Filters(
        completed=False if arguments.overdue else arguments.completed,
        priority=arguments.priority,
        tags=arguments.tags,
        q=arguments.text or None,
        due_from=_start_of(context.timezone, first) if first else None,
        due_until=min(untils, key=lambda until: until.at, default=None),
        trashed=arguments.trashed,
        # As the user sees the list, in which "the first" is the first.
        sort="order" if arguments.text else None,
    )
    found, more = await _list(context, filters)
    return Outcome(ok=True, result={"todos": found, "more": more})


@TODO_TOOLS.add
async def get_todos(context: ToolContext, arguments: ReadIds) -> Outcome:
    """Read todos with their descriptions, of which very long ones are cut."""

    async def get(todo_id: UUID) -> dict[str, JsonValue]:
        todo = await todos.get(context.db, context.user_id, todo_id)
        description = todo.description and _cut(todo.description)
        return {"todo": view(todo, context.timezone) | {"description": description}}

    return await _for_each(context, arguments.ids, get)


@TODO_TOOLS.add
async def add_todos(context: ToolContext, arguments: AddTodos) -> Outcome:
    """Add one or several todos. Give each date as the phrase the user said; the result names the instant it became."""

    async def add(new: NewTodo) -> dict[str, JsonValue]:
        readings = _readings(context, new.due)
        todo = await todos.add(
            context.db,
            context.actor,
            TodoCreate(
                title=new.title,
                description=new.description,
                priority=new.priority or "none",
                tags=new.tags,
                **_due_fields(readings),
            ),
        )
        return {"todo": view(todo, context.timezone)} | _others(readings, context.timezone)

    return await _for_each(context, arguments.todos, add)


@TODO_TOOLS.add
async def update_todos(context: ToolContext, arguments: UpdateTodos) -> Outcome:
    """Change title, description, priority or tags. What is null stays as it is. For dates use reschedule_todos."""

    async def update(change: TodoChange) -> dict[str, JsonValue]:
        fields = {"title": change.title, "description": change.description, "priority": change.priority}
        given: dict[str, object] = {name: value for name, value in fields.items() if value is not None}
        if change.add_tags or change.remove_tags:
            kept = (await todos.get(context.db, context.user_id, change.id)).tags
            given["tags"] = [tag for tag in [*kept, *change.add_tags] if tag not in change.remove_tags]
        if change.description == "":
            given["description"] = None
        return await _update(context, change.id, TodoUpdate.model_validate(given))

    return await _for_each(context, arguments.changes, update)


@TODO_TOOLS.add
async def complete_todos(context: ToolContext, arguments: ChangedIds) -> Outcome:
    """Mark todos as done."""
    return await _for_each(
        context, arguments.ids, lambda todo_id: _update(context, todo_id, TodoUpdate(completed=True))
    )


@TODO_TOOLS.add
async def reopen_todos(context: ToolContext, arguments: ChangedIds) -> Outcome:
    """Mark todos as not done."""
    return await _for_each(
        context, arguments.ids, lambda todo_id: _update(context, todo_id, TodoUpdate(completed=False))
    )


@TODO_TOOLS.add
async def reschedule_todos(context: ToolContext, arguments: RescheduleTodos) -> Outcome:
    """Give todos another due date, or none. Give it as the phrase the user said; the result names the instant."""
    try:
        readings = _readings(context, arguments.due)
    except UnreadableDate as error:
        return Outcome.failed(str(error))
    moved = TodoUpdate.model_validate(_due_fields(readings) or {"due_date": None, "due_at": None})

    async def move(todo_id: UUID) -> dict[str, JsonValue]:
        return await _update(context, todo_id, moved) | _others(readings, context.timezone)

    return await _for_each(context, arguments.ids, move)


@TODO_TOOLS.add
async def delete_todos(context: ToolContext, arguments: DeletedIds) -> Outcome:
    """Put todos into the trash. The user is asked first, by the service itself."""

    async def delete(todo_id: UUID) -> dict[str, JsonValue]:
        todo = await todos.get(context.db, context.user_id, todo_id)
        await todos.delete(context.db, context.actor, todo_id)
        return {"todo": view(todo, context.timezone)}

    return await _for_each(context, arguments.ids, delete)


@TODO_TOOLS.add
async def restore_todos(context: ToolContext, arguments: ChangedIds) -> Outcome:
    """Take todos out of the trash. Find them with search_todos and trashed."""

    async def restore(todo_id: UUID) -> dict[str, JsonValue]:
        return {"todo": view(await todos.restore(context.db, context.actor, todo_id), context.timezone)}

    return await _for_each(context, arguments.ids, restore)


@TODO_TOOLS.add
async def undo_last_turn(context: ToolContext, _arguments: LastTurn) -> Outcome:
    """Put back everything that the last turn of this conversation changed."""
    turn_id = await turns.last_to_undo(context.db, context.user_id, context.conversation_id, context.actor.turn_id)
    if turn_id is None:
        return Outcome.failed("No turn of this conversation has changed anything that is not undone already.")
    try:
        undone = await turns.undo(context.db, context.actor, turn_id)
    except (TurnInProgress, TurnNotFound, TurnUndone) as error:
        return Outcome.failed(error.sentence)
    return Outcome(
        ok=not undone.conflicts,
        result={
            "undone": [{"id": str(change.todo_id), "title": change.title} for change in undone.todos],
            "left_alone": [{"id": str(change.todo_id), "title": change.title} for change in undone.conflicts],
        },
    )


@TODO_TOOLS.add
async def day_overview(context: ToolContext, arguments: DayOverview) -> Outcome:
    """The open todos that are due on a day, and those that were due before."""
    try:
        day = _day(context, arguments.day) or _today(context)
    except UnreadableDate as error:
        return Outcome.failed(str(error))

    start, end = (_start_of(context.timezone, each) for each in (day, day + timedelta(days=1)))
    due, more_due = await _list(context, Filters(completed=False, due_from=start, due_until=end))
    overdue, more_overdue = await _list(
        context, Filters(completed=False, due_until=_start_of(context.timezone, min(day, _today(context))))
    )
    return Outcome(
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
    page = await todos.find(context.db, context.user_id, filters, most=_MOST_FOUND)
    shown: list[JsonValue] = []
    left = _LONGEST_LISTING
    for todo in page.todos:
        shown.append(view(todo, context.timezone))
        left -= len(str(shown[-1]))
        if left < 0:
            break
    return shown, page.next is not None or len(page.todos) > len(shown)


def view(todo: Todo, timezone: ZoneInfo) -> dict[str, JsonValue]:
    """A todo as a model sees it, with its due date in the user's zone. Its texts are data, whatever they say."""
    return {
        "id": str(todo.id),
        "title": todo.title,
        "completed": todo.completed,
        "priority": todo.priority,
        "due": _due_view(todo.due_date or todo.due_at, timezone),
        "tags": list(todo.tags),
    }


def _cut(description: str) -> str:
    cut = description[:_LONGEST_DESCRIPTION]
    return cut if cut == description else f"{cut} …"


def _due_view(due: Due | None, timezone: ZoneInfo) -> str | None:
    if isinstance(due, datetime):
        local = due.astimezone(timezone if _FIRST_DAY <= due.date() <= _LAST_DAY else UTC)
        return f"{local:%A} {local.isoformat(timespec='minutes')}"
    return f"{due:%A} {due.isoformat()}" if due else None


async def _for_each[Item](
    context: ToolContext, items: Iterable[Item], act: Callable[[Item], Awaitable[dict[str, JsonValue]]]
) -> Outcome:
    """The results in the order of the items; one that fails says why, and does not keep the others from being done."""
    results: list[JsonValue] = []
    failed = False
    for item in items:
        try:
            async with context.db.savepoint():
                results.append({"ok": True} | await act(item))
        except (TodoNotFound, InvalidTodo, UnreadableDate, ValidationError) as error:
            failed = True
            results.append({"ok": False, "error": _advice(error)})
    return Outcome(ok=not failed, result={"results": results})


def _advice(error: ServiceError | UnreadableDate | ValidationError) -> str:
    if isinstance(error, ValidationError):
        return sentence_of(error)
    if isinstance(error, TodoNotFound):
        return "There is no todo with this id (any more). Find the right id with search_todos."
    return str(error)


async def _update(context: ToolContext, todo_id: UUID, update: TodoUpdate) -> dict[str, JsonValue]:
    return {"todo": view(await todos.update(context.db, context.actor, todo_id, update), context.timezone)}


def _readings(context: ToolContext, phrase: str | None) -> Sequence[Due]:
    """Raises UnreadableDate."""
    if not phrase:
        return ()
    readings = resolve(phrase, now=context.now, timezone=context.timezone)
    days = (reading.date() if isinstance(reading, datetime) else reading for reading in readings)
    if not all(_FIRST_DAY <= day <= _LAST_DAY for day in days):
        raise UnreadableDate(phrase)
    return readings


def _due_fields(readings: Sequence[Due]) -> dict[str, Due]:
    if not readings:
        return {}
    return {"due_at" if isinstance(readings[0], datetime) else "due_date": readings[0]}


def _others(readings: Sequence[Due], timezone: ZoneInfo) -> dict[str, JsonValue]:
    others: list[JsonValue] = [_due_view(reading, timezone) for reading in readings[1:]]
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
