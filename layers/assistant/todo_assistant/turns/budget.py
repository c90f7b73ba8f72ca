"""Counts each user's turns and tokens per day in UTC, and enforces the daily quota."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from todo_assistant.errors import AssistantBudgetSpent
from todo_core.database.executor import Executor
from todo_core.database.statements import Statement
from todo_core.limits import DailyQuota

_COUNT_TURN = Statement("""
    INSERT INTO assistant_usage AS usage (user_id, day, turns) VALUES (:user_id, :today, 1)
    ON CONFLICT (user_id, day) DO UPDATE SET turns = usage.turns + 1
    WHERE usage.turns < :max_turns AND usage.tokens < :max_tokens
    RETURNING turns
""")
_COUNT_TOKENS = Statement("""
    INSERT INTO assistant_usage AS usage (user_id, day, tokens) VALUES (:user_id, :today, :tokens)
    ON CONFLICT (user_id, day) DO UPDATE SET tokens = usage.tokens + excluded.tokens
""")
_FIND_SPENT_TOKENS = Statement("""
    SELECT tokens FROM assistant_usage WHERE user_id = :user_id AND day = :today AND tokens >= :max_tokens
""")


async def count_turn(db: Executor, user_id: UUID, quota: DailyQuota) -> None:
    """Counts one turn of the user today. Raises AssistantBudgetSpent when the quota of turns or tokens is used up."""
    counted = await db.write(
        _COUNT_TURN, user_id=user_id, today=_today(), max_turns=quota.turns, max_tokens=quota.tokens
    )
    if counted is None:
        raise _budget_spent()


async def count_tokens(db: Executor, user_id: UUID, tokens: int) -> None:
    """Adds tokens to the user's usage of today."""
    await db.write(_COUNT_TOKENS, user_id=user_id, today=_today(), tokens=tokens)


async def require_tokens_left(db: Executor, user_id: UUID, quota: DailyQuota) -> None:
    """Checks that the user has tokens left today. Raises AssistantBudgetSpent."""
    if await db.fetch_one(_FIND_SPENT_TOKENS, user_id=user_id, today=_today(), max_tokens=quota.tokens):
        raise _budget_spent()


def _budget_spent() -> AssistantBudgetSpent:
    """Returns the error for a spent quota. Its Retry-After is the seconds until midnight UTC, when a new day begins."""
    now = datetime.now(UTC)
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
    return AssistantBudgetSpent(retry_after=int((midnight - now).total_seconds()) + 1)


def _today() -> date:
    return datetime.now(UTC).date()
