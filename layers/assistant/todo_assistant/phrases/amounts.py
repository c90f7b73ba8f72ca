"""Parses amounts of time in English phrases: `2 weeks`, `an hour and a half`, `1h30`, `a couple of days`."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Self

from todo_assistant.phrases.patterns import Pattern
from todo_assistant.phrases.vocabulary import COUNT, DAYS, HOURS, NUMBER, UNIT_BREAK, parse_count

SPAN: Final = rf"(?:{NUMBER}{UNIT_BREAK}{DAYS}(?: and a half)?(?:(?:,| and)? {COUNT} {DAYS})?)"
"""Matches an amount of days or longer units: `2 weeks`, `a month and a half`, `1 month and 3 days`."""
DURATION: Final = rf"(?:{HOURS}(?:(?:,| and|, and)? {HOURS})?)"
"""Matches an amount of hours, of minutes or of both: `90 minutes`, `2 hours 30 minutes`, `an hour and a half`."""

_MONTHS_OF_UNIT: Final = {"month": 1, "mth": 1, "year": 12, "yr": 12}
_DAYS_OF_UNIT: Final = {"day": 1, "week": 7, "wk": 7, "fortnight": 14}
_DAYS_OF_HALF_A_MONTH: Final = 15
_MINUTES_OF_FRACTION: Final = {"half": 30, "quarter": 15, "three quarters": 45}
"""Minutes of a fraction of an hour."""
_HOURS_AND_MINUTES: Final = Pattern(r"(\d{1,2})h([0-5]\d)m?", re.ASCII)
"""Matches `1h30`."""
_FRACTION_OF_AN_HOUR: Final = Pattern(r"(?:an? )?(half|quarter|three quarters)(?: of)?(?: an?)? hour", re.ASCII)
"""Matches `half an hour`, `a quarter of an hour`."""
_AMOUNT: Final = Pattern(
    rf"(?<!\w)(?P<number>{NUMBER}){UNIT_BREAK}(?P<unit>[a-z]+)(?: and a (?P<fraction>half|quarter))?", re.ASCII
)
"""Matches a number and its unit: `2 weeks`, `90min`, `an hour and a half`."""


@dataclass(frozen=True, slots=True)
class CalendarAmount:
    """An amount of months and days. Months are added before days; the 31st becomes the last day of a shorter month."""

    months: int = 0
    days: int = 0

    def __neg__(self) -> Self:
        return type(self)(-self.months, -self.days)

    def after(self, day: date) -> date:
        """Returns the day this amount after another. Raises ValueError or OverflowError outside the years 1 to 9999."""
        year, month = divmod(day.year * 12 + day.month - 1 + self.months, 12)
        first = date(year, month + 1, 1)
        return first.replace(day=min(day.day, monthrange(year, month + 1)[1])) + timedelta(days=self.days)


def parse_span(words: str) -> CalendarAmount:
    """Returns the amount for words that SPAN matches.

    Half a week is 3 days, and half a month is 15 days. Half a day is left out.
    """
    amounts = [_parse_unit_of_days(found) for found in _AMOUNT.finditer(words)]
    return CalendarAmount(sum(each.months for each in amounts), sum(each.days for each in amounts))


def parse_duration(words: str) -> timedelta:
    """Returns the duration for words that DURATION matches."""
    return sum((_parse_hours(found[0]) for found in re.finditer(HOURS, words, re.ASCII)), timedelta())


def parse_number(words: str) -> float:
    """Returns the number for words that NUMBER matches: 2.5 for `2.5`, `two and a half` and `2½`."""
    half = re.fullmatch(rf"({COUNT})(?: and a half|½)", words, re.ASCII)
    if half:
        return parse_count(half[1]) + 0.5
    return float(words) if "." in words else parse_count(words)


def _parse_unit_of_days(found: re.Match[str]) -> CalendarAmount:
    number = parse_number(found["number"]) + (0.5 if found["fraction"] == "half" else 0)
    unit = found["unit"].removesuffix("s")
    if unit in _DAYS_OF_UNIT:
        return CalendarAmount(days=int(number * _DAYS_OF_UNIT[unit]))
    months = number * _MONTHS_OF_UNIT[unit]
    return CalendarAmount(int(months), int(months % 1 * 2 * _DAYS_OF_HALF_A_MONTH))


def _parse_hours(words: str) -> timedelta:
    """Returns the duration of a single amount: `90 minutes`, `half an hour`, `1h30`."""
    if found := _FRACTION_OF_AN_HOUR.fullmatch(words):
        return timedelta(minutes=_MINUTES_OF_FRACTION[found[1]])
    if found := _HOURS_AND_MINUTES.fullmatch(words):
        return timedelta(hours=int(found[1]), minutes=int(found[2]))
    found = _AMOUNT.fullmatch(words)
    if found is None:
        raise ValueError(words)
    minutes = parse_number(found["number"]) * (60 if found["unit"].startswith("h") else 1)
    return timedelta(minutes=minutes + _MINUTES_OF_FRACTION.get(found["fraction"], 0))
