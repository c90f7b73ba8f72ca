"""Turns as they are stored: begun once, leased to one process at a time, resumed where the last one stopped.

What the model asked for is stored before it is acted upon, and the outcome of each call in the transaction of its
effect. So whoever takes over a turn whose process died knows what is left to do, and does nothing twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

import msgspec
from pydantic import JsonValue

from todo_assistant.errors import (
    AssistantBudgetSpent,
    ConversationNotFound,
    NothingToApprove,
    TurnInProgress,
    TurnNotFound,
    TurnUndone,
)
from todo_assistant.models.messages import Completion
from todo_core.actors import Actor
from todo_core.database.executor import Database, Executor, Row, Transaction
from todo_core.database.statements import Statement
from todo_core.errors import IdempotencyKeyReused
from todo_core.identifiers import new_id
from todo_core.todos import changes
from todo_core.todos.changes import TurnChange

type Status = Literal["running", "needs_approval", "done", "incomplete"]
type StopReason = Literal["rounds", "tool_calls", "tokens", "deadline"]

_LONGEST_TITLE: Final = 80
_KEY_LIFETIME: Final = timedelta(hours=24)


@dataclass(slots=True)
class ToolCall:
    """A call that the model asked for. Until it is carried out, or refused, `ok` and `result` are None."""

    round: int
    position: int
    id: str
    name: str
    arguments: str
    ok: bool | None = None
    result: dict[str, JsonValue] | None = None


@dataclass(slots=True)
class ModelResponse:
    """One answer of the model, and what became of the calls in it."""

    number: int
    content: str
    prompt_tokens: int
    completion_tokens: int
    calls: list[ToolCall] = field(default_factory=list)


class ApprovalTodo(msgspec.Struct, frozen=True):
    """A todo as it was when the user was asked."""

    id: UUID
    title: str
    version: int


class ApprovalCall(msgspec.Struct, frozen=True):
    """A call that waits for the user: exactly these arguments, on exactly these versions."""

    position: int
    id: str
    name: str
    arguments: str
    deletes: bool
    todos: list[ApprovalTodo]


class Approval(msgspec.Struct):
    """What a turn asks the user; `approved` is None until it is answered, once."""

    round: int
    calls: list[ApprovalCall]
    approved: bool | None = None

    def of(self, call: ToolCall) -> ApprovalCall | None:
        """The part about a call."""
        if call.round != self.round:
            return None
        return next((asked for asked in self.calls if asked.position == call.position), None)


@dataclass(slots=True)
class Turn:
    """One message of the user's and what was made of it so far. `lease` is the right to go on with it."""

    id: UUID
    user_id: UUID
    conversation_id: UUID
    message: str
    timezone: str
    status: Status
    stopped_by: StopReason | None
    response: str | None
    model: str
    approval: Approval | None
    created_at: datetime
    lease: UUID | None = None
    rounds: list[ModelResponse] = field(default_factory=list)

    @property
    def calls(self) -> list[ToolCall]:
        return [call for each in self.rounds for call in each.calls]

    @property
    def prompt_tokens(self) -> int:
        return sum(each.prompt_tokens for each in self.rounds)

    @property
    def completion_tokens(self) -> int:
        return sum(each.completion_tokens for each in self.rounds)


@dataclass(frozen=True, slots=True)
class NewTurn:
    """What a client asks for."""

    message: str
    conversation_id: UUID | None
    timezone: str
    model: str
    idempotency_key: str | None
    digest: bytes
    """Tells this request from another one under the same key."""


@dataclass(frozen=True, slots=True)
class DailyQuota:
    """How much of the assistant a user may have on a day (UTC), and for how long a process may be alone with a turn."""

    daily_turns: int
    daily_tokens: int
    lease: timedelta


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """How a turn ends, or pauses to ask."""

    status: Status
    response: str | None = None
    stopped_by: StopReason | None = None
    approval: Approval | None = None


@dataclass(frozen=True, slots=True)
class UndoResult:
    """What an undo put back, and what it left alone because it has been changed since."""

    todos: Sequence[TurnChange]
    conflicts: Sequence[TurnChange]


COLUMNS: Final = """
    turns.id, turns.user_id, turns.conversation_id, turns.message, turns.timezone,
    CASE WHEN turns.status = 'running' AND (turns.leased_until IS NULL OR turns.leased_until <= now())
        THEN 'incomplete' ELSE turns.status END AS status,
    turns.stopped_by, turns.response, turns.model, turns.approval, turns.created_at
"""
"""A turn that is running without a lease has lost its process: unless someone goes on with it, it is incomplete."""

_BY_ID = Statement(f"SELECT {COLUMNS} FROM turns WHERE id = :turn_id AND user_id = :user_id")  # noqa: S608
_BY_KEY = Statement("""
    SELECT id, request_digest, status <> 'running' AS finished,
        ceil(extract(epoch FROM leased_until - now()))::int AS seconds_left
    FROM turns
    WHERE user_id = :user_id AND idempotency_key = :key AND created_at > now() - CAST(:lifetime AS interval)
""")
_FORGET_KEY = Statement("""
    UPDATE turns SET idempotency_key = NULL
    WHERE user_id = :user_id AND idempotency_key = :key AND created_at <= now() - CAST(:lifetime AS interval)
""")
_SPEND_TURN = Statement("""
    INSERT INTO assistant_usage AS usage (user_id, day, turns) VALUES (:user_id, :today, 1)
    ON CONFLICT (user_id, day) DO UPDATE SET turns = usage.turns + 1
    WHERE usage.turns < :most_turns AND usage.tokens < :most_tokens
    RETURNING turns
""")
_TOKENS_SPENT = Statement(
    "SELECT tokens FROM assistant_usage WHERE user_id = :user_id AND day = :today AND tokens >= :limit"
)
_SPEND_TOKENS = Statement("""
    INSERT INTO assistant_usage AS usage (user_id, day, tokens) VALUES (:user_id, :today, :tokens)
    ON CONFLICT (user_id, day) DO UPDATE SET tokens = usage.tokens + excluded.tokens
""")
_TOUCH_CONVERSATION = Statement(
    "UPDATE conversations SET active_at = now() WHERE id = :conversation_id AND user_id = :user_id RETURNING id"
)
_OPEN_CONVERSATION = Statement(
    "INSERT INTO conversations (id, user_id, title) VALUES (:conversation_id, :user_id, :title)"
)
_INSERT = Statement("""
    INSERT INTO turns (id, user_id, conversation_id, message_id, reply_id, idempotency_key, request_digest,
        message, timezone, model, lease, leased_until)
    VALUES (:turn_id, :user_id, :conversation_id, :message_id, :reply_id, :key, :digest,
        :message, :timezone, :model, :lease, now() + CAST(:leased_for AS interval))
    ON CONFLICT (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING id
""")
_TAKE_OVER = Statement("""
    UPDATE turns SET lease = :lease, leased_until = now() + CAST(:leased_for AS interval)
    WHERE id = :turn_id AND user_id = :user_id AND status = 'running'
        AND (leased_until IS NULL OR leased_until <= now())
    RETURNING id
""")
_DECIDE = Statement("""
    UPDATE turns SET status = 'running', lease = :lease, leased_until = now() + CAST(:leased_for AS interval),
        approval = approval || jsonb_build_object('approved', CAST(:approved AS boolean))
    WHERE id = :turn_id AND user_id = :user_id AND (
        status = 'needs_approval'
        -- The process died with the answer in its hands.
        OR (status = 'running' AND (leased_until IS NULL OR leased_until <= now())
            AND approval->'approved' = to_jsonb(CAST(:approved AS boolean)))
    )
    RETURNING id
""")
_HOLD = Statement("SELECT id FROM turns WHERE id = :turn_id AND lease = :lease AND status = 'running' FOR UPDATE")
_RELEASE = Statement("UPDATE turns SET lease = NULL, leased_until = NULL WHERE id = :turn_id AND lease = :lease")
_FINISH = Statement("""
    UPDATE turns SET status = :status, stopped_by = :stopped_by, response = :response,
        approval = CAST(:approval AS jsonb), lease = NULL, leased_until = NULL, finished_at = now()
    WHERE id = :turn_id AND lease = :lease AND status = 'running'
    RETURNING id
""")
_ROUNDS = Statement("""
    SELECT turn_id, number, content, prompt_tokens, completion_tokens
    FROM rounds WHERE turn_id = ANY(CAST(:turn_ids AS uuid[])) ORDER BY number
""")
_CALLS = Statement("""
    SELECT turn_id, round, position, call_id AS id, name, arguments, ok, result
    FROM tool_calls WHERE turn_id = ANY(CAST(:turn_ids AS uuid[])) ORDER BY round, position
""")
_INSERT_ROUND = Statement("""
    INSERT INTO rounds (turn_id, number, content, prompt_tokens, completion_tokens, milliseconds)
    VALUES (:turn_id, :number, :content, :prompt_tokens, :completion_tokens, :milliseconds)
""")
_INSERT_CALLS = Statement("""
    INSERT INTO tool_calls (turn_id, round, position, call_id, name, arguments)
    SELECT :turn_id, :number, position, call_id, name, arguments
    FROM unnest(CAST(:ids AS text[]), CAST(:names AS text[]), CAST(:arguments AS text[]))
        WITH ORDINALITY AS call (call_id, name, arguments, position)
""")
_RECORD = Statement("""
    UPDATE tool_calls SET ok = :ok, result = CAST(:result AS jsonb), milliseconds = :milliseconds,
        finished_at = now()
    WHERE turn_id = :turn_id AND round = :round AND position = :position
""")
_LAST_TO_UNDO = Statement("""
    SELECT id FROM turns
    WHERE user_id = :user_id AND conversation_id = :conversation_id
        AND id IS DISTINCT FROM :this AND undone_at IS NULL
        AND EXISTS (SELECT FROM changes WHERE turn_id = turns.id AND changes.user_id = :user_id)
    ORDER BY id DESC LIMIT 1
""")
_LOCK_FOR_UNDO = Statement(
    f"SELECT {COLUMNS}, undone_at FROM turns WHERE id = :turn_id AND user_id = :user_id FOR UPDATE"  # noqa: S608
)
# Whatever the turn still waited for is not done any more.
_MARK_UNDONE = Statement("""
    UPDATE turns SET undone_at = now(), lease = NULL, leased_until = NULL, approval = NULL,
        status = CASE WHEN status = 'done' THEN status ELSE 'incomplete' END
    WHERE id = :turn_id
""")


async def begin(db: Database, user_id: UUID, new: NewTurn, terms: DailyQuota) -> Turn:
    """The turn for a request: a new one, or that of an earlier request with the same key, leased if it is unfinished.

    Raises ConversationNotFound, AssistantBudgetSpent, IdempotencyKeyReused, and TurnInProgress while another process
    works on the turn.
    """
    return await _earlier(db, user_id, new, terms) or await _start(db, user_id, new, terms)


async def load(db: Executor, user_id: UUID, turn_id: UUID) -> Turn:
    """Raises TurnNotFound."""
    row = await db.fetch_one(_BY_ID, turn_id=turn_id, user_id=user_id)
    if row is None:
        raise TurnNotFound
    turn = from_row(row)
    await add_rounds(db, [turn])
    return turn


async def decide(db: Database, user_id: UUID, turn_id: UUID, terms: DailyQuota, *, approved: bool) -> Turn:
    """Answers what a turn asks, and leases the turn. Raises TurnNotFound, TurnInProgress and NothingToApprove."""
    lease = new_id()
    taken = await db.write(
        _DECIDE, turn_id=turn_id, user_id=user_id, approved=approved, lease=lease, leased_for=terms.lease
    )
    turn = await load(db, user_id, turn_id)
    if taken is None:
        raise TurnInProgress(retry_after=2) if turn.status == "running" else NothingToApprove()
    turn.lease = lease
    return turn


async def hold(transaction: Transaction, turn: Turn) -> None:
    """Keeps the turn's lease to the end of a transaction.

    Raises TurnInProgress when another process has it, and TurnNotFound when the conversation has been deleted.
    """
    if await transaction.fetch_one(_HOLD, turn_id=turn.id, lease=turn.lease) is None:
        await _require(transaction, turn)
        raise TurnInProgress(retry_after=2)


async def release(db: Executor, turn: Turn) -> None:
    """Lets anyone go on with an unfinished turn."""
    await db.write(_RELEASE, turn_id=turn.id, lease=turn.lease)


async def finish(db: Executor, turn: Turn, ending: TurnOutcome) -> None:
    """Raises TurnInProgress when another process has taken the turn over, TurnNotFound when it has been deleted."""
    finished = await db.write(
        _FINISH,
        turn_id=turn.id,
        lease=turn.lease,
        status=ending.status,
        stopped_by=ending.stopped_by,
        response=ending.response,
        approval=msgspec.json.encode(ending.approval).decode() if ending.approval else None,
    )
    if finished is None:
        await _require(db, turn)
        raise TurnInProgress(retry_after=2)
    turn.lease = None


async def spend_tokens(db: Executor, user_id: UUID, tokens: int) -> None:
    """Counts tokens towards the user's budget of the day."""
    await db.write(_SPEND_TOKENS, user_id=user_id, today=_today(), tokens=tokens)


async def add_round(db: Database, turn: Turn, reply: Completion, *, milliseconds: int) -> None:
    """Stores an answer of the model, before anything is done about it."""
    number = len(turn.rounds) + 1
    added = ModelResponse(number, reply.content, reply.prompt_tokens or 0, reply.completion_tokens or 0)
    taken = {call.id for call in turn.calls}
    for position, call in enumerate(reply.calls, start=1):
        # A result must find its call, whatever ids the model gave.
        call_id = call.id if call.id and call.id not in taken else f"call_{number}_{position}"
        while call_id in taken:
            call_id += "_"
        taken.add(call_id)
        added.calls.append(ToolCall(number, position, call_id, call.name, call.arguments))
    async with db.transaction() as transaction:
        await hold(transaction, turn)
        await transaction.write(
            _INSERT_ROUND,
            turn_id=turn.id,
            number=number,
            content=added.content,
            prompt_tokens=added.prompt_tokens,
            completion_tokens=added.completion_tokens,
            milliseconds=milliseconds,
        )
        await transaction.write(
            _INSERT_CALLS,
            turn_id=turn.id,
            number=number,
            ids=[call.id for call in added.calls],
            names=[call.name for call in added.calls],
            arguments=[call.arguments for call in added.calls],
        )
        await spend_tokens(transaction, turn.user_id, added.prompt_tokens + added.completion_tokens)
    turn.rounds.append(added)


async def record(transaction: Transaction, turn: Turn, call: ToolCall, *, milliseconds: int) -> None:
    """Stores the outcome of a call. The turn must be held, so that nobody else does."""
    await transaction.write(
        _RECORD,
        turn_id=turn.id,
        round=call.round,
        position=call.position,
        ok=call.ok,
        result=msgspec.json.encode(call.result).decode(),
        milliseconds=milliseconds,
    )


async def last_to_undo(db: Executor, user_id: UUID, conversation_id: UUID, this: UUID | None) -> UUID | None:
    """The last turn of a conversation, other than this one, that has changed something and is not undone."""
    row = await db.fetch_one(_LAST_TO_UNDO, user_id=user_id, conversation_id=conversation_id, this=this)
    return row["id"] if row else None


async def undo(transaction: Transaction, actor: Actor, turn_id: UUID) -> UndoResult:
    """Puts back what a turn changed, except what has been changed since.

    Raises TurnNotFound, TurnUndone, and TurnInProgress while the turn runs.
    """
    await changes.lock(transaction, actor.user_id)
    row = await transaction.fetch_one(_LOCK_FOR_UNDO, turn_id=turn_id, user_id=actor.user_id)
    if row is None:
        raise TurnNotFound
    if row["undone_at"] is not None:
        raise TurnUndone
    if row["status"] == "running":
        raise TurnInProgress(retry_after=2)
    state = await changes.state_of_turn(transaction, actor.user_id, turn_id)
    restored = set(await changes.undo(transaction, actor, turn_id))
    await transaction.write(_MARK_UNDONE, turn_id=turn_id)
    return UndoResult(
        [change for change in state if change.todo_id in restored],
        [change for change in state if change.todo_id not in restored],
    )


async def add_rounds(db: Executor, loaded: Sequence[Turn]) -> None:
    """Adds their rounds to turns that were read without."""
    by_id = {turn.id: turn for turn in loaded}
    for row in await db.fetch_all(_ROUNDS, turn_ids=list(by_id)):
        by_id[row["turn_id"]].rounds.append(
            ModelResponse(row["number"], row["content"], row["prompt_tokens"], row["completion_tokens"])
        )
    for turn_id, calls in (await calls_of(db, list(by_id))).items():
        rounds = by_id[turn_id].rounds
        for call in calls:
            # A round that another process has added between the two reads is left out whole.
            if call.round <= len(rounds):
                rounds[call.round - 1].calls.append(call)


async def calls_of(db: Executor, turn_ids: Sequence[UUID]) -> dict[UUID, list[ToolCall]]:
    """The calls of turns, in their order."""
    calls: dict[UUID, list[ToolCall]] = {}
    for row in await db.fetch_all(_CALLS, turn_ids=list(turn_ids)):
        call = ToolCall(**{name: row[name] for name in ("round", "position", "id", "name", "arguments", "ok")})
        call.result = msgspec.json.decode(row["result"]) if row["result"] else None
        calls.setdefault(row["turn_id"], []).append(call)
    return calls


def from_row(row: Row) -> Turn:
    """A turn without its rounds, from a row with the columns of `COLUMNS`."""
    approval = msgspec.json.decode(row["approval"], type=Approval) if row["approval"] else None
    return Turn(
        id=row["id"],
        user_id=row["user_id"],
        conversation_id=row["conversation_id"],
        message=row["message"],
        timezone=row["timezone"],
        status=row["status"],
        stopped_by=row["stopped_by"],
        response=row["response"],
        model=row["model"],
        approval=approval,
        created_at=row["created_at"],
    )


async def _require(db: Executor, turn: Turn) -> None:
    """Raises TurnNotFound."""
    if await db.fetch_one(_BY_ID, turn_id=turn.id, user_id=turn.user_id) is None:
        raise TurnNotFound


async def _earlier(db: Database, user_id: UUID, new: NewTurn, terms: DailyQuota) -> Turn | None:
    """The turn that an earlier request with the same key began; leased, unless it is finished."""
    if new.idempotency_key is None:
        return None
    row = await db.fetch_one(_BY_KEY, user_id=user_id, key=new.idempotency_key, lifetime=_KEY_LIFETIME)
    if row is None:
        return None
    if row["request_digest"] != new.digest:
        raise IdempotencyKeyReused
    lease = None
    if not row["finished"]:
        lease = new_id()
        async with db.transaction() as transaction:
            taken = await transaction.write(
                _TAKE_OVER, turn_id=row["id"], user_id=user_id, lease=lease, leased_for=terms.lease
            )
            if taken is None:
                raise TurnInProgress(retry_after=max(row["seconds_left"] or 1, 1))
            # Otherwise, who leaves each answer unfinished would have it for free.
            if await transaction.fetch_one(_TOKENS_SPENT, user_id=user_id, today=_today(), limit=terms.daily_tokens):
                raise _budget_spent()
    turn = await load(db, user_id, row["id"])
    turn.lease = lease
    return turn


async def _start(db: Database, user_id: UUID, new: NewTurn, terms: DailyQuota) -> Turn:
    turn_id, lease = new_id(), new_id()
    async with db.transaction() as transaction:
        if new.idempotency_key is not None:
            await transaction.write(_FORGET_KEY, user_id=user_id, key=new.idempotency_key, lifetime=_KEY_LIFETIME)
        inserted = await transaction.write(
            _INSERT,
            turn_id=turn_id,
            user_id=user_id,
            conversation_id=await _conversation(transaction, user_id, new),
            message_id=new_id(),
            reply_id=new_id(),
            key=new.idempotency_key,
            digest=new.digest,
            message=new.message,
            timezone=new.timezone,
            model=new.model,
            lease=lease,
            leased_for=terms.lease,
        )
        if inserted is None:
            # Another request with the same key has begun the turn at this very moment.
            raise TurnInProgress(retry_after=1)
        await _spend_turn(transaction, user_id, terms)
    turn = await load(db, user_id, turn_id)
    turn.lease = lease
    return turn


async def _conversation(transaction: Transaction, user_id: UUID, new: NewTurn) -> UUID:
    if new.conversation_id is None:
        conversation_id = new_id()
        title = " ".join(new.message.split())[:_LONGEST_TITLE]
        await transaction.write(_OPEN_CONVERSATION, conversation_id=conversation_id, user_id=user_id, title=title)
        return conversation_id
    if await transaction.write(_TOUCH_CONVERSATION, conversation_id=new.conversation_id, user_id=user_id) is None:
        raise ConversationNotFound
    return new.conversation_id


async def _spend_turn(transaction: Transaction, user_id: UUID, terms: DailyQuota) -> None:
    spent = await transaction.write(
        _SPEND_TURN, user_id=user_id, today=_today(), most_turns=terms.daily_turns, most_tokens=terms.daily_tokens
    )
    if spent is None:
        raise _budget_spent()


def _budget_spent() -> AssistantBudgetSpent:
    now = datetime.now(UTC)
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    return AssistantBudgetSpent(retry_after=int((midnight - now).total_seconds()) + 1)


def _today() -> date:
    return datetime.now(UTC).date()
