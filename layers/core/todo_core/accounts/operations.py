"""Accounts: registering, proving who one is, and what only their owners may do."""

import asyncio
import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, ClassVar, Final
from uuid import UUID

import asyncpg
from pydantic import (
    MISSING,
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    EmailStr,
    Field,
    JsonValue,
    SecretStr,
)
from pydantic_core import PydanticCustomError

from todo_core.accounts import rate_limits as throttle
from todo_core.accounts import sessions
from todo_core.accounts.errors import EmailTaken, InvalidCredentials, WrongPassword
from todo_core.accounts.limits import Limits
from todo_core.accounts.security import Passwords
from todo_core.accounts.user import USER_COLUMNS, User
from todo_core.database.executor import Database
from todo_core.database.statements import Statement, assignments
from todo_core.errors import DatabaseUnavailable, NotAuthenticated
from todo_core.identifiers import new_id
from todo_core.text import Text
from todo_core.times import TimeZoneName


@dataclass(frozen=True, slots=True)
class _PasswordRule:
    """What may be a password. Characters are counted as NFC, as the password is hashed: keyboards differ in how they
    send the same ones.
    """

    least: int
    limit: int = 256

    def check(self, password: SecretStr) -> SecretStr:
        text = password.get_secret_value()
        if re.search("[\0\ud800-\udfff]", text):
            raise PydanticCustomError("not_text", "A password may not hold the character NUL or half of a character")
        length = len(unicodedata.normalize("NFC", text))
        if length < self.least:
            raise PydanticCustomError("too_short", f"A password must have at least {self.least} characters")
        if length > self.limit:
            raise PydanticCustomError("too_long", f"A password may have {self.limit} characters at most")
        return password

    @property
    def schema(self) -> dict[str, JsonValue]:
        return {"minLength": self.least, "maxLength": self.limit}


_SECONDS_OF_CLOSING: Final = 60
"""For the end of an account with todos by the hundred thousand."""
_PATIENCE: Final = "300ms"
"""Less than PostgreSQL's own before it looks for those who wait for each other, and lets one of them fail."""
_MOST_TRIES_TO_CLOSE: Final = 40
_MOST_AS_SENT: Final = 1024
"""Characters before NFC, which makes up to four into one, and takes very long for very many."""
_NEW_PASSWORD: Final = _PasswordRule(8)
_PASSWORD: Final = _PasswordRule(1)


def _refuse_display_name(email: object) -> object:
    # Pydantic alone would take the address out of it.
    if isinstance(email, str) and re.search("[<>]", email):
        raise PydanticCustomError(
            "value_error", "An email is sent without a name: ada@example.com, not Ada <ada@example.com>"
        )
    return email


Email = Annotated[EmailStr, Field(max_length=254), BeforeValidator(_refuse_display_name)]
Name = Annotated[str, Text(max_length=200)]
NewPassword = Annotated[
    SecretStr,
    Field(max_length=_MOST_AS_SENT, json_schema_extra=_NEW_PASSWORD.schema),
    AfterValidator(_NEW_PASSWORD.check),
]
Password = Annotated[
    SecretStr, Field(max_length=_MOST_AS_SENT, json_schema_extra=_PASSWORD.schema), AfterValidator(_PASSWORD.check)
]


class Registration(BaseModel):
    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "email": "ada@example.com",
                    "password": "correct horse battery staple",
                    "name": "Ada",
                    "timezone": "Europe/London",
                }
            ]
        },
    )

    email: Email
    password: NewPassword
    name: Name | None = None
    timezone: TimeZoneName = "UTC"


class Credentials(BaseModel):
    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"email": "ada@example.com", "password": "correct horse battery staple"}]},
    )

    email: Email
    password: Password


class ProfileUpdate(BaseModel):
    """A merge patch: absent keeps, `null` clears the name. There is always a time zone."""

    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Ada Lovelace", "timezone": "Europe/London"}, {"name": None}]},
    )

    name: Name | None | MISSING = MISSING
    timezone: TimeZoneName | MISSING = MISSING


class PasswordChange(BaseModel):
    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"current_password": "correct horse battery staple", "new_password": "wrong donkey charger nail"}
            ]
        },
    )

    current_password: Password
    new_password: NewPassword


class Closing(BaseModel):
    model_config: ClassVar = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"password": "correct horse battery staple"}]}
    )

    password: Password


@dataclass(frozen=True, slots=True)
class VerifiedPassword:
    """That somebody knows an account's password: the account, and the stored hash that the password fitted.

    It is good for as long as that hash is the account's.
    """

    user: User
    password_hash: str = field(repr=False)


_KNOWN: Final = "id = :user_id AND password_hash = :known_hash"

_INSERT = Statement(f"""
    INSERT INTO users (id, email, email_key, password_hash, name, timezone)
    VALUES (:id, :email, :email_key, :password_hash, :name, :timezone)
    ON CONFLICT (email_key) DO NOTHING
    RETURNING {USER_COLUMNS}
""")  # noqa: S608 - constants, as all below
_BY_EMAIL = Statement(f"SELECT {USER_COLUMNS}, password_hash FROM users WHERE email_key = :email_key")  # noqa: S608
_REPLACE_HASH = Statement(f"UPDATE users SET password_hash = :new_hash WHERE {_KNOWN} RETURNING id")  # noqa: S608
# As those take them who change todos or run turns, before they ask whether there is a user: the other way around they
# and the end of the account would wait for each other crosswise.
_LOCKS = [
    Statement(sql)
    for sql in (
        f"SELECT set_config('lock_timeout', '{_PATIENCE}', true)",
        "SELECT lock_change_log(:user_id)",
        "SELECT FROM turns WHERE user_id = :user_id FOR UPDATE",
        "SELECT FROM conversations WHERE user_id = :user_id FOR UPDATE",
    )
]
_DELETE = Statement(f"DELETE FROM users WHERE {_KNOWN} RETURNING id")  # noqa: S608


@cache
def _update_columns(columns: frozenset[str]) -> Statement:
    return Statement(f"UPDATE users SET {assignments(columns)} WHERE id = :user_id RETURNING {USER_COLUMNS}")  # noqa: S608


def _email_key(email: str) -> str:
    return unicodedata.normalize("NFC", email.casefold())


async def register(
    db: Database, passwords: Passwords, limits: Limits, registration: Registration, *, address: str
) -> User:
    """Creates an account. Raises EmailTaken, TooManyAttempts for an address that registers too many, and TooBusy."""
    network = throttle.network_of(address)
    await throttle.count(db, {f"register:{network}": limits.registrations_per_address}, limits.window)
    row = await db.write(
        _INSERT,
        id=new_id(),
        email=registration.email,
        email_key=_email_key(registration.email),
        password_hash=await passwords.hash(registration.password.get_secret_value()),
        name=registration.name,
        timezone=registration.timezone,
    )
    if row is None:
        raise EmailTaken
    return User(*row)


async def authenticate(
    db: Database, passwords: Passwords, limits: Limits, credentials: Credentials, *, address: str
) -> VerifiedPassword:
    """Proves that this is the password of the account with this email.

    Raises InvalidCredentials, after the same time whether or not the account exists, TooManyAttempts after
    repeated failures for the account or from the address, and TooBusy.
    """
    email_key = _email_key(credentials.email)
    account, network = f"login:account:{email_key}", f"login:network:{throttle.network_of(address)}"
    failures = {account: limits.failed_logins_per_account, network: limits.failed_logins_per_address}
    await throttle.require_room(db, failures)
    row = await db.fetch_one(_BY_EMAIL, email_key=email_key)
    stored_hash = row["password_hash"] if row else None
    fits, new_hash = await passwords.verify(credentials.password.get_secret_value(), stored_hash)
    if row is None or not fits:
        await throttle.count(db, failures, limits.window)
        raise InvalidCredentials
    await throttle.require_room(db, failures)
    proof = VerifiedPassword(User(*row[:-1]), row["password_hash"])
    if new_hash is not None:
        proof = await _rehash(db, proof, new_hash)
    await throttle.clear(db, account)
    return proof


async def _rehash(db: Database, proof: VerifiedPassword, new_hash: str) -> VerifiedPassword:
    """Stores a better hash of the same password, unless the account has another password by now."""
    replaced = await db.write(_REPLACE_HASH, user_id=proof.user.id, known_hash=proof.password_hash, new_hash=new_hash)
    return proof if replaced is None else VerifiedPassword(proof.user, new_hash)


async def confirm(
    db: Database, passwords: Passwords, limits: Limits, credentials: Credentials, *, address: str
) -> VerifiedPassword:
    """Like `authenticate`, for one who is signed in. Raises WrongPassword, TooManyAttempts and TooBusy."""
    try:
        return await authenticate(db, passwords, limits, credentials, address=address)
    except InvalidCredentials:
        raise WrongPassword from None


async def update_profile(db: Database, user: User, changes: ProfileUpdate) -> User:
    """Applies the changes. Raises NotAuthenticated when the account is gone."""
    values = changes.model_dump()
    if not values:
        return user
    row = await db.write(_update_columns(frozenset(values)), user_id=user.id, **values)
    if row is None:
        raise NotAuthenticated
    return User(*row)


async def change_password(
    db: Database, passwords: Passwords, proof: VerifiedPassword, new_password: SecretStr, *, session_id: UUID
) -> None:
    """Sets another password and ends all sessions but this one.

    Raises WrongPassword when the proof is not good any more, and TooBusy.
    """
    new_hash = await passwords.hash(new_password.get_secret_value())
    async with db.transaction() as transaction:
        # First of all: it waits for those who are just signing in with the old password, whose sessions end too.
        replaced = await transaction.write(
            _REPLACE_HASH, user_id=proof.user.id, known_hash=proof.password_hash, new_hash=new_hash
        )
        if replaced is None:
            raise WrongPassword
        await sessions.close_others(transaction, proof.user.id, session_id)


async def close(db: Database, proof: VerifiedPassword) -> None:
    """Deletes the account with everything in it. Raises WrongPassword when the proof is not good any more.

    Raises DatabaseUnavailable where something of the account is in use again and again.
    """
    for number in range(_MOST_TRIES_TO_CLOSE):
        if await _try_to_close(db, proof):
            return
        await asyncio.sleep(0.02 * number)
    raise DatabaseUnavailable


async def _try_to_close(db: Database, proof: VerifiedPassword) -> bool:
    """Gives way to whoever uses something of the account, so that no two wait for each other."""
    async with db.transaction(seconds=_SECONDS_OF_CLOSING) as transaction:
        try:
            for lock in _LOCKS:
                await transaction.write(lock, user_id=proof.user.id)
            closed = await transaction.write(_DELETE, user_id=proof.user.id, known_hash=proof.password_hash)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            return False  # and the transaction, which has failed, ends as a rollback
        if closed is None:
            raise WrongPassword
    return True
