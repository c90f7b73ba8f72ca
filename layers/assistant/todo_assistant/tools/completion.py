"""Tools that complete, skip and reopen todos."""

from uuid import UUID

from todo_assistant.tools.arguments import ChangedTodoIds, TodoIds
from todo_assistant.tools.items import ChangedTodo, change_each
from todo_assistant.tools.registry import Effect, ToolContext, ToolResult
from todo_assistant.tools.views import format_due
from todo_core.todos import operations
from todo_core.todos.model import TodoUpdate


class CompletedTodoIds(TodoIds):
    async def effect(self, context: ToolContext) -> Effect:
        """Predicts which todos the call changes: the todos with these ids and some of their subtodos.

        Open subtodos are completed too. Completed subtodos of a recurring todo are reopened for its next occurrence.
        Subtodos in the trash do not change.
        """
        completed = await operations.find_by_id(context.db, context.user_id, self.ids)
        recurring = [todo.id for todo in completed if todo.recurrence and not todo.completed]
        subtodos = await operations.find_subtodos(context.db, context.user_id, self.ids)
        recurring_subtodos = await operations.find_subtodos(context.db, context.user_id, recurring) if recurring else []
        changed = [todo for todo in subtodos if not todo.completed]
        changed += [todo for todo in recurring_subtodos if todo.completed]
        return Effect([*self.ids, *(todo.id for todo in changed if todo.deleted_at is None)])


class SkippedTodoIds(TodoIds):
    async def effect(self, context: ToolContext) -> Effect:
        """Predicts that the call changes the todos with these ids, and reopens their completed subtodos."""
        subtodos = await operations.find_subtodos(context.db, context.user_id, self.ids)
        return Effect([*self.ids, *(todo.id for todo in subtodos if todo.completed and todo.deleted_at is None)])


async def complete_todos(context: ToolContext, arguments: CompletedTodoIds) -> ToolResult:
    """Mark todos as done. A recurring todo is open again at once; the result has its next due date."""

    async def complete(todo_id: UUID) -> ChangedTodo:
        updated = await operations.apply(context.db, context.actor, todo_id, TodoUpdate(completed=True))
        next_due = updated.completion.next_due if updated.completion else None
        return ChangedTodo(updated.todo, {"next_due": format_due(next_due, context.timezone)})

    return await change_each(context, arguments.ids, complete)


async def skip_todos(context: ToolContext, arguments: SkippedTodoIds) -> ToolResult:
    """Move recurring todos on to their next occurrence without completing them. The result has the next due date."""

    async def skip(todo_id: UUID) -> ChangedTodo:
        todo = await operations.skip(context.db, context.actor, todo_id)
        return ChangedTodo(todo, {"next_due": format_due(todo.due_date or todo.due_at, context.timezone)})

    return await change_each(context, arguments.ids, skip)


async def reopen_todos(context: ToolContext, arguments: ChangedTodoIds) -> ToolResult:
    """Mark todos as not done."""

    async def reopen(todo_id: UUID) -> ChangedTodo:
        return ChangedTodo(await operations.update(context.db, context.actor, todo_id, TodoUpdate(completed=False)))

    return await change_each(context, arguments.ids, reopen)
