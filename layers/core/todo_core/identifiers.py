"""Ids: UUIDs of version 7, which sort by the time they were made and so keep indexes dense."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()
