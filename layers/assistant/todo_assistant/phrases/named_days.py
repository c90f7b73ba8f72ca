"""Parses the days that a recurrence names: `monday and friday`, `the 2nd tuesday`, `jan 3`."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from todo_assistant.phrases.patterns import Pattern
from todo_assistant.phrases.rule_parts import NTH_NUMBERS, WEEKDAY_CODES, WORKDAYS, RuleParts, join_values
from todo_assistant.phrases.vocabulary import EACH, MONTH, MONTH_PREFIXES, NTH, WEEKDAY, WORKDAY

_LAST_MONTH_DAY: Final = 31

_AND: Final = rf"(?:(?: and)?(?: (?:{EACH}|on))?| or)(?: the)? "
"""Matches what separates days in a list: `monday and friday`, `monday and every friday`, `1st and the 15th`."""
_NTH_LIST: Final = rf"{NTH}(?:{_AND}{NTH})*"
"""Matches one or more ordinals: `first`, `first and third`."""
_MONTH_DAY: Final = r"\d{1,2}(?:st|nd|rd|th)?"
"""Matches the number of a day in its month: `3`, `3rd`."""
_WEEKDAY_LIST: Final = Pattern(rf"{WEEKDAY}s?(?:{_AND}{WEEKDAY}s?)*", re.ASCII)
"""Matches one or more weekdays: `monday`, `mon wed and fri`, `mondays`."""
_WEEKDAY_RANGE: Final = Pattern(rf"({WEEKDAY})(?: to | ?[-\u2013] ?| through )({WEEKDAY})", re.ASCII)
"""Matches a range of weekdays: `mon-fri`, `tuesday to saturday`."""
_NTH_WEEKDAY_LIST: Final = Pattern(rf"(?:the )?{NTH} {WEEKDAY}(?:{_AND}{NTH} {WEEKDAY})+", re.ASCII)
"""Matches several weekdays, each with its ordinal in the month: `first monday and last friday`."""
_NTH_DAY: Final = Pattern(rf"(?:the )?({_NTH_LIST}) (?:({WEEKDAY})|(day)|({WORKDAY}))", re.ASCII)
"""Matches ordinals and one kind of day in the month: `2nd tuesday`, `last day`, `first and third monday`."""
_MONTH_DAY_LIST: Final = Pattern(
    rf"(?:the )?(?:first|\d{{1,2}}(?:st|nd|rd|th)(?:{_AND}\d{{1,2}}(?:st|nd|rd|th))*)", re.ASCII
)
"""Matches one or more days of the month by number: `the first`, `the 1st`, `15th and 30th`."""
_END_OF_MONTH: Final = Pattern(r"(?:the )?(?:end|last)(?: of month)?", re.ASCII)
"""Matches words for the last day of the month: `end of month`, `the last`."""
_DATE: Final = Pattern(rf"(?:the )?(?:({MONTH}) (?:the )?({_MONTH_DAY})|({_MONTH_DAY})(?: of)? ({MONTH}))", re.ASCII)
"""Matches a date without a year: `jan 3`, `the 3rd of january`."""
_MONTH_LIST: Final = Pattern(rf"{MONTH}(?:{_AND}{MONTH})*", re.ASCII)
"""Matches one or more months, which mean their first days: `april`, `april and october`."""


def parse_named_days(words: str) -> RuleParts:
    """Returns rule parts for the named days and for the FREQ that they imply, such as WEEKLY for a weekday.

    Raises ValueError if the words name no days.
    """
    for pattern, parse in _NAMED_DAY_RULES:
        if found := pattern.fullmatch(words):
            return parse(found)
    raise ValueError(words)


def _parse_weekdays(found: re.Match[str]) -> RuleParts:
    codes = (_weekday_code(each) for each in re.findall(WEEKDAY, found[0], re.ASCII))
    return {"FREQ": "WEEKLY", "BYDAY": join_values(codes)}


def _parse_weekday_range(found: re.Match[str]) -> RuleParts:
    """Returns the rule parts of `mon-fri`, or of `fri-mon`, which continues after Sunday."""
    first, last = (WEEKDAY_CODES.index(_weekday_code(found[group])) for group in (1, 2))
    codes = (WEEKDAY_CODES * 2)[first : (last if last >= first else last + 7) + 1]
    return {"FREQ": "WEEKLY", "BYDAY": join_values(codes)}


def _parse_nth_weekdays(found: re.Match[str]) -> RuleParts:
    """Returns the rule parts of `1st monday and last friday`: a monthly rule with a number before each weekday code."""
    days = re.findall(rf"({NTH}) ({WEEKDAY})", found[0], re.ASCII)
    codes = (f"{NTH_NUMBERS.get(nth) or nth[0]}{_weekday_code(day)}" for nth, day in days)
    return {"FREQ": "MONTHLY", "BYDAY": join_values(codes)}


def _parse_nth_day(found: re.Match[str]) -> RuleParts:
    numbers = [NTH_NUMBERS.get(each) or int(each[0]) for each in re.findall(NTH, found[1], re.ASCII)]
    if found[2]:
        return {"FREQ": "MONTHLY", "BYDAY": join_values(f"{number}{_weekday_code(found[2])}" for number in numbers)}
    if found[3]:
        return {"FREQ": "MONTHLY", "BYMONTHDAY": join_values(map(str, numbers))}
    return {"FREQ": "MONTHLY", "BYDAY": WORKDAYS, "BYSETPOS": join_values(map(str, numbers))}


def _parse_month_days(found: re.Match[str]) -> RuleParts:
    days = [_check_month_day(int(each)) for each in re.findall(r"\d+", found[0], re.ASCII)] or [1]
    return {"FREQ": "MONTHLY", "BYMONTHDAY": join_values(map(str, days))}


def _parse_end_of_month(_: re.Match[str]) -> RuleParts:
    return {"FREQ": "MONTHLY", "BYMONTHDAY": "-1"}


def _parse_date(found: re.Match[str]) -> RuleParts:
    month_word, day_word = (found[1], found[2]) if found[1] else (found[4], found[3])
    day = _check_month_day(int(re.sub(r"\D", "", day_word)))
    month = _month_number(month_word)
    date(2000, month, day)  # Raises ValueError for February 30th; allows the 29th, as 2000 is a leap year.
    return {"FREQ": "YEARLY", "BYMONTH": str(month), "BYMONTHDAY": str(day)}


def _parse_months(found: re.Match[str]) -> RuleParts:
    months = (str(_month_number(each)) for each in re.findall(MONTH, found[0], re.ASCII))
    return {"FREQ": "YEARLY", "BYMONTH": join_values(months), "BYMONTHDAY": "1"}


_NAMED_DAY_RULES: Final[Sequence[tuple[Pattern, Callable[[re.Match[str]], RuleParts]]]] = (
    (_WEEKDAY_LIST, _parse_weekdays),
    (_WEEKDAY_RANGE, _parse_weekday_range),
    (_NTH_DAY, _parse_nth_day),
    (_NTH_WEEKDAY_LIST, _parse_nth_weekdays),
    (_MONTH_DAY_LIST, _parse_month_days),
    (_END_OF_MONTH, _parse_end_of_month),
    (_DATE, _parse_date),
    (_MONTH_LIST, _parse_months),
)
"""Patterns for named days, each with the function that parses a match. The first that matches is used."""


def _weekday_code(words: str) -> str:
    return words[:2].upper()


def _month_number(words: str) -> int:
    return MONTH_PREFIXES.index(words[:3]) + 1


def _check_month_day(day: int) -> int:
    """Returns the day of the month unchanged. Raises ValueError outside 1 to 31."""
    if not 1 <= day <= _LAST_MONTH_DAY:
        raise ValueError(day)
    return day
