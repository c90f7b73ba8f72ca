"""Finds the days that a recurrence rule (RFC 5545) matches. The days of a year are the bits of an integer.

The set of one year takes a few operations on such integers, and most years share it: it depends on the first weekday
and the lengths of the years. So a search through the whole calendar is short, also for a rule that matches no day.
"""

from calendar import isleap
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from math import gcd
from typing import Final

from todo_core.todos.day_sets import Days, all_days, drop_days, first_days, repeat
from todo_core.todos.recurrence_calendar import (
    MONTH_LENGTHS,
    MONTH_STARTS,
    WEEK_DAYS,
    YEAR_MONTHS,
    Calendar,
    Rule,
    RuleParts,
    find_new_year,
    find_week_one,
    find_weekday,
    read_rule,
)

type _Window = tuple[int, Days]
"""The days that match in one year, and the ordinal of the day of bit 0. Ordinals are those of `date.toordinal`."""

_LAST_DAY: Final = date(9999, 12, 30)
"""The last day that can match: asyncpg stores the day after it, 9999-12-31, as infinity."""
_CYCLE_YEARS: Final = 400
_CYCLE_PERIODS: Final = {"DAILY": 146_097, "WEEKLY": 20_871, "MONTHLY": 4_800, "YEARLY": 400}
"""The number of days, weeks, months and years after which weekdays and leap years repeat."""
_MAX_WINDOW_DAYS: Final = 53 * 7
_REPEATED_DAYS: Final = 2 * 366
"""The bits of a repeated pattern, from which each window of a year can be cut."""


class MatchingDays:
    """The days that a rule matches. The rule starts on the day `start`; COUNT and UNTIL are ignored.

    The start gives the days that the rule does not name, and the period from which INTERVAL counts.
    """

    def __init__(self, parts: RuleParts, start: date) -> None:
        self._rule = read_rule(parts, start)
        self._start = start
        self._is_by_week = bool(self._rule.week_numbers)
        self._calendar = Calendar(self._rule)

    def find_first_after(self, day: date) -> date | None:
        """Returns the first matching day later than `day`, which is not before the start. Returns None without one."""
        first = day.year - self._is_by_week
        # After as many years, weekdays, leap years and INTERVAL repeat.
        periods = _CYCLE_PERIODS[self._rule.frequency]
        cycle = _CYCLE_YEARS * (self._rule.interval // gcd(self._rule.interval, periods))
        after = day.toordinal()
        for ordinal, days in self._iterate_windows(first, min(first + cycle + 1, _LAST_DAY.year + 1)):
            later = drop_days(days, after - ordinal + 1)
            if later:
                found = ordinal + (later & -later).bit_length() - 1
                return date.fromordinal(found) if found <= _LAST_DAY.toordinal() else None
        return None

    def count_until(self, day: date, *, most: int) -> int:
        """Returns the number of matching days later than the start and not later than `day`, or a number from `most`.

        The count ends when it has reached `most`.
        """
        start, end, number = self._start.toordinal(), day.toordinal(), 0
        for ordinal, days in self._iterate_windows(self._start.year - self._is_by_week, day.year + self._is_by_week):
            later = drop_days(days, start - ordinal + 1)
            days_left = end - ordinal + 1
            number += (later if days_left > _MAX_WINDOW_DAYS else later & first_days(days_left)).bit_count()
            if number >= most:
                break
        return number

    def _iterate_windows(self, first: int, last: int) -> Iterator[_Window]:
        """Yields the matching days of each year from `first` to `last` in which the rule may match."""
        if self._is_by_week:
            return self._iterate_week_years(first, last)
        if self._rule.frequency == "YEARLY":
            return self._iterate_years(first, last)
        return self._iterate_patterns(first, last)

    def _iterate_years(self, first: int, last: int) -> Iterator[_Window]:
        interval = self._rule.interval
        for year in range(first + (self._start.year - first) % interval, last + 1, interval):
            new_year = find_new_year(year)
            days = self._calendar.find_days(isleap(year), find_weekday(new_year))
            if days:
                yield new_year, days

    def _iterate_patterns(self, first: int, last: int) -> Iterator[_Window]:
        """Yields the years of a rule that is not yearly: the days that match in a period to which INTERVAL leads."""
        find_active = _find_active_days(self._rule, self._start)
        for year in self._skip_years(first, last):
            new_year = find_new_year(year)
            days = self._calendar.find_days(isleap(year), find_weekday(new_year))
            if days and (days := days & find_active(year, new_year)):
                yield new_year, days

    def _skip_years(self, first: int, last: int) -> Iterable[int]:
        """Returns the years, without those that a monthly rule with a long INTERVAL skips."""
        interval = self._rule.interval
        if self._rule.frequency != "MONTHLY" or interval < YEAR_MONTHS:
            return range(first, last + 1)
        month = first * YEAR_MONTHS
        month += (_count_months(self._start) - month) % interval
        return (month // YEAR_MONTHS for month in range(month, (last + 1) * YEAR_MONTHS, interval))

    def _iterate_week_years(self, first: int, last: int) -> Iterator[_Window]:
        """Yields the years of weeks: such a year begins with week 1, up to three days before or after 1 January."""
        rule = self._rule
        start = _find_week_year(self._start, rule.week_start)
        for year in range(first + (start - first) % rule.interval, last + 1, rule.interval):
            days = self._calendar.find_days_of_weeks(year)
            if days:
                yield find_week_one(year, rule.week_start), days


def _find_active_days(rule: Rule, start: date) -> Callable[[int, int], Days]:
    """Returns a function that finds the days of a year in periods to which INTERVAL leads.

    Its arguments are the year and the ordinal of 1 January.
    """
    if rule.frequency == "MONTHLY":
        first_month = _count_months(start)
        return lambda year, _: _find_active_months(first_month, rule.interval, year)
    size = WEEK_DAYS if rule.frequency == "WEEKLY" else 1
    length, pattern = size * rule.interval, all_days(size)
    first = start.toordinal() - (start.weekday() - rule.week_start) % WEEK_DAYS * (size == WEEK_DAYS)
    if length > _REPEATED_DAYS // 2:
        return lambda _, new_year: _place(pattern, length, (first - new_year) % length)
    repeated = repeat(length, pattern, _REPEATED_DAYS)
    return lambda _, new_year: repeated >> (new_year - first) % length


def _place(pattern: Days, length: int, offset: int) -> Days:
    """Returns a pattern that begins `offset` days after the year, and the one before. Their distance is `length`."""
    return (pattern << offset if offset <= _REPEATED_DAYS // 2 else 0) | pattern >> (length - offset)


def _find_active_months(first_month: int, interval: int, year: int) -> Days:
    is_leap = isleap(year)
    starts, lengths = MONTH_STARTS[is_leap], MONTH_LENGTHS[is_leap]
    days = 0
    for month in range((first_month - year * YEAR_MONTHS) % interval, YEAR_MONTHS, interval):
        days |= all_days(lengths[month]) << starts[month]
    return days


def _find_week_year(day: date, week_start: int) -> int:
    """Returns the year to whose weeks a day belongs, which is another year for some days around 1 January."""
    ordinal = day.toordinal()
    if ordinal >= find_week_one(day.year + 1, week_start):
        return day.year + 1
    return day.year - (ordinal < find_week_one(day.year, week_start))


def _count_months(day: date) -> int:
    """Returns the number of months from the year 0 to the month of a day."""
    return day.year * YEAR_MONTHS + day.month - 1
