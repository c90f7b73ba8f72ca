"""Request bodies of changes to an account, and of the links that are mailed for them.

In a module of their own: each class takes half a millisecond of a start, and few requests need them.
"""

from typing import Annotated, ClassVar, Self

from pydantic import MISSING, BaseModel, ConfigDict, Field, SecretStr, model_validator

from todo_core.accounts.models import Code, Email, NewPassword, Password, require_fields
from todo_core.accounts.passkey_models import ASSERTION_EXAMPLE, Assertion

LinkToken = Annotated[SecretStr, Field(min_length=1, max_length=100)]


class TotpConfirmation(BaseModel):
    model_config: ClassVar = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"code": "492039"}]})

    code: Code


class Confirmation(BaseModel):
    """Exactly one proof that the user is present: the password, a code, or the response of a passkey."""

    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "minProperties": 1,
            "maxProperties": 1,
            "examples": [
                {"password": "correct horse battery staple"},
                {"code": "492039"},
                {"credential": ASSERTION_EXAMPLE},
            ],
        },
    )

    password: Password | MISSING = MISSING
    code: Code | MISSING = MISSING
    credential: Assertion | MISSING = MISSING

    @model_validator(mode="after")
    def _require_one(self) -> Self:
        return require_fields(self, 1)


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


class UsedLink(BaseModel):
    """The token of a link from a mail."""

    model_config: ClassVar = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"token": "vC1zl5mHqVvWnKcMcTb0fAz0JtMdv8cY2pX9mS3uQkE"}]}
    )

    token: LinkToken


class EmailChange(BaseModel):
    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"email": "ada@example.org", "password": "correct horse battery staple"}]},
    )

    email: Email
    password: Password


class ForgottenPassword(BaseModel):
    model_config: ClassVar = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"email": "ada@example.com"}]})

    email: Email


class PasswordReset(BaseModel):
    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"token": "vC1zl5mHqVvWnKcMcTb0fAz0JtMdv8cY2pX9mS3uQkE", "password": "wrong donkey charger nail"}
            ]
        },
    )

    token: LinkToken
    password: NewPassword
