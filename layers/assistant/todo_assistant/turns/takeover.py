"""Moves tool calls that wait for approval into a new turn, whose message answers the approval in words."""

from typing import Final
from uuid import UUID

from todo_core.database.executor import Transaction
from todo_core.database.statements import Statement

_LOCK_LATEST_TURN = Statement("""
    SELECT id, status FROM turns
    WHERE user_id = :user_id AND conversation_id = :conversation_id AND id <> :turn_id
    ORDER BY id DESC LIMIT 1 FOR UPDATE
""")
# The model response of the waiting calls is copied without its text, which the waiting turn keeps.
_COPY_MODEL_RESPONSE = Statement("""
    INSERT INTO rounds (turn_id, number, content, prompt_tokens, completion_tokens, milliseconds, extras)
    SELECT CAST(:turn_id AS uuid), CAST(:round AS int), '', 0, 0, 0, extras
    FROM rounds WHERE turn_id = :waiting_id ORDER BY number DESC LIMIT 1
""")
_MOVE_WAITING_CALLS = Statement("""
    UPDATE tool_calls SET turn_id = :turn_id, round = :round
    WHERE turn_id = :waiting_id AND ok IS NULL
        AND round = (SELECT (approval->'round')::int FROM turns WHERE id = :waiting_id)
""")
_COPY_ANSWERED_APPROVAL = Statement("""
    UPDATE turns SET approval = waiting.approval || jsonb_build_object(
        'round', CAST(:round AS int), 'approved', CAST(:approved AS boolean))
    FROM turns AS waiting
    WHERE turns.id = :turn_id AND turns.user_id = :user_id AND waiting.id = :waiting_id
""")
_FINISH_WAITING_TURN = Statement("""
    UPDATE turns SET status = 'done', approval = NULL, finished_at = now()
    WHERE id = :waiting_id AND user_id = :user_id
""")
_FIRST_ROUND: Final = 1


async def take_over_waiting_calls(
    transaction: Transaction, user_id: UUID, conversation_id: UUID, turn_id: UUID, *, approved: bool
) -> None:
    """Moves the calls of the conversation's latest turn, if it waits for approval, into the new turn `turn_id`.

    The calls become the first model response of the new turn, with the approval already answered. Does nothing if the
    approval was answered meanwhile: the lock on the waiting turn lets only one answer win.
    """
    latest = await transaction.write(
        _LOCK_LATEST_TURN, user_id=user_id, conversation_id=conversation_id, turn_id=turn_id
    )
    if latest is None or latest["status"] != "needs_approval":
        return
    ids = {"turn_id": turn_id, "waiting_id": latest["id"]}
    await transaction.write(_COPY_MODEL_RESPONSE, round=_FIRST_ROUND, **ids)
    await transaction.write(_MOVE_WAITING_CALLS, round=_FIRST_ROUND, **ids)
    await transaction.write(_COPY_ANSWERED_APPROVAL, round=_FIRST_ROUND, approved=approved, user_id=user_id, **ids)
    await transaction.write(_FINISH_WAITING_TURN, waiting_id=latest["id"], user_id=user_id)
