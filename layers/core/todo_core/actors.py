"""The actor of a change: the user whose data changes, and the kind of client that makes the change."""

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

type ActorKind = Literal["user", "token", "assistant", "system"]
"""A browser with the session cookie, a program with a bearer token, the assistant in a turn, or maintenance."""

SET_ACTOR: Final = "set_config('todo.actor', :actor, true)"
"""SQL for the RETURNING clause of each write: passes the actor to the trigger that writes the change log."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The owner of the changed data, the kind of client and, for the assistant, its turn."""

    user_id: UUID
    kind: ActorKind = "user"
    turn_id: UUID | None = None
    timezone: str = "UTC"
    """The owner's IANA time zone."""

    @property
    def signature(self) -> str:
        """The value of the database setting `todo.actor`, which the trigger of the change log reads."""
        return f"{self.kind}:{self.turn_id or ''}"
