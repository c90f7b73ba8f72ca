"""Undo of a turn: restores the todos that the turn changed to their earlier values in the change log."""

from uuid import UUID

from todo_assistant.errors import TurnInProgress, TurnNotFound, TurnUndone
from todo_assistant.turns.model import UndoResult
from todo_assistant.turns.store import STATUS
from todo_core.actors import Actor
from todo_core.database.executor import Executor, Transaction
from todo_core.database.statements import Statement
from todo_core.todos import changes

_FIND_LAST_TURN_TO_UNDO = Statement("""
    SELECT id FROM turns
    WHERE user_id = :user_id AND conversation_id = :conversation_id
        AND id IS DISTINCT FROM :current_turn_id AND undone_at IS NULL
        AND EXISTS (SELECT FROM changes WHERE turn_id = turns.id AND changes.user_id = :user_id)
    ORDER BY id DESC LIMIT 1
""")
_LOCK_TURN = Statement(f"""
    SELECT {STATUS} AS status, undone_at FROM turns WHERE id = :turn_id AND user_id = :user_id FOR UPDATE
""")  # noqa: S608 - constants
# An undo also ends the turn: otherwise the user could still approve its calls, or a process could continue the turn.
_MARK_TURN_UNDONE = Statement("""
    UPDATE turns SET undone_at = now(), lease = NULL, leased_until = NULL, approval = NULL,
        status = CASE WHEN status = 'done' THEN status ELSE 'incomplete' END
    WHERE id = :turn_id
""")


async def find_last_turn_to_undo(
    db: Executor, user_id: UUID, conversation_id: UUID, current_turn_id: UUID | None
) -> UUID | None:
    """Returns the id of a conversation's latest turn, except the current one, that changed todos and is not undone."""
    row = await db.fetch_one(
        _FIND_LAST_TURN_TO_UNDO, user_id=user_id, conversation_id=conversation_id, current_turn_id=current_turn_id
    )
    return row["id"] if row else None


async def undo_turn(transaction: Transaction, actor: Actor, turn_id: UUID) -> UndoResult:
    """Restores the todos that a turn changed to their state before, except those that anything else changed since.

    Raises TurnNotFound, TurnUndone, and TurnInProgress while a process works on the turn.
    """
    # The tool executor locks the change log first and the turn second. The opposite order here could deadlock with it.
    await changes.lock_log(transaction, actor.user_id)
    await _require_undoable(transaction, actor.user_id, turn_id)
    state = await changes.find_turn_changes(transaction, actor.user_id, turn_id)
    restored = set(await changes.undo_turn(transaction, actor, turn_id))
    await transaction.write(_MARK_TURN_UNDONE, turn_id=turn_id)
    return UndoResult(
        [change for change in state if change.todo_id in restored],
        [change for change in state if change.todo_id not in restored],
    )


async def _require_undoable(transaction: Transaction, user_id: UUID, turn_id: UUID) -> None:
    """Locks a turn that can be undone. Raises TurnNotFound, TurnUndone, and TurnInProgress while the turn runs."""
    row = await transaction.fetch_one(_LOCK_TURN, turn_id=turn_id, user_id=user_id)
    if row is None:
        raise TurnNotFound
    if row["undone_at"] is not None:
        raise TurnUndone
    if row["status"] == "running":
        raise TurnInProgress(retry_after=2)
