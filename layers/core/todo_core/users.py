"""Accounts: registering and proving who one is."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, EmailStr, Field, JsonValue, SecretStr
from pydantic_core import PydanticCustomError

from todo_core import throttle
from todo_core.database import Database
from todo_core.errors import EmailTaken, InvalidCredentials
from todo_core.identifiers import new_id
from todo_core.limits import Limits
from todo_core.security import Passwords
from todo_core.statements import Statement
from todo_core.text import Text
from todo_core.times import TimeZoneName
from todo_core.user import USER_COLUMNS, User


@dataclass(frozen=True, slots=True)
class _PasswordRule:
    """What may be a password. Characters are counted as NFC, as the password is hashed: keyboards differ in how they
    send the same ones.
    """

    least: int
    most: int = 256

    def check(self, password: SecretStr) -> SecretStr:
        text = password.get_secret_value()
        if re.search("[\0\ud800-\udfff]", text):
            raise PydanticCustomError("not_text", "A password may not hold the character NUL or half of a character")
        length = len(unicodedata.normalize("NFC", text))
        if length < self.least:
            raise PydanticCustomError("too_short", f"A password must have at least {self.least} characters")
        if length > self.most:
            raise PydanticCustomError("too_long", f"A password may have {self.most} characters at most")
        return password

    @property
    def schema(self) -> dict[str, JsonValue]:
        return {"minLength": self.least, "maxLength": self.most}


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


_INSERT = Statement(f"""
    INSERT INTO users (id, email, email_key, password_hash, name, timezone)
    VALUES (:id, :email, :email_key, :password_hash, :name, :timezone)
    ON CONFLICT (email_key) DO NOTHING
    RETURNING {USER_COLUMNS}
""")  # noqa: S608 - names of columns
_BY_EMAIL = Statement(f"SELECT {USER_COLUMNS}, password_hash FROM users WHERE email_key = :email_key")  # noqa: S608
_REHASH = Statement("UPDATE users SET password_hash = :new_hash WHERE id = :user_id")


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
) -> User:
    """The user whose email and password these are.

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
    user = User(*row[:-1])
    if new_hash is not None:
        await db.write(_REHASH, user_id=user.id, new_hash=new_hash)
    await throttle.clear(db, account)
    return user
