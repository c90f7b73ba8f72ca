"""The actor of a change: the user whose data changes, and the kind of client that makes the change."""

from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

from todo_core.limits import Quotas

type ActorKind = Literal["user", "token", "assistant", "system"]
"""The kind of client that makes a change.

`user` is a browser with the session cookie, and `token` a program with a bearer token: that of a session, or an API
token. `assistant` is the assistant in a turn, and `system` is maintenance.
"""

SET_ACTOR: Final = "set_config('todo.actor', :actor, true)"
"""SQL for the RETURNING clause of writes to todos and projects.

Passes the actor to the triggers that write the change log and enforce the quotas.
"""

_DEFAULT_QUOTAS: Final = Quotas()


class Actor(Struct, frozen=True):
    """The owner of the changed data, the kind of client that changes the data and, for the assistant, its turn."""

    user_id: UUID
    kind: ActorKind = "user"
    turn_id: UUID | None = None
    timezone: str = "UTC"
    """The owner's IANA time zone."""

    quotas: Quotas = _DEFAULT_QUOTAS
    token_name: str | None = None
    """The name of the API token whose request makes the change, also by a turn of the assistant."""

    @property
    def signature(self) -> str:
        """The text of the database setting `todo.actor`, such as `user::50000,1000,268435456`.

        Its parts are the kind, the turn, and the quotas of todos, tags and stored bytes. With an API token the last
        part is its name, which may have colons itself.
        """
        quotas = self.quotas
        parts = f"{self.kind}:{self.turn_id or ''}:{quotas.todos},{quotas.tags},{quotas.stored_bytes}"
        return parts if self.token_name is None else f"{parts}:{self.token_name}"
