"""Parses spans of days in English phrases: `this week`, `next 7 days`, `between monday and friday`, `until dec 24`."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from todo_assistant.phrases.amounts import DURATION, SPAN, CalendarAmount, parse_duration, parse_span
from todo_assistant.phrases.dates import MAX_PHRASE_CHARACTERS, UnreadableDate, parse_date
from todo_assistant.phrases.languages.translation import translate_phrase
from todo_assistant.phrases.moments import Moment, local_day
from todo_assistant.phrases.months import add_months, first_day_of_month, last_day_of_month
from todo_assistant.phrases.patterns import Pattern
from todo_assistant.phrases.vocabulary import DAYS, MONTH, ORDINAL, WEEKDAY
from todo_assistant.phrases.weeks import monday_of

_ONE_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=6)
"""The time from the first day of a week to the last."""
_PERIODS_AHEAD: Final = {"this": 0, "current": 0, "next": 1, "following": 1, "last": -1, "previous": -1}
_MONTHS_OF_PERIOD: Final = {"month": 1, "quarter": 3, "year": 12}
_MONTHS_OF_QUARTER: Final = 3


@dataclass(frozen=True, slots=True)
class DaySpan:
    """The days from `first` to `last`, both included. None means that the span has no start, or no end."""

    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class _Reading:
    """The moment from which a phrase counts, and whether days without a year or week lie in the past."""

    moment: Moment
    is_past: bool

    @property
    def today(self) -> date:
        return self.moment.today


type _SpanParser = Callable[[re.Match[str], _Reading], DaySpan]


def parse_days_span(phrase: str, *, now: datetime, timezone: ZoneInfo, is_past: bool = False) -> DaySpan:
    """Returns the days that a phrase typed at `now` (aware) most likely means, in the time zone.

    A week is Monday to Sunday: `this week` includes its days before today. `next 7 days` are seven with today as the
    first, `last 7 days` seven with today as the last. `this weekend` is Saturday and Sunday. Any single day or instant
    that `parse_date` understands is a span of one day. `by friday` and `until friday` include the Friday and all days
    before, `before friday` does not; `after friday` and `since friday` have no end.

    With `is_past`, `friday`, `dec 3` and `december` are the latest ones that have begun, and not the coming ones.

    A phrase that is no English is read in one of the languages of `phrases.languages`: `diese Woche`.

    Raises UnreadableDate, also for more than 100 characters, and for a span that ends before it begins.
    """
    if len(phrase) > MAX_PHRASE_CHARACTERS:
        raise UnreadableDate(phrase)
    reading = _Reading(Moment.at(now, timezone), is_past)
    try:
        return _parse_english(phrase, reading)
    except UnreadableDate:
        for english in translate_phrase(phrase):
            with suppress(UnreadableDate):
                return _parse_english(english, reading)
        raise


def _parse_english(phrase: str, reading: _Reading) -> DaySpan:
    words = " ".join(phrase.lower().replace(",", " ").split()).rstrip("!?.")
    try:
        span = _parse_span(words, reading)
    except (ValueError, OverflowError) as error:
        raise UnreadableDate(phrase) from error
    if span.first and span.last and span.first > span.last:
        raise UnreadableDate(phrase)
    return span


def _parse_span(words: str, reading: _Reading) -> DaySpan:
    """Returns the span for words in lower case. Raises ValueError or OverflowError for words that are no span."""
    if leading := _LEADING_WORDS.match(words):
        words = words[leading.end() :]
    for pattern, parse in _SPAN_RULES:
        if found := pattern.fullmatch(words):
            return parse(found, reading)
    return _parse_day(words, reading)


def _parse_day(words: str, reading: _Reading) -> DaySpan:
    """Parses a single day or instant, such as `tomorrow`."""
    moment = _earlier(words, reading.moment) if reading.is_past else reading.moment
    due = parse_date(words, now=moment.instant, timezone=moment.timezone)[0]
    day = local_day(due, moment.timezone)
    return DaySpan(day, day)


def _earlier(words: str, moment: Moment) -> Moment:
    """Returns the moment from which the coming `friday`, `dec 3` or `the 3rd` is the latest one up to today."""
    for pattern, amount in _TIMES_BETWEEN:
        if pattern.fullmatch(words):
            return moment.on((-amount).after(moment.today))
    return moment


def _parse_between(found: re.Match[str], reading: _Reading) -> DaySpan:
    """Parses a span with a first and a last day. The last day counts from the first one if it would lie before."""
    if re.search(_TO, found[2], re.ASCII):
        raise ValueError(found[0])
    first = _parse_span(found[1], reading).first
    last = _parse_span(found[2], reading).last
    if first and last and last < first:
        last = _parse_span(found[2], _Reading(reading.moment.on(first), is_past=False)).last
    return DaySpan(first, last)


def _parse_between_numbers(found: re.Match[str], reading: _Reading) -> DaySpan:
    """Parses two days of the same month: `dec 24-31`, `24 to 31 december`."""
    month = found["month"]
    first = _parse_day(f"{month} {found['first']}", reading).first
    last = _parse_day(f"{month} {found['last']}", reading).last
    return DaySpan(first, last)


def _parse_until(found: re.Match[str], reading: _Reading) -> DaySpan:
    return DaySpan(None, _parse_span(found[1], reading).last)


def _parse_before(found: re.Match[str], reading: _Reading) -> DaySpan:
    first = _parse_span(found[1], reading).first
    return DaySpan(None, first - _ONE_DAY if first else None)


def _parse_after(found: re.Match[str], reading: _Reading) -> DaySpan:
    last = _parse_span(found[1], reading).last
    return DaySpan(last + _ONE_DAY if last else None, None)


def _parse_from(found: re.Match[str], reading: _Reading) -> DaySpan:
    return DaySpan(_parse_span(found[1] or found[2], reading).first, None)


def _parse_since(found: re.Match[str], reading: _Reading) -> DaySpan:
    return DaySpan(_parse_span(found[1], _Reading(reading.moment, is_past=True)).first, None)


def _parse_week(found: re.Match[str], reading: _Reading) -> DaySpan:
    return _week(reading.today, _PERIODS_AHEAD[found[1]])


def _week_after_next(_: re.Match[str], reading: _Reading) -> DaySpan:
    return _week(reading.today, 2)


def _week_before_last(_: re.Match[str], reading: _Reading) -> DaySpan:
    return _week(reading.today, -2)


def _week(today: date, weeks_ahead: int) -> DaySpan:
    monday = monday_of(today) + timedelta(weeks=weeks_ahead)
    return DaySpan(monday, monday + _WEEK)


def _parse_week_of(found: re.Match[str], reading: _Reading) -> DaySpan:
    """Parses the week of a day: `the week of dec 14`."""
    first = _parse_span(found[1], reading).first
    if first is None:
        raise ValueError(found[0])
    return _week(first, 0)


def _parse_weekend(found: re.Match[str], reading: _Reading) -> DaySpan:
    sunday = monday_of(reading.today) + _WEEK + timedelta(weeks=_PERIODS_AHEAD.get(found[1] or "this", 0))
    return DaySpan(sunday - _ONE_DAY, sunday)


def _parse_period(found: re.Match[str], reading: _Reading) -> DaySpan:
    """Parses a calendar month, quarter or year: `this month`, `next quarter`, `last year`."""
    months = _MONTHS_OF_PERIOD[found[2]]
    first = reading.today.replace(month=(reading.today.month - 1) // months * months + 1, day=1)
    return _months(add_months(first, _PERIODS_AHEAD[found[1]] * months), months)


def _parse_month(found: re.Match[str], reading: _Reading) -> DaySpan:
    """Parses a month by its name: the current one, the coming one, or the latest one of the past."""
    first = first_day_of_month(found[1], reading.today)
    if reading.is_past and first > reading.today and not re.search(r"\d", found[1]):
        first = add_months(first, -12)
    return _months(first, 1)


def _parse_quarter(found: re.Match[str], reading: _Reading) -> DaySpan:
    year = int(found[2] or reading.today.year)
    return _months(date(year, int(found[1]) * _MONTHS_OF_QUARTER - 2, 1), _MONTHS_OF_QUARTER)


def _parse_year(found: re.Match[str], _: _Reading) -> DaySpan:
    return _months(date(int(found[1]), 1, 1), 12)


def _months(first: date, count: int) -> DaySpan:
    return DaySpan(first, last_day_of_month(add_months(first, count - 1)))


def _parse_rest(found: re.Match[str], reading: _Reading) -> DaySpan:
    """Parses the days from today to the end of a period: `rest of the week`, `later this month`."""
    return DaySpan(reading.today, _parse_span(f"this {found[1] or found[2]}", reading).last)


def _parse_part_before_today(found: re.Match[str], reading: _Reading) -> DaySpan:
    """Parses the days from the start of a period to today: `earlier this week`, `so far this month`."""
    return DaySpan(_parse_span(f"this {found[1] or found[2]}", reading).first, reading.today)


def _parse_coming(found: re.Match[str], reading: _Reading) -> DaySpan:
    """Parses an amount of days from today on, today included: `next 7 days`, `coming week`."""
    return DaySpan(reading.today, _amount(found[1]).after(reading.today) - _ONE_DAY)


def _parse_within(found: re.Match[str], reading: _Reading) -> DaySpan:
    """Parses the days up to an amount from now: `within 2 weeks`."""
    return DaySpan(reading.today, parse_span(found[1]).after(reading.today))


def _parse_recent(found: re.Match[str], reading: _Reading) -> DaySpan:
    """Parses an amount of days up to today, today included: `last 7 days`, `past week`."""
    return DaySpan((-_amount(found[1])).after(reading.today) + _ONE_DAY, reading.today)


def _amount(words: str) -> CalendarAmount:
    """Returns an amount of days; a unit alone, such as `week`, is one of it."""
    return parse_span(f"1 {words}" if re.fullmatch(DAYS, words, re.ASCII) else words)


def _parse_coming_hours(found: re.Match[str], reading: _Reading) -> DaySpan:
    last = reading.moment.instant + parse_duration(found[1])
    return DaySpan(reading.today, last.astimezone(reading.moment.timezone).date())


def _parse_recent_hours(found: re.Match[str], reading: _Reading) -> DaySpan:
    first = reading.moment.instant - parse_duration(found[1])
    return DaySpan(first.astimezone(reading.moment.timezone).date(), reading.today)


_LEADING_WORDS: Final = Pattern(r"(?:(?:due|on|in|for|during|over|the|all of|all)(?::| )(?=.))*")
"""Matches words before a span that are skipped: `due in the` before `next 7 days`."""
_TIMES_BETWEEN: Final = (
    (Pattern(WEEKDAY, re.ASCII), CalendarAmount(days=7)),
    (Pattern(ORDINAL, re.ASCII), CalendarAmount(months=1, days=-1)),
    (
        Pattern(rf"{MONTH}\.? \d{{1,2}}(?:\D\D)?|\d{{1,2}}(?:\D\D)?(?: of)? {MONTH}|\d{{1,2}}[./]\d{{1,2}}\.?"),
        CalendarAmount(months=12, days=-1),
    ),
)
"""Patterns for days that recur, each with the time between two of them: a week, a month or a year."""
_NEXT: Final = r"(?:next|coming|following|upcoming|this coming)"
_PAST: Final = r"(?:last|past|previous|recent)"
_PERIOD: Final = r"(week|month|quarter|year)"
_TO: Final = r"(?: to | till? | until | through | thru | ?[\u2013\u2014] ?| - )"
_DAY_NUMBER: Final = r"\d{1,2}(?:st|nd|rd|th)?"
_FROM_NUMBER: Final = rf"(?P<first>{_DAY_NUMBER})(?:{_TO}| and |-)(?:the )?(?P<last>{_DAY_NUMBER})"
_SPAN_RULES: Final[Sequence[tuple[Pattern, _SpanParser]]] = tuple(
    (Pattern(pattern, re.ASCII), parse)
    for pattern, parse in (
        (rf"(?:from |between )?(?P<month>{MONTH})\.? (?:the )?{_FROM_NUMBER}", _parse_between_numbers),
        (rf"(?:from |between )?(?:the )?{_FROM_NUMBER}(?: of)? (?P<month>{MONTH})", _parse_between_numbers),
        (r"between (.+?) and (.+)", _parse_between),
        (rf"(?:from )?({WEEKDAY})-({WEEKDAY})", _parse_between),
        (rf"(?:from )?(.+?){_TO}(.+)", _parse_between),
        (r"(today|saturday|sat) (?:and|or|&) (tomorrow|sunday|sun)", _parse_between),
        (r"(?:until|till?|through|thru|up to|by|no later than) (.+)", _parse_until),
        (r"(?:before|earlier than) (.+)", _parse_before),
        (r"(?:after|later than) (.+)", _parse_after),
        (r"since (.+)", _parse_since),
        (r"(?:from|starting) (.+?)(?: on(?:wards?)?)?|(.+) onwards?", _parse_from),
        (r"(this|current|next|following|last|previous) week", _parse_week),
        (r"week after next", _week_after_next),
        (r"week before last", _week_before_last),
        (r"week (?:of|from) (.+)", _parse_week_of),
        (r"(?:(this|coming|this coming|next|last) )?weekend", _parse_weekend),
        (r"(this|current|next|following|last|previous) (month|quarter|year)", _parse_period),
        (rf"(?:(?:this|next|last|month of) )?({MONTH}(?: \d{{4}})?)", _parse_month),
        (r"q([1-4])(?: (\d{4}))?", _parse_quarter),
        (r"(?:year )?(\d{4})", _parse_year),
        (rf"(?:rest|remainder) of (?:the|this) {_PERIOD}|later this {_PERIOD}", _parse_rest),
        (rf"(?:earlier|so far) this {_PERIOD}|this {_PERIOD} so far", _parse_part_before_today),
        (rf"within (?:the )?(?:next )?({SPAN})", _parse_within),
        (rf"{_NEXT} ({SPAN}|{DAYS})", _parse_coming),
        (rf"(?:{_NEXT}|within) ({DURATION})", _parse_coming_hours),
        (rf"{_PAST} ({SPAN}|{DAYS})", _parse_recent),
        (rf"{_PAST} ({DURATION})", _parse_recent_hours),
    )
)
"""Patterns for a span, each with the function that parses a match. The first that matches is used."""
