"""The tool that adds todos."""

from uuid import UUID

from pydantic import Field

from todo_assistant.tools.arguments import DatePhrase, RecurrencePhrase, Tags
from todo_assistant.tools.dues import due_fields, due_of, other_readings, read_due, read_reminder, recurrence_fields
from todo_assistant.tools.items import MAX_ITEMS, ChangedTodo, change_each
from todo_assistant.tools.projects import find_project_id
from todo_assistant.tools.registry import Arguments, ToolContext, ToolResult
from todo_core.todos import operations
from todo_core.todos.model import Description, Priority, Title, TodoCreate
from todo_core.todos.projects import ProjectName


class NewTodo(Arguments):
    title: Title
    description: Description | None = None
    due: DatePhrase | None = None
    recurrence: RecurrencePhrase | None = None
    reminder: DatePhrase | None = Field(
        None,
        description="When to remind, as the user said it, with a time of the day or relative to the due date, as in "
        "`1 hour before`.",
    )
    priority: Priority | None = None
    tags: Tags = Field(default_factory=list)
    project: ProjectName | None = Field(None, description="Its name.")
    parent_id: UUID | None = Field(None, description="The todo of which it is a subtodo, from a result of a tool.")


class AddTodos(Arguments):
    todos: list[NewTodo] = Field(min_length=1, max_length=MAX_ITEMS)


async def add_todos(context: ToolContext, arguments: AddTodos) -> ToolResult:
    """Add one or several todos. Give date and recurrence as the user said them; the result has the dates they mean.

    A todo that recurs needs no date: it is due at its first occurrence, counted from the date if one is given.
    """

    async def add(new: NewTodo) -> ChangedTodo:
        readings = read_due(context, new.due)
        start = readings[0] if readings else None
        dues = recurrence_fields(context, new.recurrence, start) if new.recurrence else due_fields(readings)
        fields = {
            "title": new.title,
            "description": new.description,
            "priority": new.priority or "none",
            "tags": new.tags,
            **dues,
            "project_id": await find_project_id(context, new.project) if new.project else None,
            "parent_id": new.parent_id,
            "reminder_at": read_reminder(context, new.reminder, due_of(dues)) if new.reminder else None,
        }
        todo = await operations.add(context.db, context.actor, TodoCreate.model_validate(fields))
        # A recurring todo is due at its first occurrence, so the result offers no other readings of the date phrase.
        others = {} if new.recurrence else other_readings(readings, context.timezone)
        return ChangedTodo(todo, others)

    return await change_each(context, arguments.todos, add)
