"""The instant and time zone from which phrases such as `tomorrow` count, and the instants of local times."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Final, Self
from zoneinfo import ZoneInfo

_MONTH_FIRST_ZONES_FILE: Final = Path(__file__).with_name("month_first_zones.json")
"""Names of the time zones of countries that write the month first. `tools/date_order.py` derives them from CLDR."""

type Due = date | datetime
"""A due date without a time, or a due time as an instant in UTC."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The instant at which a phrase was typed, and the time zone in which it is read."""

    instant: datetime
    """The instant at which the phrase was typed, in UTC."""
    local: datetime
    """The same instant as local time in `timezone`, without tzinfo."""
    timezone: ZoneInfo

    @classmethod
    def at(cls, now: datetime, timezone: ZoneInfo) -> Self:
        """Returns the moment of an aware datetime in a time zone. Raises OverflowError outside the years 1 to 9999."""
        return cls(now.astimezone(UTC), now.astimezone(timezone).replace(tzinfo=None), timezone)

    def on(self, day: date) -> Self:
        """Returns the start of another day, from which a phrase may count instead."""
        return replace(self, instant=self.instant_of(day, 0), local=datetime.combine(day, time()))

    @property
    def today(self) -> date:
        return self.local.date()

    @property
    def is_month_first(self) -> bool:
        """Returns whether `03/04` is read first as March 4th, as people in the country of the time zone write it."""
        return self.timezone.key in _month_first_zones()

    def instant_of(self, day: date, minutes: int) -> datetime:
        """Returns the instant, in UTC, at which local clocks show `minutes` after midnight of `day`.

        A local time that the clocks skip is moved forward by the length of the gap.
        """
        local = datetime.combine(day, time()) + timedelta(minutes=minutes)
        return local.replace(tzinfo=self.timezone).astimezone(UTC)

    def is_past(self, due: Due) -> bool:
        return due <= self.instant if isinstance(due, datetime) else due < self.today


@cache
def _month_first_zones() -> frozenset[str]:
    return frozenset(json.loads(_MONTH_FIRST_ZONES_FILE.read_text(encoding="utf-8")))


def local_day(due: Due, timezone: ZoneInfo) -> date:
    """Returns the day of a due date, or the day of a due time in the time zone."""
    return due.astimezone(timezone).date() if isinstance(due, datetime) else due
