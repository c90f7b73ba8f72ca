"""Begins a turn: creates the turn, or finds the turn of an earlier request with the same idempotency key."""

from typing import Final
from uuid import UUID

from todo_assistant.errors import ConversationNotFound, TurnInProgress
from todo_assistant.turns import budget, store
from todo_assistant.turns.budget import TurnRules
from todo_assistant.turns.model import NewTurn, Turn
from todo_assistant.turns.plain_answers import read_plain_answer
from todo_assistant.turns.takeover import take_over_waiting_calls
from todo_core.database.executor import Database, Row, Transaction
from todo_core.database.statements import Statement
from todo_core.errors import IdempotencyKeyReused, QuotaExceeded
from todo_core.identifiers import new_id
from todo_core.limits import Quotas
from todo_core.todos.errors import IdTaken

_MAX_TITLE_CHARACTERS: Final = 80

_FIND_TURN_BY_KEY = Statement("""
    SELECT id, request_digest, status <> 'running' AS finished,
        ceil(extract(epoch FROM leased_until - now()))::int AS seconds_left
    FROM turns
    WHERE user_id = :user_id AND idempotency_key = :key AND created_at > now() - CAST(:key_lifetime AS interval)
""")
_REMOVE_EXPIRED_KEY = Statement("""
    UPDATE turns SET idempotency_key = NULL
    WHERE user_id = :user_id AND idempotency_key = :key AND created_at <= now() - CAST(:key_lifetime AS interval)
""")
_MARK_CONVERSATION_ACTIVE = Statement(
    "UPDATE conversations SET active_at = now() WHERE id = :conversation_id AND user_id = :user_id RETURNING id"
)
_INSERT_CONVERSATION = Statement(
    "INSERT INTO conversations (id, user_id, title) VALUES (:conversation_id, :user_id, :title)"
)
_OPEN_CONVERSATION = Statement("""
    INSERT INTO conversations (id, user_id, title) VALUES (:conversation_id, :user_id, :title)
    ON CONFLICT (id) DO UPDATE SET active_at = now() WHERE conversations.user_id = :user_id
    RETURNING id
""")
_SELECT_USAGE = Statement("""
    SELECT stored_bytes, (SELECT count(*) FROM conversations WHERE user_id = :user_id) AS conversations
    FROM account_usage WHERE user_id = :user_id
""")
_INSERT_TURN = Statement("""
    INSERT INTO turns (id, user_id, conversation_id, message_id, reply_id, idempotency_key, request_digest,
        message, timezone, model, lease, leased_until)
    VALUES (:turn_id, :user_id, :conversation_id, :message_id, :reply_id, :key, :digest,
        :message, :timezone, :model, :lease, now() + CAST(:lease_duration AS interval))
    ON CONFLICT (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING id
""")
_TAKE_OVER_LEASE = Statement("""
    UPDATE turns SET lease = :lease, leased_until = now() + CAST(:lease_duration AS interval)
    WHERE id = :turn_id AND user_id = :user_id AND status = 'running'
        AND (leased_until IS NULL OR leased_until <= now())
    RETURNING id
""")


async def begin(db: Database, user_id: UUID, new: NewTurn, rules: TurnRules) -> Turn:
    """Returns a new turn, or the turn of an earlier request with the same idempotency key.

    The key is valid for `new.key_lifetime`. The turn is leased to the caller unless it has an outcome or waits for
    approval. A message such as `yes` takes over the tool calls for which the latest turn of the conversation asks
    approval.

    Raises ConversationNotFound, IdTaken, QuotaExceeded, AssistantBudgetSpent and TooManyTurns. Raises
    IdempotencyKeyReused when the earlier request was a different one, and TurnInProgress while another process works
    on the turn.
    """
    resumed = await resume(db, user_id, new, rules)
    return resumed or await _create(db, user_id, new, rules)


async def resume(db: Database, user_id: UUID, new: NewTurn, rules: TurnRules) -> Turn | None:
    """Returns the turn of an earlier request with the same idempotency key, or None.

    The turn is leased to the caller unless it has an outcome or waits for approval.
    """
    if new.idempotency_key is None:
        return None
    row = await db.fetch_one(_FIND_TURN_BY_KEY, user_id=user_id, key=new.idempotency_key, key_lifetime=new.key_lifetime)
    if row is None:
        return None
    if row["request_digest"] != new.digest:
        raise IdempotencyKeyReused
    lease = None if row["finished"] else await _take_over_lease(db, user_id, row, rules)
    turn = await store.load(db, user_id, row["id"])
    turn.lease = lease
    return turn


async def _take_over_lease(db: Database, user_id: UUID, row: Row, rules: TurnRules) -> UUID:
    """Leases a turn whose process has stopped to the caller.

    Raises TurnInProgress while another process holds the lease, AssistantBudgetSpent and TooManyTurns.
    """
    lease = new_id()
    async with db.transaction() as transaction:
        taken_over = await transaction.write(
            _TAKE_OVER_LEASE, turn_id=row["id"], user_id=user_id, lease=lease, lease_duration=rules.lease_duration
        )
        if taken_over is None:
            raise TurnInProgress(retry_after=max(row["seconds_left"] or 1, 1))
        # A continued turn is not counted again. Without a reservation, a client that disconnects before each answer
        # could use the model without a limit.
        await budget.reserve(transaction, user_id, row["id"], rules, "continued")
    return lease


async def _create(db: Database, user_id: UUID, new: NewTurn, rules: TurnRules) -> Turn:
    """Stores a new turn, leased to the caller, and counts it towards the user's daily quota.

    Raises ConversationNotFound, IdTaken, QuotaExceeded, AssistantBudgetSpent and TooManyTurns. Raises
    TurnInProgress when a concurrent request was faster.
    """
    approved = read_plain_answer(new.message)
    async with db.transaction() as transaction:
        await free_expired_key(transaction, user_id, new)
        conversation_id = await _open_conversation(transaction, user_id, new)
        turn_id, lease = await insert_turn(transaction, user_id, conversation_id, new, rules)
        if approved is not None:
            await take_over_waiting_calls(transaction, user_id, conversation_id, turn_id, approved=approved)
        await budget.reserve(transaction, user_id, turn_id, rules, "new")
        await require_room(transaction, user_id, rules.quotas)
    turn = await store.load(db, user_id, turn_id)
    turn.lease = lease
    return turn


async def free_expired_key(transaction: Transaction, user_id: UUID, new: NewTurn) -> None:
    """Takes the idempotency key of the new turn from an earlier turn, if the key has expired there."""
    if new.idempotency_key is not None:
        await transaction.write(
            _REMOVE_EXPIRED_KEY, user_id=user_id, key=new.idempotency_key, key_lifetime=new.key_lifetime
        )


async def insert_turn(
    transaction: Transaction, user_id: UUID, conversation_id: UUID, new: NewTurn, rules: TurnRules
) -> tuple[UUID, UUID]:
    """Stores a new turn of a conversation. Returns its id, and the lease that the caller holds on it.

    Raises TurnInProgress when a concurrent request with the same idempotency key was faster.
    """
    turn_id, lease = new_id(), new_id()
    inserted = await transaction.write(
        _INSERT_TURN,
        turn_id=turn_id,
        user_id=user_id,
        conversation_id=conversation_id,
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
        # The other request has created the turn and works on it: `resume` did not find it yet.
        raise TurnInProgress(retry_after=1)
    return turn_id, lease


async def _open_conversation(transaction: Transaction, user_id: UUID, new: NewTurn) -> UUID:
    """Creates the conversation of a new turn, or marks an existing one as the most recently active. Returns its id.

    Raises ConversationNotFound, and IdTaken when the client chose the id of another user's conversation.
    """
    title = " ".join(new.message.split())[:_MAX_TITLE_CHARACTERS]
    if new.conversation_id is None:
        conversation_id = new_id()
        await transaction.write(_INSERT_CONVERSATION, conversation_id=conversation_id, user_id=user_id, title=title)
        return conversation_id
    if new.opens_conversation:
        chosen = {"conversation_id": new.conversation_id, "user_id": user_id, "title": title}
        if await transaction.write(_OPEN_CONVERSATION, **chosen) is None:
            raise IdTaken
        return new.conversation_id
    if await transaction.write(_MARK_CONVERSATION_ACTIVE, conversation_id=new.conversation_id, user_id=user_id) is None:
        raise ConversationNotFound
    return new.conversation_id


async def require_room(transaction: Transaction, user_id: UUID, quotas: Quotas) -> None:
    """Checks the quotas of conversations and stored bytes, including those of this transaction. Raises QuotaExceeded.

    Must follow `budget.reserve`, whose locks let the user's new turns pass one by one. A turn that runs is never
    refused, so the bytes of running turns may go beyond the quota.
    """
    usage = await transaction.fetch_one(_SELECT_USAGE, user_id=user_id)
    if usage is None:
        return
    if usage["conversations"] > quotas.conversations:
        raise QuotaExceeded("conversations", quotas.conversations)
    if usage["stored_bytes"] > quotas.stored_bytes:
        raise QuotaExceeded("stored_bytes", quotas.stored_bytes)
