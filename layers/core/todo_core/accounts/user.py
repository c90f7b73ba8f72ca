"""The user of a request. A module of its own: every function reads the user, but only auth loads the operations."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final
from uuid import UUID


@dataclass(frozen=True)
class User:
    """An account, without its secrets."""

    id: UUID
    email: str
    name: str | None
    timezone: str
    created_at: datetime


USER_COLUMNS: Final = ", ".join(f"users.{field.name}" for field in fields(User))
