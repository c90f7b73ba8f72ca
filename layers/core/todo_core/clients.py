"""The client for which the current task works. The middleware sets it for each request, before the session is checked.

Rate limits count requests by client. The database shares its connections by owner: the cookie and the bearer tokens of
a user share one part.
"""

from contextvars import ContextVar
from typing import Final, Literal, NamedTuple
from uuid import UUID

type ClientKind = Literal["user", "token", "network"]
"""`user` for requests with the cookie, `token` for bearer tokens, `network` without a valid session token."""


class Client(NamedTuple):
    """A client of the service. `id` is the id of the user, or the address of the network."""

    kind: ClientKind
    id: UUID | str

    @property
    def owner(self) -> UUID | str:
        """The owner of the work: the id, without the kind."""
        return self.id


current_client: Final[ContextVar[Client | None]] = ContextVar("current_client", default=None)
"""The client of the current task, or None for work that no request has caused, such as a purge."""


def find_owner() -> UUID | str | None:
    """Returns the owner of the current task's work, or None for work that no request has caused."""
    client = current_client.get()
    return None if client is None else client.id
