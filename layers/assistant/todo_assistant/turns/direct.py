"""Turns without a model: a program calls one tool, and the turn holds this call."""

from datetime import timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from todo_assistant.errors import TurnInProgress
from todo_assistant.turns import store
from todo_assistant.turns.begin import require_room, resume
from todo_assistant.turns.budget import TurnRules
from todo_assistant.turns.model import NewTurn, Turn
from todo_core.database.executor import Database, Executor
from todo_core.database.statements import Statement
from todo_core.identifiers import new_id

DIRECT_MODEL: Final = "mcp"
"""The `model` of a turn in which a program called a tool by MCP."""

UNANSWERED: Final = "Nobody answered the question in time, so nothing was changed."

_KEY_LIFETIME: Final = timedelta(hours=24)
_MAX_TITLE_CHARACTERS: Final = 80

_OPEN_CONVERSATION = Statement("""
    INSERT INTO conversations (id, user_id, title) VALUES (:conversation_id, :user_id, :title)
    ON CONFLICT (id) DO UPDATE SET active_at = now()
""")
_REMOVE_EXPIRED_KEY = Statement("""
    UPDATE turns SET idempotency_key = NULL
    WHERE user_id = :user_id AND idempotency_key = :key AND created_at <= now() - CAST(:key_lifetime AS interval)
""")
_INSERT_TURN = Statement("""
    INSERT INTO turns (id, user_id, conversation_id, message_id, reply_id, idempotency_key, request_digest,
        message, timezone, model, lease, leased_until)
    VALUES (:turn_id, :user_id, :conversation_id, :message_id, :reply_id, :key, :digest,
        :message, :timezone, :model, :lease, now() + CAST(:lease_duration AS interval))
    ON CONFLICT (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING id
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
    turn_id, lease = new_id(), new_id()
    async with db.transaction() as transaction:
        if new.idempotency_key is not None:
            await transaction.write(
                _REMOVE_EXPIRED_KEY, user_id=user_id, key=new.idempotency_key, key_lifetime=_KEY_LIFETIME
            )
        await transaction.write(
            _OPEN_CONVERSATION,
            conversation_id=new.conversation_id,
            user_id=user_id,
            title=client[:_MAX_TITLE_CHARACTERS],
        )
        inserted = await transaction.write(
            _INSERT_TURN,
            turn_id=turn_id,
            user_id=user_id,
            conversation_id=new.conversation_id,
            message_id=new_id(),
            reply_id=new_id(),
            key=new.idempotency_key,
            digest=new.digest,
            message=new.message,
            timezone=new.timezone,
            model=new.model,
            lease=lease,
            lease_duration=rules.lease_duration,
        )
        if inserted is None:
            # A concurrent call with the same idempotency key was faster.
            raise TurnInProgress(retry_after=1)
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
