"""Request bodies of the account operations, with the rules for emails, names and passwords."""

import re
import unicodedata
from typing import Annotated, ClassVar, Final, Self

from msgspec import Struct
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
    model_validator,
)
from pydantic_core import PydanticCustomError

from todo_core.accounts.passkey_models import ASSERTION_EXAMPLE, Assertion
from todo_core.text import Text
from todo_core.times import TimeZoneName

_MAX_CHARACTERS_BEFORE_NFC: Final = 1024
"""The maximum length of a password as sent, checked before NFC, whose run time grows steeply with the length.

It is four times the maximum after NFC, as NFC composes up to four characters into one.
"""


MIN_PASSWORD_CHARACTERS: Final = 8


class _PasswordRule(Struct, frozen=True):
    """Bounds for the length of a password, in characters after Unicode normalisation to NFC.

    The password is hashed in that form too, as keyboards send different code points for the same character.
    """

    min_characters: int
    max_characters: int = 256

    def check(self, password: SecretStr) -> SecretStr:
        text = password.get_secret_value()
        if re.search("[\0\ud800-\udfff]", text):
            raise PydanticCustomError("not_text", "A password may not hold the character NUL or half of a character")
        length = len(unicodedata.normalize("NFC", text))
        if length < self.min_characters:
            raise PydanticCustomError(
                "password_too_short", f"A password must have at least {self.min_characters} characters"
            )
        if length > self.max_characters:
            raise PydanticCustomError("too_long", f"A password may have {self.max_characters} characters at most")
        return password

    @property
    def json_schema(self) -> dict[str, JsonValue]:
        return {"minLength": self.min_characters, "maxLength": self.max_characters}


_NEW_PASSWORD_RULE: Final = _PasswordRule(MIN_PASSWORD_CHARACTERS)
_PASSWORD_RULE: Final = _PasswordRule(min_characters=1)


def _refuse_display_name(email: object) -> object:
    # Without this check, Pydantic accepts "Ada <ada@example.com>" as an email and silently drops the name "Ada".
    if isinstance(email, str) and re.search("[<>]", email):
        raise PydanticCustomError(
            "value_error", "An email is sent without a name: ada@example.com, not Ada <ada@example.com>"
        )
    return email


Email = Annotated[EmailStr, Field(max_length=254), BeforeValidator(_refuse_display_name)]
InviteCode = Annotated[SecretStr, Field(min_length=1, max_length=100)]
Name = Annotated[str, Text(max_length=200)]
NewPassword = Annotated[
    SecretStr,
    Field(max_length=_MAX_CHARACTERS_BEFORE_NFC, json_schema_extra=_NEW_PASSWORD_RULE.json_schema),
    AfterValidator(_NEW_PASSWORD_RULE.check),
]
Code = Annotated[str, Field(min_length=6, max_length=40), AfterValidator(lambda code: code.replace(" ", ""))]
"""Six digits of an authenticator app, or a recovery code. People type spaces between groups of digits."""
SignedChallenge = Annotated[str, Field(min_length=1, max_length=200)]
Password = Annotated[
    SecretStr,
    Field(max_length=_MAX_CHARACTERS_BEFORE_NFC, json_schema_extra=_PASSWORD_RULE.json_schema),
    AfterValidator(_PASSWORD_RULE.check),
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
    invite: InviteCode | None = None
    """Required if the operator has restricted registration to invites, and else ignored."""


class Credentials(BaseModel):
    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"email": "ada@example.com", "password": "correct horse battery staple"}]},
    )

    email: Email
    password: Password


class SecondStep(BaseModel):
    """The second step of a login: its challenge, with either a code or the response of a passkey."""

    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "minProperties": 2,
            "maxProperties": 2,
            "examples": [
                {"challenge": "lKUVfnKA9xQ", "code": "492039"},
                {"challenge": "lKUVfnKA9xQ", "credential": ASSERTION_EXAMPLE},
            ],
        },
    )

    challenge: SignedChallenge
    code: Code | MISSING = MISSING
    credential: Assertion | MISSING = MISSING

    @model_validator(mode="after")
    def _require_one(self) -> Self:
        return require_fields(self, 2)


def require_fields[Model: BaseModel](model: Model, number: int) -> Model:
    if len(model.model_fields_set) != number:
        raise PydanticCustomError("one_of", "Send exactly one proof")
    return model


class ProfileUpdate(BaseModel):
    """A merge patch: absent fields stay as they are, and `null` clears the name. The time zone cannot be cleared."""

    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Ada Lovelace", "timezone": "Europe/London"}, {"name": None}]},
    )

    name: Name | None | MISSING = MISSING
    timezone: TimeZoneName | MISSING = MISSING
