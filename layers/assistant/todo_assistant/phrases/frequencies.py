"""Parses how often a todo recurs, and on which days: `every 2 weeks on friday`, `monthly`, `every last friday`."""

import re
from collections.abc import Sequence
from typing import Final

from todo_assistant.phrases.named_days import parse_named_days
from todo_assistant.phrases.patterns import Pattern
from todo_assistant.phrases.rule_parts import FREQUENCIES, NTH_NUMBERS, WEEKDAY_CODES, WORKDAYS, RuleParts
from todo_assistant.phrases.vocabulary import ADVERB, COUNT, EACH, PLURAL, WORKDAY, parse_count

_MAX_INTERVAL: Final = 999
"""The largest INTERVAL that RecurrenceRule accepts."""
_ADVERB_INTERVALS: Final = {
    "daily": ("DAILY", 1),
    "everyday": ("DAILY", 1),
    "weekly": ("WEEKLY", 1),
    "biweekly": ("WEEKLY", 2),
    "fortnightly": ("WEEKLY", 2),
    "monthly": ("MONTHLY", 1),
    "quarterly": ("MONTHLY", 3),
    "yearly": ("YEARLY", 1),
    "annually": ("YEARLY", 1),
}
"""FREQ and INTERVAL of each adverb, without its hyphen."""
_LONG_UNITS: Final = {"fortnight": ("WEEKLY", 2), "quarter": ("MONTHLY", 3)}
"""FREQ and INTERVAL of units that last several weeks or months."""
_INTERVAL_WORDS: Final = {"other": 2, "2nd": 2, "3rd": 3} | {word: nth for word, nth in NTH_NUMBERS.items() if nth > 1}
"""Intervals by the word before the unit: 2 for `every other week`, 3 for `every third week`."""

_INTERVAL: Final = rf"(?:other|second|third|fourth|fifth|[2-5](?:st|nd|rd|th)|{COUNT})"
"""Matches the interval between `every` and a unit such as `weeks`: `other`, `second`, `3rd`, `3`, `two`."""
_EVERY_UNIT: Final = Pattern(
    rf"(?:{EACH}) (?:(?P<interval>{_INTERVAL}) )?"
    rf"(?P<unit>days?|weeks?|fortnights?|months?|quarters?|years?|{WORKDAY}s?|weekends?)"
    r"(?: (?:on )?(?P<on>.+))?",
    re.ASCII,
)
"""Matches `every`, a unit and any named days: `every other week`, `every 3 months on the 1st`, `every weekend`."""
_ADVERB_ON: Final = Pattern(rf"(?P<adverb>{ADVERB})(?: on (?P<on>.+))?", re.ASCII)
"""Matches an adverb and any named days: `daily`, `twice a year`, `monthly on the 1st`."""
_EVERY_NAMED_DAYS: Final = Pattern(
    rf"(?:{EACH}) (?P<other>other )?(?P<on>.+?)(?: (?:of|in) (?:the|every|each|a) month)?", re.ASCII
)
"""Matches `every` and named days, without a unit: `every other friday`, `every last day of the month`."""
_NAMED_DAYS_OF_EVERY: Final = Pattern(
    rf"(?:on |at )?(?P<on>.+) of (?:the month )?{EACH} (?:(?P<interval>{_INTERVAL}) )?months?", re.ASCII
)
"""Matches named days before `of every month`: `the last day of every month`, `the 1st of every 3 months`."""
_GROUP: Final = rf"(?:{WORKDAY}s?|weekends?)"
"""Matches a group of weekdays: `weekdays`, `weekend`."""
_PLURAL_WEEKDAYS: Final = Pattern(rf"{PLURAL}(?: (?:and )?(?:on )?{PLURAL})*")
"""Matches weekdays in the plural, which recur without `every`: `mondays`, `mondays and fridays`."""


def parse_frequency(words: str) -> RuleParts:
    """Returns the rule parts of a phrase such as `every 2 weeks on friday`. Raises ValueError if it is no frequency."""
    if (found := _EVERY_UNIT.fullmatch(words)) and (
        parts := _parse_unit(found["unit"], found["interval"], found["on"])
    ):
        return parts
    if found := _ADVERB_ON.fullmatch(words):
        return _parse_adverb(found["adverb"], found["on"])
    if found := _NAMED_DAYS_OF_EVERY.fullmatch(words):
        interval = _interval_part(parse_number(found["interval"])) if found["interval"] else {}
        return _add_named_days({"FREQ": "MONTHLY"} | interval, found["on"])
    if found := _EVERY_NAMED_DAYS.fullmatch(words):
        named = parse_named_days(found["on"])
        if found["other"] and named["FREQ"] != "WEEKLY":
            raise ValueError(words)
        return named | ({"INTERVAL": "2"} if found["other"] else {})
    if re.fullmatch(rf"{WORKDAY}s|weekends", words):
        return {"FREQ": "WEEKLY", "BYDAY": _days_of_group(words)}
    if _PLURAL_WEEKDAYS.fullmatch(words):
        return parse_named_days(words)
    raise ValueError(words)


def exclude_days(parts: RuleParts, words: str) -> RuleParts:
    """Returns the rule parts of a daily recurrence, or of one on weekdays, without the days in words.

    Examples of words are `sunday`, `saturdays and sundays`, `weekends`. Raises ValueError for other recurrences and
    words, and if no day is excluded or remains.
    """
    if parts == {"FREQ": "DAILY"}:
        days: Sequence[str] = WEEKDAY_CODES
    elif parts.keys() == {"FREQ", "BYDAY"} and parts["FREQ"] == "WEEKLY":
        days = parts["BYDAY"].split(",")
    else:
        raise ValueError(words)
    excluded = _parse_excluded(words.replace(" or ", " and "))
    kept = [day for day in days if day not in excluded]
    if not kept or len(kept) == len(days):
        raise ValueError(words)
    return {"FREQ": "WEEKLY", "BYDAY": ",".join(kept)}


def parse_number(words: str) -> int:
    """Returns the number for `3`, `three`, `3rd` or `third`, and 2 for `other`."""
    if words in _INTERVAL_WORDS:
        return _INTERVAL_WORDS[words]
    if found := re.fullmatch(r"(\d{1,4})(?:st|nd|rd|th)?", words, re.ASCII):
        return int(found[1])
    return parse_count(words)


def _parse_excluded(words: str) -> Sequence[str]:
    """Returns the codes of the weekdays in words. Raises ValueError for other days."""
    words = words.removeprefix("the ")
    if re.fullmatch(_GROUP, words):
        return _days_of_group(words).split(",")
    named = parse_named_days(words)
    if named["FREQ"] != "WEEKLY":
        raise ValueError(words)
    return named["BYDAY"].split(",")


def _days_of_group(words: str) -> str:
    return "SA,SU" if words.startswith("weekend") else WORKDAYS


def _parse_unit(unit: str, interval: str | None, on: str | None) -> RuleParts | None:
    """Returns the rule parts of `every` with an interval, a unit and named days: `every 2 weeks on friday`.

    Returns None for `every 2nd weekday`, which is the second weekday of each month: `2nd` is no interval there.
    """
    unit = unit.replace(" ", "").removesuffix("s")
    if unit == "weekend" or re.fullmatch(WORKDAY, unit):
        if interval or on:
            return None
        return {"FREQ": "WEEKLY", "BYDAY": "SA" if unit == "weekend" else WORKDAYS}
    count = parse_number(interval) if interval else 1
    frequency, length = _LONG_UNITS.get(unit) or (FREQUENCIES[unit], 1)
    parts = {"FREQ": frequency} | _interval_part(length * count)
    return _add_named_days(parts, on) if on else parts


def _parse_adverb(adverb: str, on: str | None) -> RuleParts:
    once_or_twice, _, unit = adverb.rpartition(" ")
    if once_or_twice.startswith("twice"):
        frequency, interval = "MONTHLY", 6
    elif once_or_twice:
        frequency, interval = FREQUENCIES[unit], 1
    else:
        frequency, interval = _ADVERB_INTERVALS[re.sub("[- ]", "", adverb)]
    parts = {"FREQ": frequency} | _interval_part(interval)
    return _add_named_days(parts, on) if on else parts


def _add_named_days(parts: RuleParts, on: str) -> RuleParts:
    """Adds the named days, such as `the 1st` in `every month on the 1st`, to the parts of a rule.

    Raises ValueError if the days imply another frequency, as in `every year on the 1st`, which names no month.
    """
    named = parse_named_days(on)
    if named["FREQ"] != parts["FREQ"]:
        raise ValueError(on)
    return parts | named


def _interval_part(interval: int) -> RuleParts:
    """Returns the INTERVAL part of a rule, or no part for 1, the default. Raises ValueError outside 1 to 999."""
    if not 1 <= interval <= _MAX_INTERVAL:
        raise ValueError(interval)
    return {"INTERVAL": str(interval)} if interval > 1 else {}
