"""The log of deliveries, tests of webhooks, and deliveries that the owner repeats."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from todo_core.database.executor import Database, Executor, Row
from todo_core.database.expiry import deletes_expired
from todo_core.database.statements import Statement
from todo_core.identifiers import new_id
from todo_core.live.following import CHANNEL
from todo_core.outbox.deliverer import Outcome
from todo_core.outbox.leases import LeasedMessage
from todo_core.outbox.messages import WEBHOOK, add
from todo_core.todos import changes
from todo_core.todos.errors import ChangesExpired
from todo_core.webhooks import operations
from todo_core.webhooks.attempts import Result, WebhookMessage, attempt
from todo_core.webhooks.deliverer import Sending
from todo_core.webhooks.errors import DeliveryNotFound, WebhookNotFound
from todo_core.webhooks.events import build_content, build_test, find_event
from todo_core.webhooks.model import TEST, Delivery

RETENTION: Final = timedelta(days=30)

_COLUMNS: Final = """
    webhook_deliveries.id, message_id, event, seq, state, webhook_deliveries.attempts, status_code, error, milliseconds,
    webhook_deliveries.created_at, attempted_at
"""
_SELECT_PAGE = Statement(f"""
    SELECT {_COLUMNS} FROM webhook_deliveries
    WHERE webhook_id = :webhook_id AND id < :before ORDER BY id DESC LIMIT :limit
""")  # noqa: S608 - constants, as all below
_INSERT_TEST = Statement(f"""
    INSERT INTO webhook_deliveries (webhook_id, id, message_id, event, state)
    SELECT id, CAST(:id AS uuid), CAST(:message_id AS text), '{TEST}', 'waiting' FROM webhooks
    WHERE id = :webhook_id AND user_id = :user_id
    RETURNING {_COLUMNS}, webhook_id, (SELECT host FROM webhooks WHERE id = webhook_id)
""")  # noqa: S608
# A message that is tried again anyhow is tried now, by the process that keeps the order. The notification wakes it.
_REPEAT = Statement(f"""
    WITH repeated AS (
        UPDATE webhook_deliveries SET state = CASE WHEN state = 'retrying' AND enabled THEN state ELSE 'waiting' END
        FROM webhooks
        WHERE webhook_deliveries.id = :id AND webhooks.id = webhook_id AND user_id = :user_id
        RETURNING {_COLUMNS}, webhook_id, host
    ), hurried AS (
        UPDATE webhooks SET due_at = now() FROM repeated
        WHERE webhooks.id = webhook_id AND state = 'retrying' AND (leased_until > now()) IS NOT TRUE
    )
    SELECT {_COLUMNS.replace("webhook_deliveries.", "")}, webhook_id, host,
        CASE WHEN state = 'retrying' THEN pg_notify('{CHANNEL}', CAST(:user_id AS text)) END
    FROM repeated
""")  # noqa: S608
_SELECT_MESSAGE = Statement("""
    SELECT webhook_id, user_id, url, secret,
        CASE WHEN previous_secret_until > now() THEN previous_secret END AS previous_secret,
        message_id, seq, webhook_deliveries.created_at
    FROM webhook_deliveries JOIN webhooks ON webhooks.id = webhook_id
    WHERE webhook_deliveries.id = :id AND webhook_id = :webhook_id AND state = 'waiting'
""")
_SET_RESULT = Statement("""
    UPDATE webhook_deliveries SET
        state = :state, attempts = attempts + 1, status_code = :status_code, error = :error,
        milliseconds = :milliseconds, attempted_at = now()
    WHERE webhook_id = :webhook_id AND id = :id RETURNING id
""")
_DELETE_OLD = Statement("""
    DELETE FROM webhook_deliveries WHERE (webhook_id, id) IN (
        SELECT webhook_id, id FROM webhook_deliveries WHERE created_at <= now() - CAST(:kept AS interval)
        ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING id
""")
_AFTER_LAST: Final = UUID(int=2**128 - 1)
_FIELDS: Final = len(Delivery.__struct_fields__)


async def list_page(
    db: Executor, user_id: UUID, webhook_id: UUID, *, limit: int, after: UUID | None = None
) -> list[Delivery]:
    """Returns at most `limit` deliveries of the user's webhook, the newest first.

    `after` is the id of the last delivery on the page before. Raises WebhookNotFound.
    """
    await operations.get(db, user_id, webhook_id)
    rows = await db.fetch_all(_SELECT_PAGE, webhook_id=webhook_id, before=after or _AFTER_LAST, limit=limit)
    return [Delivery(*row) for row in rows]


async def request_test(db: Executor, user_id: UUID, webhook_id: UUID) -> Delivery:
    """Orders a test message to a webhook, also to one that is switched off. Raises WebhookNotFound."""
    delivery_id = new_id()
    message_id = f"msg_{delivery_id.hex}"
    async with db.transaction() as transaction:
        row = await transaction.write(
            _INSERT_TEST, user_id=user_id, webhook_id=webhook_id, id=delivery_id, message_id=message_id
        )
        if row is None:
            raise WebhookNotFound
        return await _enqueue(transaction, user_id, row)


async def repeat(db: Executor, user_id: UUID, delivery_id: UUID) -> Delivery:
    """Orders a message to be sent again, with the same id. Raises DeliveryNotFound.

    A message that waits for its next attempt is tried now instead.
    """
    async with db.transaction() as transaction:
        row = await transaction.write(_REPEAT, user_id=user_id, id=delivery_id)
        if row is None:
            raise DeliveryNotFound
        if row["state"] == "retrying":
            return Delivery(*row[:_FIELDS])
        return await _enqueue(transaction, user_id, row)


async def _enqueue(transaction: Executor, user_id: UUID, row: Row) -> Delivery:
    delivery, (webhook_id, host) = Delivery(*row[:_FIELDS]), row[_FIELDS : _FIELDS + 2]
    payload = {"webhook_id": str(webhook_id), "delivery_id": str(delivery.id)}
    await add(transaction, WEBHOOK, channel=host, user_id=user_id, payload=payload)
    return delivery


async def send_requested(db: Database, sending: Sending, message: LeasedMessage) -> Outcome:
    """Sends the message of a test or of a repeated delivery once, and logs the result.

    Returns `dropped` if it was not delivered: the owner sees why, and can ask for it again.
    """
    key = {"webhook_id": UUID(message.payload["webhook_id"]), "id": UUID(message.payload["delivery_id"])}
    row = await db.fetch_one(_SELECT_MESSAGE, **key)
    if row is None:
        return "dropped"
    content = await _find_content(db, sending, row)
    if content is None:
        result = Result("failed", None, "The change is no longer in the log", 0)
    else:
        secrets = await sending.secrets.read(row["secret"], row["previous_secret"])
        result = await attempt(sending.send, WebhookMessage(row["url"], row["message_id"], content, secrets))
    is_delivered = result.outcome == "delivered"
    await db.write(
        _SET_RESULT,
        **key,
        state="delivered" if is_delivered else "failed",
        status_code=result.status_code,
        error=result.error,
        milliseconds=result.milliseconds,
    )
    return "delivered" if is_delivered else "dropped"


async def _find_content(db: Database, sending: Sending, row: Row) -> bytes | None:
    """Returns the content of a message, or None if the log no longer has the change."""
    if row["seq"] is None:
        return build_test(row["webhook_id"], row["created_at"])
    try:
        page = await changes.find_since(db, row["user_id"], row["seq"] - 1, limit=1)
    except ChangesExpired:
        return None
    for change in page.changes:
        if event := find_event(change):
            return build_content(change, event, sending.base_url)
    return None


@deletes_expired("webhook_deliveries")
async def delete_old(db: Database, *, limit: int) -> int:
    """Deletes at most `limit` deliveries that are older than 30 days. Returns the number of deleted deliveries."""
    return len(await db.fetch_all(_DELETE_OLD, kept=RETENTION, limit=limit))
