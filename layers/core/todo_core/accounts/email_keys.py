"""The normalized form of emails, by which each email belongs to one account at most."""

import unicodedata
from typing import Final
from uuid import UUID

from todo_core.database.executor import Executor
from todo_core.database.statements import Statement

# Registrations and changes of an email wait for each other, so that none misses an owner that another one adds.
_LOCK: Final = Statement("SELECT pg_advisory_xact_lock(23570, hashtext(:email_key))")
_SELECT_OWNER: Final = Statement("""
    SELECT id FROM users WHERE email_key = :email_key AND id IS DISTINCT FROM CAST(:other_than AS uuid)
    UNION ALL
    SELECT user_id FROM links WHERE email_key = :email_key AND purpose = 'take_back_email' AND expires_at > now()
        AND user_id IS DISTINCT FROM CAST(:other_than AS uuid)
    LIMIT 1
""")


def normalize_email(email: str) -> str:
    """Returns the form of an email that only one account may have: emails that differ only by case are the same."""
    return unicodedata.normalize("NFC", email.casefold())


async def lock(db: Executor, email_key: str) -> None:
    """Makes other transactions that would give this email to an account wait for the end of this one."""
    await db.write(_LOCK, email_key=email_key)


async def find_owner(db: Executor, email_key: str, *, other_than: UUID | None = None) -> UUID | None:
    """Returns the account that has the email, or that had it and may still take it back. None if it is free."""
    row = await db.fetch_one(_SELECT_OWNER, email_key=email_key, other_than=other_than)
    return None if row is None else row["id"]
