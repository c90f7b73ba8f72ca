"""Parses phrases for reminders, which may be relative to a due date: `30 minutes before`, `the evening before`."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from todo_assistant.phrases.amounts import DURATION, SPAN, parse_duration, parse_span
from todo_assistant.phrases.clocks import split_clock
from todo_assistant.phrases.dates import MAX_PHRASE_CHARACTERS, UnreadableDate, parse_date
from todo_assistant.phrases.moments import Due, Moment, local_day
from todo_assistant.phrases.patterns import Pattern
from todo_assistant.phrases.vocabulary import PART

_BEFORE: Final = Pattern(
    rf"(?:(?P<span>{SPAN})|(?P<duration>{DURATION})) (?:before(?:hand)?|early|earlier|ahead|in advance|prior)"
    r"(?: (?:it|that|this|then|it'?s due|it is due|the (?:deadline|due date|time|start)))?(?P<clock> .+)?",
    re.ASCII,
)
"""Matches an amount before the due date, with or without a time of day: `30 minutes before`, `a day before at 6pm`."""
_DAY_BEFORE: Final = Pattern(rf"(?:on )?(?:the )?(?:day|(?P<part>{PART})) before(?P<clock> .+)?", re.ASCII)
"""Matches `the day before at 6pm`, `the evening before`."""
_SAME_DAY: Final = Pattern(rf"(?:on )?(?:the|that) (?:same )?(?:day|(?P<part>{PART}))(?P<clock> .+)?", re.ASCII)
"""Matches `on the day at 9am`, `that morning`."""
_WHEN_DUE: Final = Pattern(r"(?:at the (?:due )?time|on time|when (?:it is |it'?s )?due|when it starts)", re.ASCII)


def parse_reminder(phrase: str, due: Due | None, *, now: datetime, timezone: ZoneInfo) -> Due:
    """Returns the moment of a reminder for a todo due at `due`; a day without a time if the phrase names no time.

    `30 minutes before` and `when due` count from a due time, `a day before` and `that morning` from any due date. Other
    phrases are dates for `parse_date`, and count from now.

    Raises UnreadableDate for other phrases, and for one that counts from a due date or due time that is missing.
    """
    if len(phrase) > MAX_PHRASE_CHARACTERS:
        raise UnreadableDate(phrase)
    words = " ".join(phrase.lower().replace(",", " ").split()).rstrip("!?.")
    try:
        moment = Moment.at(now, timezone)
        for pattern in (_BEFORE, _DAY_BEFORE, _SAME_DAY, _WHEN_DUE):
            if found := pattern.fullmatch(words):
                return _count_from(pattern, found, due, moment)
    except (ValueError, OverflowError) as error:
        raise UnreadableDate(phrase) from error
    return parse_date(phrase, now=now, timezone=timezone)[0]


def _count_from(pattern: Pattern, found: re.Match[str], due: Due | None, moment: Moment) -> Due:
    """Returns the moment that a phrase means in relation to the due date. Raises ValueError if that is missing."""
    if due is None:
        raise ValueError(found[0])
    if pattern is _WHEN_DUE:
        return due
    if pattern is _BEFORE and found["duration"]:
        if not isinstance(due, datetime) or found["clock"]:
            raise ValueError(found[0])
        return due.astimezone(UTC) - parse_duration(found["duration"])
    return _at_clock(_day(pattern, found, due, moment), found, due, moment)


def _day(pattern: Pattern, found: re.Match[str], due: Due, moment: Moment) -> date:
    """Returns the day of a reminder: the due day, the day before, or an amount of days before."""
    due_day = local_day(due, moment.timezone)
    if pattern is _SAME_DAY:
        return due_day
    return due_day - timedelta(days=1) if pattern is _DAY_BEFORE else (-parse_span(found["span"])).after(due_day)


def _at_clock(day: date, found: re.Match[str], due: Due, moment: Moment) -> Due:
    """Returns the day at the time of the phrase, or at the local time of day of the due date."""
    part = found["part"] if "part" in found.re.groupindex else None
    words = f"{part or ''}{found['clock'] or ''}".strip()
    if words:
        rest, clock = split_clock(words)
        if rest or clock is None:
            raise ValueError(words)
        return moment.instant_of(day, clock.minutes[0])
    if isinstance(due, datetime):
        return datetime.combine(day, due.astimezone(moment.timezone).time(), moment.timezone).astimezone(UTC)
    return day
