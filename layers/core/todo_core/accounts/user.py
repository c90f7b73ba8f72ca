"""The class of a user, in a module of its own.

Every deployed function needs the class, but only the auth function should load the account operations.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct


class User(Struct, frozen=True):
    """An account, without its password hash. `email_verified` is true once a link that was mailed there was used."""

    id: UUID
    email: str
    name: str | None
    timezone: str
    created_at: datetime
    email_verified: bool


_EXPRESSIONS: Final = {"email_verified": "users.email_verified_at IS NOT NULL AS email_verified"}
USER_COLUMNS: Final = ", ".join(_EXPRESSIONS.get(name, f"users.{name}") for name in User.__struct_fields__)
USERS_WITH_USAGE: Final = "(users JOIN account_usage ON account_usage.user_id = users.id)"
"""SQL of the users with the counters of their accounts. `last_seq` is the number of the latest change.

Whoever finds the user of a request reads that number too: a list needs it, and this takes less time than a column in
each row of the list.
"""
