"""Parses days by their month in English phrases: `jan 3`, `end of month`, `the 1st of next month`, `march`."""

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from todo_assistant.phrases.day_rules import DayRule, compile_day_rules
from todo_assistant.phrases.moments import Moment
from todo_assistant.phrases.rule_parts import NTH_NUMBERS
from todo_assistant.phrases.vocabulary import MONTH, MONTH_PREFIXES, NTH, ORDINAL, WEEKDAY, WEEKDAY_PREFIXES, WORKDAY

_YEARS_AHEAD: Final = 9
"""Years to search for a date without a year, the current one included: February 29th may be 8 years away."""
_MONTHS: Final = range(1, 13)
_WORKDAYS_OF_WEEK: Final = 5
_CENTURY: Final = 2000
"""The century of a year with two digits."""
_YEAR_DIGITS: Final = 4


def calendar_dates(day: int, month: int, year: str | None, today: date) -> list[date]:
    """Returns the date in a list, empty if it does not exist. Without a year, the first one from today on."""
    if month not in _MONTHS:
        return []
    if year:
        years = [int(year) + (0 if len(year) == _YEAR_DIGITS else _CENTURY)]
    else:
        years = [*range(today.year, today.year + _YEARS_AHEAD)]
    for candidate in years:
        if 1 <= day <= monthrange(candidate, month)[1]:
            found = date(candidate, month, day)
            if year or found >= today:
                return [found]
    return []


def last_day_of_month(day: date) -> date:
    """Returns the last day of the month of a day."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def add_months(day: date, months: int) -> date:
    """Returns the first day of the month that is some months after the month of a day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)


def month_number(words: str) -> int:
    """Returns 1 to 12 for the name of a month, also abbreviated."""
    return MONTH_PREFIXES.index(words[:3]) + 1


def first_day_of_month(words: str, today: date) -> date:
    """Returns the first day of the month that `_MONTH_WORDS` matches: the coming one, for a name without a year.

    A name without a year may be the current month: `end of november` in November.
    """
    if words == "next month":
        return add_months(today, 1)
    if found := re.fullmatch(rf"({MONTH})\.?(?: (\d{{4}}))?", words, re.ASCII):
        month, year = month_number(found[1]), int(found[2] or today.year)
        return date(year + (not found[2] and month < today.month), month, 1)
    return today.replace(day=1)


def _parse_day_and_month(found: re.Match[str], moment: Moment) -> list[date]:
    return calendar_dates(int(found["day"]), month_number(found["month"]), found["year"], moment.today)


def _parse_month(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the first day of a month: `march`, `january 2027`."""
    return calendar_dates(1, month_number(found[1]), found[2], moment.today)


def _parse_next_period(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the first day of the next month or year, or of the one after."""
    ahead = 2 if found[0].endswith("after next") else 1
    if "year" in found[0]:
        return [date(moment.today.year + ahead, 1, 1)]
    return [add_months(moment.today, ahead)]


def _parse_end_of_month(found: re.Match[str], moment: Moment) -> list[date]:
    return [last_day_of_month(first_day_of_month(found[1] or "", moment.today))]


def _parse_end_of_year(found: re.Match[str], moment: Moment) -> list[date]:
    return [date(moment.today.year + (found[1] == "next year"), 12, 31)]


def _parse_middle_of_month(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the 15th of a month, of the next year's one if the day is over."""
    middle = first_day_of_month(found[1], moment.today).replace(day=15)
    return [middle if middle >= moment.today else middle.replace(year=middle.year + 1)]


def _parse_day_of_month(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the next day with this number in its month, or today: `the 31st` skips months with 30 days."""
    wanted = int(found[1])
    month = moment.today.replace(day=1)
    while not 1 <= wanted <= last_day_of_month(month).day or month.replace(day=wanted) < moment.today:
        if month.year > moment.today.year + 1:
            raise ValueError(found[0])
        month = add_months(month, 1)
    return [month.replace(day=wanted)]


def _parse_numbered_day(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns a day by its number in a month: `the 3rd of next month`, `the first of december`.

    The next month's, if `the month` names no particular one and the day is over.
    """
    number, month = found["number"], first_day_of_month(found["month"], moment.today)
    day = 1 if number == "first" else int(re.sub(r"\D", "", number))
    if found["month"] == "the month" and month.replace(day=day) < moment.today:
        month = add_months(month, 1)
    return [month.replace(day=day)]


def _parse_nth_day(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns a day counted in a month: `the last day of the month`, `the first monday of january`.

    The next month's, if `the month` names no particular one and the day is over.
    """
    month = first_day_of_month(found["month"], moment.today)
    day = _nth_day(found["nth"], found["kind"], month)
    if day < moment.today and found["month"] == "the month":
        return [_nth_day(found["nth"], found["kind"], add_months(month, 1))]
    if day < moment.today and re.fullmatch(MONTH, found["month"], re.ASCII):
        return [_nth_day(found["nth"], found["kind"], add_months(month, 12))]
    return [day]


def _nth_day(nth: str, kind: str, month: date) -> date:
    """Returns the day with an ordinal among the days, working days or Mondays of the month that begins at `month`.

    Raises ValueError if there is none.
    """
    number = NTH_NUMBERS.get(nth) or int(nth[0])
    days = [month + timedelta(days=day) for day in range(last_day_of_month(month).day)]
    if re.fullmatch(WORKDAY, kind):
        days = [day for day in days if day.weekday() < _WORKDAYS_OF_WEEK]
    elif kind != "day":
        days = [day for day in days if day.weekday() == WEEKDAY_PREFIXES.index(kind[:3])]
    if number > len(days):
        raise ValueError(nth)
    return days[number - 1 if number > 0 else number]


_YEAR: Final = r"(?: '?(?P<year>\d{4}|\d\d))?"
_ON_WEEKDAY: Final = rf"(?:{WEEKDAY} )?(?:the )?"
"""Matches the words before a date that are skipped: `fri` in `fri jan 3`."""
_MONTH_WORDS: Final = rf"(?:(?:the|this|next) month|{MONTH}\.?(?: \d{{4}})?)"
"""Matches a month: `the month`, `next month`, `january 2027`."""
_NUMBER: Final = rf"(?P<number>{ORDINAL}|first)"
MONTH_RULES: Final[Sequence[DayRule]] = compile_day_rules(
    (rf"{_ON_WEEKDAY}(?P<month>{MONTH})\.? (?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?{_YEAR}", _parse_day_and_month),
    (rf"{_ON_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<month>{MONTH})\.?{_YEAR}", _parse_day_and_month),
    (rf"(?:(?:the )?(?:start|beginning) of |early |in )?({MONTH})\.?(?: (\d{{4}}))?", _parse_month),
    (
        r"(?:(?:the )?(?:start|beginning) of |early )?(?:next (?:month|year)|(?:the )?(?:month|year) after next)",
        _parse_next_period,
    ),
    (rf"(?:the )?end of ({_MONTH_WORDS})|(?:the )?end of month|eom", _parse_end_of_month),
    (r"(?:the )?end of (?:(?:the |this )?year|(next year))|eoy", _parse_end_of_year),
    (rf"(?:the )?mid(?:dle of)?[ -]({_MONTH_WORDS})", _parse_middle_of_month),
    (r"(?:the )?(\d{1,2})(?:st|nd|rd|th)", _parse_day_of_month),
    (rf"(?:the )?{_NUMBER} (?:(?:of|in) )?(?P<month>{_MONTH_WORDS})", _parse_numbered_day),
    (rf"(?P<month>next month),? (?:on )?(?:the )?{_NUMBER}", _parse_numbered_day),
    (
        rf"(?:the )?(?P<nth>{NTH}) (?P<kind>day|{WEEKDAY}|{WORKDAY}) (?:(?:of|in) )?(?P<month>{_MONTH_WORDS})",
        _parse_nth_day,
    ),
)
"""Patterns for a day in a month, each with the function that parses a match."""
