"""Stores turns in the database: loads and finishes them, and leases each to one process at a time.

A model response is stored before its tool calls run. Each tool result is stored in the transaction of the tool's
changes. So a process that continues a turn after a crash runs no tool call twice.
"""

from collections.abc import Sequence
from typing import Final, NoReturn
from uuid import UUID

import msgspec
from pydantic import JsonValue

from todo_assistant.errors import NothingToApprove, TurnInProgress, TurnNotFound
from todo_assistant.models.messages import Completion, Extras, Question
from todo_assistant.turns import budget
from todo_assistant.turns.budget import TurnRules
from todo_assistant.turns.model import Approval, ModelResponse, ToolCall, Turn, TurnOutcome
from todo_core.database.executor import Database, Executor, Row, Transaction
from todo_core.database.statements import Statement
from todo_core.identifiers import new_id

STATUS: Final = """
    CASE WHEN turns.status = 'running' AND (turns.leased_until IS NULL OR turns.leased_until <= now())
        THEN 'incomplete' ELSE turns.status END
"""
"""SQL expression for a turn's status. A running turn without a valid lease has lost its process: it is incomplete."""

COLUMNS: Final = f"""
    turns.id, turns.user_id, turns.conversation_id, turns.message, turns.timezone, {STATUS} AS status,
    turns.stopped_by, turns.response, turns.model, turns.approval, turns.created_at, turns.reserved_tokens
"""

_FIND_LATEST_TURN = Statement(f"""
    SELECT {COLUMNS} FROM turns
    WHERE user_id = :user_id AND conversation_id = :conversation_id ORDER BY id DESC LIMIT 1
""")  # noqa: S608 - names of columns
_FIND_TURN = Statement(f"SELECT {COLUMNS} FROM turns WHERE id = :turn_id AND user_id = :user_id")  # noqa: S608
# The condition after OR lets a client repeat its answer to an approval if the process that got it crashed.
_ANSWER_APPROVAL = Statement("""
    UPDATE turns SET status = 'running', lease = :lease, leased_until = now() + CAST(:lease_duration AS interval),
        approval = approval || jsonb_build_object('approved', CAST(:approved AS boolean))
    WHERE id = :turn_id AND user_id = :user_id AND (
        status = 'needs_approval'
        OR (status = 'running' AND (leased_until IS NULL OR leased_until <= now())
            AND approval->'approved' = to_jsonb(CAST(:approved AS boolean)))
    ) AND (CAST(:round AS int) IS NULL OR (approval->'round')::int = CAST(:round AS int))
    RETURNING id
""")
_LOCK_LEASED_TURN = Statement("""
    SELECT (SELECT users.timezone FROM users WHERE users.id = turns.user_id) AS timezone
    FROM turns WHERE id = :turn_id AND lease = :lease AND status = 'running' FOR UPDATE
""")
_SPEND_TOKENS = Statement("""
    UPDATE turns SET reserved_tokens = greatest(0, reserved_tokens - :tokens), stored_bytes = stored_bytes + :bytes
    WHERE id = :turn_id AND lease = :lease
    RETURNING reserved_tokens
""")
_RELEASE_LEASE = Statement("UPDATE turns SET lease = NULL, leased_until = NULL WHERE id = :turn_id AND lease = :lease")
_FINISH_TURN = Statement("""
    UPDATE turns SET status = :status, stopped_by = :stopped_by, response = :response,
        stored_bytes = stored_bytes + coalesce(octet_length(:response), 0) + coalesce(octet_length(:approval), 0),
        approval = CAST(CAST(:approval AS text) AS jsonb), lease = NULL, leased_until = NULL, finished_at = now()
    WHERE id = :turn_id AND lease = :lease AND status = 'running'
    RETURNING id
""")
_FIND_MODEL_RESPONSES = Statement("""
    SELECT turn_id, number, content, prompt_tokens, completion_tokens, question, extras
    FROM rounds WHERE turn_id = ANY(CAST(:turn_ids AS uuid[])) ORDER BY number
""")
# The extras are only for the provider: a page of the history has no room for them.
_FIND_TOOL_CALLS = Statement("""
    SELECT turn_id, round, position, call_id AS id, name, arguments, ok, result,
        CASE WHEN :with_extras THEN extras END AS extras
    FROM tool_calls WHERE turn_id = ANY(CAST(:turn_ids AS uuid[])) ORDER BY round, position
""")
_INSERT_MODEL_RESPONSE = Statement("""
    INSERT INTO rounds (turn_id, number, content, prompt_tokens, completion_tokens, milliseconds,
        question, extras)
    VALUES (:turn_id, :number, :content, :prompt_tokens, :completion_tokens, :milliseconds,
        CAST(:question AS jsonb), CAST(:extras AS jsonb))
""")
_INSERT_TOOL_CALLS = Statement("""
    INSERT INTO tool_calls (turn_id, round, position, call_id, name, arguments, extras)
    SELECT :turn_id, :number, position, call_id, name, arguments, CAST(extras AS jsonb)
    FROM unnest(CAST(:ids AS text[]), CAST(:names AS text[]), CAST(:arguments AS text[]), CAST(:extras AS text[]))
        WITH ORDINALITY AS call (call_id, name, arguments, extras, position)
""")
_STORE_TOOL_RESULT = Statement("""
    WITH stored AS (
        UPDATE tool_calls SET ok = :ok, result = CAST(CAST(:result AS text) AS jsonb), milliseconds = :milliseconds,
            finished_at = now()
        WHERE turn_id = :turn_id AND round = :round AND position = :position
    )
    UPDATE turns SET stored_bytes = stored_bytes + octet_length(:result) WHERE id = :turn_id
""")


async def load(db: Executor, user_id: UUID, turn_id: UUID) -> Turn:
    """Returns a turn with its model responses and without a lease. Raises TurnNotFound."""
    row = await db.fetch_one(_FIND_TURN, turn_id=turn_id, user_id=user_id)
    if row is None:
        raise TurnNotFound
    turn = turn_from_row(row)
    await load_model_responses(db, [turn])
    return turn


async def find_latest(db: Executor, user_id: UUID, conversation_id: UUID) -> Turn | None:
    """Returns the latest turn of a conversation without its model responses, or None."""
    row = await db.fetch_one(_FIND_LATEST_TURN, user_id=user_id, conversation_id=conversation_id)
    return turn_from_row(row) if row else None


async def load_model_responses(db: Executor, turns: Sequence[Turn]) -> None:
    """Reads the model responses and tool calls of turns and adds them to the turns, which were read without them."""
    by_id = {turn.id: turn for turn in turns}
    for row in await db.fetch_all(_FIND_MODEL_RESPONSES, turn_ids=list(by_id)):
        by_id[row["turn_id"]].model_responses.append(
            ModelResponse(
                row["number"],
                row["content"],
                row["prompt_tokens"],
                row["completion_tokens"],
                question=msgspec.json.decode(row["question"], type=Question) if row["question"] else None,
                extras=_decode_extras(row["extras"]),
            )
        )
    for turn_id, calls in (await load_tool_calls(db, list(by_id), with_extras=True)).items():
        responses = by_id[turn_id].model_responses
        for call in calls:
            # Another process may have stored a response between the two queries: its calls are skipped.
            if call.round <= len(responses):
                responses[call.round - 1].calls.append(call)


async def load_tool_calls(db: Executor, turn_ids: Sequence[UUID], *, with_extras: bool) -> dict[UUID, list[ToolCall]]:
    """Returns the tool calls of several turns by turn id, in the order in which the model requested them."""
    calls: dict[UUID, list[ToolCall]] = {}
    for row in await db.fetch_all(_FIND_TOOL_CALLS, turn_ids=list(turn_ids), with_extras=with_extras):
        call = ToolCall(**{name: row[name] for name in ("round", "position", "id", "name", "arguments", "ok")})
        call.result = msgspec.json.decode(row["result"]) if row["result"] else None
        call.extras = _decode_extras(row["extras"])
        calls.setdefault(row["turn_id"], []).append(call)
    return calls


def turn_from_row(row: Row) -> Turn:
    """Returns the turn of a row with the columns `COLUMNS`, still without model responses."""
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
        reserved_tokens=row["reserved_tokens"],
    )


async def answer_approval(  # noqa: PLR0913 - the answer and its place
    db: Executor, user_id: UUID, turn_id: UUID, rules: TurnRules, *, approved: bool, round_number: int | None = None
) -> Turn:
    """Stores whether the user approved the waiting tool calls, and returns the turn, leased to the caller.

    With `round_number`, the answer counts only for the calls of that round.

    Raises TurnNotFound, TurnInProgress while a process works on the turn, NothingToApprove and TooManyTurns.
    """
    lease = new_id()
    async with db.transaction() as transaction:
        answered = await transaction.write(
            _ANSWER_APPROVAL,
            turn_id=turn_id,
            user_id=user_id,
            approved=approved,
            round=round_number,
            lease=lease,
            lease_duration=rules.lease_duration,
        )
        if answered is not None:
            await budget.reserve(transaction, user_id, turn_id, rules, "approved")
    turn = await load(db, user_id, turn_id)
    if answered is None:
        raise TurnInProgress(retry_after=2) if turn.status == "running" else NothingToApprove()
    turn.lease = lease
    return turn


async def lock_leased_turn(transaction: Transaction, turn: Turn) -> str:
    """Locks the turn until the transaction ends, so that no other process can take over the lease of the turn.

    Returns the time zone of the account, which may be another one than that of the turn.

    Raises TurnInProgress if this process has lost the lease, and TurnNotFound if the turn was deleted.
    """
    row = await transaction.fetch_one(_LOCK_LEASED_TURN, turn_id=turn.id, lease=turn.lease)
    if row is None:
        await _raise_lease_lost(transaction, turn)
    timezone: str = row["timezone"]
    return timezone


async def release_lease(db: Executor, turn: Turn) -> None:
    """Ends the lease of an unfinished turn, so that another process may continue the turn at once."""
    await db.write(_RELEASE_LEASE, turn_id=turn.id, lease=turn.lease)


async def finish(db: Executor, turn: Turn, outcome: TurnOutcome) -> None:
    """Stores the outcome of a turn and ends the lease of the turn.

    Raises TurnInProgress if this process has lost the lease, and TurnNotFound if the turn was deleted.
    """
    finished = await db.write(
        _FINISH_TURN,
        turn_id=turn.id,
        lease=turn.lease,
        status=outcome.status,
        stopped_by=outcome.stopped_by,
        response=outcome.response,
        approval=msgspec.json.encode(outcome.approval).decode() if outcome.approval else None,
    )
    if finished is None:
        await _raise_lease_lost(db, turn)
    turn.lease = None


async def add_model_response(db: Database, turn: Turn, completion: Completion, *, milliseconds: int) -> None:
    """Stores a completion in the turn. Takes its tokens from the turn's reservation to the user's usage of the day.

    Must precede the tool calls of the completion. `milliseconds` is the time that the model took. Raises
    TurnInProgress when the lease of the turn is lost, and TurnNotFound.
    """
    number = len(turn.model_responses) + 1
    response = ModelResponse(
        number,
        completion.content,
        completion.prompt_tokens or 0,
        completion.completion_tokens or 0,
        _calls_with_unique_ids(turn, number, completion),
        completion.question,
        completion.extras,
    )
    tokens = response.prompt_tokens + response.completion_tokens
    async with db.transaction() as transaction:
        await lock_leased_turn(transaction, turn)
        await _insert_model_response(transaction, turn.id, response, milliseconds)
        await budget.count_tokens(transaction, turn.user_id, tokens)
        # Last, because it locks the user's row in `account_usage`.
        spent = await transaction.write(
            _SPEND_TOKENS, turn_id=turn.id, lease=turn.lease, tokens=tokens, bytes=_count_bytes(response)
        )
    turn.reserved_tokens = spent["reserved_tokens"] if spent else 0
    turn.model_responses.append(response)


async def store_tool_result(transaction: Transaction, turn: Turn, call: ToolCall, *, milliseconds: int) -> None:
    """Stores `ok` and `result` of a tool call. The transaction must have called `lock_leased_turn` before."""
    await transaction.write(
        _STORE_TOOL_RESULT,
        turn_id=turn.id,
        round=call.round,
        position=call.position,
        ok=call.ok,
        result=msgspec.json.encode(call.result).decode(),
        milliseconds=milliseconds,
    )


def _calls_with_unique_ids(turn: Turn, number: int, completion: Completion) -> list[ToolCall]:
    """Returns the tool calls of a completion. A missing id, or one that the turn has already used, is replaced."""
    used_ids = {call.id for call in turn.calls}
    calls: list[ToolCall] = []
    for position, call in enumerate(completion.calls, start=1):
        # A model may omit or repeat ids of calls, but a tool result names its call by the id. Mistral accepts ids of 9
        # letters and digits only.
        call_id = call.id if call.id and call.id not in used_ids else new_id().hex[-9:]
        used_ids.add(call_id)
        calls.append(ToolCall(number, position, call_id, call.name, call.arguments, extras=call.extras))
    return calls


async def _insert_model_response(
    transaction: Transaction, turn_id: UUID, response: ModelResponse, milliseconds: int
) -> None:
    await transaction.write(
        _INSERT_MODEL_RESPONSE,
        turn_id=turn_id,
        number=response.number,
        content=response.content,
        prompt_tokens=response.prompt_tokens,
        completion_tokens=response.completion_tokens,
        milliseconds=milliseconds,
        question=msgspec.json.encode(response.question).decode() if response.question else None,
        extras=_encode_extras(response.extras),
    )
    await transaction.write(
        _INSERT_TOOL_CALLS,
        turn_id=turn_id,
        number=response.number,
        ids=[call.id for call in response.calls],
        names=[call.name for call in response.calls],
        arguments=[call.arguments for call in response.calls],
        extras=[_encode_extras(call.extras) for call in response.calls],
    )


def _count_bytes(response: ModelResponse) -> int:
    """Returns the stored bytes of a model response with its calls: those of its texts, and 200 for each row."""
    texts = [response.content, _encode_extras(response.extras) or ""]
    for call in response.calls:
        texts += [call.id, call.name, call.arguments, _encode_extras(call.extras) or ""]
    return 200 * (1 + len(response.calls)) + sum(len(text.encode()) for text in texts)


def _encode_extras(extras: Extras) -> str | None:
    return msgspec.json.encode(extras).decode() if extras else None


def _decode_extras(text: str | None) -> Extras:
    extras: dict[str, JsonValue] = msgspec.json.decode(text) if text else {}
    return extras


async def _raise_lease_lost(db: Executor, turn: Turn) -> NoReturn:
    """Reports that this process lost its lease. Raises TurnNotFound if the turn was deleted, else TurnInProgress."""
    if await db.fetch_one(_FIND_TURN, turn_id=turn.id, user_id=turn.user_id) is None:
        raise TurnNotFound
    raise TurnInProgress(retry_after=2)
