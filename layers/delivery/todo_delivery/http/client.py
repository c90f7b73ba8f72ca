"""Sends requests to URLs that clients have given, without trust in the URL or in the answer.

Each request has a connection of its own, whose address is checked. It uses no proxy, no cookie and no password of the
environment, and follows no redirect. Its time and the length of its answer are bounded.
"""

import asyncio
import re
import ssl
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from typing import Final

import httpcore2

from todo_core import outgoing_urls
from todo_core.outbox.errors import DeliveryFailed
from todo_core.outgoing_urls import OutgoingUrl, UrlRefused
from todo_delivery.http.network import GuardedNetwork, NotPublic, OneConnection

TOTAL_SECONDS: Final = 10.0
"""Time for name, connection, request and answer together."""
MAX_ANSWER_BYTES: Final = 64 * 1024
"""Bytes of an answer's body that are read. The connection is closed then."""
_MAX_REASON_CHARACTERS: Final = 200
_OWN_HEADERS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,100}")
_HEADER_VALUE: Final = re.compile(r"[ -~]{0,4096}")


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request. The names of headers are in lower case; `body` has at most 64 KB, as they were sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Sent:
    """A request that is sent."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    content: bytes | None = None


class GuardedClient:
    """Sends requests to public hosts only, by https; with `allow_private` to all hosts, by http too."""

    def __init__(
        self, *, allow_private: bool, network: GuardedNetwork | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._allow_private = allow_private
        self._network = network or GuardedNetwork(allow_private=allow_private)
        self._tls = tls

    async def post(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> Answer:
        """Sends the content to the URL. Returns the answer, whatever its status.

        Raises DeliveryFailed without an answer: finally for a URL that is refused. The reason is for the owner of the
        URL, and tells nothing about the operator's network. Raises ValueError for an invalid header.
        """
        return await self._send(_Sent("POST", url, _check_headers(headers), content), TOTAL_SECONDS, MAX_ANSWER_BYTES)

    async def get(
        self, url: str, *, headers: Mapping[str, str], seconds: float = TOTAL_SECONDS, max_bytes: int = MAX_ANSWER_BYTES
    ) -> Answer:
        """Asks for the content of the URL, for at most `seconds` and `max_bytes`. Raises as `post` does."""
        return await self._send(_Sent("GET", url, _check_headers(headers)), seconds, max_bytes)

    async def _send(self, sent: _Sent, seconds: float, max_bytes: int) -> Answer:
        try:
            target = outgoing_urls.parse(sent.url, allow_private=self._allow_private)
        except UrlRefused as refusal:
            raise DeliveryFailed(str(refusal), is_final=True) from None
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(target, sent, max_bytes)
        except TimeoutError:
            raise DeliveryFailed(f"No complete answer within {seconds:.0f} seconds") from None
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError) as error:
            raise DeliveryFailed(_describe(error)) from None

    async def _exchange(self, target: OutgoingUrl, sent: _Sent, max_bytes: int) -> Answer:
        url = httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.target)
        network = OneConnection(self._network)
        connection = httpcore2.AsyncHTTPConnection(
            url.origin, ssl_context=self._tls or load_certificates(), network_backend=network
        )
        own = [("Host", target.authority), ("Connection", "close"), ("Accept-Encoding", "identity")]
        try:
            async with connection.stream(
                sent.method, url, headers=[*own, *sent.headers], content=sent.content
            ) as response:
                return Answer(response.status, _decode_headers(response), await _read_body(response, max_bytes))
        finally:
            await connection.aclose()
            await network.aclose()


async def _read_body(response: httpcore2.Response, max_bytes: int) -> bytes:
    body = bytearray()
    async with aclosing(response.aiter_stream()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) >= max_bytes:
                break
    return bytes(body[:max_bytes])


def _decode_headers(response: httpcore2.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}


def _check_headers(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Returns the headers. Raises ValueError for one that could end its line, or that this module sets itself."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value) or name.lower() in _OWN_HEADERS:
            raise ValueError(f"the header {name!r} cannot be sent")
    return list(headers.items())


@cache
def load_certificates() -> ssl.SSLContext:
    """Returns the settings of TLS with the certificate authorities of this machine, or of the file SSL_CERT_FILE."""
    return ssl.create_default_context()


def _describe(error: Exception) -> str:
    """Returns a sentence about a failed request for the owner of the URL."""
    cause = error.__cause__
    match error:
        case NotPublic():
            reason = "The host has no public address"
        case httpcore2.ConnectTimeout():
            reason = "The host did not accept a connection in time"
        case httpcore2.ConnectError() if isinstance(cause, ssl.SSLCertVerificationError):
            reason = f"The certificate is not valid: {cause.verify_message}"
        case httpcore2.ConnectError() if isinstance(cause, ssl.SSLError):
            reason = "The host does not speak TLS 1.2 or 1.3 with a cipher that this service accepts"
        case httpcore2.ConnectError():
            reason = "The host does not accept connections"
        case httpcore2.ProtocolError():
            reason = "The answer is not HTTP"
        case _:
            reason = "The connection ended before the answer"
    return reason[:_MAX_REASON_CHARACTERS]
