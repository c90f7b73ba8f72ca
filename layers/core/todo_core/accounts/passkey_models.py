"""Request bodies about passkeys. The responses of passkeys have the JSON form of WebAuthn, as browsers write it."""

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from todo_core.text import Text

_BASE64: Final = r"^[A-Za-z0-9_-]+$"
_RESPONSE_CONFIG: Final = ConfigDict(extra="ignore", serialize_by_alias=True)
"""Members that the service does not use are ignored: each browser adds its own."""

CredentialId = Annotated[str, Field(min_length=1, max_length=1_364, pattern=_BASE64)]
"""The id of a passkey in base64: at most 1,023 bytes, the limit of WebAuthn."""
ClientData = Annotated[str, Field(alias="clientDataJSON", min_length=1, max_length=8_192, pattern=_BASE64)]
SignedData = Annotated[str, Field(min_length=1, max_length=65_536, pattern=_BASE64)]
Transport = Annotated[str, Field(max_length=32, pattern=r"^[a-z0-9-]+$")]
PasskeyName = Annotated[str, Text(min_length=1, max_length=100)]

_CREDENTIAL_EXAMPLE: Final[dict[str, JsonValue]] = {
    "id": "bVh4Lm1nJx3qkA8oC2r7Vg",
    "rawId": "bVh4Lm1nJx3qkA8oC2r7Vg",
    "type": "public-key",
}
ATTESTATION_EXAMPLE: Final[dict[str, JsonValue]] = _CREDENTIAL_EXAMPLE | {
    "response": {
        "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0",
        "attestationObject": "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YQ",
        "transports": ["internal"],
    }
}
ASSERTION_EXAMPLE: Final[dict[str, JsonValue]] = _CREDENTIAL_EXAMPLE | {
    "response": {
        "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0",
        "authenticatorData": "YXV0aGVudGljYXRvciBkYXRh",
        "signature": "c2lnbmF0dXJl",
        "userHandle": "AZjFoW5XfSydKwseanyfEA",
    }
}


class _Credential(BaseModel):
    model_config: ClassVar = _RESPONSE_CONFIG

    id: CredentialId
    raw_id: Annotated[CredentialId, Field(alias="rawId")]
    type: Literal["public-key"]

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class AttestationData(BaseModel):
    """The part of a new passkey's response that its authenticator has made."""

    model_config: ClassVar = _RESPONSE_CONFIG

    client_data: ClientData
    attestation_object: Annotated[SignedData, Field(alias="attestationObject")]
    transports: list[Transport] = Field(default=[], max_length=16)


class Attestation(_Credential):
    """The result of `navigator.credentials.create`, by `toJSON()`: a new passkey."""

    model_config: ClassVar = ConfigDict(json_schema_extra={"examples": [ATTESTATION_EXAMPLE]})

    response: AttestationData


class AssertionData(BaseModel):
    """The part of a passkey's response that its authenticator has made."""

    model_config: ClassVar = _RESPONSE_CONFIG

    client_data: ClientData
    authenticator_data: Annotated[SignedData, Field(alias="authenticatorData")]
    signature: SignedData
    user_handle: Annotated[str, Field(max_length=128, pattern=r"^[A-Za-z0-9_-]*$")] | None = Field(
        default=None, alias="userHandle"
    )


class Assertion(_Credential):
    """The result of `navigator.credentials.get`, by `toJSON()`: a signature of a passkey."""

    model_config: ClassVar = ConfigDict(json_schema_extra={"examples": [ASSERTION_EXAMPLE]})

    response: AssertionData


class PasskeyRegistration(BaseModel):
    model_config: ClassVar = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Laptop", "credential": ATTESTATION_EXAMPLE}]}
    )

    name: PasskeyName
    credential: Attestation


class PasskeyLogin(BaseModel):
    model_config: ClassVar = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"credential": ASSERTION_EXAMPLE}]}
    )

    credential: Assertion
