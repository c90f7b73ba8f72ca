"""Parses phrases that move an existing due date: `by 2 days`, `a week later`, `to 4pm`, `friday`."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from todo_assistant.phrases.amounts import DURATION, SPAN, CalendarAmount, parse_duration, parse_span
from todo_assistant.phrases.clocks import Clock, next_instants, split_clock
from todo_assistant.phrases.dates import MAX_PHRASE_CHARACTERS, UnreadableDate, normalize_phrase, parse_date
from todo_assistant.phrases.moments import Due, Moment, local_day
from todo_assistant.phrases.patterns import Pattern
from todo_assistant.phrases.vocabulary import DAYS

_AMOUNT: Final = Pattern(
    rf"(?:(?:by|another|for|to) )*(?P<way>forwards?|ahead|back|up)?(?: ?by)? ?(?:another )?"
    rf"(?:(?P<span>{SPAN})|(?P<duration>{DURATION}))"
    r"(?: (?P<order>later|more|after|further|earlier|sooner|before|forwards?|ahead|back|up))?",
    re.ASCII,
)
"""Matches an amount without `in`: `by 2 days`, `forward a week`, `2 hours earlier`."""
_ANOTHER_UNIT: Final = Pattern(rf"\banother (?={DAYS}\b|hour\b)", re.ASCII)
"""Finds `another` before a unit without a number: `another week`."""
_FOLLOWING_DAY: Final = Pattern(r"(?:to )?(?:the )?(?:(?:next|following) day|day (?P<order>after|before))")
"""Matches words for the day beside the due date: `the next day`, `the day before`."""
_SKIPPED_WORDS: Final = Pattern(r"^(?:back )?to (?:the )?|(?:^| )(?:at )?(?:the )?same time(?: on|$| (?=\w))")
"""Finds words that change nothing: `to the` in `to the evening`, `same time` in `same time tomorrow`."""
_EARLIER: Final = frozenset({"earlier", "sooner", "before", "up"})
_TWO_WAYS: Final = frozenset({"forward", "forwards", "ahead", "back"})
"""Words that mean later to most people, and earlier to others."""


def move_due(phrase: str, due: Due | None, *, now: datetime, timezone: ZoneInfo) -> Sequence[Due]:
    """Returns the new due dates that a phrase may mean for a todo due at `due`, the likeliest first.

    Parts that the phrase does not name stay as they are, in local time:

    - An amount, such as `by 2 days`, counts from `due` if that is today or later, else from today.
      The time of day stays. Hours and minutes count from `due` if it lies ahead, else from now.
    - A time of day, such as `4pm`, keeps the day of `due` if that is today or later. Otherwise, it is the next one.
    - A day, such as `dec 16`, keeps the time of day of `due`. Today keeps it only if that time is not over.
    - `in 2 days` is such a day, and counts from today. A day with a time of day replaces `due`.

    Raises UnreadableDate for other phrases, and for `earlier` without a due date. Also raises it if hours are added to
    a later day without a time of day.
    """
    if len(phrase) > MAX_PHRASE_CHARACTERS:
        raise UnreadableDate(phrase)
    try:
        moment = Moment.at(now, timezone)
        readings = list(dict.fromkeys(_read(phrase, due, moment)))
    except (ValueError, OverflowError) as error:
        raise UnreadableDate(phrase) from error
    future = [reading for reading in readings if not moment.is_past(reading)]
    return future or readings


def _read(phrase: str, due: Due | None, moment: Moment) -> Iterable[Due]:
    words = " ".join(phrase.lower().replace(",", " ").split()).rstrip("!?.")
    words = _ANOTHER_UNIT.sub("1 ", words)
    if found := _FOLLOWING_DAY.fullmatch(words):
        return [_add_days(CalendarAmount(days=-1 if found["order"] == "before" else 1), due, moment)]
    if found := _AMOUNT.fullmatch(words):
        return _add_amount(found, due, moment)
    words = normalize_phrase(_SKIPPED_WORDS.sub("", words))
    day, clock = split_clock(words)
    if clock and not day:
        return _set_clock(clock, due, moment)
    readings = parse_date(words, now=moment.instant, timezone=moment.timezone)
    if clock is None and isinstance(due, datetime):
        return [_keep_clock(reading, due, moment) for reading in readings]
    return readings


def _add_amount(found: re.Match[str], due: Due | None, moment: Moment) -> list[Due]:
    """Returns the due date moved later, or earlier, or both for words such as `back` that mean either."""
    order = found["order"] or found["way"] or "later"
    is_earlier = order in _EARLIER
    if is_earlier and due is None:
        raise ValueError(found[0])
    if found["span"]:
        amount = parse_span(found["span"])
        signed = [-amount] if is_earlier else [amount, -amount] if order in _TWO_WAYS and due else [amount]
        return [_add_days(each, due, moment) for each in signed]
    duration = parse_duration(found["duration"])
    lengths = [-duration] if is_earlier else [duration, -duration] if order in _TWO_WAYS and due else [duration]
    return [_add_hours(each, due, moment) for each in lengths]


def _add_days(amount: CalendarAmount, due: Due | None, moment: Moment) -> Due:
    """Adds days to the due date, or to today if the due date is over or missing. The local time of day stays."""
    day = amount.after(max(local_day(due, moment.timezone), moment.today) if due else moment.today)
    return _at_clock_of(due, day, moment) if isinstance(due, datetime) else day


def _add_hours(duration: timedelta, due: Due | None, moment: Moment) -> datetime:
    """Adds hours to the due time, or to now if that is over. Raises ValueError for a later day without a time."""
    if isinstance(due, datetime):
        return max(due.astimezone(UTC), moment.instant) + duration
    if due and due > moment.today:
        raise ValueError(due)
    return moment.instant + duration


def _set_clock(clock: Clock, due: Due | None, moment: Moment) -> list[Due]:
    """Returns the day of the due date at a time of day; the next such time if that is over or has no day."""
    if due is None or local_day(due, moment.timezone) < moment.today:
        return [*next_instants(clock, moment)]
    instants = [moment.instant_of(local_day(due, moment.timezone), minutes) for minutes in clock.minutes]
    ahead = [instant for instant in instants if not moment.is_past(instant)]
    return [*(ahead or next_instants(clock, moment))]


def _keep_clock(reading: Due, due: datetime, moment: Moment) -> Due:
    """Returns the new day at the local time of day of the due time; the day alone if that time is over today."""
    if isinstance(reading, datetime):
        return reading
    instant = _at_clock_of(due, reading, moment)
    return reading if reading == moment.today and moment.is_past(instant) else instant


def _at_clock_of(due: datetime, day: date, moment: Moment) -> datetime:
    local = due.astimezone(moment.timezone)
    return datetime.combine(day, local.time().replace(fold=0), moment.timezone).astimezone(UTC)
