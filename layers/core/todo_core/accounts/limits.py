"""Numbers of the rate limits, apart from the counting so that other functions do not load it."""

from dataclasses import dataclass
from datetime import timedelta

from todo_core.settings import Settings


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Limits of login and registration attempts within a window of time."""

    failed_logins_per_account: int
    failed_logins_per_address: int
    registrations_per_address: int
    window: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "RateLimits":
        return cls(
            settings.failed_logins_per_account,
            settings.failed_logins_per_address,
            settings.registrations_per_address,
            timedelta(seconds=settings.attempts_window_seconds),
        )
