"""Who is signed in. Every function asks, auth alone has the operations on accounts."""

from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from todo_core.tables import table_of
from todo_core.tables.accounts import UserRow


@dataclass(frozen=True)
class User:
    """An account, without its secrets."""

    id: UUID
    email: str
    name: str | None
    timezone: str
    created_at: datetime


_users = table_of(UserRow)
USER_COLUMNS = [_users.c[field.name] for field in fields(User)]
