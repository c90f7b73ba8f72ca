"""The tools that undo turns of the conversation, one step back at a time, and redo them."""

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from pydantic import JsonValue

from todo_assistant.errors import TurnInProgress, TurnNotFound, TurnUndone
from todo_assistant.tools.registry import Arguments, Effect, ToolContext, ToolResult
from todo_assistant.turns import undo
from todo_assistant.turns.model import Reversal, UndoResult
from todo_core.todos import changes, operations
from todo_core.todos.changes import TurnChange
from todo_core.todos.project_undo import ProjectChange


class _ReversedTurn(Arguments):
    """Takes no arguments; the turn follows from the conversation."""

    async def effect(self, context: ToolContext) -> Effect:
        """Predicts which todos the call would change.

        Todos that the undone turn added need no approval to go to the trash. Others do, such as subtodos that the user
        has put under them since.
        """
        turn_id = self.reversal and await _find_turn(context, self.reversal)
        if turn_id is None:
            return Effect()
        state = await changes.find_turn_changes(context.db, context.user_id, turn_id)
        restorable = {change.todo_id: change for change in state if change.untouched}
        deleted = {todo_id for todo_id, change in restorable.items() if change.to_trash}
        deleted |= await _find_live_subtodos(context, deleted) - restorable.keys()
        added = {todo_id for todo_id, change in restorable.items() if change.is_added}
        return Effect(
            [*restorable, *(deleted - restorable.keys())], deletes=bool(deleted - added), without_consent=added
        )


class UndoneTurn(_ReversedTurn):
    """Takes no arguments; the turn follows from the conversation."""

    reversal: ClassVar = "undo"


class RedoneTurn(_ReversedTurn):
    """Takes no arguments; the turn follows from the conversation."""

    reversal: ClassVar = "redo"


async def undo_last_turn(context: ToolContext, _arguments: UndoneTurn) -> ToolResult:
    """Put back everything that the last turn of this conversation changed. Again, it goes one turn further back.

    Todos that were changed since then are left alone, and so are projects that have other todos by now.
    """
    undone = await _reverse(context, "undo")
    if undone is None:
        sentence = "No turn of this conversation has changed anything that is not undone already."
        return ToolResult.failed("nothing_to_undo", sentence)
    return undone if isinstance(undone, ToolResult) else _to_result("undone", undone)


async def redo_last_undo(context: ToolContext, _arguments: RedoneTurn) -> ToolResult:
    """Take the last undo of this conversation back. Again, it takes back the undo before.

    Todos and projects that were changed since then are left alone.
    """
    redone = await _reverse(context, "redo")
    if redone is None:
        sentence = "No undo of this conversation can be taken back: there is none, or something was changed after it."
        return ToolResult.failed("nothing_to_redo", sentence)
    return redone if isinstance(redone, ToolResult) else _to_result("redone", redone)


async def _reverse(context: ToolContext, reversal: Reversal) -> UndoResult | ToolResult | None:
    """Undoes a turn of the conversation. Returns None if there is no such turn, and a result if the undo fails."""
    turn_id = await _find_turn(context, reversal)
    if turn_id is None:
        return None
    await undo.begin_reversal(context.db, context.actor, reversal)
    try:
        return await undo.undo_turn(context.db, context.actor, turn_id)
    except (TurnInProgress, TurnNotFound, TurnUndone) as error:
        return ToolResult.failed(error.code, error.sentence)


def _to_result(name: str, undone: UndoResult) -> ToolResult:
    result: dict[str, JsonValue] = {
        name: _describe_changes(undone.todos),
        "left_alone": _describe_changes(undone.conflicts),
    }
    if undone.projects or undone.project_conflicts:
        result[f"{name}_projects"] = _name_projects(undone.projects)
        result["projects_left_alone"] = _name_projects(undone.project_conflicts)
    return ToolResult(ok=not undone.conflicts and not undone.project_conflicts, result=result)


async def _find_turn(context: ToolContext, reversal: Reversal) -> UUID | None:
    return await undo.find_turn_to_reverse(context.db, context.actor, context.conversation_id, reversal)


async def _find_live_subtodos(context: ToolContext, todo_ids: set[UUID]) -> set[UUID]:
    if not todo_ids:
        return set()
    subtodos = await operations.find_subtodos(context.db, context.user_id, list(todo_ids))
    return {todo.id for todo in subtodos if todo.deleted_at is None}


def _describe_changes(turn_changes: Sequence[TurnChange]) -> list[JsonValue]:
    return [{"id": str(change.todo_id), "title": change.title} for change in turn_changes]


def _name_projects(project_changes: Sequence[ProjectChange]) -> list[JsonValue]:
    return [{"name": change.name} for change in project_changes]
