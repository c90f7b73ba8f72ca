"""Validates recurrence rules of RFC 5545 and brings them into their canonical form."""

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import Annotated, Final

from msgspec import Struct
from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from todo_core.todos.recurrence import format_rule
from todo_core.todos.recurrence_calendar import WEEKDAYS, RuleParts
from todo_core.todos.recurrence_days import MatchingDays

_MAX_RULE_CHARACTERS: Final = 500
_MAX_INTERVAL: Final = 999_999
_MAX_COUNT: Final = 9_999
_MAX_WEEKDAY_NUMBER_IN_MONTH: Final = 5

_FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_LONG_FREQUENCIES: Final = ("MONTHLY", "YEARLY")


class _InvalidValueError(ValueError):
    """The error for a value that a part of a recurrence rule does not allow."""


def _parse_number(text: str, *, limit: int, signed: bool = False) -> str:
    """Returns a number from 1 to `limit`, or if `signed` also from -`limit` to -1. Raises _InvalidValueError.

    The returned text has no leading zeros and no plus sign.
    """
    number = int(text) if re.fullmatch(r"[+-]?\d{1,6}" if signed else r"\d{1,6}", text) else 0
    if not 1 <= abs(number) <= limit:
        raise _InvalidValueError
    return str(number)


def _parse_weekday(text: str) -> str:
    found = re.fullmatch(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", text)
    if found is None:
        raise _InvalidValueError
    return (_parse_number(found[1], limit=53, signed=True) if found[1] else "") + found[2]


def _parse_until(text: str) -> str:
    if not re.fullmatch(r"\d{8}(T\d{6}Z)?", text):
        raise _InvalidValueError
    datetime.fromisoformat(text)
    return text


def _parse_choice(text: str, *, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise _InvalidValueError
    return text


class _Part(Struct, frozen=True):
    """A part of a rule: a description of its values for error messages, and their parser.

    `parse` raises ValueError for an invalid value. `is_list` allows several values with commas between. The part is
    allowed only in rules whose FREQ is among `frequencies`.
    """

    values: str
    parse: Callable[[str], str]
    is_list: bool = False
    frequencies: tuple[str, ...] = _FREQUENCIES


_PARTS: Final = {
    "FREQ": _Part("DAILY, WEEKLY, MONTHLY or YEARLY", partial(_parse_choice, choices=_FREQUENCIES)),
    "INTERVAL": _Part(f"a number from 1 to {_MAX_INTERVAL}", partial(_parse_number, limit=_MAX_INTERVAL)),
    "COUNT": _Part(f"a number from 1 to {_MAX_COUNT}", partial(_parse_number, limit=_MAX_COUNT)),
    "UNTIL": _Part("a day such as 20301231, or an instant in UTC such as 20301231T170000Z", _parse_until),
    "BYMONTH": _Part("months from 1 to 12", partial(_parse_number, limit=12), is_list=True),
    "BYWEEKNO": _Part(
        "weeks from 1 to 53 or from -1 to -53",
        partial(_parse_number, limit=53, signed=True),
        is_list=True,
        frequencies=("YEARLY",),
    ),
    "BYYEARDAY": _Part(
        "days from 1 to 366 or from -1 to -366",
        partial(_parse_number, limit=366, signed=True),
        is_list=True,
        frequencies=("YEARLY",),
    ),
    "BYMONTHDAY": _Part(
        "days from 1 to 31 or from -1 to -31",
        partial(_parse_number, limit=31, signed=True),
        is_list=True,
        frequencies=("DAILY", *_LONG_FREQUENCIES),
    ),
    "BYDAY": _Part("weekdays such as MO, or such as 2TU and -1FR in a month or a year", _parse_weekday, is_list=True),
    "BYSETPOS": _Part(
        "positions from 1 to 366 or from -1 to -366",
        partial(_parse_number, limit=366, signed=True),
        is_list=True,
    ),
    "WKST": _Part("a weekday such as MO", partial(_parse_choice, choices=WEEKDAYS)),
}
"""The parts that a recurrence rule may have, in the order of its canonical form."""
_SETS: Final = {"BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY"}
_DAYS: Final = {"BYYEARDAY", "BYMONTHDAY", "BYDAY"}
_SOME_START: Final = date(2000, 1, 1)


def _canonicalize_rule(rule: str) -> str:
    """Returns the rule in capitals, with its parts in a fixed order and no value repeated.

    Raises PydanticCustomError for a rule that is not supported.
    """
    parts = _parse_parts(rule)
    if "FREQ" not in parts:
        raise _build_error("It needs FREQ, as in FREQ=WEEKLY;BYDAY=MO,TH")
    for name in parts:
        if parts["FREQ"] not in _PARTS[name].frequencies:
            raise _build_error(f"{name} is allowed only with FREQ={' or FREQ='.join(_PARTS[name].frequencies)}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise _build_error("It may have COUNT or UNTIL, but not both")
    if "BYSETPOS" in parts and parts.keys().isdisjoint(_SETS):
        raise _build_error("BYSETPOS needs another part with BY, such as BYDAY")
    _check_weekdays(parts)
    if not _may_occur(parts):
        raise _build_error("It never occurs: no day of the calendar matches all of its parts")
    return format_rule(parts)


def _may_occur(parts: RuleParts) -> bool:
    """Returns False for a rule that matches no day, whatever its start: `BYMONTH=2;BYMONTHDAY=30`."""
    # Any month has the first day. Of the weekdays, a rule for weeks may need a certain one.
    weekdays = {"BYDAY": ",".join(WEEKDAYS)} if "BYWEEKNO" in parts and parts.keys().isdisjoint(_DAYS) else {}
    return MatchingDays(parts | {"INTERVAL": "1"} | weekdays, _SOME_START).find_first_after(_SOME_START) is not None


def _parse_parts(rule: str) -> RuleParts:
    parts: RuleParts = {}
    # Only an ASCII rule is put into capitals. Otherwise the dotless i, for example, would become an ASCII letter, and
    # an invalid rule would be accepted.
    for part in (rule.upper() if rule.isascii() else rule).removeprefix("RRULE:").removesuffix(";").split(";"):
        name, equals, value = part.partition("=")
        if not (equals and part.isascii() and re.fullmatch("[A-Z-]{1,20}", name)):
            raise _build_error("It consists of parts such as FREQ=WEEKLY;BYDAY=MO,TH")
        if name in {"BYHOUR", "BYMINUTE", "BYSECOND"}:
            raise _build_error(f"The time of day is that of the due date: leave {name} out")
        if name not in _PARTS:
            raise _build_error(f"{name} is not supported: the parts are {', '.join(_PARTS)}")
        if name in parts:
            raise _build_error(f"It has {name} twice")
        parts[name] = _parse_part(name, value)
    return {name: parts[name] for name in _PARTS if name in parts}


def _parse_part(name: str, value: str) -> str:
    part = _PARTS[name]
    try:
        return ",".join(dict.fromkeys(map(part.parse, value.split(",") if part.is_list else [value])))
    except ValueError:
        raise _build_error(f"{name} takes {part.values}") from None


def _check_weekdays(parts: RuleParts) -> None:
    """Refuses numbered weekdays where they are not allowed."""
    if "BYDAY" not in parts:
        return
    numbers = [abs(int(day[:-2])) for day in parts["BYDAY"].split(",") if day[:-2]]
    if numbers and (parts["FREQ"] not in _LONG_FREQUENCIES or "BYWEEKNO" in parts):
        raise _build_error("A weekday with a number, such as 2TU, is allowed only in a month or a year")
    if max(numbers, default=0) > _MAX_WEEKDAY_NUMBER_IN_MONTH and (parts["FREQ"] == "MONTHLY" or "BYMONTH" in parts):
        raise _build_error("A month has each weekday at most five times")


def _build_error(reason: str) -> PydanticCustomError:
    return PydanticCustomError("recurrence", "This recurrence rule is not supported. {why}", {"why": reason})


RecurrenceRule = Annotated[
    str,
    Field(max_length=_MAX_RULE_CHARACTERS),
    AfterValidator(_canonicalize_rule),
    WithJsonSchema({"type": "string", "format": "rrule", "maxLength": _MAX_RULE_CHARACTERS}),
]
"""A recurrence rule in canonical form, such as `FREQ=MONTHLY;BYDAY=2TU`."""
