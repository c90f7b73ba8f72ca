"""The email of an account: its verification, its change, and the way back for the old email."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic import SecretStr

from todo_core.accounts import credentials, email_keys, links, registrations, sessions
from todo_core.accounts.audit import Caller, failures_recorded, record
from todo_core.accounts.email_keys import normalize_email
from todo_core.accounts.errors import EmailAlreadyVerified, LinkInvalid
from todo_core.accounts.links import Link
from todo_core.accounts.mails import AccountMails, send
from todo_core.accounts.recovery import mail_reset_link
from todo_core.accounts.user import USER_COLUMNS, User
from todo_core.database.executor import Database, Executor, Transaction
from todo_core.database.statements import Statement

_SUSPICIOUS_TIME: Final = timedelta(days=7)
"""Credentials that were added within this time before a change that is taken back may be those of a thief."""

_SET_VERIFIED: Final = Statement("UPDATE users SET email_verified_at = now() WHERE id = :user_id RETURNING id")
_SET_EMAIL: Final = Statement(f"""
    UPDATE users SET email = :email, email_key = :email_key, email_verified_at = now()
    WHERE id = :user_id RETURNING {USER_COLUMNS}
""")  # noqa: S608 - constants
# An empty hash also ends logins whose password was checked, and that wait for a second factor.
_END_PASSWORD: Final = Statement("""
    UPDATE users SET password_hash = '', password_expires_at = now() WHERE id = :user_id
""")


async def send_verification(db: Database, mails: AccountMails, user: User, *, caller: Caller) -> None:
    """Mails a new link that verifies the user's email.

    Raises EmailAlreadyVerified, MailNotConfigured, and TooManyAttempts after too many mails to the mailbox.
    """
    mails.require_configured()
    with failures_recorded("email_verification", caller, user.id):
        if user.email_verified:
            raise EmailAlreadyVerified
        await mails.count(db, normalize_email(user.email))
        async with db.transaction() as transaction:
            link = await links.create(transaction, mails.tokens, "verify_email", user.id)
            await send(transaction, "verify_email", user.email, user_id=user.id, link=link)


async def verify(db: Database, token: SecretStr, *, caller: Caller) -> None:
    """Confirms an email by the link that was mailed there: that of an account, of a registration or of a change.

    Raises LinkInvalid, and InviteInvalid when the invite of a registration was used up meanwhile.
    """
    with failures_recorded("email_verification", caller):
        try:
            link = await links.find(db, token, "verify_email", "change_email")
        except LinkInvalid:
            user_id = await registrations.complete(db, token)
        else:
            user_id = await _use_up(db, link)
    record("email_verification", "success", caller, account_id=user_id)


async def _use_up(db: Database, link: Link) -> UUID:
    async with db.transaction() as transaction:
        if link.email is not None:
            await _set_email(transaction, link)
            await links.cancel(transaction, link.user_id, "reset_password")
        elif await transaction.write(_SET_VERIFIED, user_id=link.user_id) is None:
            raise LinkInvalid
        await links.use_up(transaction, link)
        await links.cancel(transaction, link.user_id, "verify_email", "change_email")
    return link.user_id


async def _set_email(db: Transaction, link: Link) -> User:
    """Gives the email of the link to its account. Raises LinkInvalid when another account has it meanwhile."""
    assert link.email_key is not None  # noqa: S101 - links of changes have an email
    await email_keys.lock(db, link.email_key)
    if await email_keys.find_owner(db, link.email_key, other_than=link.user_id) is not None:
        raise LinkInvalid
    row = await db.write(_SET_EMAIL, user_id=link.user_id, email=link.email, email_key=link.email_key)
    if row is None:
        raise LinkInvalid
    return User(*row)


async def start_change(db: Database, mails: AccountMails, user: User, new_email: str, *, caller: Caller) -> None:
    """Begins a change: mails a link that confirms it to the new email, and one that takes it back to the old.

    An email of another account has the same result for the caller: its owner is told by mail. An old email that was
    never verified may belong to a stranger, so it gets no link.

    Raises MailNotConfigured, and TooManyAttempts after too many mails of the account.
    """
    mails.require_configured()
    old_key, new_key = normalize_email(user.email), normalize_email(new_email)
    with failures_recorded("email_change", caller, user.id):
        await mails.count_for_account(db, old_key)
        has_room = await mails.has_room(db, new_key)
        async with db.transaction() as transaction:
            if has_room:
                await _write_to_new_email(transaction, mails, user, new_email, new_key)
            if user.email_verified:
                # Without the limit of the mailbox: others could use it up, and the owner would not be told.
                await _write_to_old_email(transaction, mails, user, old_key, new_email)
    record("email_change", "success", caller, account_id=user.id)


async def _write_to_new_email(db: Executor, mails: AccountMails, user: User, new_email: str, new_key: str) -> None:
    owner = await email_keys.find_owner(db, new_key, other_than=user.id)
    if owner is None:
        link = await links.create(db, mails.tokens, "change_email", user.id, email=(new_email, new_key))
        await send(db, "change_email", new_email, user_id=user.id, link=link)
    else:
        await send(db, "account_exists", new_email, user_id=owner)


async def _write_to_old_email(db: Executor, mails: AccountMails, user: User, old_key: str, new_email: str) -> None:
    link = await links.create(db, mails.tokens, "take_back_email", user.id, email=(user.email, old_key))
    await send(db, "take_back_email", user.email, user_id=user.id, link=link, parameters={"new_email": new_email})


async def take_back(db: Database, mails: AccountMails, token: SecretStr, *, caller: Caller) -> None:
    """Gives the account its old email again, and mails a link for a new password there.

    The person who changed the email knows the password. So the password and all sessions end. Credentials that were
    added in the week before the change or since end, too. Later changes of the email are taken back with this one.

    Raises LinkInvalid and MailNotConfigured.
    """
    mails.require_configured()
    with failures_recorded("email_take_back", caller):
        link = await links.find(db, token, "take_back_email")
        async with db.transaction() as transaction:
            user = await _set_email(transaction, link)
            await links.use_up(transaction, link)
            await links.cancel(transaction, user.id, "verify_email", "reset_password", "change_email")
            await links.cancel(transaction, user.id, "take_back_email", since=link.created_at)
            await transaction.write(_END_PASSWORD, user_id=user.id)
            await sessions.close_all(transaction, user.id)
            await credentials.remove(transaction, user.id, since=link.created_at - _SUSPICIOUS_TIME)
            await mail_reset_link(transaction, mails, user)
    record("email_take_back", "success", caller, account_id=link.user_id)
