"""A slow reading of RFC 5545, section 3.3.10: looks at one day after the other. Tests compare the service with it."""

from collections.abc import Iterator
from datetime import date, timedelta

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
DAY = timedelta(days=1)


class NaiveRule:
    """A recurrence rule that starts on a day. COUNT and UNTIL are ignored."""

    def __init__(self, rule: str, start: date) -> None:
        self.parts = dict(part.split("=") for part in rule.split(";"))
        self.start = start
        self.frequency = self.parts["FREQ"]
        self.week_start = WEEKDAYS.index(self.parts.get("WKST", "MO"))
        self._add_what_follows_from_the_start()

    def days(self, last: date) -> Iterator[date]:
        """Yields the days of the rule that are later than its start and not later than `last`."""
        first = self._find_first_day(self.start)
        number = 0
        while first <= last:
            after = self._find_next_period(first)
            if number % int(self.parts.get("INTERVAL", "1")) == 0:
                matching = [day for day in _iterate_days(first, after) if self._matches(day)]
                yield from (day for day in self._take_positions(matching) if self.start < day <= last)
            first, number = after, number + 1

    def _add_what_follows_from_the_start(self) -> None:
        named = self.parts.keys() & {"BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY"}
        weekday = WEEKDAYS[self.start.weekday()]
        if self.frequency == "WEEKLY" or (self.frequency == "YEARLY" and named == {"BYWEEKNO"}):
            self.parts.setdefault("BYDAY", weekday)
        elif self.frequency in {"MONTHLY", "YEARLY"} and not named:
            self.parts["BYMONTHDAY"] = str(self.start.day)
            if self.frequency == "YEARLY":
                self.parts.setdefault("BYMONTH", str(self.start.month))

    def _find_first_day(self, day: date) -> date:
        """Returns the first day of the period of a day."""
        if self.frequency == "DAILY":
            return day
        if self.frequency == "WEEKLY":
            return self._find_first_day_of_week(day)
        if self.frequency == "MONTHLY":
            return day.replace(day=1)
        if "BYWEEKNO" not in self.parts:
            return day.replace(month=1, day=1)
        return self._find_week_one(self._find_week_year(day))

    def _find_next_period(self, first: date) -> date:
        if self.frequency in {"DAILY", "WEEKLY"}:
            return first + (DAY if self.frequency == "DAILY" else 7 * DAY)
        if self.frequency == "MONTHLY":
            return (first + 31 * DAY).replace(day=1)
        if "BYWEEKNO" not in self.parts:
            return first.replace(year=first.year + 1)
        return self._find_week_one(self._find_week_year(first) + 1)

    def _find_first_day_of_week(self, day: date) -> date:
        while day.weekday() != self.week_start:
            day -= DAY
        return day

    def _find_week_one(self, year: int) -> date:
        # The first week with at least four days in the year is the week of 4 January.
        return self._find_first_day_of_week(date(year, 1, 4))

    def _find_week_year(self, day: date) -> int:
        # Most days of a week are in the year of its fourth day.
        return (self._find_first_day_of_week(day) + 3 * DAY).year

    def _matches(self, day: date) -> bool:
        return all(
            name not in self.parts or any(matches(value, day) for value in self.parts[name].split(","))
            for name, matches in {
                "BYMONTH": lambda value, day: int(value) == day.month,
                "BYWEEKNO": self._is_in_week,
                "BYYEARDAY": lambda value, day: int(value) in _numbers(day, date(day.year, 1, 1), _next_year(day)),
                "BYMONTHDAY": lambda value, day: int(value) in _numbers(day, day.replace(day=1), _next_month(day)),
                "BYDAY": self._is_weekday,
            }.items()
        )

    def _is_in_week(self, value: str, day: date) -> bool:
        year, week = self._find_week_year(day), self._find_first_day_of_week(day)
        number = (week - self._find_week_one(year)).days // 7 + 1
        weeks = (self._find_week_one(year + 1) - self._find_week_one(year)).days // 7
        return int(value) in {number, number - weeks - 1}

    def _is_weekday(self, value: str, day: date) -> bool:
        if WEEKDAYS[day.weekday()] != value[-2:]:
            return False
        if value[:-2] == "":
            return True
        in_month = self.frequency == "MONTHLY" or "BYMONTH" in self.parts
        first, after = (day.replace(day=1), _next_month(day)) if in_month else (date(day.year, 1, 1), _next_year(day))
        same = [each for each in _iterate_days(first, after) if each.weekday() == day.weekday()]
        return int(value[:-2]) in {same.index(day) + 1, same.index(day) - len(same)}

    def _take_positions(self, days: list[date]) -> list[date]:
        if "BYSETPOS" not in self.parts:
            return days
        positions = {int(position) for position in self.parts["BYSETPOS"].split(",")}
        return [day for index, day in enumerate(days) if {index + 1, index - len(days)} & positions]


def _iterate_days(first: date, after: date) -> Iterator[date]:
    while first < after:
        yield first
        first += DAY


def _numbers(day: date, first: date, after: date) -> set[int]:
    """Returns the number of a day in its month or year, and that counted from the end."""
    return {(day - first).days + 1, (day - after).days}


def _next_year(day: date) -> date:
    return date(day.year + 1, 1, 1)


def _next_month(day: date) -> date:
    return (day.replace(day=1) + 31 * DAY).replace(day=1)
