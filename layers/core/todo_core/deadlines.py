"""The deadline of the current request: one limit for the whole request, from which all its waits and statements follow.

Limits nest. A statement ends before its request, so that the client gets an answer. A request ends before a probe of
Kubernetes or a Lambda invocation does: their ends would come without an answer of this service.

A deadline is no timer. A wait or a statement asks for its limit when it begins: the smaller of its own and what is left
for the request. Work without a request, such as a purge, has no deadline.
"""

from contextvars import ContextVar
from math import inf
from time import monotonic
from typing import Final

REQUEST_SECONDS: Final = 4.5
"""Time of a request: less than the 5 seconds that a client should wait for an answer of a database that hangs."""
STATEMENT_SECONDS: Final = 15.0
"""Time of a statement in a change or without a request; a statement of another request has what is left of that."""
CHANGE_SECONDS: Final = 20.0
"""Time of a change from the moment at which its session has been read. The database has just answered then.

A change may wait for other changes of its user, and then cascade to thousands of todos.
"""
ANSWER_SECONDS: Final = 0.25
"""The last part of a request, which no statement may use: time to roll back and to send the answer."""
INVOCATION_RESERVE_SECONDS: Final = 1.0
"""The last part of a Lambda invocation, which no request may use: time to write the log and return the response."""


_end: Final[ContextVar[float]] = ContextVar("end", default=inf)
"""The end of the current request, in seconds of the monotonic clock."""
_latest_end: Final[ContextVar[float]] = ContextVar("latest_end", default=inf)
"""The latest end that the current request can get: that of its Lambda invocation."""


def begin_request(now: float, invocation_seconds: float | None = None) -> None:
    """Sets the deadline of the current task's request, which begins now, by the monotonic clock.

    `invocation_seconds` is the time that its Lambda invocation has left, None outside of Lambda.
    """
    if invocation_seconds is None:
        _end.set(now + REQUEST_SECONDS)
        return
    latest_end = now + invocation_seconds - INVOCATION_RESERVE_SECONDS
    _latest_end.set(latest_end)
    _end.set(min(now + REQUEST_SECONDS, latest_end))


def extend(seconds: float) -> float:
    """Gives the current request at least `seconds` from now on. Returns the seconds that it has left.

    On Lambda a request never has more time than its invocation. Work without a request has no end.
    """
    now = monotonic()
    end = max(_end.get(), min(now + seconds, _latest_end.get()))
    _end.set(end)
    return max(end - now, 0)


class NotCounted:
    """A block that waits for the client or for a processor: its time does not count as time of the current request."""

    __slots__ = ("_began",)

    def __enter__(self) -> None:
        self._began = monotonic()

    def __exit__(self, *_error: object) -> None:
        _end.set(min(_end.get() + monotonic() - self._began, _latest_end.get()))


def limit_wait(seconds: float) -> float:
    """Returns the limit of a wait whose own limit is `seconds`: less if the current request has less time left."""
    return max(min(seconds, _end.get() - monotonic()), 0)


def limit_statement(seconds: float = STATEMENT_SECONDS) -> float:
    """Returns the limit of a statement, or of a connection attempt, whose own limit is `seconds`.

    Raises TimeoutError when the current request has no time left for it.
    """
    left = _end.get() - monotonic() - ANSWER_SECONDS
    if left > seconds:
        return seconds
    if left <= 0:
        raise TimeoutError("The request has no time left for a statement")
    return left
