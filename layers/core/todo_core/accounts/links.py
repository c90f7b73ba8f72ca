"""Links that mails lead to: each is for one purpose of one account, works once, and expires.

A link's token is derived from the secret key and the link's id, and the database has its hash alone. So a stolen
database opens no account. The outbox needs no token, and each try to deliver a mail has the same link.
"""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import digest
from typing import Final
from uuid import UUID

from msgspec import Struct
from pydantic import SecretStr

from todo_core.accounts.errors import LinkInvalid
from todo_core.database.executor import Executor
from todo_core.database.expiry import purged_at_expiry
from todo_core.database.statements import Statement
from todo_core.identifiers import new_id
from todo_core.outbox.messages import LinkPurpose, LinkRef
from todo_core.settings import Settings

_PATHS: Final[dict[LinkPurpose, str]] = {
    "register": "/account/verify-email",
    "verify_email": "/account/verify-email",
    "reset_password": "/account/reset-password",
    "change_email": "/account/verify-email",
    "take_back_email": "/account/take-back-email",
}
FORGOT_PATH: Final = "/account/forgot-password"
LIFETIMES: Final[dict[LinkPurpose, timedelta]] = {
    "register": timedelta(days=3),
    "verify_email": timedelta(days=3),
    "reset_password": timedelta(minutes=30),
    "change_email": timedelta(minutes=30),
    "take_back_email": timedelta(days=7),
}

_COLUMNS: Final = "id, user_id, purpose, email, email_key, created_at"
_VALID: Final = "token_hash = :token_hash AND purpose = ANY(CAST(:purposes AS text[])) AND expires_at > now()"

_INSERT = Statement("""
    INSERT INTO links (id, user_id, purpose, token_hash, email, email_key, expires_at)
    VALUES (:id, :user_id, :purpose, :token_hash, :email, :email_key, now() + CAST(:lifetime AS interval))
""")
_SELECT = Statement(f"SELECT {_COLUMNS} FROM links WHERE {_VALID}")  # noqa: S608 - constants, as all below
_DELETE = Statement("DELETE FROM links WHERE id = :id AND user_id = :user_id RETURNING id")
_DELETE_OF_USER = Statement("""
    DELETE FROM links WHERE user_id = :user_id AND purpose = ANY(CAST(:purposes AS text[]))
    AND (CAST(:since AS timestamptz) IS NULL OR created_at >= :since)
""")
_SELECT_HASH = Statement("""
    SELECT token_hash FROM links WHERE id = :id AND expires_at > now()
    UNION ALL SELECT token_hash FROM registrations WHERE id = :id AND expires_at > now()
""")


class Link(Struct, frozen=True):
    """A link that was not used yet. `email` is the one that a change sets, or that taking back a change restores."""

    id: UUID
    user_id: UUID
    purpose: LinkPurpose
    email: str | None
    email_key: str | None
    created_at: datetime


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


async def create(
    db: Executor, tokens: LinkTokens, purpose: LinkPurpose, user_id: UUID, *, email: tuple[str, str] | None = None
) -> LinkRef:
    """Stores a new link of the user. `email` is the email of a change, and its normalized form."""
    link = LinkRef(new_id(), purpose)
    address, email_key = email or (None, None)
    await db.write(
        _INSERT,
        id=link.id,
        user_id=user_id,
        purpose=purpose,
        token_hash=hash_token(tokens.derive(link)),
        email=address,
        email_key=email_key,
        lifetime=LIFETIMES[purpose],
    )
    return link


async def find(db: Executor, token: SecretStr, *purposes: LinkPurpose) -> Link:
    """Returns the link with this token, and does not use it up. Raises LinkInvalid."""
    found = await db.fetch_one(_SELECT, token_hash=hash_token(token.get_secret_value()), purposes=list(purposes))
    if found is None:
        raise LinkInvalid
    return Link(*found)


async def use_up(db: Executor, link: Link) -> None:
    """Deletes the link. Of concurrent transactions with one link, all but the first raise LinkInvalid."""
    if await db.write(_DELETE, id=link.id, user_id=link.user_id) is None:
        raise LinkInvalid


async def cancel(db: Executor, user_id: UUID, *purposes: LinkPurpose, since: datetime | None = None) -> None:
    """Deletes the user's links for these purposes: all of them, or those that were made at `since` or later."""
    await db.write(_DELETE_OF_USER, user_id=user_id, purposes=list(purposes), since=since)


async def build_url(db: Executor, settings: Settings, link: LinkRef) -> str | None:
    """Returns the URL of the page that uses the link, for its mail. None when the link was used or has expired.

    Also None when the key of the link is no longer one of the secret keys.
    """
    row = await db.fetch_one(_SELECT_HASH, id=link.id)
    token = LinkTokens(settings.secret_keys).find(link, row["token_hash"]) if row else None
    return f"{settings.link_base}{_PATHS[link.purpose]}?token={token}" if token else None


delete_expired: Final = purged_at_expiry("links")
