"""A push service for tests, with browsers that decrypt what they get and check who sent it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, override
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from tests.serving import wait_until
from todo_core.reminders.push_subscriptions import NewSubscription
from todo_core.web_push_keys import decode, encode


@dataclass(frozen=True)
class Pushed:
    """A request that has arrived at the service."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class PushService:
    """The state of the service: the requests that have arrived, and the status of its answers."""

    url: str
    requests: list[Pushed] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    """Statuses by path, for paths that are not answered by 201."""

    def wait_for(self, count: int) -> list[Pushed]:
        wait_until(lambda: len(self.requests) >= count)
        return self.requests


@dataclass(frozen=True)
class Browser:
    """A browser with a subscription. Its path at the service is its name."""

    service: PushService
    name: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = b"0123456789abcdef"

    @property
    def endpoint(self) -> str:
        return f"{self.service.url}/{self.name}"

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def subscription(self) -> NewSubscription:
        return NewSubscription(self.endpoint, self.public_key, self.auth)

    def to_json(self) -> dict[str, Any]:
        """Returns the subscription as `subscription.toJSON()` does."""
        keys = {"p256dh": encode(self.public_key), "auth": encode(self.auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def read(self) -> list[dict[str, Any]]:
        """Decrypts the messages that have arrived for this browser."""
        pushed = [each for each in self.service.requests if each.path == f"/{self.name}"]
        return [json.loads(self._decrypt(each.body)) for each in pushed]

    def _decrypt(self, body: bytes) -> bytes:
        decrypted: bytes = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        return decrypted


def read_claims(pushed: Pushed, public_key: str) -> dict[str, Any]:
    """Checks the signature of a request by the service's public key, and returns its claims (RFC 8292)."""
    scheme, _, parameters = pushed.headers["authorization"].partition(" ")
    assert scheme == "vapid"
    named = dict(part.split("=", 1) for part in parameters.split(","))
    assert named["k"] == public_key
    assert Vapid02.verify(pushed.headers["authorization"])
    claims: dict[str, Any] = json.loads(decode(named["t"].split(".")[1]))
    return claims


@contextmanager
def push_service() -> Iterator[PushService]:
    """Runs a service in other threads until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            path = urlsplit(self.path).path
            state.requests.append(Pushed(path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(state.statuses.get(path, 201))
            self.send_header("Content-Length", "0")
            self.end_headers()

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = PushService(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
