"""Sends the messages of webhooks. The libraries are loaded with the first message, beside the event loop."""

import asyncio
from importlib import import_module

from todo_core.webhooks.attempts import ReceiverAnswer, SendMessage, WebhookMessage


def make_message_sender(*, allow_private: bool) -> SendMessage:
    """Returns the function that sends messages; with `allow_private`, to private hosts too."""

    async def send(message: WebhookMessage) -> ReceiverAnswer:
        requests = await asyncio.to_thread(import_module, "todo_delivery.webhooks.requests")
        answer: ReceiverAnswer = await requests.send(message, allow_private=allow_private)
        return answer

    return send
