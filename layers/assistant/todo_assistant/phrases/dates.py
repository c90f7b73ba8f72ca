"""Parses due dates and due times in English phrases such as "next friday at 5"."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from todo_assistant.phrases.amounts import DURATION, parse_duration
from todo_assistant.phrases.clocks import Clock, next_instants, split_clock
from todo_assistant.phrases.days import parse_days
from todo_assistant.phrases.languages.translation import translate_phrase
from todo_assistant.phrases.moments import Due, Moment
from todo_assistant.phrases.patterns import Pattern
from todo_assistant.phrases.quoting import quote_start

MAX_PHRASE_CHARACTERS: Final = 100
"""Longest phrase that is parsed, to bound the time."""
_MAX_QUOTED_CHARACTERS: Final = 40
"""An error quotes at most this many characters of the phrase that cannot be parsed."""

_ISO_TIME: Final = Pattern(r"\d{4}-\d\d-\d\d[t ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:z|[+-]\d\d:\d\d)?", re.ASCII)
"""Matches an ISO 8601 date and time in lower case: `2030-01-31t17:00z`."""
_FROM_NOW: Final = Pattern(rf"(?:in |within )?({DURATION})(?:'?s?'? time| from now)?", re.ASCII)
"""Matches a duration in hours and minutes from now: `in 2 hours 30 minutes`, `half an hour`."""
_LEADING_WORD: Final = Pattern(r"(?:due|on|by|before|until|till?|for|from)(?::| |$)")
"""Matches a word before a date that is skipped, since the date is the same without: `on friday`, `due: friday`."""


class UnreadableDate(ValueError):
    """The error for a phrase that is no date. Its message is shown to the user."""

    def __init__(self, phrase: str) -> None:
        super().__init__(
            f"{quote_start(phrase, _MAX_QUOTED_CHARACTERS)} is not a date that I understand. "
            'Try "tomorrow 5pm", "next friday", "in 2 weeks", "jan 3" or "2030-01-31".'
        )


def parse_date(phrase: str, *, now: datetime, timezone: ZoneInfo) -> list[Due]:
    """Returns the possible meanings of a phrase typed at `now` (aware): at least one, the likeliest first.

    Past readings are left out, unless all are past. `monday` on a Monday is first the next Monday, then today.
    `9am` is tomorrow's if 9:00 today is over; a date without a year is the next one, or today. Times of day are in
    `timezone` and returned in UTC; one that the clocks skip is moved forward. `03/04` is first read as March 4th in
    countries that write the month first, and as April 3rd elsewhere.

    A phrase that is no English is read in one of the languages of `phrases.languages`: `morgen um 17 Uhr`.

    Raises UnreadableDate, also for more than 100 characters and for days outside the years 1 to 9999.
    """
    if len(phrase) > MAX_PHRASE_CHARACTERS:
        raise UnreadableDate(phrase)
    try:
        return _parse_english(phrase, now, timezone)
    except UnreadableDate:
        for english in translate_phrase(phrase):
            with suppress(UnreadableDate):
                return _parse_english(english, now, timezone)
        raise


def _parse_english(phrase: str, now: datetime, timezone: ZoneInfo) -> list[Due]:
    try:
        moment = Moment.at(now, timezone)
        readings = list(dict.fromkeys(_parse_readings(normalize_phrase(phrase), moment)))
        future = [reading for reading in readings if not moment.is_past(reading)]
    except (ValueError, OverflowError) as error:  # February 30th, 13pm, or a year out of range.
        raise UnreadableDate(phrase) from error
    if not readings:
        raise UnreadableDate(phrase)
    return future or readings


def normalize_phrase(phrase: str) -> str:
    """Returns the phrase in lower case, with single spaces, without commas, final `!` or `?`, and leading `on`."""
    words = " ".join(phrase.lower().replace(",", " ").split()).rstrip("!?")
    while leading := _LEADING_WORD.match(words):
        words = words[leading.end() :].lstrip()
    return words


def _parse_readings(words: str, moment: Moment) -> Iterable[Due]:
    if _ISO_TIME.fullmatch(words):
        return [_parse_iso_time(words, moment)]
    if duration := _FROM_NOW.fullmatch(words):
        return [moment.instant + parse_duration(duration[1])]
    day, clock = split_clock(words)
    if clock is None:
        return parse_days(day, moment)
    if not day:
        return next_instants(clock, moment)
    return _combine(parse_days(day, moment), clock, moment)


def _parse_iso_time(words: str, moment: Moment) -> datetime:
    parsed = datetime.fromisoformat(words.upper())
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=moment.timezone)).astimezone(UTC)


def _combine(days: Iterable[date], clock: Clock, moment: Moment) -> Iterator[Due]:
    """Yields each day at each possible time, as instants: two for `friday at 5`.

    Yields the day without a time for a part of today that is over, such as `this morning` at noon.
    """
    for day in days:
        for minutes in clock.minutes:
            instant = moment.instant_of(day, minutes)
            is_over = clock.is_vague and day == moment.today and moment.is_past(instant)
            yield day if is_over else instant
