"""The class of a user, in a module of its own.

Every deployed function needs the class, but only the auth function should load the account operations.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final
from uuid import UUID


@dataclass(frozen=True)
class User:
    """An account, without its password hash. `email_verified` is true once a link that was mailed there was used."""

    id: UUID
    email: str
    name: str | None
    timezone: str
    created_at: datetime
    email_verified: bool


_EXPRESSIONS: Final = {"email_verified": "users.email_verified_at IS NOT NULL AS email_verified"}
USER_COLUMNS: Final = ", ".join(_EXPRESSIONS.get(field.name, f"users.{field.name}") for field in fields(User))
