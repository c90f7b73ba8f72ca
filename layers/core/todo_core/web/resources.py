"""The resources of a process, made at start-up, and how routes reach them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Self

from fastapi import Depends, FastAPI, Request

from todo_core.accounts.limits import RateLimits
from todo_core.accounts.passwords import PasswordHasher
from todo_core.accounts.session_tokens import SessionTokens
from todo_core.accounts.sessions import LastSeenCache
from todo_core.database.executor import Database
from todo_core.settings import Settings
from todo_core.web.cursors import Cursors


@dataclass(frozen=True, slots=True)
class Resources:
    """Database, keys, caches and settings that all requests of a process share."""

    settings: Settings
    database: Database
    password_hasher: PasswordHasher
    session_tokens: SessionTokens
    last_seen: LastSeenCache
    rate_limits: RateLimits
    cursors: Cursors

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Makes the resources. Opens no connection."""
        url = settings.database_url
        return cls(
            settings=settings,
            database=Database(
                url.get_secret_value() if url else None,
                pool_size=settings.database_pool_size,
                prepared_statements=settings.prepared_statements,
            ),
            password_hasher=PasswordHasher(settings.bcrypt_rounds),
            session_tokens=SessionTokens(settings.secret_keys, timedelta(seconds=settings.session_seconds)),
            last_seen=LastSeenCache(),
            rate_limits=RateLimits.of(settings),
            cursors=Cursors(settings.secret_keys),
        )


def get_resources(holder: Request | FastAPI) -> Resources:
    """Returns the resources of an app, or of the app that serves a request."""
    app = holder.app if isinstance(holder, Request) else holder
    resources: Resources = app.state.resources
    return resources


async def _current_database(request: Request) -> Database:
    return get_resources(request).database


CurrentDatabase = Annotated[Database, Depends(_current_database)]
