"""The actor of a change: the user whose data changes, and the kind of client that makes the change."""

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

type ActorKind = Literal["user", "token", "assistant", "system"]
"""The kind of client that makes a change.

`user` is a browser with the session cookie, and `token` a program with a bearer token. `assistant` is the assistant in
a turn, and `system` is maintenance.
"""

SET_ACTOR: Final = "set_config('todo.actor', :actor, true)"
"""SQL for the RETURNING clause of writes to todos and projects.

Passes the actor to the trigger that writes the change log.
"""


@dataclass(frozen=True, slots=True)
class Actor:
    """The owner of the changed data, the kind of client that changes the data and, for the assistant, its turn."""

    user_id: UUID
    kind: ActorKind = "user"
    turn_id: UUID | None = None
    timezone: str = "UTC"
    """The owner's IANA time zone."""

    @property
    def signature(self) -> str:
        """The kind and the turn as text for the database setting `todo.actor`, which the change log's trigger reads."""
        return f"{self.kind}:{self.turn_id or ''}"
