"""Parses English phrases such as "every other friday until june" to recurrence rules.

The library `recurrent` is not used, because its date parser takes most words for a date.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from todo_assistant.phrases.dates import parse_date
from todo_assistant.phrases.frequencies import exclude_days, parse_frequency, parse_number
from todo_assistant.phrases.languages.translation import translate_phrase
from todo_assistant.phrases.moments import Due, local_day
from todo_assistant.phrases.patterns import Pattern
from todo_assistant.phrases.quoting import quote_start
from todo_assistant.phrases.rule_parts import RuleParts, format_rule
from todo_assistant.phrases.vocabulary import (
    ADVERB,
    CLOCK,
    COUNT,
    DAYS,
    DIGITAL,
    EACH,
    EXCEPT,
    HOUR,
    PART,
    PLURAL,
    SPOKEN_HOUR,
    TOLD_HOUR,
    WEEKDAY_PARTS,
)
from todo_core.todos.model import RecurrenceFrom
from todo_core.todos.recurrence import next_occurrence

_MAX_PHRASE_CHARACTERS: Final = 150
_MAX_QUOTED_CHARACTERS: Final = 60
"""An error quotes at most this many characters of the phrase that cannot be parsed."""
_UTC: Final = ZoneInfo("UTC")

RECURRENCE_START: Final = (
    rf"(?:{EACH}|{ADVERB}|(?:on )?(?:{PLURAL}|{WEEKDAY_PARTS}|(?:week|work) ?days|weekends))(?!\w)"
)
"""Matches the first words of a recurrence: `every`, `mondays`. Does not match `the last day of every month`."""
_RECURRENCE: Final = Pattern(rf"(?:on )?{RECURRENCE_START}|.* of (?:the month )?{EACH} ", re.IGNORECASE | re.ASCII)
"""Matches the start of any recurrence, to distinguish it from a date: `every day`, `the last day of every month`."""
_CLAUSE_BREAK: Final = Pattern(
    r"(?<!except)(?<!but)(?<!apart) (?=(?:starting|beginning|from|until|till?|ending|through|for)\b"
    rf"|(?:at|around|by|before|in the {PART})\b|@|{EXCEPT}\b)"
)
"""Matches the space before each clause after the first, to split the phrase: `every day | at 9am | until june`."""
_EVERY_FROM_COMPLETION: Final = Pattern(r"^(?:every|ev)! ")
"""Finds the beginning of a recurrence that counts from the completion: `every! 3 days`."""
_AFTER_COMPLETION: Final = Pattern(
    r" (?:after|from|since) (?:(?:its|the|each|last|the last) )?completion(?!\w)", re.ASCII
)
"""Finds words that count a recurrence from the completion: `every 3 days after completion`."""
_REPEAT_COUNT: Final = Pattern(rf" (?:for )?({COUNT}) (?:times|occurrences)$", re.ASCII)
"""Finds the number of occurrences at the end of a phrase: `every monday 10 times`."""
_CLOCK_LAST: Final = Pattern(rf"(.+?) ((?:in the |at )?{PART}|{CLOCK}|{DIGITAL}|{TOLD_HOUR})", re.ASCII)
"""Matches a frequency and the time of day after it: `every weekday 9am`, `every day in the morning`."""
_EVERY_PART_OF_DAY: Final = Pattern(rf"((?:{EACH})(?: (?:other|2nd|second))?) ({PART})s?\b(?! of\b)", re.ASCII)
"""Matches the start of `every morning at 6`, which is then parsed as `every day morning at 6`."""
_EXCEPTION: Final = Pattern(rf"{EXCEPT} (.+)", re.ASCII)
"""Matches a clause with the days on which a recurrence does not occur: `except sunday`."""
_AT_CLOCK: Final = Pattern(
    rf"(?:(?:at|around|by|before) |@ ?)({CLOCK}|{HOUR}|{SPOKEN_HOUR}|{PART})(?: ({PART}))?|in the ({PART})", re.ASCII
)
"""Matches a clause that is a time of day: `at 9am`, `by 5`, `@ noon`, `in the morning`."""


class UnreadableRecurrence(ValueError):
    """The error for a phrase that is no recurrence. Its message is shown to the user."""

    def __init__(self, phrase: str, reason: str = "is not a recurrence that I understand") -> None:
        super().__init__(
            f"{quote_start(phrase, _MAX_QUOTED_CHARACTERS)} {reason}. "
            'Try "every day at 9am", "every other monday", "every 2nd tuesday", "every month on the 1st" '
            'or "every 3 months until june".'
        )


@dataclass(frozen=True, slots=True)
class ParsedRecurrence:
    """A recurrence rule and the due date of its first occurrence.

    `counts_from` is the start of the rule for the later occurrences: the due date, or the completion.
    """

    rule: str
    due: Due
    counts_from: RecurrenceFrom = "due"


@dataclass(frozen=True, slots=True)
class _Clauses:
    """The parsed clauses of a recurrence phrase.

    COUNT in `parts` excludes `until` and `span`. If both of these are given, only `span` counts.
    """

    parts: RuleParts
    clock: time | None = None
    start: Due | None = None
    until: date | None = None
    span: str | None = None
    """The time from the first due date to the end of the recurrence, as typed: `6 weeks`."""


def is_recurrence_phrase(phrase: str) -> bool:
    """Returns whether a phrase begins like a recurrence: it is then parsed as a recurrence and not as a date."""
    return _RECURRENCE.match(phrase) is not None


def parse_recurrence(phrase: str, *, now: datetime, timezone: ZoneInfo, start: Due | None = None) -> ParsedRecurrence:
    """Returns the recurrence rule of a phrase typed at `now` (aware), and its first due date.

    The first due date is the first occurrence on or after the start: a start in the phrase, else `start`, else today.
    A time of day that is over today moves the default start to tomorrow. The time of day comes from the phrase, else
    from the start. A rule without named days, such as `every 3 months`, begins on the start day.

    A phrase that is no English is read in one of the languages of `phrases.languages`: `jeden Montag`.

    Raises UnreadableRecurrence, also for more than 150 characters.
    """
    if len(phrase) > _MAX_PHRASE_CHARACTERS:
        raise UnreadableRecurrence(phrase)
    try:
        return _parse_english(phrase, now, timezone, start)
    except UnreadableRecurrence:
        for english in translate_phrase(phrase):
            with suppress(UnreadableRecurrence):
                return _parse_english(english, now, timezone, start)
        raise


def _parse_english(phrase: str, now: datetime, timezone: ZoneInfo, start: Due | None) -> ParsedRecurrence:
    words, counts_from = _take_start(_normalize(phrase))
    try:
        clauses = _parse_clauses(words, now, timezone)
        due = _first_due(clauses, now, timezone, clauses.start or start)
        parts = _add_end(clauses, due, timezone)
    except (ValueError, OverflowError) as error:
        raise UnreadableRecurrence(phrase) from error
    if parts.get("UNTIL") and date.fromisoformat(parts["UNTIL"]) < local_day(due, timezone):
        raise UnreadableRecurrence(phrase, "would end before it begins")
    return ParsedRecurrence(format_rule(parts), due, counts_from)


def _normalize(phrase: str) -> str:
    words = " ".join(phrase.lower().replace(",", " ").replace("&", " and ").split())
    words = re.sub(r"(?<=[a-z])/(?=[a-z])", " and ", words)
    words = re.sub(rf"{WEEKDAY_PARTS}(?!\w)", lambda found: found[0][:-1].replace("day ", "days "), words)
    return words.removeprefix("on ").removeprefix("repeat ").rstrip(".!")


def _take_start(words: str) -> tuple[str, RecurrenceFrom]:
    """Returns a recurrence as it is without words such as `every!`, and from where it counts."""
    plain = _AFTER_COMPLETION.sub("", _EVERY_FROM_COMPLETION.sub("every ", words))
    return plain, "due" if plain == words else "completion"


def _parse_clauses(words: str, now: datetime, timezone: ZoneInfo) -> _Clauses:
    """Splits a recurrence phrase into its clauses and parses them.

    Raises ValueError for a clause that is no time of day, start, end or length.
    Also raises it for `10 times` together with an end or a length.
    """
    repeat_count = _REPEAT_COUNT.search(words)
    if repeat_count:
        words = words[: repeat_count.start()]
    words = _EVERY_PART_OF_DAY.sub(r"\1 day \2", words.replace("nightly", "every night"))
    frequency, *clauses = _CLAUSE_BREAK.split(words)
    start = until = span = excluded = None
    frequency, clock_words = _split_clocks(frequency)
    for clause in clauses:
        keyword, _, rest = clause.partition(" ")
        if at_clock := _AT_CLOCK.fullmatch(clause):
            clock_words.append(f"at {' '.join(filter(None, at_clock.groups()))}")
        elif exception := _EXCEPTION.fullmatch(clause):
            excluded = exception[1]
        elif keyword in {"starting", "beginning", "from"}:
            start = parse_date(rest, now=now, timezone=timezone)[0]
        elif keyword in {"until", "till", "til", "ending", "through"}:
            until = local_day(_parse_until(rest, now, timezone), timezone)
        elif keyword == "for" and re.fullmatch(rf"{COUNT} {DAYS}", rest, re.ASCII):
            span = rest
        else:
            raise ValueError(clause)
    if repeat_count and (until or span):
        raise ValueError(words)
    parts = _parse_days(frequency, excluded) | _count_part(repeat_count)
    return _Clauses(parts, _parse_clock(" ".join(clock_words)), start, until, span)


def _parse_days(frequency: str, excluded: str | None) -> RuleParts:
    """Returns the rule parts of a frequency without the excluded days, such as `sunday`, if there are any."""
    parts = parse_frequency(frequency)
    return exclude_days(parts, excluded) if excluded else parts


def _count_part(repeat_count: re.Match[str] | None) -> RuleParts:
    return {"COUNT": str(parse_number(repeat_count[1]))} if repeat_count else {}


def _split_clocks(frequency: str) -> tuple[str, list[str]]:
    """Splits `every friday night 8pm` into the frequency and the words for the time of day, which may be several."""
    clocks: list[str] = []
    while clock_last := _CLOCK_LAST.fullmatch(frequency):
        frequency = clock_last[1]
        clocks.insert(0, clock_last[2])
    return frequency, clocks


def _parse_until(words: str, now: datetime, timezone: ZoneInfo) -> Due:
    """Returns the last date of a recurrence, from the words after `until`. A year alone means its January 1st."""
    if re.fullmatch(r"\d{4}", words, re.ASCII):
        return date(int(words), 1, 1)
    return parse_date(words, now=now, timezone=timezone)[0]


def _parse_clock(words: str) -> time | None:
    """Returns the time of day in a phrase, such as 9:00 for `9am`, or None for no words.

    Raises ValueError for words without a time of day.
    """
    if not words:
        return None
    # Parsed in UTC, where clocks skip no time, so 2:30 is not moved forward.
    midnight = datetime(2000, 1, 1, tzinfo=UTC)
    due = parse_date(words, now=midnight, timezone=_UTC)[0]
    if not isinstance(due, datetime):
        raise ValueError(words)  # noqa: TRY004 - an unreadable phrase, not a wrong type
    return due.time()


def _first_due(clauses: _Clauses, now: datetime, timezone: ZoneInfo, start: Due | None) -> Due:
    """Returns the first occurrence on or after `start`.

    Without a start, returns the first one after now, or from today if it has no time of day.
    """
    today = now.astimezone(timezone).date()
    clock = clauses.clock
    if clock is None and isinstance(start, datetime):
        clock = start.astimezone(timezone).time()
    day = _first_day(clauses.parts, local_day(start, timezone) if start else today)
    if clock is None:
        return day
    due = _to_instant(day, clock, timezone)
    if start is None and due <= now:
        due = _to_instant(_first_day(clauses.parts, today + timedelta(days=1)), clock, timezone)
    return due


def _first_day(parts: RuleParts, start: date) -> date:
    """Returns the first day of the rule on or after `start`. For a rule without named days, that is `start`."""
    if parts.keys() <= {"FREQ", "INTERVAL", "COUNT"}:
        return start
    # INTERVAL is left out: counted from the day before `start`, it could skip the first day that matches.
    rule = format_rule({name: value for name, value in parts.items() if name not in {"INTERVAL", "COUNT"}})
    found = next_occurrence(rule, start - timedelta(days=1), _UTC)
    if found is None:
        raise ValueError(rule)
    return found.due


def _add_end(clauses: _Clauses, due: Due, timezone: ZoneInfo) -> RuleParts:
    """Returns the rule parts with UNTIL, if the phrase has an end date or a length.

    `for 6 weeks` ends on the last day of the six weeks that begin with the first due date.
    """
    until = clauses.until
    if clauses.span:
        first = datetime.combine(local_day(due, timezone), time(), UTC)
        day_after = parse_date(f"in {clauses.span}", now=first, timezone=_UTC)[0]
        until = local_day(day_after, _UTC) - timedelta(days=1)
    return clauses.parts | ({"UNTIL": f"{until:%Y%m%d}"} if until else {})


def _to_instant(day: date, clock: time, timezone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, timezone).astimezone(UTC)
