"""The resources of a process, such as its database, and the functions by which routes get them."""

from typing import Annotated, Self

from fastapi import Depends, FastAPI, Request
from msgspec import Struct

from todo_core.accounts.api_tokens import TokenMemory
from todo_core.accounts.devices import Devices
from todo_core.accounts.links import LinkTokens
from todo_core.accounts.login_limits import PasswordChecks
from todo_core.accounts.mails import AccountMails
from todo_core.accounts.passwords import PasswordHasher
from todo_core.accounts.session_tokens import SessionTokens
from todo_core.accounts.sessions import LAST_SEEN_INTERVAL_SECONDS, RENEWAL_INTERVAL_SECONDS, SessionUpdates
from todo_core.database.executor import Database
from todo_core.live.live_changes import LiveChanges
from todo_core.outbox.outbox import Outbox
from todo_core.settings import Settings
from todo_core.web.cursors import Cursors
from todo_core.web.readiness import Readiness
from todo_core.webhooks.figures import WebhookFigures
from todo_core.webhooks.secrets import WebhookSecrets
from todo_core.workload import Workload


class Resources(Struct, frozen=True):
    """Database, keys, caches, counts and settings that all requests of a process share."""

    settings: Settings
    database: Database
    password_checks: PasswordChecks
    account_mails: AccountMails
    session_tokens: SessionTokens
    token_memory: TokenMemory
    last_seen: SessionUpdates
    renewals: SessionUpdates
    cursors: Cursors
    workload: Workload
    readiness: Readiness
    outbox: Outbox
    live: LiveChanges
    webhook_secrets: WebhookSecrets
    webhook_figures: WebhookFigures

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Makes the resources from the settings. Opens no connection to the database yet."""
        database = Database.from_settings(settings.database)
        return cls(
            settings=settings,
            database=database,
            password_checks=PasswordChecks(
                PasswordHasher(settings.bcrypt_rounds), settings.rate_limits, Devices(settings.secret_keys)
            ),
            account_mails=AccountMails(
                LinkTokens(settings.secret_keys), settings.rate_limits, is_configured=settings.can_send_mail
            ),
            session_tokens=SessionTokens(settings.secret_keys),
            token_memory=TokenMemory(),
            last_seen=SessionUpdates(LAST_SEEN_INTERVAL_SECONDS),
            renewals=SessionUpdates(RENEWAL_INTERVAL_SECONDS),
            cursors=Cursors(settings.secret_keys),
            workload=Workload(settings.request_limits.requests_at_once),
            readiness=Readiness(database, settings.readiness_seconds),
            outbox=Outbox(can_send_mail=settings.can_send_mail),
            live=LiveChanges(database, max_per_user=settings.request_limits.streams_per_user),
            webhook_secrets=WebhookSecrets(settings.secret_keys),
            webhook_figures=WebhookFigures(),
        )


def get_resources(holder: Request | FastAPI) -> Resources:
    """Returns the resources of an app. `holder` is the app, or a request that it serves."""
    app = holder.app if isinstance(holder, Request) else holder
    resources: Resources = app.state.resources
    return resources


async def _current_database(request: Request) -> Database:
    return get_resources(request).database


CurrentDatabase = Annotated[Database, Depends(_current_database)]
