"""Operations of webhooks: create, list, read, update, delete, and new secrets."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from pydantic import MISSING

from todo_core import outgoing_urls
from todo_core.database.executor import Database, Executor, Transaction
from todo_core.database.statements import Statement
from todo_core.errors import NotAuthenticated, QuotaExceeded
from todo_core.identifiers import new_id
from todo_core.live import following
from todo_core.outbox.announcements import announce
from todo_core.outgoing_urls import OutgoingUrl, UrlRefused
from todo_core.webhooks.errors import WebhookNotFound, WebhookUrlRefused
from todo_core.webhooks.model import Webhook, WebhookCreate, WebhookUpdate, WebhookWithSecret
from todo_core.webhooks.secrets import ROTATION, WebhookSecrets

_COLUMNS: Final = """
    id, url, events, description, enabled, disabled_reason, failing_since,
    CASE WHEN enabled AND attempts > 0 THEN due_at END AS next_attempt_at,
    CASE WHEN previous_secret_until > now() THEN previous_secret_until END AS previous_secret_until,
    created_at, updated_at
"""
_LAST_SEQ: Final = "(SELECT last_seq FROM account_usage WHERE account_usage.user_id = :user_id)"
_THIS: Final = "id = :id AND user_id = :user_id"

# Transactions that make or switch webhooks of one user pass one by one. So each sees the webhooks of those before.
_LOCK_OWNER = Statement("SELECT id FROM users WHERE id = :user_id FOR NO KEY UPDATE")
_INSERT = Statement(f"""
    INSERT INTO webhooks (id, user_id, url, host, description, events, secret, position)
    SELECT CAST(:id AS uuid), CAST(:user_id AS uuid), CAST(:url AS text), CAST(:host AS text),
        CAST(:description AS text), CAST(:events AS text[]), CAST(:secret AS bytea), {_LAST_SEQ}
    WHERE (SELECT count(*) FROM webhooks WHERE user_id = :user_id) < CAST(:quota AS int)
    RETURNING {_COLUMNS}
""")  # noqa: S608 - constants, as all below
_SELECT_PAGE = Statement(f"""
    SELECT {_COLUMNS} FROM webhooks
    WHERE user_id = :user_id AND (created_at, id) < (:created_at, :id)
    ORDER BY created_at DESC, id DESC LIMIT :limit
""")  # noqa: S608
_SELECT_ONE = Statement(f"SELECT {_COLUMNS} FROM webhooks WHERE {_THIS}")  # noqa: S608
# A new URL gets the next change at once. A process that still sends to the old URL loses its lease.
_IS_NEW_START: Final = "(CAST(:url AS text) <> url OR CAST(:enabled AS boolean) <> enabled) IS TRUE"
_UPDATE = Statement(f"""
    UPDATE webhooks SET
        url = coalesce(CAST(:url AS text), url),
        host = coalesce(CAST(:host AS text), host),
        description = CASE WHEN :sets_description THEN CAST(:description AS text) ELSE description END,
        events = CASE WHEN :sets_events THEN CAST(:events AS text[]) ELSE events END,
        enabled = coalesce(CAST(:enabled AS boolean), enabled),
        disabled_reason = CASE
            WHEN NOT coalesce(CAST(:enabled AS boolean), enabled) THEN coalesce(disabled_reason, 'owner')
        END,
        position = CASE WHEN CAST(:enabled AS boolean) AND NOT enabled THEN {_LAST_SEQ} ELSE position END,
        attempts = CASE WHEN {_IS_NEW_START} THEN 0 ELSE attempts END,
        failing_since = CASE WHEN {_IS_NEW_START} THEN NULL ELSE failing_since END,
        due_at = CASE WHEN {_IS_NEW_START} THEN now() ELSE due_at END,
        leased_until = CASE WHEN {_IS_NEW_START} THEN NULL ELSE leased_until END,
        lease = lease + CASE WHEN {_IS_NEW_START} THEN 1 ELSE 0 END,
        updated_at = now()
    WHERE {_THIS} RETURNING {_COLUMNS}
""")  # noqa: S608
_DELETE = Statement(f"DELETE FROM webhooks WHERE {_THIS} RETURNING id")  # noqa: S608
_SET_SECRET = Statement(f"""
    UPDATE webhooks SET
        previous_secret = secret, previous_secret_until = now() + CAST(:rotation AS interval),
        secret = :secret, updated_at = now()
    WHERE {_THIS} RETURNING {_COLUMNS}
""")  # noqa: S608
_SELECT_ACTIVE = Statement("SELECT id FROM webhooks WHERE user_id = :user_id AND enabled LIMIT 1")

_BEFORE_FIRST_PAGE: Final = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))


async def create(  # noqa: PLR0913 - the resources, and the limits of a new webhook
    db: Database, secrets: WebhookSecrets, user_id: UUID, new: WebhookCreate, *, quota: int, allow_private: bool
) -> WebhookWithSecret:
    """Makes a webhook, which gets all changes from now on.

    Raises WebhookUrlRefused, QuotaExceeded beyond `quota` webhooks, and NotAuthenticated when the account was closed.
    """
    url = _parse_url(new.url, allow_private=allow_private)
    secret, encrypted = await secrets.make()
    async with db.transaction() as transaction:
        if not await lock_owner(transaction, user_id):
            raise NotAuthenticated
        row = await transaction.write(
            _INSERT,
            id=new_id(),
            user_id=user_id,
            url=str(url),
            host=url.host,
            description=new.description,
            events=new.events,
            secret=encrypted,
            quota=quota,
        )
        if row is None:
            raise QuotaExceeded("webhooks", quota)
        await following.follow(transaction, user_id, None)
    announce(datetime.now(UTC))
    return WebhookWithSecret(**dict(row), secret=secret)


async def list_page(
    db: Executor, user_id: UUID, *, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[Webhook]:
    """Returns at most `limit` webhooks of the user, the newest first.

    `after` is the creation time and the id of the last webhook on the page before.
    """
    created_at, webhook_id = after or _BEFORE_FIRST_PAGE
    rows = await db.fetch_all(_SELECT_PAGE, user_id=user_id, created_at=created_at, id=webhook_id, limit=limit)
    return [Webhook(*row) for row in rows]


async def get(db: Executor, user_id: UUID, webhook_id: UUID) -> Webhook:
    """Returns the user's webhook with this id. Raises WebhookNotFound."""
    row = await db.fetch_one(_SELECT_ONE, user_id=user_id, id=webhook_id)
    if row is None:
        raise WebhookNotFound
    return Webhook(*row)


async def update(
    db: Database, user_id: UUID, webhook_id: UUID, changes: WebhookUpdate, *, allow_private: bool
) -> Webhook:
    """Applies the changes. A webhook that is switched on again gets the changes from now on.

    Raises WebhookNotFound and WebhookUrlRefused.
    """
    if not changes.model_fields_set:
        return await get(db, user_id, webhook_id)
    url = None if changes.url is MISSING else _parse_url(changes.url, allow_private=allow_private)
    async with db.transaction() as transaction:
        await lock_owner(transaction, user_id)
        row = await transaction.write(
            _UPDATE,
            user_id=user_id,
            id=webhook_id,
            url=url and str(url),
            host=url and url.host,
            sets_description=changes.description is not MISSING,
            description=None if changes.description is MISSING else changes.description,
            sets_events=changes.events is not MISSING,
            events=None if changes.events is MISSING else changes.events,
            enabled=None if changes.enabled is MISSING else changes.enabled,
        )
        if row is None:
            raise WebhookNotFound
        await follow_by_need(transaction, user_id)
    announce(datetime.now(UTC))
    return Webhook(*row)


async def delete(db: Database, user_id: UUID, webhook_id: UUID) -> None:
    """Deletes a webhook with its deliveries. Raises WebhookNotFound."""
    async with db.transaction() as transaction:
        await lock_owner(transaction, user_id)
        if await transaction.write(_DELETE, user_id=user_id, id=webhook_id) is None:
            raise WebhookNotFound
        await follow_by_need(transaction, user_id)


async def rotate_secret(db: Executor, secrets: WebhookSecrets, user_id: UUID, webhook_id: UUID) -> WebhookWithSecret:
    """Gives the webhook a new secret. For 24 hours, the previous one signs too. Raises WebhookNotFound.

    A secret that was the previous one already is no longer used.
    """
    secret, encrypted = await secrets.make()
    row = await db.write(_SET_SECRET, user_id=user_id, id=webhook_id, secret=encrypted, rotation=ROTATION)
    if row is None:
        raise WebhookNotFound
    return WebhookWithSecret(**dict(row), secret=secret)


async def lock_owner(transaction: Transaction, user_id: UUID) -> bool:
    """Locks the user's account, before webhooks of the user are locked. Returns False if the account was closed.

    The order is that of the deletion of an account, so the two cannot deadlock.
    """
    return await transaction.write(_LOCK_OWNER, user_id=user_id) is not None


async def follow_by_need(transaction: Transaction, user_id: UUID) -> None:
    """Makes the database notify the user's changes while an enabled webhook exists. Call it after `lock_owner`."""
    if await transaction.fetch_one(_SELECT_ACTIVE, user_id=user_id) is None:
        await following.unfollow(transaction, user_id)
    else:
        await following.follow(transaction, user_id, None)


def _parse_url(url: str, *, allow_private: bool) -> OutgoingUrl:
    try:
        return outgoing_urls.parse(url, allow_private=allow_private)
    except UrlRefused as refusal:
        raise WebhookUrlRefused(f"{refusal}.") from None
