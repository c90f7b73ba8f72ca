"""The client for which the current task works. The middleware sets it for each request, before the session is checked.

Rate limits count requests by client. The database shares its connections by owner: the cookie and the bearer tokens of
a user share one part.
"""

from contextvars import ContextVar
from typing import Final, Literal, NamedTuple

type ClientKind = Literal["user", "token", "network"]
"""`user` for requests with the cookie, `token` for bearer tokens, `network` without a valid token."""


type Owner = int | str
"""The id of a user as a number, or the address of a network. A UUID would take ten times as long as a key of a dict."""


class Client(NamedTuple):
    """A client of the service. `id` identifies the user or the network."""

    kind: ClientKind
    id: Owner


current_client: Final[ContextVar[Client | None]] = ContextVar("current_client", default=None)
"""The client of the current task, or None for work that no request has caused, such as a purge."""


def find_owner() -> Owner | None:
    """Returns the owner of the current task's work, or None for work that no request has caused."""
    client = current_client.get()
    return None if client is None else client.id
