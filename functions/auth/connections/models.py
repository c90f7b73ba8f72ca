"""Responses of the routes of connections."""

from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue

from todo_core.accounts.api_tokens import TokenScope

_EXAMPLE: Final[dict[str, JsonValue]] = {
    "id": "0198c5a1-7000-7d2c-9d2b-0b1e6a7c9f34",
    "client_id": "https://planner.example.com/oauth/client.json",
    "client_name": "Weekly planner",
    "client_host": "planner.example.com",
    "scopes": ["todos:read", "todos:write"],
    "resource": "/mcp",
    "may_delete_unasked": False,
    "created_at": "2030-01-01T08:00:00Z",
    "last_used_at": "2030-01-03T17:00:00Z",
    "expires_at": "2030-02-02T17:00:00Z",
}


class ConnectionRead(BaseModel):
    """A client that the user has connected by OAuth. The client has chosen its name itself.

    `client_host` is where it gets its answers, and `resource` the path at which its tokens work. `last_used_at` is the
    beginning of the hour of its latest use, or null before the first. Without further use it ends at `expires_at`.
    """

    model_config: ClassVar = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    client_id: str
    client_name: str
    client_host: str
    scopes: list[TokenScope]
    resource: str
    may_delete_unasked: bool
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime
