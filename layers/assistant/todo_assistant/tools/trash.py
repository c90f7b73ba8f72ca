"""Tools that move todos to the trash and back."""

from collections.abc import Iterable
from uuid import UUID

from todo_assistant.tools.arguments import TodoIds
from todo_assistant.tools.items import ChangedTodo, change_each
from todo_assistant.tools.registry import Effect, ToolContext, ToolResult
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
    named = {todo.id: todo for todo in await operations.find_by_id(context.db, context.user_id, arguments.ids)}
    subtodos = await operations.find_subtodos(context.db, context.user_id, arguments.ids)
    tree = _LiveTree([*named.values(), *subtodos])
    deleted: set[UUID] = set()

    async def delete(todo_id: UUID) -> ChangedTodo:
        if todo_id in deleted:  # Already deleted as a subtodo of an earlier todo of this call.
            return ChangedTodo(named[todo_id], {"subtodos": 0})
        await operations.delete(context.db, context.actor, todo_id)
        below = tree.ids_below(todo_id)
        deleted.update({todo_id}, below)
        return ChangedTodo(named[todo_id], {"subtodos": len(below)})

    return await change_each(context, arguments.ids, delete)


async def restore_todos(context: ToolContext, arguments: RestoredTodoIds) -> ToolResult:
    """Take todos out of the trash, with the subtodos that went with them. Find them with search_todos and trashed."""

    async def restore(todo_id: UUID) -> ChangedTodo:
        return ChangedTodo(await operations.restore(context.db, context.actor, todo_id))

    return await change_each(context, arguments.ids, restore)


class _LiveTree:
    """The subtodos of todos, without those in the trash."""

    def __init__(self, todos: Iterable[Todo]) -> None:
        self._children: dict[UUID, set[UUID]] = {}
        for todo in todos:
            if todo.parent_id is not None and todo.deleted_at is None:
                self._children.setdefault(todo.parent_id, set()).add(todo.id)

    def ids_below(self, todo_id: UUID) -> set[UUID]:
        """Returns the ids of the todo's subtodos at every level."""
        children = self._children.get(todo_id, set())
        return children.union(*(self.ids_below(child) for child in children))
