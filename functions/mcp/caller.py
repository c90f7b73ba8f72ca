"""The caller of a method: the user of the token, and the client that speaks for them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request
from msgspec import Struct

from functions.mcp.heads import accepts_events
from functions.mcp.seals import Seals
from functions.mcp.wire import Peer
from todo_assistant.direct_calls import DirectCalls
from todo_assistant.tools.registry import ToolContext
from todo_assistant.turns.direct import conversation_of
from todo_core.web.identity import SignedInUser
from todo_core.web.resources import get_resources


class Caller(Struct, frozen=True):
    request: Request
    user: SignedInUser
    token_id: UUID
    peer: Peer

    @property
    def client(self) -> str:
        """The name of the client: that of its token, because the name in a request may be any."""
        return self.user.token_name or "MCP"

    @property
    def seals(self) -> Seals:
        return Seals(get_resources(self.request).settings.secret_keys)

    @property
    def direct_calls(self) -> DirectCalls:
        resources = get_resources(self.request)
        return DirectCalls.from_settings(resources.settings, resources.database)

    @property
    def can_ask(self) -> bool:
        """True if a question reaches the person. On Lambda, a response cannot wait for the answer to its question."""
        if self.peer.is_stateless:
            return self.peer.can_ask
        return self.peer.can_ask and accepts_events(self.request) and "aws.event" not in self.request.scope

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ToolContext]:
        """Yields the context in which the tools read, outside of any turn."""
        timezone = ZoneInfo(self.user.timezone)
        async with get_resources(self.request).database.transaction() as transaction:
            yield ToolContext(transaction, self.user.actor, conversation_of(self.token_id), datetime.now(UTC), timezone)
