"""Tools that move todos to the trash and back."""

from uuid import UUID

from pydantic import JsonValue

from todo_assistant.tools.arguments import TodoIds
from todo_assistant.tools.items import run_for_each
from todo_assistant.tools.registry import Effect, ToolContext, ToolResult
from todo_assistant.tools.views import describe_todo
from todo_core.todos import operations
from todo_core.todos.model import Todo


class DeletedTodoIds(TodoIds):
    async def effect(self, context: ToolContext) -> Effect:
        """Predicts that the todos with these ids go to the trash, with their subtodos outside the trash."""
        subtodos = await operations.find_subtodos(context.db, context.user_id, self.ids)
        return Effect([*self.ids, *(todo.id for todo in subtodos if todo.deleted_at is None)], deletes=True)


class RestoredTodoIds(TodoIds):
    async def effect(self, context: ToolContext) -> Effect:
        """Predicts that the call restores the todos with these ids and the subtodos that were deleted with them.

        Subtodos were deleted together with their todo if they have the same `deleted_at`.
        """
        deleted = await operations.find_by_id(context.db, context.user_id, self.ids)
        subtodos = await operations.find_subtodos(context.db, context.user_id, self.ids)
        deletion_times = {todo.deleted_at for todo in deleted if todo.deleted_at}
        return Effect([*self.ids, *(todo.id for todo in subtodos if todo.deleted_at in deletion_times)])


async def delete_todos(context: ToolContext, arguments: DeletedTodoIds) -> ToolResult:
    """Put todos into the trash, with their subtodos. The service itself asks the user first."""
    deleted: dict[UUID, Todo] = {}

    async def delete(todo_id: UUID) -> dict[str, JsonValue]:
        if todo_id in deleted:  # Already deleted as a subtodo of an earlier todo of this call.
            return {"todo": await describe_todo(context, deleted[todo_id]), "subtodos": 0}
        todo = await operations.get(context.db, context.user_id, todo_id)
        description = await describe_todo(context, todo)
        all_subtodos = await operations.find_subtodos(context.db, context.user_id, [todo_id])
        subtodos = {subtodo.id: subtodo for subtodo in all_subtodos if subtodo.deleted_at is None}
        await operations.delete(context.db, context.actor, todo_id)
        deleted.update({todo_id: todo} | subtodos)
        return {"todo": description, "subtodos": len(subtodos)}

    return await run_for_each(context, arguments.ids, delete)


async def restore_todos(context: ToolContext, arguments: RestoredTodoIds) -> ToolResult:
    """Take todos out of the trash, with the subtodos that went with them. Find them with search_todos and trashed."""

    async def restore(todo_id: UUID) -> dict[str, JsonValue]:
        todo = await operations.restore(context.db, context.actor, todo_id)
        return {"todo": await describe_todo(context, todo)}

    return await run_for_each(context, arguments.ids, restore)
