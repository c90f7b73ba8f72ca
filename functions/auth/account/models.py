"""Response bodies of the routes of an account that few requests need."""

from datetime import datetime
from typing import ClassVar, Final, Self
from uuid import UUID

from msgspec import structs
from pydantic import BaseModel, ConfigDict, JsonValue

from todo_core.accounts.sessions import OpenedBy, Session

_USAGE_EXAMPLE: Final[dict[str, JsonValue]] = {
    "todos": {"used": 12, "limit": 50_000},
    "projects": {"used": 2, "limit": 500},
    "tags": {"used": 4, "limit": 1_000},
    "conversations": {"used": 3, "limit": 1_000},
    "sessions": {"used": 1, "limit": 100},
    "api_tokens": {"used": 2, "limit": 50},
    "connections": {"used": 1, "limit": 50},
    "passkeys": {"used": 1, "limit": 20},
    "push_subscriptions": {"used": 2, "limit": 20},
    "webhooks": {"used": 1, "limit": 20},
    "stored_bytes": {"used": 30_720, "limit": 268_435_456},
    "assistant_turns": {"used": 5, "limit": 500},
    "assistant_tokens": {"used": 21_300, "limit": 1_000_000},
}


class UseRead(BaseModel):
    """The used part of one quota and its limit."""

    model_config: ClassVar = ConfigDict(
        from_attributes=True, json_schema_extra={"examples": [{"used": 12, "limit": 500}]}
    )

    used: int
    limit: int


class AccountUsageRead(BaseModel):
    """The use of each quota by the account. `assistant_turns` and `assistant_tokens` are those of today (UTC)."""

    model_config: ClassVar = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_USAGE_EXAMPLE]})

    todos: UseRead
    projects: UseRead
    tags: UseRead
    conversations: UseRead
    sessions: UseRead
    api_tokens: UseRead
    connections: UseRead
    passkeys: UseRead
    push_subscriptions: UseRead
    webhooks: UseRead
    stored_bytes: UseRead
    assistant_turns: UseRead
    assistant_tokens: UseRead


class SessionRead(BaseModel):
    """A sign-in of the account. `last_seen_at` may be up to an hour old. `current` marks the session of the request.

    `opened_by` is the proof with which the user signed in: the password alone, with a code of the app (`totp`), with a
    recovery code, or with a passkey (`password_passkey`); or a passkey alone.
    """

    model_config: ClassVar = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c5a1-7000-7d2c-9d2b-0b1e6a7c9f22",
                    "created_at": "2030-01-01T08:00:00Z",
                    "last_seen_at": "2030-01-03T17:30:00Z",
                    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                    "opened_by": "password",
                    "current": True,
                }
            ]
        }
    )

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    user_agent: str | None
    opened_by: OpenedBy
    current: bool

    @classmethod
    def of(cls, session: Session, current_id: UUID) -> Self:
        return cls(**structs.asdict(session), current=session.id == current_id)


class ExportedAccount(BaseModel):
    """The account in an export."""

    id: UUID
    email: str
    name: str | None
    timezone: str
    created_at: datetime
    email_verified_at: datetime | None


_Rows = list[dict[str, JsonValue]]
_EMPTY_LISTS: Final[dict[str, JsonValue]] = {
    name: []
    for name in (
        "api_tokens",
        "assistant_usage",
        "changes",
        "connections",
        "conversations",
        "links",
        "outbox",
        "passkeys",
        "projects",
        "push_subscriptions",
        "reminder_channels",
        "rounds",
        "sessions",
        "tool_calls",
        "totp",
        "turns",
        "webhook_deliveries",
        "webhooks",
    )
}
"""The lists of an export that its example leaves empty."""


class ExportRead(BaseModel):
    """All data that the service stores about a user: the account, and one list for each table.

    `todos` includes the trash, and `outbox` the messages that wait to be sent.
    """

    model_config: ClassVar = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "exported_at": "2030-02-01T08:00:00Z",
                    "account": {
                        "id": "0198c5a1-6e57-7d2c-9d2b-0b1e6a7c9f10",
                        "email": "ada@example.com",
                        "name": "Ada",
                        "timezone": "Europe/London",
                        "created_at": "2030-01-01T08:00:00Z",
                        "email_verified_at": "2030-01-01T08:05:00Z",
                    },
                    **_EMPTY_LISTS,
                    "todos": [
                        {
                            "id": "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22",
                            "title": "Buy milk",
                            "completed": False,
                            "due_at": "2030-01-31T17:00:00Z",
                            "tags": ["home"],
                        }
                    ],
                }
            ]
        },
    )

    exported_at: datetime
    account: ExportedAccount
    api_tokens: _Rows
    assistant_usage: _Rows
    changes: _Rows
    connections: _Rows
    conversations: _Rows
    links: _Rows
    outbox: _Rows
    passkeys: _Rows
    projects: _Rows
    push_subscriptions: _Rows
    reminder_channels: _Rows
    rounds: _Rows
    sessions: _Rows
    todos: _Rows
    tool_calls: _Rows
    totp: _Rows
    turns: _Rows
    webhook_deliveries: _Rows
    webhooks: _Rows
