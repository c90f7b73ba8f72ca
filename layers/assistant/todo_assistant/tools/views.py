"""Todos as a model sees them. Their texts are data, whatever they say."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from todo_assistant.phrases.descriptions import describe_rule
from todo_assistant.phrases.moments import Due
from todo_assistant.tools.registry import ToolContext
from todo_core.todos import operations, projects
from todo_core.todos.model import Todo

FIRST_DAY: Final = date(1, 1, 3)
LAST_DAY: Final = date(9999, 12, 29)
"""Nearer to the ends of the calendar, a day or an instant has no counterpart in every time zone."""


async def views(context: ToolContext, found: Sequence[Todo]) -> list[dict[str, JsonValue]]:
    """The todos with their dues in the user's zone, and the names of where they lie."""
    names = {
        project_id: (await projects.get(context.db, context.user_id, project_id)).name
        for project_id in dict.fromkeys(todo.project_id for todo in found)
        if project_id is not None
    }
    parent_ids = list(dict.fromkeys(todo.parent_id for todo in found if todo.parent_id is not None))
    parents = await operations.find_by_id(context.db, context.user_id, parent_ids) if parent_ids else []
    titles = {parent.id: parent.title for parent in parents}
    return [_view(todo, context.timezone, names, titles) for todo in found]


async def view(context: ToolContext, todo: Todo) -> dict[str, JsonValue]:
    [shown] = await views(context, [todo])
    return shown


def due_view(due: Due | None, timezone: ZoneInfo) -> str | None:
    if isinstance(due, datetime):
        local = due.astimezone(timezone if FIRST_DAY <= due.date() <= LAST_DAY else UTC)
        return f"{local:%A} {local.isoformat(timespec='minutes')}"
    return f"{due:%A} {due.isoformat()}" if due else None


def _view(
    todo: Todo, timezone: ZoneInfo, names: Mapping[UUID, str], titles: Mapping[UUID, str]
) -> dict[str, JsonValue]:
    return {
        "id": str(todo.id),
        "title": todo.title,
        "completed": todo.completed,
        "priority": todo.priority,
        "due": due_view(todo.due_date or todo.due_at, timezone),
        "reminder": due_view(todo.reminder_at, timezone),
        "recurrence": describe_rule(todo.recurrence) if todo.recurrence else None,
        "tags": list(todo.tags),
        "project": names[todo.project_id] if todo.project_id else None,
        "parent": {"id": str(todo.parent_id), "title": titles.get(todo.parent_id)} if todo.parent_id else None,
    }
