"""Moves tool calls that wait for approval into a new turn, whose message answers the approval in words."""

from typing import Final
from uuid import UUID

from todo_core.database.executor import Transaction
from todo_core.database.statements import Statement

_LOCK_LATEST_TURN = Statement("""
    SELECT id, status, (approval->'round')::int AS round FROM turns
    WHERE user_id = :user_id AND conversation_id = :conversation_id AND id <> :turn_id
    ORDER BY id DESC LIMIT 1 FOR UPDATE
""")
# The model response moves whole, also with calls that ran already: providers refuse a part of it without its signature,
# or the same part twice. Its tokens stay with the waiting turn.
_COPY_MODEL_RESPONSE = Statement("""
    INSERT INTO rounds (turn_id, number, content, prompt_tokens, completion_tokens, milliseconds, extras)
    SELECT CAST(:turn_id AS uuid), CAST(:round AS int), content, 0, 0, 0, extras
    FROM rounds WHERE turn_id = :waiting_id AND number = :waiting_round
""")
_MOVE_CALLS = Statement("""
    UPDATE tool_calls SET turn_id = :turn_id, round = :round WHERE turn_id = :waiting_id AND round = :waiting_round
""")
_EMPTY_MODEL_RESPONSE = Statement("""
    UPDATE rounds SET content = '', extras = NULL WHERE turn_id = :waiting_id AND number = :waiting_round
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
    """Moves the last model response of the conversation's latest turn, if that turn waits for approval, into `turn_id`.

    It becomes the first model response of that new turn, with the approval already answered. Does nothing if the
    approval was answered meanwhile: the lock on the waiting turn lets only one answer win.
    """
    latest = await transaction.write(
        _LOCK_LATEST_TURN, user_id=user_id, conversation_id=conversation_id, turn_id=turn_id
    )
    if latest is None or latest["status"] != "needs_approval":
        return
    waiting = {"waiting_id": latest["id"], "waiting_round": latest["round"]}
    await transaction.write(_COPY_MODEL_RESPONSE, turn_id=turn_id, round=_FIRST_ROUND, **waiting)
    await transaction.write(_MOVE_CALLS, turn_id=turn_id, round=_FIRST_ROUND, **waiting)
    await transaction.write(_EMPTY_MODEL_RESPONSE, **waiting)
    await transaction.write(
        _COPY_ANSWERED_APPROVAL,
        turn_id=turn_id,
        round=_FIRST_ROUND,
        approved=approved,
        user_id=user_id,
        waiting_id=latest["id"],
    )
    await transaction.write(_FINISH_WAITING_TURN, waiting_id=latest["id"], user_id=user_id)
