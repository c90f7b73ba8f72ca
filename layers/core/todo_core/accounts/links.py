"""Links that mails lead to: each is for one purpose of one account, works once, and expires.

A link's token is derived from the secret key and the link's id. The database has its hash alone. So the outbox needs no
token, and each try to deliver a mail has the same link.
"""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from hmac import digest
from typing import Final

from todo_core.database.executor import Database, Executor
from todo_core.database.expiry import deletes_expired
from todo_core.database.statements import Statement
from todo_core.outbox.messages import LinkPurpose, LinkRef
from todo_core.settings import Settings

_PATHS: Final[dict[LinkPurpose, str]] = {
    "register": "/account/verify-email",
    "verify_email": "/account/verify-email",
    "reset_password": "/account/reset-password",
    "change_email": "/account/verify-email",
    "take_back_email": "/account/take-back-email",
}

_SELECT_HASH = Statement("""
    SELECT token_hash FROM links WHERE id = :id AND expires_at > now()
    UNION ALL SELECT token_hash FROM registrations WHERE id = :id AND expires_at > now()
""")
_DELETE_EXPIRED = Statement("""
    DELETE FROM links WHERE id IN (
        SELECT id FROM links WHERE expires_at <= now() ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING id
""")


class LinkTokens:
    """Derives the tokens of links, of 256 bits. The first key is for new links; mails may still need the others."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [digest(key.encode(), b"links", "sha256") for key in keys]

    def derive(self, link: LinkRef) -> str:
        """Returns the token of a new link."""
        return _derive(self._keys[0], link)

    def find(self, link: LinkRef, token_hash: bytes) -> str | None:
        """Returns the token of a link with this hash. None when its key is no longer one of the secret keys."""
        tokens = (_derive(key, link) for key in self._keys)
        return next((token for token in tokens if hash_token(token) == token_hash), None)


def _derive(key: bytes, link: LinkRef) -> str:
    token = digest(key, f"{link.purpose} {link.id}".encode(), "sha256")
    return urlsafe_b64encode(token).rstrip(b"=").decode()


def hash_token(token: str) -> bytes:
    # A client may send half of a surrogate pair, which has no UTF-8.
    return sha256(token.encode(errors="surrogatepass")).digest()


async def build_url(db: Executor, settings: Settings, link: LinkRef) -> str | None:
    """Returns the URL of the page that uses the link, for its mail. None when the link was used or has expired.

    Also None when the key of the link is no longer one of the secret keys.
    """
    row = await db.fetch_one(_SELECT_HASH, id=link.id)
    token = LinkTokens(settings.secret_keys).find(link, row["token_hash"]) if row else None
    return f"{settings.link_base}{_PATHS[link.purpose]}?token={token}" if token else None


@deletes_expired("links")
async def delete_expired(db: Database, *, limit: int) -> int:
    """Deletes at most `limit` expired links. Returns the number of deleted links."""
    return len(await db.fetch_all(_DELETE_EXPIRED, limit=limit))
