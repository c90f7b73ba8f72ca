"""Undo and redo of turns: restores the todos and projects that a turn changed to their earlier state in the change log.

An undo is itself a turn with changes, so a redo undoes the turn of an undo. Such a reversal is no step to undo:
its effect is that an earlier turn is marked as undone, or no longer.
"""

from uuid import UUID

from todo_assistant.errors import TurnInProgress, TurnNotFound, TurnUndone
from todo_assistant.turns.model import Reversal, UndoResult
from todo_assistant.turns.store import STATUS
from todo_core.actors import Actor
from todo_core.database.executor import Executor, Transaction
from todo_core.database.statements import Statement
from todo_core.todos import changes, project_undo

# The changes of a tag are those of its todos.
_HAS_CHANGES = """EXISTS (
    SELECT FROM change_log WHERE turn_id = {turn}.id AND change_log.user_id = :user_id AND change_log.tag IS NULL)"""
_OTHER_TURN = (
    "{turn}.user_id = :user_id AND {turn}.conversation_id = :conversation_id"
    " AND {turn}.id IS DISTINCT FROM CAST(:current_turn_id AS uuid)"
)
_FIND_LAST_TURN_TO_UNDO = Statement(f"""
    SELECT id FROM turns
    WHERE {_OTHER_TURN.format(turn="turns")} AND undone_at IS NULL AND reversal IS NULL
        AND {_HAS_CHANGES.format(turn="turns")}
    ORDER BY id DESC LIMIT 1
""")  # noqa: S608 - constants, as all below
# A change by a later turn ends what can be redone, as in an editor.
_FIND_LAST_UNDO_TO_REDO = Statement(f"""
    SELECT id FROM turns
    WHERE {_OTHER_TURN.format(turn="turns")} AND undone_at IS NULL AND reversal = 'undo'
        AND {_HAS_CHANGES.format(turn="turns")}
        AND NOT EXISTS (
            SELECT FROM turns AS later
            WHERE {_OTHER_TURN.format(turn="later")} AND later.id > turns.id AND later.reversal IS NULL
                AND {_HAS_CHANGES.format(turn="later")}
        )
    ORDER BY id DESC LIMIT 1
""")  # noqa: S608
_LOCK_TURN = Statement(f"""
    SELECT conversation_id, {STATUS} AS status, undone_at FROM turns
    WHERE id = :turn_id AND user_id = :user_id FOR UPDATE
""")  # noqa: S608
# An undo also ends the turn: otherwise the user could still approve its calls, or a process could continue the turn.
_MARK_TURN_UNDONE = Statement("""
    UPDATE turns SET undone_at = now(), undone_by = :undone_by, lease = NULL, leased_until = NULL, approval = NULL,
        status = CASE WHEN status = 'done' THEN status ELSE 'incomplete' END
    WHERE id = :turn_id AND user_id = :user_id
""")
_OF_CONVERSATION = "user_id = :user_id AND conversation_id = :conversation_id"
# The turns that an undone turn had undone take effect again, so those that they had undone no longer do.
_MARK_TURNS_UNDONE_BEFORE = Statement(f"""
    UPDATE turns SET undone_at = CASE WHEN undone_by = :turn_id THEN NULL ELSE now() END
    WHERE {_OF_CONVERSATION} AND (
        undone_by = :turn_id
        OR undone_by IN (SELECT id FROM turns WHERE {_OF_CONVERSATION} AND undone_by = :turn_id))
""")  # noqa: S608
# A turn that also changes something in other ways is no reversal: an undo undoes it as a whole.
_BEGIN_REVERSAL = Statement(f"""
    UPDATE turns SET reversal = CASE
        WHEN reversal = CAST(:reversal AS text) OR reversal IS NULL AND NOT {_HAS_CHANGES.format(turn="turns")}
        THEN CAST(:reversal AS text)
    END
    WHERE id = :turn_id AND user_id = :user_id
""")  # noqa: S608
# In the change log, `created_at` is the start of the transaction.
_END_REVERSAL = Statement("""
    UPDATE turns SET reversal = NULL
    WHERE id = :turn_id AND user_id = :user_id AND reversal IS NOT NULL AND EXISTS (
        SELECT FROM change_log
        WHERE user_id = :user_id AND turn_id = :turn_id AND tag IS NULL AND created_at = now())
""")


async def find_turn_to_reverse(db: Executor, actor: Actor, conversation_id: UUID, reversal: Reversal) -> UUID | None:
    """Returns the id of the turn that the next undo or redo in a conversation would undo, or None.

    An undo undoes the latest turn that changed todos or projects and is not undone. A redo undoes the latest undo,
    unless a later turn has changed some in another way. The actor's own turn is left out.
    """
    statement = _FIND_LAST_TURN_TO_UNDO if reversal == "undo" else _FIND_LAST_UNDO_TO_REDO
    row = await db.fetch_one(
        statement, user_id=actor.user_id, conversation_id=conversation_id, current_turn_id=actor.turn_id
    )
    return row["id"] if row else None


async def begin_reversal(transaction: Transaction, actor: Actor, reversal: Reversal) -> None:
    """Marks the actor's turn as an undo or redo, unless it has changed something in another way before."""
    await transaction.write(_BEGIN_REVERSAL, user_id=actor.user_id, turn_id=actor.turn_id, reversal=reversal)


async def end_reversal(transaction: Transaction, actor: Actor) -> None:
    """Removes the mark of an undo or redo from the actor's turn if this transaction has changed something."""
    await transaction.write(_END_REVERSAL, user_id=actor.user_id, turn_id=actor.turn_id)


async def undo_turn(transaction: Transaction, actor: Actor, turn_id: UUID) -> UndoResult:
    """Restores the todos and projects that a turn changed to their state before.

    Leaves alone those that were changed since, and projects that the turn added and that have other todos by now.

    Raises TurnNotFound, TurnUndone, QuotaExceeded, and TurnInProgress while a process works on the turn.
    """
    # The tool executor locks the change log first and the turn second. The opposite order here could deadlock with it.
    await changes.lock_log(transaction, actor.user_id)
    conversation_id = await _lock_undoable_turn(transaction, actor.user_id, turn_id)
    state = await changes.find_turn_changes(transaction, actor.user_id, turn_id)
    projects = await project_undo.find_project_changes(transaction, actor.user_id, turn_id)
    # Todos refer to projects, so these come back first and go last.
    restored = set(await project_undo.restore_removed_projects(transaction, actor, turn_id))
    restored.update(await changes.undo_turn(transaction, actor, turn_id))
    restored.update(await project_undo.remove_added_projects(transaction, actor, turn_id))
    await transaction.write(
        _MARK_TURNS_UNDONE_BEFORE, user_id=actor.user_id, conversation_id=conversation_id, turn_id=turn_id
    )
    await transaction.write(_MARK_TURN_UNDONE, user_id=actor.user_id, turn_id=turn_id, undone_by=actor.turn_id)
    return UndoResult(
        [change for change in state if change.todo_id in restored],
        [change for change in state if change.todo_id not in restored],
        [change for change in projects if change.project_id in restored],
        [change for change in projects if change.project_id not in restored],
    )


async def _lock_undoable_turn(transaction: Transaction, user_id: UUID, turn_id: UUID) -> UUID:
    """Locks a turn that can be undone, and returns the id of its conversation.

    Raises TurnNotFound, TurnUndone, and TurnInProgress while the turn runs.
    """
    row = await transaction.fetch_one(_LOCK_TURN, turn_id=turn_id, user_id=user_id)
    if row is None:
        raise TurnNotFound
    if row["undone_at"] is not None:
        raise TurnUndone
    if row["status"] == "running":
        raise TurnInProgress(retry_after=2)
    conversation_id: UUID = row["conversation_id"]
    return conversation_id
