"""The tool that undoes the last turn of the conversation."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import JsonValue

from todo_assistant.errors import TurnInProgress, TurnNotFound, TurnUndone
from todo_assistant.tools.registry import Arguments, Effect, ToolContext, ToolResult
from todo_assistant.turns import undo
from todo_core.todos import changes, operations
from todo_core.todos.changes import TurnChange


class LastTurn(Arguments):
    """Takes no arguments; the turn follows from the conversation."""

    async def effect(self, context: ToolContext) -> Effect:
        """Predicts which todos the undo of the last turn would change.

        Todos that the turn added or took out of the trash would go to the trash, with their subtodos.
        """
        turn_id = await _find_last_turn(context)
        if turn_id is None:
            return Effect()
        state = await changes.find_turn_changes(context.db, context.user_id, turn_id)
        restorable = [change for change in state if change.untouched]
        trashed = [change.todo_id for change in restorable if change.to_trash]
        subtodos = await operations.find_subtodos(context.db, context.user_id, trashed) if trashed else []
        changed = [change.todo_id for change in restorable]
        return Effect(
            [*changed, *(todo.id for todo in subtodos if todo.deleted_at is None)],
            deletes=bool(trashed),
        )


async def undo_last_turn(context: ToolContext, _arguments: LastTurn) -> ToolResult:
    """Put back everything that the last turn of this conversation changed."""
    turn_id = await _find_last_turn(context)
    if turn_id is None:
        return ToolResult.failed(
            "nothing_to_undo", "No turn of this conversation has changed anything that is not undone already."
        )
    try:
        undone = await undo.undo_turn(context.db, context.actor, turn_id)
    except (TurnInProgress, TurnNotFound, TurnUndone) as error:
        return ToolResult.failed(error.code, error.sentence)
    return ToolResult(
        ok=not undone.conflicts,
        result={"undone": _describe_changes(undone.todos), "left_alone": _describe_changes(undone.conflicts)},
    )


async def _find_last_turn(context: ToolContext) -> UUID | None:
    return await undo.find_last_turn_to_undo(
        context.db, context.user_id, context.conversation_id, context.actor.turn_id
    )


def _describe_changes(turn_changes: Sequence[TurnChange]) -> list[JsonValue]:
    return [{"id": str(change.todo_id), "title": change.title} for change in turn_changes]
