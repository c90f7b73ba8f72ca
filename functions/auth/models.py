"""Request and response bodies of the auth routes."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import Depends, Request
from msgspec import Struct, structs
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from todo_core.accounts.models import Credentials, Email, Password, SecondStep
from todo_core.accounts.sessions import OpenedBy, Session
from todo_core.web.problems import MalformedBody, UnsupportedMediaType, make_validation_error, read_json_body

_FORM: Final = "application/x-www-form-urlencoded"
_MAX_FORM_FIELDS: Final = 100
_JSON: Final = "application/json"

_USER_EXAMPLE: Final[dict[str, JsonValue]] = {
    "id": "0198c5a1-6e57-7d2c-9d2b-0b1e6a7c9f10",
    "email": "ada@example.com",
    "name": "Ada",
    "timezone": "Europe/London",
    "created_at": "2030-01-01T08:00:00Z",
    "email_verified": True,
}

_USAGE_EXAMPLE: Final[dict[str, JsonValue]] = {
    "todos": {"used": 12, "limit": 50_000},
    "projects": {"used": 2, "limit": 500},
    "tags": {"used": 4, "limit": 1_000},
    "conversations": {"used": 3, "limit": 1_000},
    "sessions": {"used": 1, "limit": 100},
    "api_tokens": {"used": 2, "limit": 50},
    "passkeys": {"used": 1, "limit": 20},
    "push_subscriptions": {"used": 2, "limit": 20},
    "webhooks": {"used": 1, "limit": 20},
    "stored_bytes": {"used": 30_720, "limit": 268_435_456},
    "assistant_turns": {"used": 5, "limit": 500},
    "assistant_tokens": {"used": 21_300, "limit": 1_000_000},
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


class UseRead(BaseModel):
    """The used part of one quota and its limit."""

    model_config: ClassVar = ConfigDict(
        from_attributes=True, json_schema_extra={"examples": [{"used": 12, "limit": 500}]}
    )

    used: int
    limit: int


class UsageRead(BaseModel):
    """The use of each quota by the account. `assistant_turns` and `assistant_tokens` are those of today (UTC)."""

    model_config: ClassVar = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_USAGE_EXAMPLE]})

    todos: UseRead
    projects: UseRead
    tags: UseRead
    conversations: UseRead
    sessions: UseRead
    api_tokens: UseRead
    passkeys: UseRead
    push_subscriptions: UseRead
    webhooks: UseRead
    stored_bytes: UseRead
    assistant_turns: UseRead
    assistant_tokens: UseRead


class SessionRead(BaseModel):
    """A sign-in of the account. `last_seen_at` may be up to an hour old. `current` marks the session of the request.

    `opened_by` is the proof with which the user signed in: the password alone, with a code of the app (`totp`), with a
    recovery code, or with a passkey (`password_passkey`); or a passkey alone.
    """

    model_config: ClassVar = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c5a1-7000-7d2c-9d2b-0b1e6a7c9f22",
                    "created_at": "2030-01-01T08:00:00Z",
                    "last_seen_at": "2030-01-03T17:30:00Z",
                    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                    "opened_by": "password",
                    "current": True,
                }
            ]
        }
    )

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    user_agent: str | None
    opened_by: OpenedBy
    current: bool

    @classmethod
    def of(cls, session: Session, current_id: UUID) -> Self:
        return cls(**structs.asdict(session), current=session.id == current_id)


class ExportedAccount(BaseModel):
    """The account in an export."""

    id: UUID
    email: str
    name: str | None
    timezone: str
    created_at: datetime
    email_verified_at: datetime | None


class ExportRead(BaseModel):
    """All data that the service stores about a user: the account, and one list for each table.

    Among the lists are `sessions`, `todos` with the trash, `changes`, `conversations`, `turns` with their `rounds` and
    `tool_calls`, and `assistant_usage`.
    """

    model_config: ClassVar = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "exported_at": "2030-02-01T08:00:00Z",
                    "account": {
                        "id": "0198c5a1-6e57-7d2c-9d2b-0b1e6a7c9f10",
                        "email": "ada@example.com",
                        "name": "Ada",
                        "timezone": "Europe/London",
                        "created_at": "2030-01-01T08:00:00Z",
                        "email_verified_at": "2030-01-01T08:05:00Z",
                    },
                    "todos": [
                        {
                            "id": "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22",
                            "title": "Buy milk",
                            "completed": False,
                            "due_at": "2030-01-31T17:00:00Z",
                            "tags": ["home"],
                        }
                    ],
                }
            ]
        },
    )
    __pydantic_extra__: dict[str, list[dict[str, JsonValue]]]

    exported_at: datetime
    account: ExportedAccount


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


def parse_form(body: bytes) -> dict[str, str]:
    """Returns the fields of a form. Raises MalformedBody if it is not UTF-8 or has too many fields.

    Starlette's parser would read the characters as Latin-1 that a client has not encoded with percent signs.
    """
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FORM_FIELDS))
    except ValueError:
        raise MalformedBody from None


async def _parse_login(request: Request) -> Login | SecondStep:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if media_type == _JSON:
            body = await read_json_body(request)
            if isinstance(body, dict) and "challenge" in body:
                return SecondStep.model_validate(body)
            return Login(Credentials.model_validate(body), by_form=False)
        if media_type == _FORM:
            form = PasswordForm.model_validate(parse_form(await request.body()))
            return Login(Credentials(email=form.username, password=form.password), by_form=True)
    except ValidationError as error:
        raise make_validation_error("body", error) from None
    raise UnsupportedMediaType(f"Send the credentials as {_JSON} or {_FORM}, and name the format in Content-Type.")


SubmittedLogin = Annotated[Login | SecondStep, Depends(_parse_login)]

_SECOND_STEP: Final = SecondStep.model_json_schema(ref_template="#/components/schemas/{model}")
# Other routes take the response of a passkey too, so the document has its schemas.
del _SECOND_STEP["$defs"]

LOGIN_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            _JSON: {"schema": {"anyOf": [Credentials.model_json_schema(), _SECOND_STEP]}},
            _FORM: {"schema": PasswordForm.model_json_schema()},
        },
    }
}
"""The request body of a login for the OpenAPI document. FastAPI cannot describe a route that takes JSON or a form."""
