"""How often what may be guessed may be tried. Every function holds this, auth alone the operations that it bounds."""

from dataclasses import dataclass
from datetime import timedelta

from todo_core.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """How often signing in may fail, and registering be tried, within a window."""

    failed_logins_per_account: int
    failed_logins_per_address: int
    registrations_per_address: int
    window: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        return cls(
            settings.failed_logins_per_account,
            settings.failed_logins_per_address,
            settings.registrations_per_address,
            timedelta(seconds=settings.attempts_window_seconds),
        )
