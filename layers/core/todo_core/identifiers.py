"""Ids of rows: UUIDs of version 7. They sort by creation time, so new rows are added at the end of an index."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()
