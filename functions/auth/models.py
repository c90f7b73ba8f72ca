"""Request and response bodies of the auth routes."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from fastapi import Depends, Request
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from todo_core.accounts.models import Credentials, Email, Password, SecondStep
from todo_core.web.forms import FORM, parse_form
from todo_core.web.problems import UnsupportedMediaType, make_validation_error, read_json_body

_JSON: Final = "application/json"

_USER_EXAMPLE: Final[dict[str, JsonValue]] = {
    "id": "0198c5a1-6e57-7d2c-9d2b-0b1e6a7c9f10",
    "email": "ada@example.com",
    "name": "Ada",
    "timezone": "Europe/London",
    "created_at": "2030-01-01T08:00:00Z",
    "email_verified": True,
}


class UserRead(BaseModel):
    """The account of the signed-in user."""

    model_config: ClassVar = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_USER_EXAMPLE]})

    id: UUID
    email: str
    name: str | None
    timezone: str
    created_at: datetime
    email_verified: bool


class TokenRead(UserRead):
    """The response to a login by form: the account, and the session token for programs (OAuth2, RFC 6749)."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={
            "examples": [_USER_EXAMPLE | {"access_token": "eyJ...", "token_type": "bearer", "expires_in": 604800}]
        }
    )

    access_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_in: int
    """Seconds until the token expires."""


class PasswordForm(BaseModel):
    """The password grant of OAuth2, in which `username` is the email. Other fields of the grant are ignored."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={
            "examples": [
                {"grant_type": "password", "username": "ada@example.com", "password": "correct horse battery staple"}
            ]
        }
    )

    grant_type: Literal["password"] = "password"
    username: Email
    password: Password


class Login(Struct, frozen=True):
    """Credentials, and whether they were sent in the OAuth2 password form."""

    credentials: Credentials
    by_form: bool


async def _parse_login(request: Request) -> Login | SecondStep:
    media_type = _find_media_type(request)
    if media_type == FORM:
        return Login(await _read_form(request), by_form=True)
    if media_type != _JSON:
        raise UnsupportedMediaType(f"Send the credentials as {_JSON} or {FORM}, and name the format in Content-Type.")
    try:
        body = await read_json_body(request)
        if isinstance(body, dict) and "challenge" in body:
            return SecondStep.model_validate(body)
        return Login(Credentials.model_validate(body), by_form=False)
    except ValidationError as error:
        raise make_validation_error("body", error) from None


async def _parse_form(request: Request) -> Credentials:
    if _find_media_type(request) != FORM:
        raise UnsupportedMediaType(f"Send the credentials as {FORM}, and name the format in Content-Type.")
    return await _read_form(request)


async def _read_form(request: Request) -> Credentials:
    try:
        form = PasswordForm.model_validate(parse_form(await request.body()))
    except ValidationError as error:
        raise make_validation_error("body", error) from None
    return Credentials(email=form.username, password=form.password)


def _find_media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


SubmittedLogin = Annotated[Login | SecondStep, Depends(_parse_login)]
SubmittedForm = Annotated[Credentials, Depends(_parse_form)]

_SECOND_STEP: Final = SecondStep.model_json_schema(ref_template="#/components/schemas/{model}")
# Other routes take the response of a passkey too, so the document has its schemas.
del _SECOND_STEP["$defs"]

LOGIN_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {_JSON: {"schema": {"anyOf": [Credentials.model_json_schema(), _SECOND_STEP]}}},
    }
}
"""The request body of a login for the OpenAPI document. The form is left out: generators take one media type."""
FORM_BODY: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {FORM: {"schema": PasswordForm.model_json_schema()}}}
}
