"""Recovery of an account whose password is forgotten, by a link that is mailed to its email."""

from typing import Final

from pydantic import SecretStr

from todo_core.accounts import credentials, links, rate_limits, sessions
from todo_core.accounts.audit import Caller, failures_recorded, record
from todo_core.accounts.common_passwords import require_uncommon
from todo_core.accounts.email_keys import normalize_email
from todo_core.accounts.errors import AccountNotFound, LinkInvalid, TooManyAttempts
from todo_core.accounts.links import Link
from todo_core.accounts.login_limits import list_account_keys, network_client
from todo_core.accounts.mails import AccountMails, send
from todo_core.accounts.passwords import PasswordHasher
from todo_core.accounts.uniform_time import uniform_time
from todo_core.accounts.user import USER_COLUMNS, User
from todo_core.database.executor import Database, Executor
from todo_core.database.statements import Statement

_SELECT_BY_EMAIL: Final = Statement(f"SELECT {USER_COLUMNS} FROM users WHERE email_key = :email_key")  # noqa: S608 - constants, as below
_SELECT: Final = Statement(f"SELECT {USER_COLUMNS} FROM users WHERE id = :user_id")  # noqa: S608
# The link was mailed to the account's email, so that its use verifies the email too.
_SET_PASSWORD: Final = Statement("""
    UPDATE users SET password_hash = :new_hash, password_expires_at = NULL,
        email_verified_at = coalesce(email_verified_at, now())
    WHERE id = :user_id RETURNING id
""")


async def send_reset_link(db: Database, mails: AccountMails, email: str, *, caller: Caller) -> None:
    """Mails a link with which the account's password can be replaced, if there is an account with this email.

    The caller learns nothing about the account: neither by the time, nor at the limit of the mailbox. Raises
    MailNotConfigured, and TooManyAttempts after too many requests from the network.
    """
    mails.require_configured()
    async with uniform_time():
        with failures_recorded("password_forgot", caller):
            key = f"forgot:{rate_limits.find_network(caller.address)}"
            limit = mails.limits.forgotten_passwords_per_address
            await rate_limits.count_attempt(db, {key: limit}, mails.limits.window)
        await _send_link_of(db, mails, normalize_email(email), caller)


async def _send_link_of(db: Database, mails: AccountMails, email_key: str, caller: Caller) -> None:
    row = await db.fetch_one(_SELECT_BY_EMAIL, email_key=email_key)
    if row is None:
        record("password_forgot", "failure", caller, reason=AccountNotFound.code)
        return
    user = User(*row)
    if not await mails.has_room(db, email_key):
        record("password_forgot", "refused", caller, account_id=user.id, reason=TooManyAttempts.code)
        return
    async with db.transaction() as transaction:
        await mail_reset_link(transaction, mails, user)
    record("password_forgot", "success", caller, account_id=user.id)


async def mail_reset_link(db: Executor, mails: AccountMails, user: User) -> None:
    link = await links.create(db, mails.tokens, "reset_password", user.id)
    await send(db, "reset_password", user.email, user_id=user.id, link=link)


async def reset_password(  # noqa: PLR0913 - the resources, the proof and the new password
    db: Database,
    hasher: PasswordHasher,
    mails: AccountMails,
    token: SecretStr,
    new_password: SecretStr,
    *,
    caller: Caller,
) -> None:
    """Replaces the password of the account that a link belongs to. Ends all sessions and clears its failed logins.

    If the email was not verified before, someone else may have made the account. So all other credentials end too.

    Raises LinkInvalid, CommonPassword, TooBusy and TooManyAttempts.
    """
    with failures_recorded("password_reset", caller):
        link = await links.find(db, token, "reset_password")
        user = await _fetch_user(db, link)
        require_uncommon(new_password, email=user.email, name=user.name, field="password")
        async with hasher.slot(network_client(rate_limits.find_network(caller.address))):
            new_hash = await hasher.hash(new_password.get_secret_value())
        await _store_password(db, mails, link, user, new_hash)
    await rate_limits.clear_attempts(db, list_account_keys(normalize_email(user.email)))
    record("password_reset", "success", caller, account_id=user.id)


async def _fetch_user(db: Database, link: Link) -> User:
    row = await db.fetch_one(_SELECT, user_id=link.user_id)
    if row is None:
        raise LinkInvalid
    return User(*row)


async def _store_password(db: Database, mails: AccountMails, link: Link, user: User, new_hash: str) -> None:
    async with db.transaction() as transaction:
        # The UPDATE comes first. It waits for running logins, so that the deletion ends their sessions too.
        if await transaction.write(_SET_PASSWORD, user_id=user.id, new_hash=new_hash) is None:
            raise LinkInvalid
        await links.use_up(transaction, link)
        await links.cancel(transaction, user.id, "reset_password", "change_email")
        await sessions.close_all(transaction, user.id)
        if not user.email_verified:
            await credentials.remove(transaction, user.id)
        await mails.tell_of_new_password(transaction, user)
