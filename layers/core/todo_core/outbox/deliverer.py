"""Delivers messages that are due: at most a few at a time, and fewer of one channel.

So a receiver that is slow or does not answer delays its own messages only.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal

from todo_core.database.executor import Database
from todo_core.errors import ServiceError
from todo_core.logs import format_stack, log
from todo_core.outbox import leases
from todo_core.outbox.errors import DeliveryFailed
from todo_core.outbox.leases import ATTEMPT_SECONDS, LEASE_SECONDS, LeasedMessage
from todo_core.outbox.outbox import Outbox

_MAX_AT_ONCE: Final = 8
_MAX_PER_CHANNEL: Final = 2
_WAKE_DELAY_SECONDS: Final = 0.1
"""Time between a call and the look into the outbox. The response of the request that called is sent by then.

Otherwise the work on a mail could delay the response, whose time would tell that there is a mail.
"""
_OUTAGE_PAUSE_SECONDS: Final = 5.0
_STOP_SECONDS: Final = 5.0

type Outcome = Literal["delivered", "dropped"]
"""The end of a message. It is dropped if nobody needs it any more, such as a mail whose link has expired."""
type Send = Callable[[LeasedMessage], Awaitable[Outcome]]
"""Delivers one message, or raises DeliveryFailed."""


class Deliverer:
    """Delivers the messages of the outbox by the `senders`, which are named by the kind of message."""

    def __init__(self, db: Database, outbox: Outbox, senders: Mapping[str, Send]) -> None:
        self._db = db
        self._outbox = outbox
        self._senders = senders
        self._attempts: set[asyncio.Task[None]] = set()
        self._busy: Counter[str] = Counter()
        self._changed = asyncio.Event()

    async def deliver_due(self, *, seconds_left: Callable[[], float]) -> None:
        """Delivers the messages that are due, while `seconds_left()` is enough for another attempt.

        Raises DatabaseUnavailable and SchemaOutdated.
        """
        may_be_left = True
        while may_be_left or self._attempts:
            may_be_left = seconds_left() > LEASE_SECONDS and await self._begin_attempts()
            if self._attempts:
                await asyncio.wait(self._attempts, return_when=asyncio.FIRST_COMPLETED)
        self._outbox.backlog = await leases.read_backlog(self._db)

    async def run(self, *, poll_seconds: float) -> None:
        """Delivers messages when they are due, until the task is cancelled.

        Looks into the outbox when `wake` is called and when a message becomes due. Every `poll_seconds`, it looks for
        messages that another process has left.
        """
        loop = asyncio.get_running_loop()
        self._outbox.on_wake(lambda: loop.call_later(_WAKE_DELAY_SECONDS, self._changed.set))
        try:
            while True:
                self._changed.clear()
                pause = await self._look(poll_seconds)
                try:
                    async with asyncio.timeout(pause):
                        await self._changed.wait()
                except TimeoutError:
                    continue
        finally:
            self._outbox.on_wake(None)
            await self._end_attempts()

    async def _look(self, poll_seconds: float) -> float:
        """Begins to deliver what is due. Returns the seconds after which to look again."""
        try:
            backlog = await leases.read_backlog(self._db)
            if backlog.is_due:
                await self._begin_attempts()
                backlog = await leases.read_backlog(self._db)
            self._outbox.backlog = backlog
        except ServiceError as error:
            log.warning("The outbox cannot be read: %s", error.code)
            return max(poll_seconds, _OUTAGE_PAUSE_SECONDS)
        except Exception as error:  # noqa: BLE001 - the delivery must go on in the next minutes
            log.error("The outbox cannot be read", extra={"error": format_stack(error)})
            return max(poll_seconds, _OUTAGE_PAUSE_SECONDS)
        # A message that is due now, and was not begun, waits for the end of another attempt.
        if backlog.next_seconds is None or backlog.is_due:
            return poll_seconds
        return min(poll_seconds, backlog.next_seconds)

    async def _begin_attempts(self) -> bool:
        """Begins to deliver messages that are due, within the limits. Returns True if others may be due too."""
        while len(self._attempts) < _MAX_AT_ONCE:
            busy = [channel for channel, count in self._busy.items() if count >= _MAX_PER_CHANNEL]
            message = await leases.claim(self._db, busy_channels=busy)
            if message is None:
                return bool(busy)
            self._busy[message.channel] += 1
            attempt = asyncio.create_task(self._attempt(message))
            self._attempts.add(attempt)
            attempt.add_done_callback(self._note_end)
        return True

    def _note_end(self, attempt: asyncio.Task[None]) -> None:
        self._attempts.discard(attempt)
        self._changed.set()

    async def _attempt(self, message: LeasedMessage) -> None:
        try:
            await self._deliver(message)
        except ServiceError as error:
            # The message is delivered again after the lease, with the same id.
            log.warning("A message could not be marked: %s", error.code, extra={"message_id": message.id})
        finally:
            self._busy -= Counter({message.channel: 1})

    async def _deliver(self, message: LeasedMessage) -> None:
        counts = self._outbox.counts
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                outcome = await self._senders[message.kind](message)
        except DeliveryFailed as failure:
            await self._postpone(message, failure.reason, is_final=failure.is_final)
        except TimeoutError:
            await self._postpone(message, f"No end after {ATTEMPT_SECONDS:.0f} seconds")
        except ServiceError as error:
            await self._postpone(message, error.code)
        except Exception as error:  # noqa: BLE001 - an unexpected error of one message must not end the delivery
            log.error("Delivery failed unexpectedly", extra={"message_id": message.id, "error": format_stack(error)})
            await self._postpone(message, type(error).__name__)
        else:
            counts.delivered += outcome == "delivered"
            await leases.complete(self._db, message)
            facts = {"message_id": message.id, "kind": message.kind, "attempts": message.attempts}
            log.info("Message %s", outcome, extra=facts)

    async def _postpone(self, message: LeasedMessage, reason: str, *, is_final: bool = False) -> None:
        self._outbox.counts.failed += 1
        is_dead = await leases.postpone(self._db, message, reason, is_final=is_final)
        self._outbox.counts.died += is_dead
        facts = {"message_id": message.id, "kind": message.kind, "attempts": message.attempts, "dead": is_dead}
        log.warning("Message not delivered: %s", reason, extra=facts)

    async def _end_attempts(self) -> None:
        """Waits for the running attempts, and cancels those that take long: their leases end by themselves."""
        if self._attempts:
            _, running = await asyncio.wait(self._attempts, timeout=_STOP_SECONDS)
            for attempt in running:
                attempt.cancel()
