"""Figures of webhooks for metrics."""

from msgspec import Struct


class Backlog(Struct, frozen=True):
    """The webhooks that are enabled. `failing` are those whose last attempt failed.

    `next_seconds` is the time until the next one with changes is due: negative if it is due, None without any.
    """

    enabled: int = 0
    failing: int = 0
    next_seconds: float | None = None

    @property
    def is_due(self) -> bool:
        return self.next_seconds is not None and self.next_seconds <= 0


class WebhookFigures(Struct):
    """Messages that this process delivered, attempts that failed, and webhooks that it has switched off.

    `backlog` are the webhooks of all users when this process looked last.
    """

    delivered: int = 0
    failed: int = 0
    switched_off: int = 0
    backlog: Backlog = Backlog()
