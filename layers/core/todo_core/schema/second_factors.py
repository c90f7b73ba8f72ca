"""Tables of second factors and passkeys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    Uuid,
)
from sqlmodel import Field, SQLModel

from todo_core.schema.columns import NOT_EXPORTED, instant_column, owner_column


class TotpRow(SQLModel, table=True):
    """The authenticator app of a user, which shows codes by the time (RFC 6238). `secret` is encrypted.

    Logins ask for a code once `confirmed_at` is set. `last_step` is the time step of the latest accepted code: codes
    of this and earlier steps are refused.
    """

    __tablename__ = "totp"

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(
        sa_column=Column(
            Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, unique=True, info=NOT_EXPORTED
        )
    )
    secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False, info=NOT_EXPORTED))
    confirmed_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))
    last_step: int | None = Field(sa_column=Column(BigInteger, info=NOT_EXPORTED))
    created_at: datetime = Field(sa_column=instant_column("created_at"))


class RecoveryCodeRow(SQLModel, table=True):
    """An unused recovery code, which stands in for a code of the authenticator app. Using it deletes the row."""

    __tablename__ = "recovery_codes"
    # Not exported: a row has nothing but a hash.
    __table_args__ = ({"info": NOT_EXPORTED},)

    user_id: UUID = Field(sa_column=owner_column(primary_key=True))
    code_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))


class PasskeyRow(SQLModel, table=True):
    """A passkey of a user (a WebAuthn credential), with the public key that checks its signatures."""

    __tablename__ = "passkeys"
    __table_args__ = (Index("passkeys_of_user", "user_id", "id"),)

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=owner_column())
    credential_id: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True, info=NOT_EXPORTED))
    public_key: bytes = Field(sa_column=Column(LargeBinary, nullable=False, info=NOT_EXPORTED))
    sign_count: int = Field(sa_column=Column(BigInteger, nullable=False, info=NOT_EXPORTED))
    name: str = Field(sa_column=Column(Text, nullable=False))
    transports: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    backed_up: bool = Field(sa_column=Column(Boolean, nullable=False))
    created_at: datetime = Field(sa_column=instant_column("created_at"))
    last_used_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))


class UsedChallengeRow(SQLModel, table=True):
    """A challenge for a second factor or a passkey that was answered, and must not be answered again.

    Challenges are signed texts. `id` is part of the text, which is refused after `expires_at` in any case.
    """

    __tablename__ = "used_challenges"
    # Not exported: the rows expire after minutes.
    __table_args__ = ({"info": NOT_EXPORTED},)

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    user_id: UUID = Field(sa_column=owner_column(index=True))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))
