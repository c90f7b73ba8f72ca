"""The user of a request that reads todos. The statement that reads them checks the session, too."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final, Protocol
from uuid import UUID

from fastapi import Depends, Request
from msgspec import Struct

from todo_core.accounts.session_gates import gate, gate_list
from todo_core.accounts.session_tokens import SessionClaims
from todo_core.database.executor import Row, Transaction
from todo_core.database.statements import Statement
from todo_core.web.identity import SignedInUser, VerifiedToken, find_user
from todo_core.web.resources import get_resources


class ListOwner(Protocol):
    """The user of a list. `last_seq` is the number of the user's latest change that the list has."""

    @property
    def id(self) -> UUID: ...

    @property
    def timezone(self) -> str: ...

    @property
    def last_seq(self) -> int: ...


class _GatedOwner(Struct, frozen=True):
    """The owner of a list whose statement has checked the session."""

    id: UUID
    timezone: str
    last_seq: int


class Reader:
    """An Executor for the request of one user, whose first read checks the session.

    All of its methods raise the errors of a route with `CurrentUser`.
    """

    def __init__(self, request: Request, user: SignedInUser | SessionClaims) -> None:
        """Makes a reader for a user who was read already, or of whom only the claims are known."""
        resources = get_resources(request)
        self._request: Final = request
        self._database: Final = resources.database
        self._owner: ListOwner | None = None
        self._gate: dict[str, object] | None = None
        if isinstance(user, SignedInUser):
            self.user_id, self._owner = user.id, user
        else:
            self.user_id, lifetime = user.user_id, resources.settings.sessions.max_lifetime
            self._gate = {"user_id": user.user_id, "session_id": user.session_id, "max_lifetime": lifetime}

    async def find_owner(self) -> ListOwner:
        """Returns the owner as the statement of a list has read it. Before such a statement, reads the user alone."""
        if self._owner is None:
            self._owner, self._gate = await find_user(self._request), None
        return self._owner

    async def fetch_one(self, statement: Statement, **values: object) -> Row | None:
        if self._gate is None:
            return await self._database.fetch_one(statement, **values)
        row = await self._database.fetch_one(gate(statement), **(values | self._gate))
        if row is None:
            await self.find_owner()  # the session may have ended
        else:
            self._open_gate()
        return row

    async def fetch_all(self, statement: Statement, **values: object) -> list[Row]:
        if self._gate is None:
            return await self._database.fetch_all(statement, **values)
        rows = await self._database.fetch_all(gate_list(statement), **(values | self._gate))
        if not rows:
            await self.find_owner()
            return await self._database.fetch_all(statement, **values)
        self._open_gate()
        self._owner = _GatedOwner(self.user_id, rows[0]["timezone"], rows[0]["last_seq"])
        return [] if rows[0]["id"] is None else rows

    async def write(self, statement: Statement, **values: object) -> Row | None:
        await self.find_owner()
        return await self._database.write(statement, **values)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        await self.find_owner()
        async with self._database.transaction() as transaction:
            yield transaction

    def _open_gate(self) -> None:
        self._gate = None
        self._request.state.user_id = str(self.user_id)


async def _current_reader(request: Request) -> Reader:
    return Reader(request, _find_claims(request) or await find_user(request))


CurrentReader = Annotated[Reader, Depends(_current_reader)]
"""The reader for the user of a request. An API token needs the scopes that are registered for the route."""


def _find_claims(request: Request) -> SessionClaims | None:
    """Returns the claims of a session that only has to be checked.

    Returns None for an API token, and for a session whose last use or cookie is to be renewed. Returns None for all
    where emails must be verified.
    """
    verified: VerifiedToken | None = request.scope["state"]["verified_token"]
    resources = get_resources(request)
    if not isinstance(verified, tuple) or resources.settings.require_verified_email:
        return None
    claims, by = verified
    is_due = resources.last_seen.needs_update(claims.session_id) or (by == "user" and claims.is_half_over)
    return None if is_due else claims
