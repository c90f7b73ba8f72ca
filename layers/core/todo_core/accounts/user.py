"""Who is signed in. Every function asks, auth alone has the operations on accounts."""

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
