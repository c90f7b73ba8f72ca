"""Devices of a user: an authenticator app that shows codes (TOTP), and a platform that keeps passkeys (WebAuthn)."""

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

import cbor2
import httpx2
import pyotp
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.accounts import AUTH, PASSWORD, Account
from tests.service_client import PUBLIC_URL

CONFIRM: Final = f"{AUTH}/confirm"
TOTP: Final = f"{AUTH}/second-factor/totp"
PASSKEYS: Final = f"{AUTH}/passkeys"
PASSKEY_LOGIN: Final = f"{AUTH}/login/passkey"
_PRESENT, _VERIFIED, _MAY_BE_BACKED_UP, _BACKED_UP, _HAS_KEY = 0x01, 0x04, 0x08, 0x10, 0x40

type Json = dict[str, Any]


_ARRIVAL_SECONDS = 8
"""The longest time between a code and its check, on a busy machine."""


@dataclass
class App:
    """An authenticator app. Each call of `next_code` returns another code that is valid now, up to three."""

    secret: str
    _last_step: int = 0

    def next_code(self) -> str:
        """Returns a code of the earliest step that is valid for some seconds and that was not returned before."""
        now, seconds = divmod(time.time(), 30)
        # Near the end of a step, the code of the step before could be refused by the time it arrives.
        earliest = int(now) if seconds > 30 - _ARRIVAL_SECONDS else int(now) - 1
        self._last_step = max(self._last_step + 1, earliest)
        if self._last_step > now + 1 and seconds > 30 - _ARRIVAL_SECONDS:
            time.sleep(30 - seconds)
        assert self._last_step <= time.time() // 30 + 1, "No other code is valid yet."
        return self.code_of(self._last_step)

    def code_of(self, step: int) -> str:
        return pyotp.TOTP(self.secret).generate_otp(step)


@dataclass
class Authenticator:
    """A platform authenticator, in the place of a browser and its device. Passkeys have the signature ES256.

    `origin` is that of the page which asks. `counts` whether the device counts its signatures.
    """

    origin: str = PUBLIC_URL
    verifies_user: bool = True
    counts: bool = False
    algorithm: int = -7
    _keys: dict[bytes, ec.EllipticCurvePrivateKey] = field(default_factory=dict)
    _signatures: int = 0

    def create(self, options: Json, *, again: bool = False) -> Json:
        """Returns the response to options of a registration, as `navigator.credentials.create` and `toJSON` make it.

        With `again`, the new passkey gets the id of the first one.
        """
        credential_id = next(iter(self._keys)) if again else uuid4().bytes
        key = ec.generate_private_key(ec.SECP256R1())
        self._keys[credential_id] = key
        numbers = key.public_key().public_numbers()
        public_key = cbor2.dumps({1: 2, 3: self.algorithm, -1: 1, -2: _to_bytes(numbers.x), -3: _to_bytes(numbers.y)})
        attested = bytes(16) + len(credential_id).to_bytes(2) + credential_id + public_key
        data = self._authenticator_data(options["rp"]["id"], _HAS_KEY) + attested
        response = {
            "clientDataJSON": self._client_data("webauthn.create", options),
            "attestationObject": encode(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": ["internal", "hybrid"],
            "publicKeyAlgorithm": self.algorithm,
        }
        return _credential(credential_id, response)

    def get(self, options: Json, *, user_handle: bytes | None = None) -> Json:
        """Returns the response to options of a login, as `navigator.credentials.get` and `toJSON` make it."""
        allowed = [decode(each["id"]) for each in options.get("allowCredentials", ())]
        credential_id = next(each for each in self._keys if not allowed or each in allowed)
        data = self._authenticator_data(options["rpId"], 0)
        client_data = self._client_data("webauthn.get", options)
        signed = data + sha256(decode(client_data)).digest()
        response = {
            "clientDataJSON": client_data,
            "authenticatorData": encode(data),
            "signature": encode(self._keys[credential_id].sign(signed, ec.ECDSA(SHA256()))),
            "userHandle": encode(user_handle) if user_handle else None,
        }
        return _credential(credential_id, response)

    def _authenticator_data(self, domain: str, flags: int) -> bytes:
        flags |= _PRESENT | _MAY_BE_BACKED_UP | _BACKED_UP | (_VERIFIED if self.verifies_user else 0)
        self._signatures += self.counts
        return sha256(domain.encode()).digest() + bytes([flags]) + self._signatures.to_bytes(4)

    def _client_data(self, kind: str, options: Json) -> str:
        client_data = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return encode(json.dumps(client_data).encode())


def encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _to_bytes(number: int) -> bytes:
    return number.to_bytes(32)


def _credential(credential_id: bytes, response: Json) -> Json:
    return {
        "id": encode(credential_id),
        "rawId": encode(credential_id),
        "type": "public-key",
        "response": response,
        "clientExtensionResults": {},
        "authenticatorAttachment": "platform",
    }


def confirm(client: httpx2.Client, **proof: object) -> httpx2.Response:
    """Confirms that the user is present, by the password unless another proof is passed."""
    return client.post(CONFIRM, json=proof or {"password": PASSWORD})


def add_app(account: Account, **proof: object) -> tuple[App, list[str]]:
    """Adds an authenticator app to the account. Returns it with the recovery codes, or none if it had some."""
    assert confirm(account.client, **proof).status_code == 204
    prepared = account.client.post(TOTP)
    assert prepared.status_code == 200, prepared.text
    app = App(prepared.json()["secret"])
    confirmed = account.client.post(f"{TOTP}/confirm", json={"code": app.next_code()})
    assert confirmed.status_code == 200, confirmed.text
    return app, confirmed.json()["recovery_codes"] or []


def begin_passkey(account: Account, **proof: object) -> Json:
    """Returns the options of a new passkey, after a confirmation."""
    assert confirm(account.client, **proof).status_code == 204
    options = account.client.post(f"{PASSKEYS}/options")
    assert options.status_code == 200, options.text
    found: Json = options.json()
    return found


def add_passkey(account: Account, device: Authenticator, name: str = "Laptop", **proof: object) -> Json:
    """Registers a passkey of the device. Returns the response's JSON."""
    credential = device.create(begin_passkey(account, **proof))
    added = account.client.post(PASSKEYS, json={"name": name, "credential": credential})
    assert added.status_code == 201, added.text
    passkey: Json = added.json()
    return passkey


def begin_login(client: httpx2.Client, **body: object) -> Json:
    """Returns the options of a login by passkey."""
    options = client.post(f"{PASSKEY_LOGIN}/options", json=body)
    assert options.status_code == 200, options.text
    found: Json = options.json()
    return found


def log_in_by_passkey(client: httpx2.Client, device: Authenticator) -> httpx2.Response:
    return client.post(PASSKEY_LOGIN, json={"credential": device.get(begin_login(client))})


def begin_second_step(client: httpx2.Client, account: Account) -> Json:
    """Signs in by the password. Returns the problem document that asks for the second factor."""
    response = client.post(f"{AUTH}/login", json={"email": account.email, "password": PASSWORD})
    assert response.status_code == 401, response.text
    document: Json = response.json()
    assert document["code"] == "second_factor_required"
    return document


def answer(client: httpx2.Client, challenge: str, **proof: object) -> httpx2.Response:
    return client.post(f"{AUTH}/login", json={"challenge": challenge, **proof})
