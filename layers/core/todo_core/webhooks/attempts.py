"""One attempt to send a message to a webhook, and what became of it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from http import HTTPStatus
from time import perf_counter
from typing import Final, Literal

from msgspec import Struct

from todo_core.outbox.errors import DeliveryFailed
from todo_core.secret_values import SecretValue

_MAX_RETRY_AFTER: Final = timedelta(hours=4)


class WebhookMessage(SecretValue, frozen=True):
    """A message to a receiver. All `secrets` sign it."""

    url: str
    message_id: str
    content: bytes
    secrets: Sequence[str]


class ReceiverAnswer(Struct, frozen=True):
    """The status of a receiver's answer, and its header Retry-After."""

    status: int
    retry_after: str | None = None


type SendMessage = Callable[[WebhookMessage], Awaitable[ReceiverAnswer]]
"""Sends a message, and returns the answer of the receiver. Raises DeliveryFailed without an answer."""


class Result(Struct, frozen=True):
    """The result of an attempt. `error` is a sentence for the owner. `pause` is the pause that the receiver asks for.

    `gone` means that the receiver wants no more messages.
    """

    outcome: Literal["delivered", "failed", "gone"]
    status_code: int | None
    error: str | None
    milliseconds: int
    pause: timedelta = timedelta()


async def attempt(send: SendMessage, message: WebhookMessage) -> Result:
    """Sends a message. Returns the result; raises only unexpected errors."""
    began = perf_counter()
    if not message.secrets:
        return Result("failed", None, "The secret cannot be read any more; make a new one", 0)
    try:
        answer = await send(message)
    except DeliveryFailed as failure:
        return Result("failed", None, failure.reason, _milliseconds_since(began))
    return _judge(answer, _milliseconds_since(began))


def _judge(answer: ReceiverAnswer, milliseconds: int) -> Result:
    status = answer.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Result("delivered", status, None, milliseconds)
    if status == HTTPStatus.GONE:
        return Result("gone", status, "The receiver answered 410: it wants no more messages", milliseconds)
    error = f"The receiver answered {status}"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        error += "; redirects are not followed"
    return Result("failed", status, error, milliseconds, _parse_pause(answer.retry_after))


def _parse_pause(retry_after: str | None) -> timedelta:
    """Returns the seconds of a header Retry-After, at most four hours. Dates are ignored."""
    is_number = retry_after is not None and retry_after.isascii() and retry_after.isdigit()
    return min(timedelta(seconds=int(retry_after[:9])), _MAX_RETRY_AFTER) if retry_after and is_number else timedelta()


def _milliseconds_since(began: float) -> int:
    return round((perf_counter() - began) * 1000)
