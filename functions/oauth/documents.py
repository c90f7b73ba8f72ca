"""Client id metadata documents: clients whose id is the https URL at which they publish their metadata.

(draft-ietf-oauth-client-id-metadata-document)
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from todo_core import outgoing_urls
from todo_core.accounts import oauth_clients
from todo_core.accounts.oauth_clients import OAuthClient
from todo_core.accounts.oauth_errors import OAuthError
from todo_core.errors import TooBusy
from todo_core.outbox.errors import DeliveryFailed
from todo_core.outgoing_urls import UrlRefused

_MAX_BYTES: Final = 16 * 1024
_MAX_URL_CHARACTERS: Final = 512
_SECONDS: Final = 5.0
_MAX_CACHED: Final = 200
_MAX_AT_ONCE: Final = 10
_CACHE_SECONDS: Final = (60, 3600)
"""The shortest and the longest time for which a document is kept. Between them, its Cache-Control decides."""
_DEFAULT_SECONDS: Final = 600
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age=(\d{1,9})(?:$|[,\s])", re.ASCII)
_OK: Final = 200


class _Kept(Struct, frozen=True):
    client: OAuthClient
    until: float


class ClientDocuments:
    """The documents that this process has fetched lately: at most 200, each as small as its bounds."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, bool], _Kept] = {}
        self._fetching = 0

    async def find(self, client_id: str, *, allow_private: bool) -> OAuthClient:
        """Returns the client that publishes its metadata at this URL. Raises OAuthError if it publishes none.

        Raises TooBusy while ten documents are being fetched.
        """
        _require_client_url(client_id, allow_private=allow_private)
        key = client_id, allow_private
        kept = self._kept.get(key)
        if kept is not None and kept.until > monotonic():
            return kept.client
        async with self._place():
            client, seconds = await _fetch(client_id, allow_private=allow_private)
        if len(self._kept) >= _MAX_CACHED:
            self._kept.clear()
        self._kept[key] = _Kept(client, monotonic() + seconds)
        return client

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._fetching >= _MAX_AT_ONCE:
            raise TooBusy
        self._fetching += 1
        try:
            yield
        finally:
            self._fetching -= 1


DOCUMENTS: Final = ClientDocuments()


def _require_client_url(client_id: str, *, allow_private: bool) -> None:
    """Checks that a URL can be the id of a client, in its one spelling. Raises OAuthError."""
    try:
        parsed = outgoing_urls.parse(client_id, allow_private=allow_private)
    except UrlRefused as refusal:
        raise OAuthError("invalid_client", f"{refusal}.") from None
    path = urlsplit(client_id).path
    segments = path.lower().replace("%2e", ".").replace("%2f", "/").split("/")
    is_valid = len(client_id) <= _MAX_URL_CHARACTERS and str(parsed) == client_id and path not in {"", "/"}
    if not is_valid or {".", ".."} & set(segments):
        raise OAuthError("invalid_client", "The id of a client is an https URL with a path, in its usual spelling.")


async def _fetch(client_id: str, *, allow_private: bool) -> tuple[OAuthClient, float]:
    """Returns the client, and the seconds for which its metadata may be kept."""
    # Loaded at the first use: most clients have registered themselves.
    from todo_delivery.http.client import GuardedClient  # noqa: PLC0415

    try:
        answer = await GuardedClient(allow_private=allow_private).get(
            client_id, headers={"Accept": "application/json"}, seconds=_SECONDS, max_bytes=_MAX_BYTES + 1
        )
    except DeliveryFailed as failure:
        raise OAuthError("invalid_client", f"The metadata of this app cannot be read. {failure.reason}.") from None
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or (media_type.startswith("application/") and "+json" in media_type)
    if answer.status != _OK or not is_json or len(answer.body) > _MAX_BYTES:
        raise OAuthError("invalid_client", f"The URL of this app has no JSON of at most {_MAX_BYTES:,} bytes.")
    return _read(client_id, answer.body), _find_seconds(answer.headers.get("cache-control", ""))


def _read(client_id: str, body: bytes) -> OAuthClient:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise OAuthError("invalid_client", "The metadata of this app is not JSON.") from None
    if not isinstance(document, dict) or document.get("client_id") != client_id:
        raise OAuthError("invalid_client", "The metadata of this app belongs to another URL.")
    # The service has never met this client, so the two share no secret.
    document.setdefault("token_endpoint_auth_method", "none")
    metadata = oauth_clients.parse_metadata(document)
    if metadata.token_endpoint_auth_method != "none" or "client_secret" in document:  # noqa: S105 - a method
        raise OAuthError("invalid_client", "An app with published metadata must be a public client.")
    return OAuthClient(client_id, oauth_clients.name_client(metadata), metadata.redirect_uris, "none")


def _find_seconds(cache_control: str) -> float:
    shortest, longest = _CACHE_SECONDS
    if "no-store" in cache_control.lower():
        return shortest
    found = _MAX_AGE.search(cache_control.lower())
    return min(max(int(found[1]) if found else _DEFAULT_SECONDS, shortest), longest)
