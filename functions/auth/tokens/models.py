"""Requests and responses of the routes of API tokens."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Final
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError

from todo_core.accounts.api_tokens import PREFIX, TokenScope
from todo_core.text import Text
from todo_core.times import Instant

_MAX_SCOPES: Final = 20
"""A number above that of all scopes, because a scope may be repeated."""

_EXAMPLE: Final[dict[str, JsonValue]] = {
    "id": "0198c5a1-7000-7d2c-9d2b-0b1e6a7c9f33",
    "name": "Backup of my laptop",
    "scopes": ["account:read", "todos:read"],
    "created_at": "2030-01-01T08:00:00Z",
    "last_used_at": "2030-01-03T17:00:00Z",
    "expires_at": "2030-07-01T00:00:00Z",
    "may_delete_unasked": False,
}


def _require_future(instant: datetime) -> datetime:
    if instant <= datetime.now(UTC):
        raise PydanticCustomError("past", "Give a time in the future")
    return instant


class ApiTokenCreate(BaseModel):
    """A new API token. Without `expires_at` it is valid until it is deleted.

    With `may_delete_unasked`, a program at `/mcp` may delete todos without asking a person.
    """

    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Backup of my laptop",
                    "scopes": ["account:read", "todos:read"],
                    "expires_at": "2130-07-01T00:00:00Z",
                },
                {"name": "Shortcuts", "scopes": ["todos:write"]},
            ]
        },
    )

    name: Annotated[str, Text(min_length=1, max_length=100)]
    scopes: list[TokenScope] = Field(min_length=1, max_length=_MAX_SCOPES)
    expires_at: Annotated[Instant, AfterValidator(_require_future)] | None = None
    may_delete_unasked: Annotated[bool, Field(strict=True)] = False


class ApiTokenRead(BaseModel):
    """An API token. `last_used_at` is the beginning of the hour of its latest use, or null before the first."""

    model_config: ClassVar = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    name: str
    scopes: list[TokenScope]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    may_delete_unasked: bool


class CreatedApiTokenRead(ApiTokenRead):
    """A new API token with its text, which no other response has."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={"examples": [_EXAMPLE | {"last_used_at": None, "token": f"{PREFIX}{34 * 'x'}1XAvCd"}]}
    )

    token: str
