"""Parses days in English phrases without a time of day: `next friday`, `end of month`, `in 2 weeks`, `jan 3`."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from todo_assistant.phrases.amounts import SPAN, parse_span
from todo_assistant.phrases.day_rules import DayParser, DayRule, compile_day_rules
from todo_assistant.phrases.moments import Moment
from todo_assistant.phrases.months import MONTH_RULES, calendar_dates
from todo_assistant.phrases.vocabulary import COUNT, HOLIDAY, TOMORROW, WORKDAY, parse_count
from todo_assistant.phrases.weeks import WEEK_RULES, monday_of

_WORKDAYS_OF_WEEK: Final = 5
_HOLIDAY_DATES: Final = {"chr": (25, 12), "xma": (25, 12), "hal": (31, 10), "val": (14, 2)}
"""The day and month of holidays by their first three letters, except those of New Year and the eves."""


def parse_days(words: str, moment: Moment) -> list[date]:
    """Returns the days that the words may mean, the likeliest first. Returns an empty list for other words.

    Raises ValueError or OverflowError for some days that do not exist, such as `2030-02-30`, and years out of range.
    """
    for pattern, parse in _DAY_RULES:
        if found := pattern.fullmatch(words):
            return list(parse(found, moment))
    return []


def _parse_first_day(words: str, moment: Moment) -> date:
    """Returns the likeliest day that the words may mean. Raises ValueError if they mean no day."""
    days = parse_days(words, moment)
    if not days:
        raise ValueError(words)
    return days[0]


def _parse_numeric_date(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the meanings of `03/04` that exist, the likeliest first: March 4th and April 3rd.

    March 4th comes first only in some countries, and never for dates with dots, such as `3.4.`.
    """
    first, second = int(found[1]), int(found[3])
    day_first, month_first = (first, second), (second, first)
    is_month_first = found[2] != "." and moment.is_month_first
    orders = [month_first, day_first] if is_month_first else [day_first, month_first]
    return [day for order in orders for day in calendar_dates(*order, found[4], moment.today)]


def _parse_iso_date(found: re.Match[str], _: Moment) -> list[date]:
    return [date(int(found[1]), int(found[3]), int(found[4]))]


def _parse_holiday(found: re.Match[str], moment: Moment) -> list[date]:
    is_eve = found[0].endswith("eve")
    day, month = _HOLIDAY_DATES.get(found[0][:3], (31, 12) if is_eve else (1, 1))
    return calendar_dates(24 if is_eve and day == 25 else day, month, None, moment.today)  # noqa: PLR2004 - Christmas


def _parse_amount_from(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the day that is an amount of time after or before another: `a week from monday`, `2 days from now`."""
    amount = parse_span(found["amount"])
    start = moment.today if found["start"] == "now" else _parse_first_day(found["start"], moment)
    return [(-amount if found["is_before"] else amount).after(start)]


def _parse_amount(found: re.Match[str], moment: Moment) -> list[date]:
    return [parse_span(found[1]).after(moment.today)]


def _parse_workdays(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the day that is a number of working days after today. A weekend counts as its Friday."""
    passed = min(moment.today.weekday(), _WORKDAYS_OF_WEEK - 1) + parse_count(found[1])
    weeks, weekday = divmod(passed, _WORKDAYS_OF_WEEK)
    return [monday_of(moment.today) + timedelta(weeks=weeks, days=weekday)]


def _parse_amount_ago(found: re.Match[str], moment: Moment) -> list[date]:
    return [(-parse_span(found[1])).after(moment.today)]


def _parse_other_words(found: re.Match[str], moment: Moment) -> list[date]:
    return parse_days(found[1], moment)


def _days_from_today(days: int) -> DayParser:
    return lambda _, moment: [moment.today + timedelta(days=days)]


_END_OF_DAY: Final = r"(?:eod|end of (?:the )?day|cob|close of business)"
"""Matches `eod`, `end of day` and `cob`, which do not change the day: `monday eod` is Monday."""
_DAY_RULES: Final[Sequence[DayRule]] = (
    *compile_day_rules(
        (r"today|now|(?:the )?end of (?:the )?day|eod|cob|close of business", _days_from_today(0)),
        (TOMORROW, _days_from_today(1)),
        (rf"(?:the )?day after {TOMORROW}", _days_from_today(2)),
        (r"yesterday", _days_from_today(-1)),
        (r"(?:the )?day before yesterday", _days_from_today(-2)),
        (rf"{_END_OF_DAY}(?: on)? (.+)", _parse_other_words),
        (rf"(.+) {_END_OF_DAY}", _parse_other_words),
    ),
    *WEEK_RULES,
    *MONTH_RULES,
    *compile_day_rules(
        (r"(?!\d+\.\d$)(\d{1,2})([./-])(\d{1,2})(?:\2(\d{4}|\d\d)?)?", _parse_numeric_date),
        (r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})", _parse_iso_date),
        (HOLIDAY, _parse_holiday),
        (rf"(?P<amount>{SPAN}) (?:(?P<is_before>before)|from|after|on) (?P<start>.+)", _parse_amount_from),
        (rf"(?P<amount>{SPAN}) (?P<start>today|{TOMORROW})(?P<is_before>)", _parse_amount_from),
        (rf"(?:in |\+|within )?({SPAN})(?:'?s?'? time)?", _parse_amount),
        (rf"({SPAN}) ago", _parse_amount_ago),
        (rf"(?:in |within )?({COUNT}) {WORKDAY}s?(?:'? time| from (?:now|today))?", _parse_workdays),
    ),
)
"""Patterns for a day, each with the function that parses a match. The first that matches is used."""
