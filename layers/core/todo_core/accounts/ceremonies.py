"""The two ceremonies of WebAuthn: a browser registers a passkey, or signs in with one.

Only this module uses the library webauthn. It is imported at the first use, in a thread, because that takes hundreds
of milliseconds. Checks of signatures run in a thread too.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from todo_core.accounts.challenges import LIFETIME_SECONDS, decode_base64
from todo_core.accounts.passkey_models import Assertion, Attestation
from todo_core.accounts.relying_party import NAME, RelyingParty
from todo_core.accounts.user import User
from todo_core.secret_values import SecretValue

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

type Options = dict[str, Any]
"""Options for `navigator.credentials`, in the JSON form of WebAuthn."""

_TIMEOUT_MILLISECONDS: Final = LIFETIME_SECONDS * 1000
_ALGORITHMS: Final = (-7, -8, -257)
"""Signatures that passkeys may use: ES256, EdDSA and RS256, in the order of preference."""
_MAX_KEY_BYTES: Final = 2048


class KnownCredential(Struct, frozen=True):
    """The id of a stored passkey, and the ways in which its authenticator connects, such as `usb` and `internal`."""

    id: bytes
    transports: Sequence[str]


class NewCredential(SecretValue, frozen=True):
    """A passkey that an authenticator has just created."""

    id: bytes
    public_key: bytes
    sign_count: int
    is_backed_up: bool


class Signature(Struct, frozen=True):
    """The proof that an authenticator has signed a challenge, after the user's PIN, fingerprint or face."""

    sign_count: int
    is_backed_up: bool


async def build_registration_options(
    party: RelyingParty, user: User, challenge: bytes, existing: Sequence[KnownCredential]
) -> Options:
    """Returns the options for `navigator.credentials.create`. Authenticators with `existing` passkeys are left out.

    Raises PasskeysNotConfigured, as all functions below do.
    """
    domain = party.id

    def build() -> Options:
        import webauthn  # noqa: PLC0415 - see the module's docstring, as below
        from webauthn.helpers import structs  # noqa: PLC0415

        options = webauthn.generate_registration_options(
            rp_id=domain,
            rp_name=NAME,
            user_id=user.id.bytes,
            user_name=user.email,
            user_display_name=user.name or user.email,
            challenge=challenge,
            timeout=_TIMEOUT_MILLISECONDS,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_describe(existing),
            supported_pub_key_algs=_list_algorithms(),
        )
        return _to_json(options)

    return await asyncio.to_thread(build)


async def build_login_options(
    party: RelyingParty, challenge: bytes, allowed: Sequence[KnownCredential] = ()
) -> Options:
    """Returns the options for `navigator.credentials.get`. Without `allowed` passkeys, the user chooses one."""
    domain = party.id

    def build() -> Options:
        import webauthn  # noqa: PLC0415
        from webauthn.helpers.structs import UserVerificationRequirement  # noqa: PLC0415

        options = webauthn.generate_authentication_options(
            rp_id=domain,
            challenge=challenge,
            timeout=_TIMEOUT_MILLISECONDS,
            allow_credentials=_describe(allowed),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return _to_json(options)

    return await asyncio.to_thread(build)


async def verify_registration(party: RelyingParty, response: Attestation, challenge: bytes) -> NewCredential | None:
    """Checks the response to registration options. Returns the new passkey, or None for an invalid response."""
    domain, origins = party.id, party.origins

    def verify() -> NewCredential:
        import webauthn  # noqa: PLC0415

        verified = webauthn.verify_registration_response(
            credential=response.to_json(),
            expected_challenge=challenge,
            expected_rp_id=domain,
            expected_origin=origins,
            require_user_verification=True,
            supported_pub_key_algs=_list_algorithms(),
        )
        key = verified.credential_public_key
        if len(key) > _MAX_KEY_BYTES:
            raise ValueError("the public key is too long")
        return NewCredential(verified.credential_id, key, verified.sign_count, verified.credential_backed_up)

    return await _run(verify)


async def verify_assertion(
    party: RelyingParty, response: Assertion, challenge: bytes, *, public_key: bytes, sign_count: int
) -> Signature | None:
    """Checks the response to login options by the stored passkey. Returns None for an invalid response.

    A counter of signatures that has not grown means that the passkey was copied, and is invalid too.
    """
    domain, origins = party.id, party.origins

    def verify() -> Signature:
        import webauthn  # noqa: PLC0415

        verified = webauthn.verify_authentication_response(
            credential=response.to_json(),
            expected_challenge=challenge,
            expected_rp_id=domain,
            expected_origin=origins,
            require_user_verification=True,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
        )
        return Signature(verified.new_sign_count, verified.credential_backed_up)

    return await _run(verify)


def find_challenge(client_data: str) -> bytes:
    """Returns the challenge in a response's `clientDataJSON`, or no bytes if that is malformed."""
    with suppress(ValueError, RecursionError):
        parsed = json.loads(decode_base64(client_data))
        if isinstance(parsed, dict) and isinstance(parsed.get("challenge"), str):
            return decode_base64(parsed["challenge"])
    return b""


async def _run[Result](verify: Callable[[], Result]) -> Result | None:
    try:
        return await asyncio.to_thread(verify)
    except Exception:  # noqa: BLE001 - the library and those below it raise many classes for malformed bytes
        return None


def _describe(credentials: Sequence[KnownCredential]) -> "list[PublicKeyCredentialDescriptor]":
    from webauthn.helpers.structs import AuthenticatorTransport, PublicKeyCredentialDescriptor  # noqa: PLC0415

    known = {way.value for way in AuthenticatorTransport}
    return [
        PublicKeyCredentialDescriptor(
            id=each.id, transports=[AuthenticatorTransport(way) for way in each.transports if way in known]
        )
        for each in credentials
    ]


def _list_algorithms() -> list[Any]:
    from webauthn.helpers.cose import COSEAlgorithmIdentifier  # noqa: PLC0415

    return [COSEAlgorithmIdentifier(number) for number in _ALGORITHMS]


def _to_json(options: Any) -> Options:
    from webauthn import options_to_json  # noqa: PLC0415

    built: Options = json.loads(options_to_json(options))
    return built
