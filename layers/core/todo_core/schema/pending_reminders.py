"""The condition of reminders that are to fire, in one form for the index and for all statements."""

from typing import Final

IS_PENDING: Final = (
    "reminder_at IS NOT NULL AND (reminded_at IS NULL OR reminded_at < reminder_at)"
    " AND deleted_at IS NULL AND NOT completed"
)
"""SQL that is true for a todo whose reminder has not fired.

PostgreSQL uses a partial index only for a statement that has the same condition.
"""
