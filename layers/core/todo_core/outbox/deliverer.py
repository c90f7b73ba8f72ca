"""Delivers messages that are due: some at a time, and fewer of one channel. Lets reminders fire that are due."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Final, Literal

from todo_core.database.executor import Database
from todo_core.errors import ServiceError
from todo_core.logs import format_stack, log
from todo_core.outbox import backlog, leases
from todo_core.outbox.announcements import listening
from todo_core.outbox.errors import DeliveryFailed, DeliveryHeld
from todo_core.outbox.leases import ATTEMPT_SECONDS, LEASE_SECONDS, LeasedMessage
from todo_core.outbox.outbox import Outbox
from todo_core.outbox.places import QUICK_SECONDS, Places
from todo_core.outbox.stopping import end_attempts

_WAKE_DELAY_SECONDS: Final = 0.1
"""Time between a call and the look into the outbox. The response of the request that called is sent by then.

Otherwise the work on a mail could delay the response, whose time would tell that there is a mail.
"""
_ANNOUNCED_DELAYS_SECONDS: Final = (0.5, 5.0)
"""Times of the looks after an announced time, or after the announcement. A transaction may commit after the first."""
_WORKING_PAUSE_SECONDS: Final = 0.5
"""Pause between two looks while messages or reminders are due. It makes batches of reminders that come one by one."""
_GATHERING_SECONDS: Final = 0.02
"""Time in which other attempts may end, so that one statement claims messages for several places."""
_COUNTING_SECONDS: Final = 10.0
"""Age of the counted backlog at which a look counts again. Many messages take long to count."""
_OUTAGE_PAUSE_SECONDS: Final = 1.0
"""Pause after the first look that fails. Each further one doubles it, up to the interval of looks."""
_MARKING_PAUSES_SECONDS: Final = (0.5, 1.0, 2.0, 4.0)
"""Pauses between tries to mark a delivered message. Together they are shorter than what is left of the lease."""

type Outcome = Literal["delivered", "dropped"]
"""The end of a message. It is dropped if nobody needs it any more, such as a mail whose link has expired."""
type Send = Callable[[LeasedMessage], Awaitable[Outcome]]
"""Delivers one message, or raises DeliveryFailed or DeliveryHeld."""
type Fire = Callable[[], Awaitable[bool]]
"""Writes the messages of reminders that are due. Returns True if others may be due."""


type Heed = Callable[[backlog.Backlog], None]
"""Gets the backlog each time that it is counted."""


async def _fire_nothing() -> bool:
    return False


class Deliverer:
    """Delivers the messages of the outbox by the `senders`, which are named by the kind of message.

    Leaves messages of other kinds to other processes. `fire` writes the messages of reminders that are due.
    """

    def __init__(self, db: Database, outbox: Outbox, senders: Mapping[str, Send], fire: Fire = _fire_nothing) -> None:
        self._db = db
        self._outbox = outbox
        self._senders = senders
        self._fire = fire
        self._heed: Heed | None = None
        self._attempts: set[asyncio.Task[None]] = set()
        self._places = Places()
        self._changed = asyncio.Event()
        self._waits_for_places = False
        self._counted_at = -_COUNTING_SECONDS
        self._expected: set[int] = set()

    def on_count(self, heed: Heed) -> None:
        """Sets the function that is told of the backlog, so that another loop need not ask the database."""
        self._heed = heed

    async def deliver_due(self, *, seconds_left: Callable[[], float]) -> None:
        """Delivers the messages and reminders that are due, while `seconds_left()` is enough for another attempt.

        Raises DatabaseUnavailable and SchemaOutdated.
        """
        may_be_left, fires_at = True, 0.0
        while may_be_left or self._attempts:
            may_be_left = False
            if seconds_left() > LEASE_SECONDS:
                if monotonic() >= fires_at:
                    may_be_left = await self._fire()
                    fires_at = monotonic() + _WORKING_PAUSE_SECONDS
                may_be_left |= await self._begin_attempts()
            if self._attempts:
                await asyncio.wait(self._attempts, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.sleep(_GATHERING_SECONDS)
            elif may_be_left:
                await asyncio.sleep(_WORKING_PAUSE_SECONDS)
        self._outbox.backlog = await backlog.read(self._db, self._senders)

    async def run(self, *, poll_seconds: float) -> None:
        """Delivers messages and reminders when they are due, until the task is cancelled.

        Looks into the database when `wake` is called, when the next one is due, and at announced times. Looks every
        `poll_seconds` for what another process has left.
        """
        loop = asyncio.get_running_loop()
        self._outbox.on_wake(lambda: loop.call_later(_WAKE_DELAY_SECONDS, self._changed.set))
        failures = 0
        try:
            with listening(lambda moment: self._expect(moment, loop, poll_seconds)):
                while True:
                    self._changed.clear()
                    pause = await self._try_to_look(poll_seconds)
                    failures = failures + 1 if pause is None else 0
                    await self._wait(min(poll_seconds, _OUTAGE_PAUSE_SECONDS * 2**failures) if pause is None else pause)
        finally:
            self._outbox.on_wake(None)
            await end_attempts(self._attempts)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
        if self._waits_for_places:
            await asyncio.sleep(_GATHERING_SECONDS)

    def _expect(self, moment: datetime, loop: asyncio.AbstractEventLoop, poll_seconds: float) -> None:
        seconds = max(0.0, (moment - datetime.now(UTC)).total_seconds())
        if seconds < poll_seconds:
            loop.call_soon_threadsafe(self._look_after, seconds, loop)

    def _look_after(self, seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        """Looks after this time. Reminders of the same second have their looks in common, so few are planned."""
        second = round(loop.time() + seconds)
        if second not in self._expected:
            self._expected.add(second)
            for delay in _ANNOUNCED_DELAYS_SECONDS:
                loop.call_later(seconds + delay, self._changed.set)
            loop.call_later(seconds + max(_ANNOUNCED_DELAYS_SECONDS), self._expected.discard, second)

    async def _try_to_look(self, poll_seconds: float) -> float | None:
        """Begins to deliver what is due. Returns the seconds after which to look again, or None after a failure."""
        try:
            return await self._look(poll_seconds)
        except ServiceError as error:
            log.warning("The outbox cannot be read: %s", error.code)
        except Exception as error:  # noqa: BLE001 - the delivery must go on in the next minutes
            log.error("The outbox cannot be read", extra={"error": format_stack(error)})
        return None

    async def _look(self, poll_seconds: float) -> float:
        found = self._outbox.backlog = await self._read_backlog()
        if not (found.has_due_reminders or found.is_due):
            nexts = (found.next_seconds, found.reminder_seconds)
            return min([poll_seconds, *(seconds for seconds in nexts if seconds is not None)])
        if found.has_due_reminders:
            await self._fire()
        self._waits_for_places = await self._begin_attempts()
        return min(poll_seconds, _WORKING_PAUSE_SECONDS)

    async def _read_backlog(self) -> backlog.Backlog:
        """Counts the messages, or only finds the next ones if they were counted a short time ago."""
        if monotonic() - self._counted_at < _COUNTING_SECONDS:
            return await backlog.find_next(self._db, self._senders, self._outbox.backlog)
        counted = await backlog.read(self._db, self._senders)
        self._counted_at = monotonic()
        if self._heed is not None:
            self._heed(counted)
        return counted

    async def _begin_attempts(self) -> bool:
        """Begins to deliver messages that are due. Returns True if others are left that wait for places."""
        while limit := self._places.free:
            full = self._places.full_channels
            messages = await leases.claim(
                self._db, self._senders, limit=limit, full_channels=full, rooms=self._places.rooms
            )
            if not messages:
                # Also if the attempts of a full channel have ended meanwhile: its messages were skipped.
                return bool(full)
            for message in messages:
                self._begin(message)
        return True

    def _begin(self, message: LeasedMessage) -> None:
        self._places.take(message.channel)
        attempt = asyncio.create_task(self._attempt(message))
        self._attempts.add(attempt)
        attempt.add_done_callback(self._note_end)

    def _note_end(self, attempt: asyncio.Task[None]) -> None:
        self._attempts.discard(attempt)
        if self._waits_for_places:
            self._changed.set()

    async def _attempt(self, message: LeasedMessage) -> None:
        began, has_succeeded = monotonic(), False
        try:
            has_succeeded = await self._deliver(message)
        except ServiceError as error:
            # The message is delivered again after the lease, with the same id.
            log.warning("A message could not be marked: %s", error.code, extra={"message_id": message.id})
        finally:
            was_quick = has_succeeded and monotonic() - began < QUICK_SECONDS
            self._places.give_back(message.channel, was_quick=was_quick)

    async def _deliver(self, message: LeasedMessage) -> bool:
        """Returns True if the receiver has taken the message, or nobody needs it any more."""
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                outcome = await self._senders[message.kind](message)
        except DeliveryHeld as held:
            await leases.hold(self._db, message, held.until)
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
            self._outbox.counts.count_end(message.kind, is_delivered=outcome == "delivered")
            await self._complete(message)
            facts = {"message_id": message.id, "kind": message.kind, "attempts": message.attempts}
            log.info("Message %s", outcome, extra=facts)
            return True
        return False

    async def _complete(self, message: LeasedMessage) -> None:
        """Deletes a delivered message. Tries again during an outage: otherwise the message would be sent twice."""
        for pause in _MARKING_PAUSES_SECONDS:
            try:
                return await leases.complete(self._db, message)
            except ServiceError:
                await asyncio.sleep(pause)
        return await leases.complete(self._db, message)

    async def _postpone(self, message: LeasedMessage, reason: str, *, is_final: bool = False) -> None:
        self._outbox.counts.failed += 1
        is_dead = await leases.postpone(self._db, message, reason, is_final=is_final)
        self._outbox.counts.died += is_dead
        facts = {"message_id": message.id, "kind": message.kind, "attempts": message.attempts, "dead": is_dead}
        log.warning("Message not delivered: %s", reason, extra=facts)
