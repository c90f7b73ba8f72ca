"""Tools that change fields and due dates of todos."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from todo_assistant.phrases.moments import Due
from todo_assistant.tools.arguments import Tags
from todo_assistant.tools.dues import (
    changed_recurrence_fields,
    due_of,
    read_reminder,
)
from todo_assistant.tools.items import MAX_ITEMS, ChangedTodo, change_each
from todo_assistant.tools.projects import find_project_id
from todo_assistant.tools.registry import Arguments, Effect, ToolContext, ToolResult
from todo_core.text import Text
from todo_core.todos import operations
from todo_core.todos.model import Description, Priority, Title, TodoUpdate, tag_key, tag_keys


class TodoChange(Arguments):
    id: UUID = Field(description="From a result of a tool.")
    title: Title | None = Field(None, description="null keeps it, as everywhere here.")
    description: Description | None = Field(None, description="An empty text clears it.")
    priority: Priority | None = None
    add_tags: Tags = Field(default_factory=list)
    remove_tags: Tags = Field(default_factory=list)
    recurrence: Annotated[str, Field(max_length=150)] | None = Field(
        None, description="As the user said it, as in add_todos. An empty text ends the recurrence."
    )
    reminder: Annotated[str, Field(max_length=100)] | None = Field(
        None,
        description="When to remind, as the user said it, with a time of the day or relative to the due date, as in "
        "`1 hour before`. An empty text removes it.",
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
    changes: list[TodoChange] = Field(min_length=1, max_length=MAX_ITEMS)

    async def effect(self, context: ToolContext) -> Effect:
        """Predicts which todos the call changes: the named todos, and the subtodos of those that move.

        Subtodos change with their parent, as they are in the project of their parent.
        """
        moved = [change.id for change in self.changes if change.moves]
        subtodos = await operations.find_subtodos(context.db, context.user_id, moved) if moved else []
        changed = [change.id for change in self.changes]
        return Effect([*changed, *(todo.id for todo in subtodos if todo.deleted_at is None)])


async def update_todos(context: ToolContext, arguments: UpdateTodos) -> ToolResult:
    """Change title, description, priority, tags, recurrence or reminder, or move todos to a project or under another.

    Fields that are null keep their values. For dates use reschedule_todos.
    """

    async def update(change: TodoChange) -> ChangedTodo:
        fields = TodoUpdate.model_validate(await _changed_fields(context, change))
        return ChangedTodo(await operations.update(context.db, context.actor, change.id, fields))

    return await change_each(context, arguments.changes, update)


async def _changed_fields(context: ToolContext, change: TodoChange) -> dict[str, object]:
    """Returns the new values of the todo's fields that a change sets; fields that are null stay out.

    Raises TodoNotFound and ArgumentRejected.
    """
    fields: dict[str, object] = {
        name: value
        for name, value in (("title", change.title), ("description", change.description), ("priority", change.priority))
        if value is not None
    }
    if change.description == "":
        fields["description"] = None
    if change.add_tags or change.remove_tags:
        fields["tags"] = await _changed_tags(context, change)
    fields |= await _moved_fields(context, change)
    if change.recurrence is not None:
        fields |= await changed_recurrence_fields(context, change.id, change.recurrence)
    if change.reminder is not None:
        fields["reminder_at"] = await _changed_reminder(context, change, due_of(fields)) if change.reminder else None
    return fields


async def _changed_reminder(context: ToolContext, change: TodoChange, new_due: Due | None) -> datetime:
    """Returns the new reminder, which may count from the new due date, else from the todo's own.

    Raises TodoNotFound and ArgumentRejected.
    """
    todo = await operations.get(context.db, context.user_id, change.id)
    return read_reminder(context, change.reminder or "", new_due or todo.due_date or todo.due_at)


async def _changed_tags(context: ToolContext, change: TodoChange) -> list[str]:
    tags = (await operations.get(context.db, context.user_id, change.id)).tags
    removed = tag_keys(change.remove_tags)
    return [tag for tag in [*tags, *change.add_tags] if tag_key(tag) not in removed]


async def _moved_fields(context: ToolContext, change: TodoChange) -> dict[str, object]:
    """Returns the new project and parent of the todo, as far as a change sets them. Raises ArgumentRejected."""
    fields: dict[str, object] = {}
    if change.project is not None:
        fields["project_id"] = await find_project_id(context, change.project) if change.project else None
    if change.parent_id is not None or change.to_top_level:
        fields["parent_id"] = change.parent_id
    return fields
