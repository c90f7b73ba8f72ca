"""Passkeys: credentials of WebAuthn, with which a user signs in without a password, or after it as a second factor."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from todo_core.accounts import ceremonies
from todo_core.accounts.ceremonies import KnownCredential, NewCredential, Options, Signature
from todo_core.accounts.challenges import Challenge, Challenges, decode_base64, use_up
from todo_core.accounts.errors import PasskeyNotFound, PasskeyRefused, PasskeyTaken
from todo_core.accounts.passkey_models import Assertion, PasskeyRegistration
from todo_core.accounts.relying_party import RelyingParty
from todo_core.accounts.user import User
from todo_core.database.executor import Executor, Row, Transaction
from todo_core.database.statements import Statement
from todo_core.errors import QuotaExceeded
from todo_core.identifiers import new_id

_COLUMNS: Final = "id, name, transports, backed_up, created_at, last_used_at"

_SELECT_PAGE = Statement(f"""
    SELECT {_COLUMNS} FROM passkeys WHERE user_id = :user_id AND (created_at, id) < (:created_at, :id)
    ORDER BY created_at DESC, id DESC LIMIT :limit
""")  # noqa: S608 - constants, as below
_SELECT_CREDENTIALS = Statement("SELECT credential_id AS id, transports FROM passkeys WHERE user_id = :user_id")
_SELECT_BY_CREDENTIAL = Statement("""
    SELECT id, user_id, public_key, sign_count FROM passkeys WHERE credential_id = :credential_id
""")
_INSERT = Statement(f"""
    INSERT INTO passkeys (id, user_id, credential_id, public_key, sign_count, name, transports, backed_up)
    VALUES (:id, :user_id, :credential_id, :public_key, :sign_count, :name, :transports, :backed_up)
    ON CONFLICT (credential_id) DO NOTHING
    RETURNING {_COLUMNS}
""")  # noqa: S608
_USE = Statement("""
    UPDATE passkeys SET sign_count = :sign_count, backed_up = :backed_up, last_used_at = now()
    WHERE id = :id AND user_id = :user_id AND sign_count = :known_count
    RETURNING id
""")
_SELECT = Statement("SELECT id FROM passkeys WHERE user_id = :user_id AND id = :id")
_DELETE = Statement("DELETE FROM passkeys WHERE user_id = :user_id AND id = :id RETURNING id")
_DELETE_ALL = Statement("DELETE FROM passkeys WHERE user_id = :user_id")

_BEFORE_FIRST_PAGE: Final = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))


class Passkey(Struct, frozen=True):
    """A passkey of a user. `backed_up` if its provider keeps a copy, so that it survives the loss of a device."""

    id: UUID
    name: str
    transports: list[str]
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None


class VerifiedPasskey(Struct, frozen=True):
    """Proof that the client has a passkey of this user. It counts as used only when `use` has stored that."""

    row: Row
    signature: Signature

    @property
    def user_id(self) -> UUID:
        owner: UUID = self.row["user_id"]
        return owner

    async def use(self, db: Executor) -> bool:
        """Stores the use. Returns False if the passkey was removed, or used by another request meanwhile."""
        used = await db.write(
            _USE,
            id=self.row["id"],
            user_id=self.user_id,
            known_count=self.row["sign_count"],
            sign_count=self.signature.sign_count,
            backed_up=self.signature.is_backed_up,
        )
        return used is not None


async def list_page(
    db: Executor, user_id: UUID, *, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[Passkey]:
    """Returns at most `limit` passkeys of the user, the newest first.

    `after` is the creation time and the id of the last passkey on the page before.
    """
    created_at, passkey_id = after or _BEFORE_FIRST_PAGE
    rows = await db.fetch_all(_SELECT_PAGE, user_id=user_id, created_at=created_at, id=passkey_id, limit=limit)
    return [Passkey(*row) for row in rows]


async def list_credentials(db: Executor, user_id: UUID) -> list[KnownCredential]:
    """Returns the ids by which a browser finds the user's passkeys."""
    return [KnownCredential(*row) for row in await db.fetch_all(_SELECT_CREDENTIALS, user_id=user_id)]


async def begin_registration(db: Executor, challenges: Challenges, party: RelyingParty, user: User) -> Options:
    """Returns the options with which a browser makes a passkey of the user."""
    challenge = challenges.sign("passkey_registration", Challenge.new(user.id))
    existing = await list_credentials(db, user.id)
    return await ceremonies.build_registration_options(party, user, challenge, existing)


async def verify_new(
    challenges: Challenges, party: RelyingParty, user_id: UUID, registration: PasskeyRegistration
) -> tuple[NewCredential, Challenge]:
    """Checks the response to `begin_registration`. Raises PasskeyRefused if it is not valid."""
    signed = ceremonies.find_challenge(registration.credential.response.client_data)
    challenge = challenges.read("passkey_registration", signed)
    if challenge is None or challenge.user_id != user_id:
        raise PasskeyRefused
    new = await ceremonies.verify_registration(party, registration.credential, signed)
    if new is None:
        raise PasskeyRefused
    return new, challenge


async def add(
    db: Transaction,
    user_id: UUID,
    new: tuple[NewCredential, Challenge],
    registration: PasskeyRegistration,
    *,
    quota: int,
) -> Passkey:
    """Stores a verified passkey. The transaction must have locked the user, so that the quota holds.

    Raises PasskeyRefused for a challenge that was used before, PasskeyTaken, and QuotaExceeded beyond `quota` passkeys.
    """
    credential, challenge = new
    if len(await list_credentials(db, user_id)) >= quota:
        raise QuotaExceeded("passkeys", quota)
    if not await use_up(db, challenge, user_id):
        raise PasskeyRefused
    row = await db.write(
        _INSERT,
        id=new_id(),
        user_id=user_id,
        credential_id=credential.id,
        public_key=credential.public_key,
        sign_count=credential.sign_count,
        name=registration.name,
        transports=registration.credential.response.transports,
        backed_up=credential.is_backed_up,
    )
    if row is None:
        raise PasskeyTaken
    return Passkey(*row)


async def verify(
    db: Executor, party: RelyingParty, assertion: Assertion, challenge: bytes, user_id: UUID | None = None
) -> VerifiedPasskey | None:
    """Checks a passkey's signature of the challenge. Returns None if it is not valid, or if it is not the user's."""
    row = await db.fetch_one(_SELECT_BY_CREDENTIAL, credential_id=decode_base64(assertion.raw_id))
    if row is None or user_id not in {None, row["user_id"]}:
        return None
    handle = assertion.response.user_handle
    if handle and decode_base64(handle) != row["user_id"].bytes:
        return None
    signature = await ceremonies.verify_assertion(
        party, assertion, challenge, public_key=row["public_key"], sign_count=row["sign_count"]
    )
    return None if signature is None else VerifiedPasskey(row, signature)


async def require(db: Executor, user_id: UUID, passkey_id: UUID) -> None:
    """Checks that the user has a passkey with this id. Raises PasskeyNotFound."""
    if await db.fetch_one(_SELECT, user_id=user_id, id=passkey_id) is None:
        raise PasskeyNotFound


async def remove(db: Executor, user_id: UUID, passkey_id: UUID) -> None:
    """Removes a passkey of the user. Raises PasskeyNotFound."""
    if await db.write(_DELETE, user_id=user_id, id=passkey_id) is None:
        raise PasskeyNotFound


async def remove_all(db: Executor, user_id: UUID) -> None:
    """Removes all passkeys of the user."""
    await db.write(_DELETE_ALL, user_id=user_id)
