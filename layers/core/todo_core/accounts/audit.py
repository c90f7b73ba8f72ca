"""Audit events: one log line for each event of an account or a session, on which deployers can base alerts.

A line never contains an email, a password, a token or a name.
"""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from todo_core.logs import log

type Event = Literal["register", "login", "logout", "password_change", "session_end", "close_account"]
type Outcome = Literal["success", "failure", "refused"]
"""`failure`: the password or the session was wrong. `refused`: a limit or a rule, before any password was checked."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The client of a request: its address, for rate limits and the log, and the id of the request."""

    address: str
    request_id: str


def record(
    event: Event, outcome: Outcome, caller: Caller, *, account_id: UUID | None = None, reason: str | None = None
) -> None:
    """Logs an event. `account_id` is None when no account is known. `reason` is the code of the failure."""
    fields = {"account_id": str(account_id) if account_id else None, "reason": reason}
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
