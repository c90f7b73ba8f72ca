"""The days that a recurrence rule (RFC 5545) matches in a year, without regard to INTERVAL."""

from calendar import isleap
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Final

from msgspec import Struct

from todo_core.todos.day_sets import Days, all_days, choose, find_numbered, first_days, repeat

type RuleParts = dict[str, str]
"""The parts of a recurrence rule by name, for example `{"FREQ": "WEEKLY", "BYDAY": "MO,TH"}`."""

WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WEEK_DAYS: Final = 7
YEAR_MONTHS: Final = 12
MONTH_LENGTHS: Final = {
    is_leap: (31, 29 if is_leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31) for is_leap in (False, True)
}
MONTH_STARTS: Final = {
    is_leap: tuple(sum(lengths[:month]) for month in range(YEAR_MONTHS)) for is_leap, lengths in MONTH_LENGTHS.items()
}

_DAY_PARTS: Final = {"BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY"}
_MIN_DAYS_IN_FIRST_WEEK: Final = 4
_ALL_MONTHS: Final = frozenset(range(1, YEAR_MONTHS + 1))


class Rule(Struct, frozen=True):
    """A rule whose days are all named, also those that follow from its start."""

    frequency: str
    interval: int
    months: frozenset[int]
    names_months: bool
    week_numbers: Sequence[int]
    year_days: Sequence[int]
    month_days: Sequence[int]
    weekdays: frozenset[int]
    """The weekdays without a number, from 0 for Monday."""
    numbered_weekdays: Sequence[tuple[int, int]]
    """The number and the weekday of entries such as 2TU."""
    positions: frozenset[int]
    week_start: int


class Calendar:
    """The days that a rule matches in a year, without regard to INTERVAL. Each kind of year is computed once."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._years: dict[tuple[bool, int], Days] = {}
        self._months: dict[tuple[int, int], Days] = {}
        self._week_years: dict[tuple[int, bool, bool, bool], Days] = {}

    def find_days(self, is_leap: bool, first_weekday: int) -> Days:  # noqa: FBT001 - a key, in a hot loop
        """Returns the days that match in a year of this length that begins with this weekday."""
        days = self._years.get((is_leap, first_weekday))
        if days is None:
            find = {"MONTHLY": self._find_by_month, "WEEKLY": self._find_by_week}
            days = find.get(self._rule.frequency, self._find_in_year)(is_leap, first_weekday)
            self._years[is_leap, first_weekday] = days
        return days

    def find_days_of_weeks(self, year: int) -> Days:
        """Returns the days that match in the weeks of a year. Bit 0 is the first day of its week 1."""
        rule = self._rule
        new_year = find_new_year(year)
        # The neighbours count, because the first and the last week may reach into them.
        kind = (find_weekday(new_year), isleap(year - 1), isleap(year), isleap(year + 1))
        days = self._week_years.get(kind)
        if days is None:
            week_one = find_week_one(year, rule.week_start)
            weeks = (find_week_one(year + 1, rule.week_start) - week_one) // WEEK_DAYS
            days = _join_weeks(rule.week_numbers, weeks) & self._cut(year, week_one, weeks * WEEK_DAYS)
            days = choose(days, rule.positions)
            self._week_years[kind] = days
        return days

    def _cut(self, year: int, first: int, length: int) -> Days:
        """Returns the days from the day with the ordinal `first` on that match all parts but BYWEEKNO."""
        days = 0
        for each in (year - 1, year, year + 1):
            ordinal = find_new_year(each)
            found = self._find_filtered(isleap(each), find_weekday(ordinal))
            days |= found << (ordinal - first) if ordinal >= first else found >> (first - ordinal)
        return days & first_days(length)

    def _find_in_year(self, is_leap: bool, first_weekday: int) -> Days:  # noqa: FBT001
        """Returns the days of a daily rule, of which BYSETPOS takes none or all, or of a yearly rule."""
        days = self._find_filtered(is_leap, first_weekday)
        if self._rule.frequency == "YEARLY":
            return choose(days, self._rule.positions)
        return days if not self._rule.positions or self._rule.positions & {1, -1} else 0

    def _find_filtered(self, is_leap: bool, first_weekday: int) -> Days:  # noqa: FBT001
        """Returns the days that match all parts that name days or months, but BYWEEKNO."""
        rule, length = self._rule, 365 + is_leap
        days = self._join_months(is_leap, lambda _, size: find_numbered(rule.month_days, size))
        if rule.year_days:
            days &= find_numbered(rule.year_days, length)
        if not (rule.weekdays or rule.numbered_weekdays):
            return days
        if rule.names_months and rule.numbered_weekdays:
            return days & self._join_months(
                is_leap, lambda start, size: self._find_weekdays((first_weekday + start) % WEEK_DAYS, size)
            )
        return days & self._find_weekdays(first_weekday, length)

    def _find_by_month(self, is_leap: bool, first_weekday: int) -> Days:  # noqa: FBT001
        return self._join_months(
            is_leap, lambda start, size: self._find_in_month((first_weekday + start) % WEEK_DAYS, size)
        )

    def _find_in_month(self, first_weekday: int, length: int) -> Days:
        days = self._months.get((first_weekday, length))
        if days is None:
            rule = self._rule
            days = find_numbered(rule.month_days, length)
            if rule.weekdays or rule.numbered_weekdays:
                days &= self._find_weekdays(first_weekday, length)
            days = choose(days, rule.positions)
            self._months[first_weekday, length] = days
        return days

    def _find_by_week(self, is_leap: bool, first_weekday: int) -> Days:  # noqa: FBT001
        """Returns the days of a weekly rule. BYSETPOS counts in each week the days that are in one of the months."""
        rule = self._rule
        days = self._find_filtered(is_leap, first_weekday)
        if not rule.positions:
            return days
        # January and December have 31 days in each year, so the first and the last week are complete with them.
        last_month, first_month = ((month in rule.months) * all_days(31) for month in (12, 1))
        around = last_month & self._find_weekdays((first_weekday - 31) % WEEK_DAYS, 31)
        around |= days << 31
        length = 365 + is_leap
        around |= (first_month & self._find_weekdays((first_weekday + length) % WEEK_DAYS, 31)) << (31 + length)
        chosen = 0
        for start in range((rule.week_start - first_weekday + 31) % WEEK_DAYS, 31 + length, WEEK_DAYS):
            chosen |= choose(around >> start & all_days(WEEK_DAYS), rule.positions) << start
        return chosen >> 31 & all_days(length)

    def _find_weekdays(self, first_weekday: int, length: int) -> Days:
        """Returns the days of BYDAY in a month or year. Its numbers count in it."""
        days = repeat(
            WEEK_DAYS, sum(1 << (weekday - first_weekday) % WEEK_DAYS for weekday in self._rule.weekdays), length
        )
        for number, weekday in self._rule.numbered_weekdays:
            first = (weekday - first_weekday) % WEEK_DAYS
            # From the end, the last one has the number -1.
            last = first + (length - 1 - first) // WEEK_DAYS * WEEK_DAYS
            day = first + (number - 1) * WEEK_DAYS if number > 0 else last + (number + 1) * WEEK_DAYS
            if 0 <= day < length:
                days |= 1 << day
        return days

    def _join_months(self, is_leap: bool, find: Callable[[int, int], Days]) -> Days:  # noqa: FBT001
        """Returns the days that `find` returns for each month of BYMONTH, from its first day and its length."""
        days = 0
        for month in self._rule.months:
            start = MONTH_STARTS[is_leap][month - 1]
            days |= find(start, MONTH_LENGTHS[is_leap][month - 1]) << start
        return days


def read_rule(parts: RuleParts, start: date) -> Rule:
    named = _name_days(parts, start)
    weekdays = [(int(day[:-2] or 0), WEEKDAYS.index(day[-2:])) for day in _split(named, "BYDAY")]
    months = frozenset(map(int, _split(named, "BYMONTH")))
    return Rule(
        frequency=named["FREQ"],
        interval=int(named.get("INTERVAL", 1)),
        months=months or _ALL_MONTHS,
        names_months=bool(months),
        week_numbers=_read_numbers(named, "BYWEEKNO"),
        year_days=_read_numbers(named, "BYYEARDAY"),
        month_days=_read_numbers(named, "BYMONTHDAY"),
        weekdays=frozenset(weekday for number, weekday in weekdays if not number),
        numbered_weekdays=[(number, weekday) for number, weekday in weekdays if number],
        positions=frozenset(_read_numbers(named, "BYSETPOS")),
        week_start=WEEKDAYS.index(named.get("WKST", "MO")),
    )


def find_week_one(year: int, week_start: int) -> int:
    """Returns the ordinal of the first day of the first week with at least four days in the year."""
    new_year = find_new_year(year)
    first = new_year + (week_start - find_weekday(new_year)) % WEEK_DAYS
    return first - WEEK_DAYS if first - new_year >= _MIN_DAYS_IN_FIRST_WEEK else first


def find_new_year(year: int) -> int:
    """Returns the ordinal of 1 January. Takes the years 0 and 10000 too, which `date` refuses."""
    before = year - 1
    return 1 + before * 365 + before // 4 - before // 100 + before // 400


def find_weekday(ordinal: int) -> int:
    """Returns the weekday of a day, from 0 for Monday."""
    return (ordinal - 1) % WEEK_DAYS


def _name_days(parts: RuleParts, start: date) -> RuleParts:
    """Returns the rule with the days that follow from its start, unless the rule names days."""
    weekday = {"BYDAY": WEEKDAYS[start.weekday()]}
    match parts["FREQ"]:
        case "WEEKLY":
            return weekday | parts
        case "MONTHLY" | "YEARLY" if parts.keys().isdisjoint(_DAY_PARTS):
            month = {"BYMONTH": str(start.month)} if parts["FREQ"] == "YEARLY" else {}
            return month | parts | {"BYMONTHDAY": str(start.day)}
        case "YEARLY" if parts.keys() & _DAY_PARTS == {"BYWEEKNO"}:
            return weekday | parts
    return parts


def _split(parts: RuleParts, name: str) -> list[str]:
    return parts[name].split(",") if name in parts else []


def _read_numbers(parts: RuleParts, name: str) -> list[int]:
    return [int(number) for number in _split(parts, name)]


def _join_weeks(numbers: Iterable[int], weeks: int) -> Days:
    """Returns the days of the weeks with these numbers, in a year with so many weeks."""
    starts = ((number - 1 if number > 0 else weeks + number) * WEEK_DAYS for number in numbers if abs(number) <= weeks)
    days = 0
    for start in starts:
        days |= all_days(WEEK_DAYS) << start
    return days
