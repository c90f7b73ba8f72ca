"""Sends changes to webhooks: those of one webhook one after the other, and those of several webhooks side by side.

A receiver that is slow or fails delays its own webhooks only. A host and a user have few places, and failing webhooks
have at most half of all.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from time import monotonic
from typing import Final
from uuid import UUID

from msgspec import Struct

from todo_core.database.executor import Database
from todo_core.errors import DatabaseUnavailable, ServiceError
from todo_core.live.live_changes import LiveChanges
from todo_core.logs import format_stack, log
from todo_core.outbox.announcements import listening
from todo_core.outbox.stopping import end_attempts
from todo_core.todos import changes
from todo_core.todos.changes import Change
from todo_core.todos.errors import ChangesExpired
from todo_core.webhooks import leases
from todo_core.webhooks.attempts import Result, SendMessage, WebhookMessage, attempt
from todo_core.webhooks.events import build_content, find_event, make_message_id
from todo_core.webhooks.figures import WebhookFigures
from todo_core.webhooks.leases import LEASE_SECONDS, Entry, LeasedWebhook
from todo_core.webhooks.model import DisabledReason, Event
from todo_core.webhooks.secrets import WebhookSecrets

_MAX_AT_ONCE: Final = 32
_MAX_FAILING: Final = 16
_MAX_PER_HOST: Final = 2
_MAX_PER_USER: Final = 4
_SENDING_SECONDS: Final = 25.0
"""Time for which a lease sends. The last attempt may take ten seconds more, so it ends before the lease."""
_PAGE_CHANGES: Final = 20
_PAGE_BYTES: Final = 128 * 1024
_WAKE_DELAY_SECONDS: Final = 0.1
"""Time between a change and the look for it."""
_OUTAGE_PAUSE_SECONDS: Final = 5.0
_MAX_STATEMENTS: Final = 3
"""The most connections to the database that the sending uses at a time. Requests need the others."""
_MARKING_PAUSES_SECONDS: Final = (0.5, 1.0, 2.0, 4.0)
"""Pauses between tries to note a delivery while the database is away. Without the note, the change is sent again."""
_EXPIRED_EVENT: Final = "changes.expired"


class Sending(Struct, frozen=True):
    """The objects by which messages are made and sent. `base_url` is the URL of the service."""

    send: SendMessage
    secrets: WebhookSecrets
    base_url: str
    can_mail: bool


class WebhookDeliverer:
    """Sends the changes of users with webhooks. Hears of them by `live`, as long as there are webhooks."""

    def __init__(
        self, db: Database, sending: Sending, figures: WebhookFigures, live: LiveChanges | None = None
    ) -> None:
        self._db = db
        self._live = live
        self._hears_changes = False
        self._sending = sending
        self._figures = figures
        self._tasks: set[asyncio.Task[None]] = set()
        self._hosts: Counter[str] = Counter()
        self._users: Counter[UUID] = Counter()
        self._failing = 0
        self._statements = asyncio.Semaphore(_MAX_STATEMENTS)
        self._is_crowded = False
        self._is_stopping = False
        self._changed = asyncio.Event()
        self._needs_look = True
        self._users_with_changes: set[UUID] = set()

    async def deliver_due(self, *, seconds_left: Callable[[], float]) -> None:
        """Sends all changes that are due, while `seconds_left()` is enough for another lease.

        Raises DatabaseUnavailable and SchemaOutdated.
        """
        may_be_left = True
        while may_be_left or self._tasks:
            may_be_left = seconds_left() > LEASE_SECONDS and (await self._begin() or self._is_crowded)
            if self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                may_be_left = True
        self._figures.backlog = await leases.read_backlog(self._db)

    async def run(self, *, poll_seconds: float, idle_seconds: float | None = None) -> None:
        """Sends changes until the task is cancelled.

        Looks at all webhooks when this process has announced a time, when a webhook becomes due, and every
        `poll_seconds`. In between, looks at those of users who have changes. Without webhooks, the interval is
        `idle_seconds`: then `note_webhooks` must be called.
        """
        loop = asyncio.get_running_loop()
        look_at = loop.time()
        try:
            with listening(lambda _moment: self._ask_later(loop)):
                while True:
                    self._changed.clear()
                    if self._needs_look or loop.time() >= look_at:
                        pause = await self._survive(self._look(poll_seconds))
                        if pause is not None and not self._figures.backlog.enabled:
                            pause = idle_seconds or pause
                        look_at = loop.time() + (pause or max(poll_seconds, _OUTAGE_PAUSE_SECONDS))
                    elif self._users_with_changes:
                        await self._survive(self._look_at_users())
                    with suppress(TimeoutError):
                        async with asyncio.timeout_at(look_at):
                            await self._changed.wait()
        finally:
            self._is_stopping = True
            self._hear_changes(wanted=False)
            await end_attempts(self._tasks)

    def _ask_later(self, loop: asyncio.AbstractEventLoop) -> None:
        """Asks for a look when the transaction of the caller, in any thread, is committed."""
        loop.call_soon_threadsafe(loop.call_later, _WAKE_DELAY_SECONDS, self._ask)

    def _ask(self) -> None:
        """Asks for a look at all webhooks."""
        self._needs_look = True
        self._changed.set()

    def note_webhooks(self, *, are_there: bool) -> None:
        """Asks for a look if there are webhooks, and the last look found none."""
        if are_there and not self._figures.backlog.enabled:
            self._ask()

    def _hear(self, user_id: UUID) -> None:
        """Asks for a look at a user's webhooks. Changes of the next moment are seen by the same look."""
        if not self._users_with_changes:
            asyncio.get_running_loop().call_later(_WAKE_DELAY_SECONDS, self._changed.set)
        self._users_with_changes.add(user_id)

    def _hear_changes(self, *, wanted: bool) -> None:
        if self._live is not None and wanted != self._hears_changes:
            self._hears_changes = wanted
            switch = self._live.on_change if wanted else self._live.off_change
            switch(self._hear)

    async def _survive[Result](self, look: Awaitable[Result]) -> Result | None:
        """Returns the result of a look, or None after an error, which must not end the delivery."""
        try:
            return await look
        except ServiceError as error:
            log.warning("The webhooks cannot be read: %s", error.code)
        except Exception as error:  # noqa: BLE001 - the delivery must go on in the next minutes
            log.error("The webhooks cannot be read", extra={"error": format_stack(error)})
        return None

    async def _look(self, poll_seconds: float) -> float:
        """Begins to send what is due. Returns the seconds after which to look again."""
        self._needs_look = False
        backlog = await leases.read_backlog(self._db)
        self._hear_changes(wanted=backlog.enabled > 0)
        if backlog.is_due:
            await self._begin()
            backlog = await leases.read_backlog(self._db)
        self._figures.backlog = backlog
        # A webhook that is due now, and was not begun, waits for the end of another.
        if backlog.next_seconds is None or backlog.is_due:
            return poll_seconds
        return min(poll_seconds, backlog.next_seconds)

    async def _look_at_users(self) -> None:
        users, self._users_with_changes = self._users_with_changes, set()
        await self._begin(users)

    async def _begin(self, users: Collection[UUID] | None = None) -> bool:
        """Begins to send to webhooks that are due, of these users or of all. Returns True if any was begun."""
        has_begun = False
        while (places := _MAX_AT_ONCE - len(self._tasks)) > 0:
            busy_hosts = [host for host, count in self._hosts.items() if count >= _MAX_PER_HOST]
            busy_users = [user for user, count in self._users.items() if count >= _MAX_PER_USER]
            # Webhooks that are skipped are begun when another ends, which may be during the statement.
            self._is_crowded = bool(busy_hosts or busy_users) or self._failing >= _MAX_FAILING
            claimed = await leases.claim(
                self._db,
                limit=places,
                busy_hosts=busy_hosts,
                busy_users=busy_users,
                max_failing=max(_MAX_FAILING - self._failing, 0),
                users=users,
            )
            for webhook in claimed:
                self._start(webhook)
            if not claimed:
                return has_begun
            has_begun = True
        self._is_crowded = True
        return has_begun

    def _start(self, webhook: LeasedWebhook) -> None:
        self._count(webhook, 1)
        task = asyncio.create_task(self._work(webhook))
        self._tasks.add(task)
        task.add_done_callback(self._note_end)

    def _count(self, webhook: LeasedWebhook, number: int) -> None:
        self._hosts[webhook.host] += number
        self._users[webhook.user_id] += number
        self._failing += number if webhook.attempts else 0
        # Unary plus drops the keys that are at 0.
        self._hosts, self._users = +self._hosts, +self._users

    def _note_end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._is_crowded:
            self._ask()

    async def _work(self, webhook: LeasedWebhook) -> None:
        try:
            await self._send_changes(webhook)
        except ServiceError as error:
            # The change is sent again after the lease, with the same id.
            log.warning("A webhook could not be moved on: %s", error.code, extra={"webhook_id": webhook.id})
        except Exception as error:  # noqa: BLE001 - an unexpected error of one webhook must not end the delivery
            facts = {"webhook_id": webhook.id, "error": format_stack(error)}
            log.error("Sending to a webhook failed unexpectedly", extra=facts)
        finally:
            self._count(webhook, -1)

    async def _send_changes(self, webhook: LeasedWebhook) -> None:
        """Sends the next changes until none is left, an attempt fails, or the time of the lease is over."""
        ends_at = monotonic() + _SENDING_SECONDS
        secrets = await self._sending.secrets.read(webhook.secret, webhook.previous_secret)
        logged = 0
        while page := await self._read_changes(webhook):
            for change in page:
                if self._is_stopping or monotonic() > ends_at:
                    break
                event = find_event(change)
                if event is None or not webhook.wants(event):
                    webhook.position = change.seq
                    continue
                if not await self._send_change(webhook, change, event, secrets):
                    return
                logged += 1
            if self._is_stopping or monotonic() > ends_at:
                break
        async with self._statements:
            if logged:
                await leases.trim_log(self._db, webhook)
            has_more = await leases.release(self._db, webhook)
        if has_more:
            self._hear(webhook.user_id)

    async def _read_changes(self, webhook: LeasedWebhook) -> list[Change]:
        """Returns the next changes. Skips those that the log no longer has."""
        while True:
            try:
                async with self._statements:
                    page = await changes.find_since(
                        self._db, webhook.user_id, webhook.position, limit=_PAGE_CHANGES, max_bytes=_PAGE_BYTES
                    )
            except ChangesExpired as expired:
                last = int(str(expired.members["since"]))
                cut = f"The changes {webhook.position + 1} to {last} are no longer in the log"
                entry = Entry(make_message_id(webhook.id, last), _EXPIRED_EVENT, last, Result("failed", None, cut, 0))
                if not await leases.skip_cut(self._db, webhook, entry):
                    return []
            else:
                return page.changes

    async def _send_change(self, webhook: LeasedWebhook, change: Change, event: Event, secrets: list[str]) -> bool:
        """Sends one change. Returns False if it was not delivered, or if the lease was lost."""
        content = build_content(change, event, self._sending.base_url)
        message_id = make_message_id(webhook.id, change.seq)
        result = await attempt(self._sending.send, WebhookMessage(webhook.url, message_id, content, secrets))
        entry = Entry(message_id, event, change.seq, result)
        if result.outcome == "delivered":
            self._figures.delivered += 1
            return await self._note_delivery(webhook, entry)
        self._figures.failed += 1
        reason: DisabledReason | None = "gone" if result.outcome == "gone" else None
        async with self._statements:
            is_off = await leases.fail(self._db, webhook, entry, reason=reason, can_mail=self._sending.can_mail)
        if is_off:
            self._figures.switched_off += 1
            log.warning("A webhook was switched off: %s", result.error, extra={"webhook_id": webhook.id})
        self._ask()
        return False

    async def _note_delivery(self, webhook: LeasedWebhook, entry: Entry) -> bool:
        """Moves the webhook on. Returns False if the lease was lost. Raises DatabaseUnavailable after some tries."""
        for pause in _MARKING_PAUSES_SECONDS:
            try:
                async with self._statements:
                    return await leases.move_on(self._db, webhook, entry)
            except DatabaseUnavailable:
                await asyncio.sleep(pause)
        return await leases.move_on(self._db, webhook, entry)
