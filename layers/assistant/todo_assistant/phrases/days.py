"""Parses days in English phrases without a time of day: `next friday`, `end of month`, `in 2 weeks`, `jan 3`."""

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Final

from todo_assistant.phrases.library import parse_with_library
from todo_assistant.phrases.moments import Moment
from todo_assistant.phrases.vocabulary import (
    COUNT,
    DAYS,
    HOLIDAY,
    MONTH,
    TOMORROW,
    WEEKDAY,
    WEEKDAY_PREFIXES,
    parse_amount,
)

type _DayParser = Callable[[re.Match[str], Moment], Iterable[date]]

_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6
_HOLIDAY_DATES: Final = {"chr": "dec 25", "xma": "dec 25", "hal": "oct 31", "val": "feb 14"}
"""The dates of holidays by their first three letters, except those of New Year and the eves."""
_YEARS_AHEAD: Final = 9
"""Years to search for a date without a year, the current one included: February 29th may be 8 years away."""


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


def _parse_weekday(found: re.Match[str], moment: Moment) -> list[date]:
    which, weekday = found[1], WEEKDAY_PREFIXES.index(found[2][:3])
    if which == "last":
        return [moment.today - timedelta(days=(moment.today.weekday() - weekday - 1) % 7 + 1)]
    coming = moment.today + timedelta(days=(weekday - moment.today.weekday() - 1) % 7 + 1)
    if which == "next":
        return [_monday_of(moment.today) + timedelta(days=7 + weekday), coming]
    return [coming, moment.today] if moment.today.weekday() == weekday else [coming]


def _parse_weekend(found: re.Match[str], moment: Moment) -> list[date]:
    saturday = _monday_of(moment.today) + timedelta(days=_SATURDAY)
    return [saturday + timedelta(days=7) if found[1] == "next" else max(saturday, moment.today)]


def _parse_next_period(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the first day of the next week (its Monday), month or year."""
    today = moment.today
    if found[1] == "week":
        return [_monday_of(today) + timedelta(days=7)]
    if found[1] == "year":
        return [date(today.year + 1, 1, 1)]
    return [_last_day_of_month(today) + timedelta(days=1)]


def _parse_end_of_period(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the last day of this week, month or year, or of a month in words: `end of march`.

    The end of the week is Friday, but on Saturdays and Sundays it is Sunday.
    """
    today = moment.today
    match found[1] or found[0][-1]:
        case "week" | "w":
            return [_monday_of(today) + timedelta(days=_FRIDAY if today.weekday() <= _FRIDAY else _SUNDAY)]
        case "month" | "m":
            return [_last_day_of_month(today)]
        case "year" | "y":
            return [date(today.year, 12, 31)]
        case other:
            return [_last_day_of_month(_parse_first_day(other, moment))]


def _parse_middle_of_month(found: re.Match[str], moment: Moment) -> list[date]:
    return [_parse_first_day(found[1], moment).replace(day=15)]


def _parse_day_of_month(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the next day with this number in its month, or today: `the 31st` skips months with 30 days."""
    wanted = int(found[1])
    month = moment.today.replace(day=1)
    while not 1 <= wanted <= _last_day_of_month(month).day or month.replace(day=wanted) < moment.today:
        if month.year > moment.today.year + 1:
            raise ValueError(found[0])
        month = _last_day_of_month(month) + timedelta(days=1)
    return [month.replace(day=wanted)]


def _parse_numeric_date(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the meanings of `03/04` that exist, the likeliest first: March 4th and April 3rd.

    March 4th comes first only in American time zones, and never for dates with dots, such as `3.4.`.
    """
    first, second = int(found[1]), int(found[3])
    day_first, month_first = (first, second), (second, first)
    is_month_first = moment.is_month_first and found[2] != "."
    orders = [month_first, day_first] if is_month_first else [day_first, month_first]
    return [day for order in orders for day in _calendar_dates(*order, found[4], moment)]


def _calendar_dates(day: int, month: int, year: str | None, moment: Moment) -> list[date]:
    """Returns the date in a list, empty if it does not exist. Without a year, the first one from today on."""
    if year:
        years = [int(year) + 2000 * (len(year) == 2)]  # noqa: PLR2004 - digits of a short year
    else:
        years = [*range(moment.today.year, moment.today.year + _YEARS_AHEAD)]
    for candidate in years:
        if 1 <= month <= 12 and 1 <= day <= monthrange(candidate, month)[1]:  # noqa: PLR2004 - months of a year
            found = date(candidate, month, day)
            if year or found >= moment.today:
                return [found]
    return []


def _parse_holiday(found: re.Match[str], moment: Moment) -> list[date]:
    is_eve = found[0].endswith("eve")
    words = _HOLIDAY_DATES.get(found[0][:3], "dec 31" if is_eve else "jan 1")
    return _parse_written_date("dec 24" if is_eve and words == "dec 25" else words, moment.today)


def _parse_amount_from(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the day that is an amount of time after another: `a week from monday`, `2 days from now`."""
    return _add_amount(found[1], moment.today if found[2] == "now" else _parse_first_day(found[2], moment))


def _add_amount(words: str, day: date) -> list[date]:
    return _move_by_amount(words, "in {}", day)


def _subtract_amount(words: str, day: date) -> list[date]:
    return _move_by_amount(words, "{} ago", day)


def _move_by_amount(words: str, phrase: str, day: date) -> list[date]:
    """Moves a day by an amount such as `2 weeks`: forward if `phrase` is `in {}`, back if it is `{} ago`."""
    count, unit = parse_amount(words)
    found = parse_with_library(phrase.format(f"{count} {unit}"), day, more_settings={})
    return [found] if found else []


def _parse_written_date(words: str, today: date) -> list[date]:
    """Parses `jan 3`, `3rd of january 2027` or `march` (its 1st). A date without a year is the next one, or today."""
    # dateparser takes only days after its base for future ones: from today, today's date would be next year's.
    yesterday = today - timedelta(days=1)
    found = parse_with_library(words, yesterday, more_settings={"PREFER_DAY_OF_MONTH": "first"})
    return [found] if found else []


def _monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _last_day_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _days_from_today(days: int) -> _DayParser:
    return lambda _, moment: [moment.today + timedelta(days=days)]


_WRITTEN_DATE: Final = (
    rf"(?:{MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?(?: '?\d{{2,4}})?"
    rf"|(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}\.?(?: '?\d{{2,4}})?|{MONTH}(?: \d{{4}})?)"
)
"""Matches a date with the name of its month: `jan 3rd 2027`, `3 of january`, `march`."""
_END_OF_DAY: Final = r"(?:eod|end of (?:the )?day|cob)"
"""Matches `eod`, `end of day` and `cob`, which do not change the day: `monday eod` is Monday."""
_DAY_RULES: Final[Sequence[tuple[re.Pattern[str], _DayParser]]] = [
    (re.compile(pattern, re.ASCII), parse)
    for pattern, parse in (
        (r"today|now|(?:the )?end of (?:the )?day|eod|cob", _days_from_today(0)),
        (TOMORROW, _days_from_today(1)),
        (rf"(?:the )?day after {TOMORROW}", _days_from_today(2)),
        (r"yesterday", _days_from_today(-1)),
        (rf"{_END_OF_DAY}(?: on)? (.+)", lambda found, moment: parse_days(found[1], moment)),
        (rf"(.+) {_END_OF_DAY}", lambda found, moment: parse_days(found[1], moment)),
        (rf"(?:(this|next|coming|this coming|last) )?({WEEKDAY})", _parse_weekday),
        (r"(?:(this|next|the) )?weekend", _parse_weekend),
        (r"next (week|month|year)", _parse_next_period),
        (r"(?:the )?end of (?:the |this )?(.+)|eo[wmy]", _parse_end_of_period),
        (r"(?:the )?(?:start|beginning) of (.+)", lambda found, moment: parse_days(found[1], moment)),
        (rf"mid[ -]({MONTH}|next month)", _parse_middle_of_month),
        (r"(?:the )?(\d{1,2})(?:st|nd|rd|th)", _parse_day_of_month),
        (r"(\d{1,2})([./-])(\d{1,2})(?:\2(\d{4}|\d\d)?)?", _parse_numeric_date),
        (HOLIDAY, _parse_holiday),
        (rf"({COUNT} {DAYS}) (?:from|after) (.+)", _parse_amount_from),
        (rf"(?:in |\+)?({COUNT} {DAYS})(?:'? time)?", lambda found, moment: _add_amount(found[1], moment.today)),
        (rf"({COUNT} {DAYS}) ago", lambda found, moment: _subtract_amount(found[1], moment.today)),
        (r"\d{4}-\d\d-\d\d", lambda found, _: [date.fromisoformat(found[0])]),
        (
            rf"(?:{WEEKDAY} )?(?:in )?({_WRITTEN_DATE})",
            lambda found, moment: _parse_written_date(found[1], moment.today),
        ),
    )
]
"""Patterns for a day, each with the function that parses a match. The first that matches is used."""
