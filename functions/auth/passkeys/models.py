"""Request and response bodies of the passkey routes."""

from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue

from functions.auth.second_factor.models import RECOVERY_CODES_EXAMPLE
from todo_core.accounts.models import SignedChallenge

_PASSKEY_EXAMPLE: Final[dict[str, JsonValue]] = {
    "id": "0198c5a1-7c33-7d2c-9d2b-0b1e6a7c9f44",
    "name": "Laptop",
    "transports": ["internal"],
    "backed_up": True,
    "created_at": "2030-01-01T08:00:00Z",
    "last_used_at": None,
}


class PasskeyRead(BaseModel):
    """A passkey. `backed_up` if its provider keeps a copy, so that it survives the loss of a device."""

    model_config: ClassVar = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_PASSKEY_EXAMPLE]})

    id: UUID
    name: str
    transports: list[str]
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None


class NewPasskeyRead(PasskeyRead):
    """A new passkey. `recovery_codes` are shown only now, and null if the account had a second factor before."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={"examples": [_PASSKEY_EXAMPLE | {"recovery_codes": RECOVERY_CODES_EXAMPLE}]}
    )

    recovery_codes: list[str] | None


class PasskeyLoginStart(BaseModel):
    """The challenge of a login whose password was right. Without it, the passkey replaces the password."""

    model_config: ClassVar = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{}, {"challenge": "lKUVfnKA9xQ"}]}
    )

    challenge: SignedChallenge | None = None


class CreationOptions(BaseModel):
    """Options in the JSON form of WebAuthn, for `PublicKeyCredential.parseCreationOptionsFromJSON`."""

    model_config: ClassVar = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "rp": {"id": "app.example.com", "name": "Todo"},
                    "user": {"id": "AZjFoW5XfSydKwseanyfEA", "name": "ada@example.com", "displayName": "Ada"},
                    "challenge": "lKUVfnKA9xQ",
                    "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
                    "timeout": 300000,
                    "excludeCredentials": [],
                    "authenticatorSelection": {
                        "residentKey": "required",
                        "requireResidentKey": True,
                        "userVerification": "required",
                    },
                    "attestation": "none",
                }
            ]
        },
    )
    __pydantic_extra__: dict[str, JsonValue]

    challenge: str
    timeout: int


class RequestOptions(BaseModel):
    """Options in the JSON form of WebAuthn, for `PublicKeyCredential.parseRequestOptionsFromJSON`."""

    model_config: ClassVar = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "rpId": "app.example.com",
                    "challenge": "lKUVfnKA9xQ",
                    "timeout": 300000,
                    "allowCredentials": [],
                    "userVerification": "required",
                }
            ]
        },
    )
    __pydantic_extra__: dict[str, JsonValue]

    challenge: str
    timeout: int
