"""Tools that read todos: search, counts, todos with their descriptions, and the overview of a day."""

from collections.abc import Sequence
from copy import replace
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, JsonValue

from todo_assistant.tools.arguments import DayPhrase, Ids
from todo_assistant.tools.cursors import read_cursor, write_cursor
from todo_assistant.tools.dues import read_day, start_of_day
from todo_assistant.tools.filters import TodoFilters, to_filters
from todo_assistant.tools.items import ArgumentRejected, run_for_each
from todo_assistant.tools.registry import Arguments, ToolContext, ToolResult
from todo_assistant.tools.views import describe_todo, describe_todos, format_due, name_todo
from todo_core.todos import counts, operations
from todo_core.todos.counts import CountedDay, Counts
from todo_core.todos.filters import DueBound, Filters, Position, Sort

# Each model request of a turn repeats all earlier tool results, so lists and texts are bounded to save tokens.
_MAX_DETAILED_TODOS: Final = 50
_MAX_NAMED_TODOS: Final = 200
_MAX_LIST_CHARACTERS: Final = 20_000
_MAX_READ_TODOS: Final = 20
_MAX_DESCRIPTION_CHARACTERS: Final = 2_000
_MAX_CURSOR_CHARACTERS: Final = 200
_ONE_DAY: Final = timedelta(days=1)
_SORTS: Final[dict[str, Sort]] = {"order": "order", "due": "due", "newest": "-created_at"}


class SearchTodos(TodoFilters):
    sort: Literal["order", "due", "newest"] | None = None
    limit: int = Field(
        default=_MAX_DETAILED_TODOS,
        ge=1,
        le=_MAX_NAMED_TODOS,
        description="At most 200. Above 50, todos have only id and title.",
    )
    cursor: Annotated[str, Field(max_length=_MAX_CURSOR_CHARACTERS)] | None = Field(
        None, description="`next` of the result before, for the same search."
    )


class CountTodos(TodoFilters):
    """The same conditions as those of search_todos."""


class ReadTodoIds(Arguments):
    ids: Annotated[Ids, Field(max_length=_MAX_READ_TODOS)]


@dataclass(frozen=True, slots=True)
class _Listing:
    """A page of todos as JSON for a model. `next` is the position after which the next page begins, or None."""

    todos: list[JsonValue]
    next: Position | None


class DayOverview(Arguments):
    day: DayPhrase | None = Field(None, description="null means today.")


async def search_todos(context: ToolContext, arguments: SearchTodos) -> ToolResult:
    """Find todos and their ids. All conditions must hold; null and empty lists do not filter.

    `total` counts all todos found. If there are more than listed, search again with `next` as the cursor.
    """
    try:
        filters = await to_filters(context, arguments)
        filters = replace(filters, sort=_choose_sort(arguments, filters))
        after = read_cursor(filters.sorted_by, arguments.cursor) if arguments.cursor else None
    except ArgumentRejected as error:
        return error.to_result()
    listing = await _list_todos(context, filters, arguments.limit, after)
    is_whole = after is None and listing.next is None
    counted = None if is_whole else await _count(context, filters)
    return ToolResult(
        ok=True,
        result={
            "todos": listing.todos,
            "total": counted.total if counted else len(listing.todos),
            "total_is_exact": counted is None or counted.is_exact,
            "more": listing.next is not None,
            "next": write_cursor(filters.sorted_by, listing.next) if listing.next else None,
        },
    )


async def count_todos(context: ToolContext, arguments: CountTodos) -> ToolResult:
    """Count todos, and among them the open, completed, overdue ones and those due today. Counts end at 10,000."""
    try:
        counted = await _count(context, await to_filters(context, arguments))
    except ArgumentRejected as error:
        return error.to_result()
    return ToolResult(
        ok=True,
        result={
            "total": counted.total,
            "open": counted.open,
            "completed": counted.completed,
            "overdue": counted.overdue,
            "due_today": counted.due_today,
            "exact": counted.is_exact,
        },
    )


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
    except ArgumentRejected as error:
        return error.to_result()

    start, end = start_of_day(context.timezone, day), start_of_day(context.timezone, day + _ONE_DAY)
    is_open = Filters(completed=False, timezone=context.timezone)
    due = await _list_todos(context, replace(is_open, due_from=start, due_until=end))
    overdue = await _list_todos(
        context, replace(is_open, due_until=start_of_day(context.timezone, min(day, context.today)))
    )
    return ToolResult(
        ok=True,
        result={
            "day": format_due(day, context.timezone),
            "due": due.todos,
            "overdue": overdue.todos,
            "more": due.next is not None or overdue.next is not None,
        },
    )


def _choose_sort(arguments: SearchTodos, filters: Filters) -> Sort:
    if arguments.sort is not None:
        return _SORTS[arguments.sort]
    # A text search is sorted by the user's own order, not by relevance: "the first" then means the same todo to model
    # and user.
    return "order" if arguments.text or arguments.title_words else filters.sorted_by


async def _list_todos(
    context: ToolContext, filters: Filters, limit: int = _MAX_DETAILED_TODOS, after: Position | None = None
) -> _Listing:
    """Returns a page of todos that meet the filters, as JSON for a model: with a limit above 50 only ids and titles.

    The page also ends after the todo with which it exceeds 20,000 characters.
    """
    page = await operations.find(context.db, context.user_id, filters, limit=limit, after=after)
    if limit > _MAX_DETAILED_TODOS:
        described = [name_todo(todo) for todo in page.todos]
    else:
        described = await describe_todos(context, page.todos)
    number = _count_fitting(described)
    if number < len(described):
        # Only a search for exactly these todos returns the position after them.
        page = await operations.find(context.db, context.user_id, filters, limit=number, after=after)
    return _Listing([*described[:number]], page.next)


def _count_fitting(described: Sequence[dict[str, JsonValue]]) -> int:
    """Returns the number of todos up to the one with which they exceed 20,000 characters."""
    characters_left = _MAX_LIST_CHARACTERS
    for number, todo in enumerate(described, start=1):
        characters_left -= len(str(todo))
        if characters_left < 0:
            return number
    return len(described)


async def _count(context: ToolContext, filters: Filters) -> Counts:
    day = CountedDay(
        DueBound(context.now, context.today),
        start_of_day(context.timezone, context.today),
        start_of_day(context.timezone, context.today + _ONE_DAY),
    )
    return await counts.count(context.db, context.user_id, filters, day)


def _shorten(description: str) -> str:
    if len(description) <= _MAX_DESCRIPTION_CHARACTERS:
        return description
    return f"{description[:_MAX_DESCRIPTION_CHARACTERS]} …"
