"""Signs messages as Standard Webhooks describes, and sends them to their receivers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Final

from standardwebhooks import Webhook

from todo_core.webhooks.attempts import ReceiverAnswer, WebhookMessage
from todo_delivery.http.client import GuardedClient

_USER_AGENT: Final = "todo-backend-webhooks"


async def send(message: WebhookMessage, *, allow_private: bool) -> ReceiverAnswer:
    """Sends a message, signed at this moment. Raises DeliveryFailed without an answer."""
    headers = sign(message, datetime.now(UTC)) | {"Content-Type": "application/json", "User-Agent": _USER_AGENT}
    answer = await _make_client(allow_private=allow_private).post(message.url, content=message.content, headers=headers)
    return ReceiverAnswer(answer.status, answer.headers.get("retry-after"))


def sign(message: WebhookMessage, moment: datetime) -> dict[str, str]:
    """Returns the headers by which a receiver verifies a message: one signature for each secret."""
    return {
        "webhook-id": message.message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(_sign_with(message.secrets, message, moment)),
    }


def _sign_with(secrets: Sequence[str], message: WebhookMessage, moment: datetime) -> list[str]:
    content = message.content.decode()
    return [Webhook(secret).sign(message.message_id, moment, content) for secret in secrets]


@cache
def _make_client(*, allow_private: bool) -> GuardedClient:
    return GuardedClient(allow_private=allow_private)
