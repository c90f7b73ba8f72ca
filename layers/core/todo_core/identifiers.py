"""Ids of rows: UUIDs of version 7, which sort by creation time, so that index pages are filled in order."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()
