"""Turns without a model: a program calls one tool, and the turn holds this call."""

from datetime import timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from todo_assistant.turns import store
from todo_assistant.turns.begin import free_expired_key, insert_turn, require_room, resume
from todo_assistant.turns.budget import TurnRules
from todo_assistant.turns.model import NewTurn, Turn
from todo_core.database.executor import Database, Executor
from todo_core.database.statements import Statement

DIRECT_MODEL: Final = "mcp"
"""The `model` of a turn in which a program called a tool by MCP."""

UNANSWERED: Final = "Nobody answered the question in time, so nothing was changed."

_MAX_TITLE_CHARACTERS: Final = 80

_OPEN_CONVERSATION = Statement("""
    INSERT INTO conversations (id, user_id, title) VALUES (:conversation_id, :user_id, :title)
    ON CONFLICT (id) DO UPDATE SET active_at = now()
""")
# An update, because the trigger that counts the stored bytes of turns ignores new rows.
_COUNT_BYTES = Statement("UPDATE turns SET stored_bytes = 600 + octet_length(message) WHERE id = :turn_id")
_FIND_RECENT_CHANGES = Statement("""
    SELECT change_log.todo_id, bool_or(op = 'create') AS added
    FROM change_log JOIN turns ON turns.id = change_log.turn_id
    WHERE change_log.user_id = :user_id AND change_log.todo_id IS NOT NULL
        AND turns.user_id = :user_id AND turns.conversation_id = :conversation_id
        AND turns.created_at > now() - CAST(:window AS interval)
        AND (turns.approval IS NULL OR turns.approval->'approved' IS DISTINCT FROM 'true'::jsonb)
    GROUP BY change_log.todo_id
""")
_GIVE_UP = Statement("""
    UPDATE turns SET status = 'incomplete', approval = NULL, finished_at = now(), response = :response
    WHERE id = :turn_id AND user_id = :user_id AND status = 'needs_approval'
""")


def conversation_of(token_id: UUID) -> UUID:
    """Returns the id of the conversation in which the calls of a token stand: always the same UUIDv7 for a token."""
    digest = sha256(b"conversation of " + token_id.bytes).digest()
    # The time of the token's id, then bits of the digest, with the version and variant of a UUIDv7.
    bits = int.from_bytes(token_id.bytes[:6] + digest[:10])
    return UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)


async def begin(db: Database, user_id: UUID, new: NewTurn, client: str, rules: TurnRules) -> Turn:
    """Returns a new turn, leased to the caller, or the turn of an earlier call with the same idempotency key.

    Creates the conversation with the name of the client if there is none. Raises the errors of `turns.begin.begin`.
    """
    return await resume(db, user_id, new, rules) or await _create(db, user_id, new, client, rules)


async def _create(db: Database, user_id: UUID, new: NewTurn, client: str, rules: TurnRules) -> Turn:
    assert new.conversation_id is not None  # noqa: S101 - `conversation_of` has made it
    async with db.transaction() as transaction:
        await free_expired_key(transaction, user_id, new)
        await transaction.write(
            _OPEN_CONVERSATION,
            conversation_id=new.conversation_id,
            user_id=user_id,
            title=client[:_MAX_TITLE_CHARACTERS],
        )
        turn_id, lease = await insert_turn(transaction, user_id, new.conversation_id, new, rules)
        await transaction.write(_COUNT_BYTES, turn_id=turn_id)
        await require_room(transaction, user_id, rules.quotas)
    turn = await store.load(db, user_id, turn_id)
    turn.lease = lease
    return turn


async def find_recent_changes(db: Executor, turn: Turn, window: timedelta) -> dict[UUID, bool]:
    """Returns the todos that turns of the conversation have changed within the window, without a person's approval.

    The value is True for a todo that such a turn created.
    """
    rows = await db.fetch_all(
        _FIND_RECENT_CHANGES, user_id=turn.user_id, conversation_id=turn.conversation_id, window=window
    )
    return {row["todo_id"]: row["added"] for row in rows}


async def give_up(db: Executor, user_id: UUID, turn_id: UUID) -> None:
    """Ends a turn that waits for approval as incomplete. Nothing of its calls was done."""
    await db.write(_GIVE_UP, user_id=user_id, turn_id=turn_id, response=UNANSWERED)
