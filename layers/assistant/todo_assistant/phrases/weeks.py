"""Parses days by their weekday or week in English phrases: `next friday`, `friday in two weeks`, `this weekend`."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from todo_assistant.phrases.day_rules import DayRule, compile_day_rules
from todo_assistant.phrases.moments import Moment
from todo_assistant.phrases.vocabulary import COUNT, WEEK, WEEKDAY, WEEKDAY_PREFIXES, parse_count

_WEDNESDAY, _FRIDAY, _SATURDAY, _SUNDAY = 2, 4, 5, 6
_WEEKS_AHEAD: Final = {"this": 0, "next": 1, "last": -1}


def monday_of(day: date) -> date:
    """Returns the Monday of the week of a day."""
    return day - timedelta(days=day.weekday())


def count_weeks(words: str) -> int:
    """Returns the number of weeks from the current week to the one that WEEK matches: 1 for `next week`."""
    if words.endswith("after next"):
        return 2
    if found := re.search(rf"({COUNT}) weeks?\b", words, re.ASCII):
        return parse_count(found[1])
    return _WEEKS_AHEAD[words.split(maxsplit=1)[0]]


def _weekday_index(words: str) -> int:
    return WEEKDAY_PREFIXES.index(words[:3])


def _coming_weekday(weekday: int, today: date) -> date:
    """Returns the next day with this weekday, never today."""
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


def _parse_weekday(found: re.Match[str], moment: Moment) -> list[date]:
    which, weekday, today = found[1], _weekday_index(found[2]), moment.today
    if which == "last":
        return [today - timedelta(days=(today.weekday() - weekday - 1) % 7 + 1)]
    coming = _coming_weekday(weekday, today)
    if which == "next":
        return [monday_of(today) + timedelta(days=7 + weekday), coming]
    return [coming, today] if today.weekday() == weekday else [coming]


def _parse_weekday_of_week(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the weekday of a week: `friday next week`, `in two weeks on friday`.

    After a number of weeks, such as two, the second reading is two weeks after the coming Friday.
    """
    words, weekday = found["week"], _weekday_index(found["weekday"])
    weeks = timedelta(weeks=count_weeks(words))
    readings = [monday_of(moment.today) + weeks + timedelta(days=weekday)]
    if re.search(r"\bweeks?\b", words) and words.split()[0] not in {"this", "next", "last", "the", "week"}:
        readings.append(_coming_weekday(weekday, moment.today) + weeks)
    return readings


def _parse_weekday_after_next(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the Friday after the coming one for `friday after next`, then the Friday after `next friday`."""
    weekday = _weekday_index(found[1])
    following = _coming_weekday(weekday, moment.today) + timedelta(days=7)
    return [following, monday_of(moment.today) + timedelta(days=14 + weekday)]


def _parse_british_week(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the day a week, or a fortnight, after a day: `sunday week`, `tomorrow fortnight`."""
    days = 14 if found[2] == "fortnight" else 7
    start = {"today": 0, "tomorrow": 1}.get(found[1])
    if start is not None:
        return [moment.today + timedelta(days=start + days)]
    return [_coming_weekday(_weekday_index(found[1]), moment.today) + timedelta(days=days)]


def _parse_week(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the Monday of a week: `next week`, `the week after next`."""
    return [monday_of(moment.today) + timedelta(weeks=count_weeks(found[1]))]


def _parse_middle_of_week(found: re.Match[str], moment: Moment) -> list[date]:
    return [monday_of(moment.today) + timedelta(days=_WEDNESDAY, weeks=count_weeks(found[1]))]


def _parse_end_of_week(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the Friday of a week, but on Saturdays and Sundays the Sunday of the current week."""
    weeks = count_weeks(found[1]) if found[1] else 0
    is_weekend = moment.today.weekday() > _FRIDAY and weeks == 0
    return [monday_of(moment.today) + timedelta(days=_SUNDAY if is_weekend else _FRIDAY, weeks=weeks)]


def _parse_weekend(found: re.Match[str], moment: Moment) -> list[date]:
    """Returns the Saturday of a weekend, or today on the Sunday of this weekend."""
    saturday = monday_of(moment.today) + timedelta(days=_SATURDAY)
    if found[0].endswith("after next"):
        return [saturday + timedelta(days=14)]
    weeks = _WEEKS_AHEAD.get(found[1], 0)
    return [saturday + timedelta(days=7 * weeks) if weeks else max(saturday, moment.today)]


_WEEK_ALONE: Final = r"(next week|(?:the )?week after next)"
"""Matches a week that stands for its Monday."""
WEEK_RULES: Final[Sequence[DayRule]] = compile_day_rules(
    (rf"(?:(this|next|coming|this coming|upcoming|last) )?({WEEKDAY})", _parse_weekday),
    (rf"(?:the )?({WEEKDAY}) after next", _parse_weekday_after_next),
    (rf"(?P<weekday>{WEEKDAY})(?: of| in)? (?P<week>{WEEK})", _parse_weekday_of_week),
    (rf"(?P<week>{WEEK})(?: on)? (?P<weekday>{WEEKDAY})", _parse_weekday_of_week),
    (rf"({WEEKDAY}|today|tomorrow) (week|fortnight)", _parse_british_week),
    (r"(?:at )?(?:(this|next|last|the|coming|this coming) )?weekend|(?:the )?weekend after next", _parse_weekend),
    (rf"(?:(?:the )?(?:start|beginning) of |early )?{_WEEK_ALONE}", _parse_week),
    (rf"mid(?:dle of)?[ -]{_WEEK_ALONE}", _parse_middle_of_week),
    (rf"(?:the )?(?:end of|late) (?:{_WEEK_ALONE}|(?:the |this )?week)|eow", _parse_end_of_week),
)
"""Patterns for a weekday or week, each with the function that parses a match."""
