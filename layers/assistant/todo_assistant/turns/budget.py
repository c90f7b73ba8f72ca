"""Budgets of turns: counts each user's turns and tokens per day in UTC, and reserves tokens for running turns.

A turn reserves the tokens that it may spend when it is leased, and spends no more. Its reservation counts while its
lease is valid, so a process that dies gives it back when the lease expires.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from uuid import UUID

from todo_assistant.errors import AssistantBudgetSpent, TooManyTurns
from todo_core.database.executor import Executor, Transaction
from todo_core.database.statements import Statement
from todo_core.limits import DailyQuota, Quotas

type Start = Literal["new", "continued", "approved"]
"""The reason why a turn is leased: it is new, its process has stopped, or the user answered its approval."""


@dataclass(frozen=True, slots=True)
class TurnRules:
    """Rules under which the turns of a user are leased. `turn_tokens` and `lease_duration` are those of one turn."""

    daily: DailyQuota
    quotas: Quotas
    turn_tokens: int
    turns_at_once: int
    lease_duration: timedelta


_COUNT_TURNS = Statement("""
    INSERT INTO assistant_usage AS usage (user_id, day, turns) VALUES (:user_id, :today, :turns)
    ON CONFLICT (user_id, day) DO UPDATE SET turns = usage.turns + excluded.turns
    WHERE (excluded.turns = 0 OR usage.turns < :max_turns) AND (usage.tokens < :max_tokens OR :may_be_empty)
    RETURNING tokens
""")
# A turn beside others gets all the tokens of a turn or none. Otherwise each of them could go beyond the last few tokens
# of the day by one model response.
_RESERVE_TOKENS = Statement("""
    UPDATE turns SET reserved_tokens = greatest(0, least(:turn_tokens - spent.tokens, :tokens_left - others.tokens)),
        stored_bytes = greatest(turns.stored_bytes, 600 + octet_length(turns.message))
    FROM (
        SELECT coalesce(sum(prompt_tokens + completion_tokens), 0) AS tokens FROM rounds WHERE turn_id = :turn_id
    ) AS spent, (
        SELECT count(*) AS number, coalesce(sum(reserved_tokens), 0) AS tokens FROM turns
        WHERE user_id = :user_id AND id <> :turn_id AND lease IS NOT NULL AND leased_until > now()
    ) AS others
    WHERE turns.id = :turn_id AND others.number < :turns_at_once
        AND (others.number = 0 OR others.tokens + :turn_tokens <= :tokens_left OR :may_be_empty)
    RETURNING turns.id
""")
_COUNT_TOKENS = Statement("""
    INSERT INTO assistant_usage AS usage (user_id, day, tokens) VALUES (:user_id, :today, :tokens)
    ON CONFLICT (user_id, day) DO UPDATE SET tokens = usage.tokens + excluded.tokens
""")


async def reserve(transaction: Transaction, user_id: UUID, turn_id: UUID, rules: TurnRules, start: Start) -> None:
    """Reserves tokens for a turn that the transaction has leased. A new turn is counted towards the daily quota.

    A turn with an approval may also run without tokens, to carry out what the user approved. The rows of the
    usage are locked last, because other transactions lock them after the rows of their turns.

    Raises AssistantBudgetSpent when the daily quota of turns or tokens is used up. Raises TooManyTurns while too many
    turns of the user run, or while they hold the rest of the tokens.
    """
    may_be_empty = start == "approved"
    counted = await transaction.write(
        _COUNT_TURNS,
        user_id=user_id,
        today=_today(),
        turns=1 if start == "new" else 0,
        max_turns=rules.daily.turns,
        max_tokens=rules.daily.tokens,
        may_be_empty=may_be_empty,
    )
    if counted is None:
        raise _budget_spent()
    # A statement of its own: it sees the turns that other transactions have leased while this one waited for the row.
    reserved = await transaction.write(
        _RESERVE_TOKENS,
        user_id=user_id,
        turn_id=turn_id,
        turn_tokens=rules.turn_tokens,
        tokens_left=rules.daily.tokens - counted["tokens"],
        turns_at_once=rules.turns_at_once,
        may_be_empty=may_be_empty,
    )
    if reserved is None:
        raise TooManyTurns


async def count_tokens(db: Executor, user_id: UUID, tokens: int) -> None:
    """Adds tokens to the user's usage of today."""
    await db.write(_COUNT_TOKENS, user_id=user_id, today=_today(), tokens=tokens)


def _budget_spent() -> AssistantBudgetSpent:
    """Returns the error for a spent quota. Its Retry-After is the seconds until midnight UTC, when a new day begins."""
    now = datetime.now(UTC)
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
    return AssistantBudgetSpent(retry_after=int((midnight - now).total_seconds()) + 1)


def _today() -> date:
    return datetime.now(UTC).date()
