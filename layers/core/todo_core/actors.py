"""Who changes something, and by which door the change came."""

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

type ActorKind = Literal["user", "token", "assistant", "system"]
"""A page with the session's cookie, a program with a bearer token, the assistant in a turn, or maintenance."""

SET_ACTOR: Final = "set_config('todo.actor', :actor, true)"
"""In RETURNING of each write: it tells the trigger behind the change log in whose name it was, by `Actor.signature`."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The owner of what is changed and, for the assistant, the turn in which it acts for the owner."""

    user_id: UUID
    kind: ActorKind = "user"
    turn_id: UUID | None = None
    timezone: str = "UTC"
    """The IANA zone by whose clocks the owner lives."""

    @property
    def signature(self) -> str:
        """As the database's triggers read it from the setting `todo.actor`."""
        return f"{self.kind}:{self.turn_id or ''}"
