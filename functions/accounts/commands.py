"""The commands of the operator, with the messages that they answer."""

from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from todo_core.accounts import operator
from todo_core.accounts.audit import Caller
from todo_core.accounts.models import Email
from todo_core.accounts.passwords import PasswordHasher
from todo_core.database.executor import Database
from todo_core.settings import RegistrationMode, Settings

type Result = dict[str, str]
"""A `message` for the operator, and `invite` or `password` if the command makes one."""


class Command(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True):
    """A command. An invite is valid for `days`. Closing an account needs `yes`, because it cannot be undone."""

    command: Literal["invite", "reset-password", "reset-second-factor", "end-sessions", "close"]
    email: Email | None = None
    days: int = Field(default=7, ge=1, le=365)
    yes: bool = False

    @model_validator(mode="after")
    def _require_arguments(self) -> Self:
        if self.command != "invite" and self.email is None:
            raise PydanticCustomError("missing", "the command needs the email of an account")
        if self.command == "close" and not self.yes:
            raise PydanticCustomError("missing", 'closing deletes all data of the account; confirm it with "yes": true')
        return self


async def execute(db: Database, settings: Settings, caller: Caller, command: Command) -> Result:
    """Executes the command. Raises AccountNotFound, DatabaseUnavailable and SchemaOutdated."""
    email = command.email or ""
    match command.command:
        case "invite":
            return await _invite(db, settings.registration, caller, command)
        case "reset-password":
            return await _reset_password(db, PasswordHasher(settings.bcrypt_rounds), caller, email)
        case "reset-second-factor":
            await operator.reset_second_factor(db, caller, email)
            return {"message": f"{email} signs in by the password alone. All passkeys and all sessions have ended."}
        case "end-sessions":
            ended, tokens = await operator.end_sessions(db, caller, email)
            return {"message": f"Sessions of {email} that ended: {ended}. Deleted API tokens: {tokens}."}
        case "close":
            closed = await operator.close_account(db, caller, email)
            return {"message": f"The account {closed.email} and all its data are deleted."}


async def _invite(db: Database, mode: RegistrationMode, caller: Caller, command: Command) -> Result:
    invite = await operator.create_invite(db, caller, email=command.email, lifetime=timedelta(days=command.days))
    owner = f"for {command.email}" if command.email else "for one account with any email"
    message = f"Invite {owner}, valid until {_format(invite.expires_at)}. It is shown only once."
    if mode != "invite":
        message += f" REGISTRATION is {mode}: invites count only while it is invite."
    return {"message": message, "invite": invite.code}


async def _reset_password(db: Database, hasher: PasswordHasher, caller: Caller, email: str) -> Result:
    temporary = await operator.reset_password(db, hasher, caller, email)
    message = (
        f"Temporary password of {email}, valid until {_format(temporary.expires_at)}. It is shown only once. "
        "All sessions have ended. The user must choose a new password before that time."
    )
    return {"message": message, "password": temporary.password}


def _format(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
