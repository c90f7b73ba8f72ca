"""Tools that read todos: search, todos with their descriptions, and the overview of a day."""

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field, JsonValue

from todo_assistant.phrases.dates import UnreadableDate
from todo_assistant.tools.arguments import DayPhrase, Ids, Tags
from todo_assistant.tools.dues import read_day, start_of_day
from todo_assistant.tools.items import ArgumentRejected, run_for_each
from todo_assistant.tools.projects import find_project_id
from todo_assistant.tools.registry import Arguments, ToolContext, ToolResult
from todo_assistant.tools.views import describe_todo, describe_todos, format_due
from todo_core.text import Text
from todo_core.todos import operations
from todo_core.todos.filters import DueBound, Filters
from todo_core.todos.model import Priority
from todo_core.todos.projects import ProjectName

# Each model request of a turn repeats all earlier tool results, so lists and texts are bounded to save tokens.
_MAX_LISTED_TODOS: Final = 50
_MAX_LIST_CHARACTERS: Final = 20_000
_MAX_READ_TODOS: Final = 20
_MAX_DESCRIPTION_CHARACTERS: Final = 2_000


class SearchTodos(Arguments):
    text: Annotated[str, Text(max_length=200)] | None = Field(None, description="Words, or beginnings of words.")
    tags: Tags = Field(default_factory=list, description="The todo has all of them.")
    completed: bool | None = None
    priority: Priority | None = None
    overdue: bool = False
    due_from: DayPhrase | None = None
    due_to: DayPhrase | None = Field(None, description="That day included.")
    project: ProjectName | None = Field(None, description="Its name.")
    parent_id: UUID | None = Field(None, description="For the direct subtodos of that todo.")
    trashed: bool = Field(default=False, description="Search the trash instead.")


class ReadTodoIds(Arguments):
    ids: Annotated[Ids, Field(max_length=_MAX_READ_TODOS)]


class DayOverview(Arguments):
    day: DayPhrase | None = Field(None, description="null means today.")


async def search_todos(context: ToolContext, arguments: SearchTodos) -> ToolResult:
    """Find todos and their ids. All conditions must hold; null and empty lists do not filter."""
    try:
        filters = await _search_filters(context, arguments)
    except (UnreadableDate, ArgumentRejected) as error:
        return ToolResult.failed(str(error))
    listed, has_more = await _list_todos(context, filters)
    return ToolResult(ok=True, result={"todos": listed, "more": has_more})


async def get_todos(context: ToolContext, arguments: ReadTodoIds) -> ToolResult:
    """Read todos with their descriptions. Very long descriptions are cut."""

    async def get(todo_id: UUID) -> dict[str, JsonValue]:
        todo = await operations.get(context.db, context.user_id, todo_id)
        description = todo.description and _shorten(todo.description)
        return {"todo": await describe_todo(context, todo) | {"description": description}}

    return await run_for_each(context, arguments.ids, get)


async def day_overview(context: ToolContext, arguments: DayOverview) -> ToolResult:
    """The open todos that are due on a day, and those that were due before."""
    try:
        day = read_day(context, arguments.day) or context.today
    except UnreadableDate as error:
        return ToolResult.failed(str(error))

    start, end = start_of_day(context.timezone, day), start_of_day(context.timezone, day + timedelta(days=1))
    due, has_more_due = await _list_todos(context, Filters(completed=False, due_from=start, due_until=end))
    overdue, has_more_overdue = await _list_todos(
        context, Filters(completed=False, due_until=start_of_day(context.timezone, min(day, context.today)))
    )
    return ToolResult(
        ok=True,
        result={
            "day": format_due(day, context.timezone),
            "due": due,
            "overdue": overdue,
            "more": has_more_due or has_more_overdue,
        },
    )


async def _search_filters(context: ToolContext, arguments: SearchTodos) -> Filters:
    """Returns the filters for a search. Raises UnreadableDate, and ArgumentRejected for an unknown project."""
    first_day = read_day(context, arguments.due_from)
    return Filters(
        completed=False if arguments.overdue else arguments.completed,
        priority=arguments.priority,
        tags=arguments.tags,
        q=arguments.text or None,
        due_from=start_of_day(context.timezone, first_day) if first_day else None,
        due_until=_end_of_search(context, arguments),
        project_id=await find_project_id(context, arguments.project) if arguments.project else None,
        parent_id=arguments.parent_id,
        trashed=arguments.trashed,
        # A text search is sorted by the user's own order, not by relevance: "the first" then means the same todo to
        # model and user.
        sort="order" if arguments.text else None,
    )


def _end_of_search(context: ToolContext, arguments: SearchTodos) -> DueBound | None:
    """Returns the bound before which the todos of a search are due, or None. Raises UnreadableDate.

    The bound is the end of the day `due_to`. In a search for overdue todos it is now, if now is earlier.
    """
    last_day = read_day(context, arguments.due_to)
    ends = [start_of_day(context.timezone, last_day + timedelta(days=1))] if last_day else []
    if arguments.overdue:
        ends.append(DueBound(context.now, context.today))
    return min(ends, key=lambda end: end.at, default=None)


async def _list_todos(context: ToolContext, filters: Filters) -> tuple[list[JsonValue], bool]:
    """Returns the first todos that meet the filters, as JSON for a model, and whether more todos meet them.

    The list ends after 50 todos, or after the todo with which it exceeds 20,000 characters.
    """
    page = await operations.find(context.db, context.user_id, filters, limit=_MAX_LISTED_TODOS)
    listed: list[JsonValue] = []
    characters_left = _MAX_LIST_CHARACTERS
    for todo in await describe_todos(context, page.todos):
        listed.append(todo)
        characters_left -= len(str(todo))
        if characters_left < 0:
            break
    return listed, page.next is not None or len(page.todos) > len(listed)


def _shorten(description: str) -> str:
    if len(description) <= _MAX_DESCRIPTION_CHARACTERS:
        return description
    return f"{description[:_MAX_DESCRIPTION_CHARACTERS]} …"
