"""The step that limits the requests of each client: per minute, and in flight at a time.

The headers are those of draft-ietf-httpapi-ratelimit-headers-11. Each process counts for itself.
"""

from math import ceil
from time import monotonic
from typing import Final

from todo_core.clients import Client
from todo_core.errors import RateLimited
from todo_core.limits import RequestLimits
from todo_core.web.middleware.answer import Answer

_WINDOW_SECONDS: Final = 60
_BYTES_PER_REQUEST: Final = 32 * 1024
"""A response counts as one more request for each of these bytes, because long ones take more time to make."""
_ROUNDING: Final = 1e-6
"""Seconds that make up for the rounding of sums of times."""
_MAX_CLIENTS: Final = 20_000
"""The most clients that are remembered. Each takes about 400 bytes."""


class Usage:
    """The requests of one client in this process.

    `full_at` is the time at which the client may again send all requests of a minute at once. It is the theoretical
    arrival time of the generic cell rate algorithm, a token bucket that needs one number.
    """

    __slots__ = ("full_at", "in_flight")

    def __init__(self) -> None:
        self.full_at = 0.0
        self.in_flight = 0


class Usages:
    """The usage of each client that has requests in flight, or has sent some in the last minute."""

    def __init__(self, max_clients: int = _MAX_CLIENTS) -> None:
        self._max_clients = max_clients
        self._usages: dict[Client, Usage] = {}

    def __len__(self) -> int:
        return len(self._usages)

    def find(self, client: Client, now: float) -> Usage:
        usage = self._usages.get(client)
        if usage is None:
            if len(self._usages) >= self._max_clients:
                self._forget_some(now)
            usage = self._usages[client] = Usage()
        return usage

    def _forget_some(self, now: float) -> None:
        """Forgets idle clients. If all are active, forgets the half that was remembered first."""
        idle = [client for client, usage in self._usages.items() if usage.full_at <= now and not usage.in_flight]
        for client in idle or list(self._usages)[: self._max_clients // 2 + 1]:
            del self._usages[client]


class RateLimit:
    """Counts the requests of each client, and finds those past the limit of a minute or of those in flight."""

    def __init__(self, limits: RequestLimits) -> None:
        self._max_in_flight = limits.requests_in_flight
        self._usages = Usages()
        self._quota = limits.requests_per_minute
        self._seconds_per_request = _WINDOW_SECONDS / self._quota
        policy = (
            f'"minute";q={self._quota};w={_WINDOW_SECONDS}, '
            f'"in-flight";q={limits.requests_in_flight};qu="concurrent-requests"'
        )
        self._policy = (b"ratelimit-policy", policy.encode())

    def count(self, client: Client, cost: int, answer: Answer) -> tuple[Usage, RateLimited | None]:
        """Counts a request, and adds the headers of the limit to its answer.

        Returns the usage of the client, and the error with which the request is refused, if any.
        """
        now = monotonic()
        usage = self._usages.find(client, now)
        error = self._find_refusal(usage, cost, now)
        answer.add_headers(self._policy, (b"ratelimit", self._format_rest(usage, now)))
        return usage, error

    def count_bytes(self, usage: Usage, sent_bytes: int) -> None:
        """Counts a long response as further requests."""
        if further := sent_bytes // _BYTES_PER_REQUEST:
            # At most all that is left, so that the client need not wait long after a large export.
            most = max(usage.full_at, monotonic() + _WINDOW_SECONDS)
            usage.full_at = min(usage.full_at + further * self._seconds_per_request, most)

    def _find_refusal(self, usage: Usage, cost: int, now: float) -> RateLimited | None:
        """Counts the request, or returns the error with which it is refused. Refused requests do not count."""
        if usage.in_flight >= self._max_in_flight:
            return RateLimited("You have too many requests in flight; wait for the answer to one of them.")
        full_at = max(usage.full_at, now) + min(cost, self._quota) * self._seconds_per_request
        excess = full_at - now - _WINDOW_SECONDS
        if excess > _ROUNDING:
            return RateLimited(retry_after=ceil(excess))
        usage.full_at = full_at
        return None

    def _format_rest(self, usage: Usage, now: float) -> bytes:
        """Returns the header RateLimit, in which `r` is the number of requests that are left.

        `t` is the time in which a client may send them evenly and have as many left again.
        """
        rest_seconds = max(_WINDOW_SECONDS - max(usage.full_at - now, 0) + _ROUNDING, 0)
        return b'"minute";r=%d;t=%d, "in-flight";r=%d' % (
            rest_seconds / self._seconds_per_request,
            max(rest_seconds, 1),
            self._max_in_flight - usage.in_flight,
        )
