"""The class of a user, in a module of its own.

Every deployed function needs the class, but only the auth function should load the account operations.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final
from uuid import UUID


@dataclass(frozen=True)
class User:
    """An account, without its password hash."""

    id: UUID
    email: str
    name: str | None
    timezone: str
    created_at: datetime


USER_COLUMNS: Final = ", ".join(f"users.{field.name}" for field in fields(User))
