"""The tool that moves todos to another due date."""

from datetime import datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field, JsonValue

from todo_assistant.phrases.moments import Due, local_day
from todo_assistant.tools.arguments import ChangedTodoIds, DatePhrase
from todo_assistant.tools.dues import due_fields, other_readings, read_moved_due
from todo_assistant.tools.items import ChangedTodo, change_each
from todo_assistant.tools.registry import ToolContext, ToolResult
from todo_assistant.tools.views import format_due
from todo_core.todos import operations
from todo_core.todos.errors import TodoNotFound
from todo_core.todos.model import Todo, TodoUpdate
from todo_core.todos.next_due import move_reminder


class RescheduleTodos(ChangedTodoIds):
    due: DatePhrase | None = Field(
        description="As the user said it: `dec 16`, `4pm`, `by 2 days`. null removes date and recurrence."
    )


async def reschedule_todos(context: ToolContext, arguments: RescheduleTodos) -> ToolResult:
    """Give todos another due date, or none. What the phrase does not say stays.

    `4pm` keeps the day of each todo, `dec 16` its time of day. `by 2 days` counts from its own date, or from today if
    that is over. The result has the date before as `was`, and `kept` says what stayed: `day` or `time`. A reminder
    moves with the date; a recurrence stays.
    """
    todos = {todo.id: todo for todo in await operations.find_by_id(context.db, context.user_id, arguments.ids)}

    async def reschedule(todo_id: UUID) -> ChangedTodo:
        if todo_id not in todos:
            raise TodoNotFound
        return await _reschedule(context, todos[todo_id], arguments.due)

    return await change_each(context, arguments.ids, reschedule)


async def _reschedule(context: ToolContext, todo: Todo, phrase: str | None) -> ChangedTodo:
    """Moves a todo, and its reminder, by the phrase. Without a phrase removes its due date and recurrence."""
    was = todo.due_date or todo.due_at
    readings = read_moved_due(context, phrase, was) if phrase else ()
    fields: dict[str, object] = {**(due_fields(readings) or dict.fromkeys(("due_date", "due_at", "recurrence")))}
    if was and readings and todo.reminder_at:
        fields["reminder_at"] = move_reminder(todo.reminder_at, was, readings[0], context.timezone)
    moved = await operations.update(context.db, context.actor, todo.id, TodoUpdate.model_validate(fields))
    more: dict[str, JsonValue] = {
        "was": format_due(was, context.timezone),
        "kept": _find_kept(was, readings[0], context.timezone) if was and readings else None,
        "reminder_moved": moved.reminder_at != todo.reminder_at,
    }
    return ChangedTodo(moved, more | other_readings(readings, context.timezone))


def _find_kept(was: Due, due: Due, timezone: ZoneInfo) -> Literal["day", "time"] | None:
    """Returns which part of a due date stayed when another part changed."""
    is_same_day = local_day(was, timezone) == local_day(due, timezone)
    if not isinstance(due, datetime):
        return None
    if not isinstance(was, datetime):
        return "day" if is_same_day else None
    is_same_time = was.astimezone(timezone).time() == due.astimezone(timezone).time()
    if is_same_day is is_same_time:
        return None
    return "day" if is_same_day else "time"
