"""Describes todos as JSON for a model, with times in the user's time zone and names of projects."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from todo_assistant.phrases.descriptions import describe_rule
from todo_assistant.phrases.moments import Due
from todo_assistant.phrases.written_dates import write_day
from todo_assistant.tools.registry import ToolContext
from todo_core.todos import operations, projects
from todo_core.todos.model import Todo

# `datetime` has the years 1 to 9999: days closer to these ends may overflow when converted to another time zone.
FIRST_SAFE_DAY: Final = date(1, 1, 3)
LAST_SAFE_DAY: Final = date(9999, 12, 29)


async def describe_todos(context: ToolContext, todos: Sequence[Todo]) -> list[dict[str, JsonValue]]:
    """Describes todos as JSON for a model, with the names of their projects and the titles of their parents."""
    project_ids = list(dict.fromkeys(todo.project_id for todo in todos if todo.project_id is not None))
    names = await projects.find_names(context.db, context.user_id, project_ids) if project_ids else {}
    parent_ids = list(dict.fromkeys(todo.parent_id for todo in todos if todo.parent_id is not None))
    parents = await operations.find_by_id(context.db, context.user_id, parent_ids) if parent_ids else []
    titles = {parent.id: parent.title for parent in parents}
    return [_describe(todo, context.timezone, names, titles) for todo in todos]


async def describe_todo(context: ToolContext, todo: Todo) -> dict[str, JsonValue]:
    """Describes a single todo as JSON for a model."""
    [description] = await describe_todos(context, [todo])
    return description


def name_todo(todo: Todo) -> dict[str, JsonValue]:
    """Describes a todo by its id and title only, for long lists."""
    return {"id": str(todo.id), "title": todo.title}


def format_due(due: Due | None, timezone: ZoneInfo) -> str | None:
    """Formats a due day or instant in words and in ISO 8601: `Friday 4 January 2030 (2030-01-04)`.

    An instant is in the time zone, or in UTC if too close to the calendar's ends to convert.
    """
    if isinstance(due, datetime):
        local = due.astimezone(timezone if FIRST_SAFE_DAY <= due.date() <= LAST_SAFE_DAY else UTC)
        return f"{write_day(local)} {local:%H:%M} ({local.isoformat(timespec='minutes')})"
    return f"{write_day(due)} ({due.isoformat()})" if due else None


def _describe(
    todo: Todo, timezone: ZoneInfo, project_names: Mapping[UUID, str], parent_titles: Mapping[UUID, str]
) -> dict[str, JsonValue]:
    return {
        "id": str(todo.id),
        "title": todo.title,
        "completed": todo.completed,
        "priority": todo.priority,
        "due": format_due(todo.due_date or todo.due_at, timezone),
        "reminder": format_due(todo.reminder_at, timezone),
        "recurrence": describe_rule(todo.recurrence, todo.recurrence_from) if todo.recurrence else None,
        "tags": list(todo.tags),
        "project": project_names[todo.project_id] if todo.project_id else None,
        "parent": {"id": str(todo.parent_id), "title": parent_titles.get(todo.parent_id)} if todo.parent_id else None,
    }
