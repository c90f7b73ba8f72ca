"""Audit events: one log line for each event of an account or a session, on which deployers can base alerts.

A line never contains an email, a password, a token or a name.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final, Literal
from uuid import UUID

from todo_core.errors import ServiceError
from todo_core.logs import log
from todo_core.secret_values import SecretValue

type Event = Literal[
    "register",
    "login",
    "logout",
    "password_change",
    "password_forgot",
    "password_reset",
    "email_verification",
    "email_change",
    "email_take_back",
    "session_end",
    "close_account",
    "confirm",
    "second_factor_add",
    "second_factor_remove",
    "second_factor_reset",
    "recovery_codes",
    "invite",
    "api_token_create",
    "api_token_delete",
    "client_register",
    "connection_create",
    "connection_end",
    "webhook_create",
    "webhook_update",
    "webhook_delete",
    "webhook_secret",
]
type Outcome = Literal["success", "failure", "refused"]
"""`refused`: by a limit, or because a new password is common. `failure`: by another error, such as a wrong password."""

_REFUSALS: Final = {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.TOO_MANY_REQUESTS}


class Caller(SecretValue, frozen=True):
    """The client of a request: its address, for rate limits and the log, and the id of the request.

    `device_token` is the token of its device cookie, see `devices`.
    """

    address: str
    request_id: str
    device_token: str | None = None


def record(  # noqa: PLR0913 - the fields of a line
    event: Event,
    outcome: Outcome,
    caller: Caller,
    *,
    account_id: UUID | None = None,
    reason: str | None = None,
    opened_by: str | None = None,
) -> None:
    """Logs an event. `account_id` is None when no account is known. `reason` is the code of the failure.

    `opened_by` names the proof of a login, such as `passkey`.
    """
    fields = {"account_id": str(account_id) if account_id else None, "reason": reason, "opened_by": opened_by}
    log.info(
        "%s %s",
        event,
        outcome,
        extra={
            "event": event,
            "outcome": outcome,
            "address": caller.address,
            "request_id": caller.request_id,
            **{name: value for name, value in fields.items() if value is not None},
        },
    )


@contextmanager
def failures_recorded(event: Event, caller: Caller, account_id: UUID | None = None) -> Iterator[None]:
    """Logs the event with the code of the ServiceError that ends the block, and raises the error again."""
    try:
        yield
    except ServiceError as error:
        outcome: Outcome = "refused" if error.status in _REFUSALS or error.is_expected else "failure"
        record(event, outcome, caller, account_id=account_id, reason=error.code)
        raise
