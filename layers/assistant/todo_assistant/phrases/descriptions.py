"""Describes recurrence rules in English: `every month on the last Friday until 31 January 2030`."""

from collections.abc import Iterable
from datetime import date
from typing import Final

from todo_assistant.phrases.rule_parts import FREQUENCIES, NTH_NUMBERS, WEEKDAY_CODES, WORKDAYS, RuleParts
from todo_assistant.phrases.written_dates import write_date
from todo_core.todos.model import RecurrenceFrom

_UNITS: Final = {frequency: unit for unit, frequency in FREQUENCIES.items()}
_WEEKDAY_NAMES: Final = {code: f"{date(2001, 1, day):%A}" for day, code in enumerate(WEEKDAY_CODES, start=1)}
"""Weekday names by code. January 1st, 2001 was a Monday, so the days from there have the order of the codes."""
_NTH_WORDS: Final = {number: word for word, number in NTH_NUMBERS.items()}


def describe_rule(rule: str, counts_from: RecurrenceFrom = "due") -> str:
    """Returns a recurrence rule in English; a rule without a short description becomes `by the rule FREQ=...`.

    A rule that counts from the completion becomes `every 3 days after completion`.

    `parse_recurrence` parses most descriptions to the same rule again.
    """
    parts = dict(part.split("=") for part in rule.split(";"))
    after = " after completion" if counts_from == "completion" else ""
    try:
        days = _describe_days(parts)
    except (KeyError, TypeError, ValueError):
        return f"by the rule {rule}{after}"
    return f"{days}{after}{_describe_end(parts)}"


def _describe_days(parts: RuleParts) -> str:
    """Describes a rule without COUNT and UNTIL. Raises KeyError, TypeError or ValueError if no short form exists."""
    unit, interval = _UNITS[parts["FREQ"]], int(parts.get("INTERVAL", "1"))
    every = f"every {unit}" if interval == 1 else f"every {interval} {unit}s"
    named = {name: value for name, value in parts.items() if name.startswith("BY") or name == "WKST"}
    if not named:
        return every
    if unit in {"day", "week"}:
        return _describe_weekdays(every if interval > 1 else None, **named)
    return f"{every} on {_describe_month_days(**named) if unit == 'month' else _describe_dates(**named)}"


# Parameters of the functions below have the names of rule parts, because a rule's parts are passed as keywords.
# Parts that a function cannot describe raise an error, and `describe_rule` then quotes the rule.


def _describe_weekdays(every: str | None, *, BYDAY: str = "", **more: str) -> str:  # noqa: N803 - names of rule parts
    if more:
        raise KeyError(*more)
    days = _join_with_and(_WEEKDAY_NAMES[code] for code in BYDAY.split(","))
    if every:
        return f"{every} on {days}"
    return "every weekday" if BYDAY == WORKDAYS else f"every {days}"


def _describe_month_days(*, BYDAY: str = "", BYMONTHDAY: str = "", BYSETPOS: str = "", **more: str) -> str:  # noqa: N803
    if more or (BYDAY and BYMONTHDAY) or (BYSETPOS and BYDAY != WORKDAYS):
        raise KeyError(BYDAY)
    if BYSETPOS:
        return f"the {_NTH_WORDS[int(BYSETPOS)]} workday"
    if BYMONTHDAY:
        return _join_with_and(_describe_month_day(day) for day in BYMONTHDAY.split(","))
    return _join_with_and(f"the {_describe_nth_weekday(day)}" for day in BYDAY.split(","))


def _describe_dates(*, BYMONTH: str, BYMONTHDAY: str, **more: str) -> str:  # noqa: N803 - names of rule parts
    if more:
        raise KeyError(*more)
    day = int(BYMONTHDAY)
    return _join_with_and(f"{date(2000, int(month), day):%B} {day}" for month in BYMONTH.split(","))


def _describe_nth_weekday(day: str) -> str:
    return f"{_NTH_WORDS[int(day[:-2])]} {_WEEKDAY_NAMES[day[-2:]]}"


def _describe_month_day(day: str) -> str:
    if day == "-1":
        return "the last day"
    number = int(day)
    if number < 0:
        raise KeyError(day)
    is_teen = number in {11, 12, 13}
    return f"the {number}{'th' if is_teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _describe_end(parts: RuleParts) -> str:
    if "COUNT" in parts:
        return ", once" if parts["COUNT"] == "1" else f", {parts['COUNT']} times"
    if "UNTIL" in parts:
        return f" until {write_date(date.fromisoformat(parts['UNTIL'][:8]))}"
    return ""


def _join_with_and(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
