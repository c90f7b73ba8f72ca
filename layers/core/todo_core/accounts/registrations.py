"""Registration. The operator decides whether an account begins at once or when its email is verified.

Without verified emails, a registration tells by EmailTaken that an account exists. With them it tells nothing: each
registration is stored, has the same response, and is a row of `registrations` until its link is used. Only then there
is an account. So an email belongs to the first person who proves it, and not to the first who types it.
"""

from typing import Final
from uuid import UUID

from msgspec import Struct
from pydantic import SecretStr

from todo_core.accounts import email_keys, invites, links, rate_limits
from todo_core.accounts.audit import Caller, failures_recorded, record
from todo_core.accounts.common_passwords import require_uncommon
from todo_core.accounts.email_keys import normalize_email
from todo_core.accounts.errors import EmailTaken, LinkInvalid, RegistrationClosed
from todo_core.accounts.links import LIFETIMES, hash_token
from todo_core.accounts.login_limits import network_client
from todo_core.accounts.mails import AccountMails, send
from todo_core.accounts.models import Registration
from todo_core.accounts.passwords import PasswordHasher
from todo_core.accounts.user import USER_COLUMNS, User
from todo_core.database.executor import Database, Executor, Row, Transaction
from todo_core.database.expiry import purged_at_expiry
from todo_core.database.statements import Statement
from todo_core.identifiers import new_id
from todo_core.limits import RateLimits
from todo_core.outbox.messages import LinkRef
from todo_core.settings import RegistrationMode


class RegistrationRules(Struct, frozen=True):
    """The operator's rules: who may register, how often, and whether the email must be verified first."""

    mode: RegistrationMode
    must_verify: bool
    limits: RateLimits


_INSERT_ACCOUNT: Final = Statement(f"""
    INSERT INTO users (id, email, email_key, password_hash, name, timezone, created_at, email_verified_at)
    VALUES (
        :id, :email, :email_key, :password_hash, :name, :timezone,
        coalesce(CAST(:created_at AS timestamptz), now()), CASE WHEN CAST(:is_verified AS boolean) THEN now() END
    )
    ON CONFLICT (email_key) DO NOTHING
    RETURNING {USER_COLUMNS}
""")  # noqa: S608 - constants
_INSERT_REGISTRATION: Final = Statement("""
    INSERT INTO registrations (
        id, email, email_key, password_hash, name, timezone, invite_hash, token_hash, expires_at
    )
    VALUES (
        :id, :email, :email_key, :password_hash, :name, :timezone, :invite_hash, :token_hash,
        now() + CAST(:lifetime AS interval)
    )
    RETURNING created_at
""")
_DELETE_REGISTRATION: Final = Statement("""
    DELETE FROM registrations WHERE token_hash = :token_hash AND expires_at > now()
    RETURNING id, email, email_key, password_hash, name, timezone, invite_hash, created_at
""")
_DELETE_OTHERS: Final = Statement("DELETE FROM registrations WHERE email_key = :email_key")


async def register(  # noqa: PLR0913 - the resources and the rules of a registration
    db: Database,
    hasher: PasswordHasher,
    mails: AccountMails,
    rules: RegistrationRules,
    registration: Registration,
    *,
    caller: Caller,
) -> User:
    """Creates an account, or stores a registration until its email is verified. Sends the link that verifies it.

    Counts the attempt against the limit of the address's network. With the mode `invite`, the transaction that creates
    the account uses up an invite.

    Raises RegistrationClosed, InviteRequired and InviteInvalid according to the mode. Raises CommonPassword,
    EmailTaken, MailNotConfigured, TooBusy, and TooManyAttempts after too many registrations from the network.
    """
    with failures_recorded("register", caller):
        if rules.mode == "closed":
            raise RegistrationClosed
        if rules.must_verify:
            mails.require_configured()
        require_uncommon(registration.password, email=registration.email, name=registration.name, field="password")
        password_hash = await _hash(db, hasher, rules, registration, caller)
        if rules.must_verify:
            return await _store(db, mails, rules, registration, password_hash, caller)
        user = await _begin_at_once(db, mails, rules, registration, password_hash)
    record("register", "success", caller, account_id=user.id)
    return user


async def _hash(
    db: Database, hasher: PasswordHasher, rules: RegistrationRules, registration: Registration, caller: Caller
) -> str:
    network = rate_limits.find_network(caller.address)
    attempts = {f"register:{network}": rules.limits.registrations_per_address}
    await rate_limits.require_attempts_left(db, attempts)
    async with hasher.slot(network_client(network)):
        await rate_limits.count_attempt(db, attempts, rules.limits.window)
        if rules.mode == "invite":
            # Before the slow hash; the invite is checked again when it is used up.
            await invites.require_valid(db, registration.invite, email_key=normalize_email(registration.email))
        return await hasher.hash(registration.password.get_secret_value())


async def _begin_at_once(
    db: Database, mails: AccountMails, rules: RegistrationRules, registration: Registration, password_hash: str
) -> User:
    """Creates the account. Mails the link that verifies its email, if the mailbox may get another mail."""
    email_key = normalize_email(registration.email)
    sends_link = mails.is_configured and await mails.has_room(db, email_key)
    async with db.transaction() as transaction:
        if rules.mode == "invite":
            await invites.use_up(transaction, invites.hash_code(registration.invite), email_key=email_key)
        fields = registration.model_dump(include={"email", "name", "timezone"})
        fields |= {"id": new_id(), "email_key": email_key, "password_hash": password_hash, "created_at": None}
        user = await _insert_account(transaction, fields, is_verified=False)
        if user is None:
            raise EmailTaken
        if sends_link:
            link = await links.create(transaction, mails.tokens, "verify_email", user.id)
            await send(transaction, "verify_email", user.email, user_id=user.id, link=link)
    return user


async def _insert_account(db: Transaction, fields: dict[str, object], *, is_verified: bool) -> User | None:
    """Creates an account. Returns None when another one has the email, or had it and may still take it back."""
    email_key = str(fields["email_key"])
    await email_keys.lock(db, email_key)
    if await email_keys.find_owner(db, email_key) is not None:
        return None
    row = await db.write(_INSERT_ACCOUNT, is_verified=is_verified, **fields)
    return None if row is None else User(*row)


async def _store(  # noqa: PLR0913, PLR0917 - see `register`
    db: Database,
    mails: AccountMails,
    rules: RegistrationRules,
    registration: Registration,
    password_hash: str,
    caller: Caller,
) -> User:
    """Stores a registration. Returns the user whom its account will have.

    An email with an account gets the same statements and the same response. Its owner is told by mail.
    """
    link, email_key = LinkRef(new_id(), "register"), normalize_email(registration.email)
    has_room = await mails.has_room(db, email_key)
    async with db.transaction() as transaction:
        stored = await transaction.write(
            _INSERT_REGISTRATION,
            id=link.id,
            email=registration.email,
            email_key=email_key,
            password_hash=password_hash,
            name=registration.name,
            timezone=registration.timezone,
            invite_hash=invites.hash_code(registration.invite) if rules.mode == "invite" else None,
            token_hash=hash_token(mails.tokens.derive(link)),
            lifetime=LIFETIMES["register"],
        )
        assert stored is not None  # noqa: S101 - an INSERT without conflicts returns its row
        owner = await email_keys.find_owner(transaction, email_key)
        if has_room:
            await _send_answer(transaction, registration.email, owner, link)
    if owner is None:
        record("register", "success", caller)
    else:
        record("register", "failure", caller, account_id=owner, reason=EmailTaken.code)
    return User(link.id, registration.email, registration.name, registration.timezone, stored["created_at"], False)  # noqa: FBT003 - not verified


async def _send_answer(db: Executor, email: str, owner: UUID | None, link: LinkRef) -> None:
    if owner is None:
        await send(db, "register", email, user_id=None, link=link)
    else:
        await send(db, "account_exists", email, user_id=owner)


async def complete(db: Database, token: SecretStr) -> UUID:
    """Creates the account of a stored registration, whose token proves the email. Returns the account's id.

    Raises LinkInvalid, also when the email has an account meanwhile. Raises InviteInvalid when the invite is used up.
    """
    async with db.transaction() as transaction:
        stored = await transaction.write(_DELETE_REGISTRATION, token_hash=hash_token(token.get_secret_value()))
        if stored is None:
            raise LinkInvalid
        user = await _begin_verified(transaction, stored)
        await transaction.write(_DELETE_OTHERS, email_key=stored["email_key"])
    return user.id


async def _begin_verified(db: Transaction, stored: Row) -> User:
    fields = dict(stored)
    invite_hash = fields.pop("invite_hash")
    if invite_hash is not None:
        await invites.use_up(db, invite_hash, email_key=fields["email_key"])
    user = await _insert_account(db, fields, is_verified=True)
    if user is None:
        raise LinkInvalid
    return user


delete_expired: Final = purged_at_expiry("registrations")
