"""Dates of tasks, relative to the day of the run, because the clock of the service is real.

`+3d` is a day. `+3d 15:00` is an instant on that day in the task's time zone. `+2h` and `+20min` are instants from now.
`coming fri` is the first Friday after today, and `this fri` may be today. `this mon,tue 09:00` is the first such
instant after now, and `this any 06:00` the next time that the clock shows 6:00.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = re.compile(r"(?:([+-]\d+)d|(this|coming) ([a-z,]+))(?: (\d\d:\d\d))?")
_FROM_NOW: Final = re.compile(r"\+(\d+)(h|min)")
_TOLERANCE: Final = timedelta(minutes=3)
"""Bound of the difference for an instant from now, because a slow model answers later than the user has asked."""
_PLACEHOLDER: Final = re.compile(r"\{([+-]\d+d)(?: ([^}]*))?\}")
_REPEATED: Final = re.compile(r"\{repeat (\d+) ([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Clock:
    """The start of a run in the time zone of its task."""

    now: datetime
    zone: ZoneInfo

    @classmethod
    def start(cls, zone: str) -> "Clock":
        return cls(datetime.now(UTC), ZoneInfo(zone))

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @property
    def is_same_day(self) -> bool:
        """False once midnight has passed in the zone, after which the dates of the task mean other days."""
        return Clock(datetime.now(UTC), self.zone).today == self.today

    def resolve(self, text: str) -> date | datetime:
        """Returns the day, or the instant in UTC. Raises ValueError for text of another form."""
        if found := _FROM_NOW.fullmatch(text):
            unit = timedelta(hours=1) if found[2] == "h" else timedelta(minutes=1)
            return self.now + int(found[1]) * unit
        if not (found := _DAY.fullmatch(text)):
            raise ValueError(f"{text!r} is no date of a task.")
        at = time.fromisoformat(found[4]) if found[4] else None
        if found[1]:
            return self._at(self.today + timedelta(days=int(found[1])), at)
        return self._find_weekday(found[3], at, is_today_possible=found[2] == "this")

    def is_met(self, text: str, actual: date | datetime | None) -> bool:
        """Returns True if the date of a todo is the date that the text names. Empty text means no date."""
        if not text or actual is None:
            return not text and actual is None
        expected = self.resolve(text)
        if isinstance(expected, datetime) and isinstance(actual, datetime):
            return abs(actual - expected) <= (_TOLERANCE if _FROM_NOW.fullmatch(text) else timedelta(0))
        return expected == actual

    def fill(self, message: str) -> str:
        """Replaces `{+9d %d.%m.%Y}` by that day in this format, and `{+9d}` by that day as an ISO date.

        `{repeat 9 ha}` becomes nine repetitions of `ha`.
        """
        repeated = _REPEATED.sub(lambda found: found[2] * int(found[1]), message)
        return _PLACEHOLDER.sub(
            lambda found: self.resolve(found[1]).strftime(found[2] or "%Y-%m-%d"),
            repeated,
        )

    def _find_weekday(self, names: str, at: time | None, *, is_today_possible: bool) -> date | datetime:
        wanted = range(len(_WEEKDAYS)) if names == "any" else [_WEEKDAYS.index(name) for name in names.split(",")]
        for days in range(0 if is_today_possible else 1, 9):
            day = self.today + timedelta(days=days)
            found = self._at(day, at)
            if day.weekday() in wanted and (not isinstance(found, datetime) or found > self.now):
                return found
        raise ValueError(names)

    def _at(self, day: date, at: time | None) -> date | datetime:
        return day if at is None else datetime.combine(day, at, self.zone).astimezone(UTC)
