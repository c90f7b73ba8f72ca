"""The project as it is stored."""

from datetime import datetime
from uuid import UUID

import msgspec


class Project(msgspec.Struct, frozen=True):
    """A project as it is stored. An archived project is not in the list by default. Its todos stay as they are."""

    id: UUID
    name: str
    order: float
    archived: bool
    version: int
    created_at: datetime
    updated_at: datetime
