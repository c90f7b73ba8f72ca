"""The usage of an account: how much of each quota a user has used."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from todo_core.database.executor import Executor
from todo_core.database.statements import Statement
from todo_core.errors import NotAuthenticated
from todo_core.limits import DailyQuota, Quotas


class Use(Struct, frozen=True):
    """The used part of one quota and its limit. `used` is above the limit if the limit was lowered."""

    used: int
    limit: int


class Usage(Struct, frozen=True):
    """The use of each quota. The assistant's turns and tokens are those of today (UTC)."""

    todos: Use
    projects: Use
    tags: Use
    conversations: Use
    sessions: Use
    api_tokens: Use
    connections: Use
    passkeys: Use
    push_subscriptions: Use
    webhooks: Use
    stored_bytes: Use
    assistant_turns: Use
    assistant_tokens: Use


_SELECT: Final = Statement("""
    SELECT live_todos AS todos, stored_bytes,
        (SELECT count(*) FROM projects WHERE user_id = :user_id) AS projects,
        number_of_tags(:user_id) AS tags,
        (SELECT count(*) FROM conversations WHERE user_id = :user_id) AS conversations,
        (SELECT count(*) FROM sessions WHERE user_id = :user_id AND expires_at > now()) AS sessions,
        (SELECT count(*) FROM api_tokens WHERE user_id = :user_id AND (expires_at > now()) IS NOT FALSE) AS api_tokens,
        (SELECT count(*) FROM oauth_connections WHERE user_id = :user_id AND expires_at > now()) AS connections,
        (SELECT count(*) FROM passkeys WHERE user_id = :user_id) AS passkeys,
        (SELECT count(*) FROM push_subscriptions WHERE user_id = :user_id) AS push_subscriptions,
        (SELECT count(*) FROM webhooks WHERE user_id = :user_id) AS webhooks,
        coalesce(today.turns, 0) AS assistant_turns, coalesce(today.tokens, 0) AS assistant_tokens
    FROM account_usage LEFT JOIN assistant_usage AS today
        ON today.user_id = account_usage.user_id AND today.day = :today
    WHERE account_usage.user_id = :user_id
""")


async def read(db: Executor, user_id: UUID, quotas: Quotas, daily: DailyQuota) -> Usage:
    """Returns the user's usage. Raises NotAuthenticated when the account was closed meanwhile.

    A tag that no todo has any more counts until the quota of tags is reached.
    """
    used = await db.fetch_one(_SELECT, user_id=user_id, today=datetime.now(UTC).date())
    if used is None:
        raise NotAuthenticated
    limits = quotas.model_dump() | {"assistant_turns": daily.turns, "assistant_tokens": daily.tokens}
    return Usage(**{name: Use(used[name], limit) for name, limit in limits.items()})
