"""What a person means by "every other friday until june": rules of recurrence from English phrases, and rules in words.

Read here, because `recurrent`, the library for it, stands on an old reader of dates that takes most words for one.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from todo_assistant.phrases import dates
from todo_assistant.phrases.dates import CLOCK, COUNT, DAYS, DIGITAL, HOUR, MONTH, PART, WEEKDAY, Due
from todo_core.todos.recurrence import next_occurrence

_MAX_LENGTH: Final = 150
_SHOWN: Final = 60
"""So many characters of an unreadable phrase are repeated in the error."""

EACH: Final = r"(?:every|each|ev\.?)(?: single)?"
ADVERB: Final = (
    r"(?:daily|weekly|bi-?weekly|fortnightly|monthly|quarterly|yearly|annually"
    r"|once (?:a|per) (?:day|week|month|year)|twice (?:a|per) year)"
)
PLURAL: Final = r"(?:mondays|tuesdays|wednesdays|thursdays|fridays|saturdays|sundays)"
NTH: Final = r"(?:first|second|third|fourth|fifth|last|[1-5](?:st|nd|rd|th))"

SAYS_HOW_OFTEN: Final = rf"(?:{EACH}|{ADVERB}|(?:on )?{PLURAL}|on (?:week|work) ?days)(?!\w)"
"""How a phrase begins that `resolve` may read, if it is not one of a month: `the last day of every month`."""
_LIKELY: Final = re.compile(rf"{SAYS_HOW_OFTEN}|.* of {EACH} ", re.IGNORECASE | re.ASCII)

_UNITS: Final = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY", "year": "YEARLY"}
_ADVERBS: Final = {
    "daily": ("DAILY", 1),
    "weekly": ("WEEKLY", 1),
    "biweekly": ("WEEKLY", 2),
    "fortnightly": ("WEEKLY", 2),
    "monthly": ("MONTHLY", 1),
    "quarterly": ("MONTHLY", 3),
    "yearly": ("YEARLY", 1),
    "annually": ("YEARLY", 1),
}
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WORKDAYS: Final = ",".join(_WEEKDAYS[:5])
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NTHS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1}
_INTERVALS: Final = {"other": 2, "2nd": 2, "3rd": 3} | {word: nth for word, nth in _NTHS.items() if nth > 1}
_ORDER: Final = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS")

type _Parts = dict[str, str]


class UnreadableRecurrence(ValueError):
    """Its message is a sentence for the person who typed the phrase."""

    def __init__(self, phrase: str, why: str = "is not a recurrence that I understand") -> None:
        shown = "".join(character if character.isprintable() else "?" for character in phrase[:_SHOWN])
        more = "…" if len(phrase) > _SHOWN else ""
        super().__init__(
            f'"{shown}{more}" {why}. Try "every day at 9am", "every other monday", "every 2nd tuesday", '
            '"every month on the 1st" or "every 3 months until june".'
        )


def is_likely(phrase: str) -> bool:
    """Whether a phrase is one for `resolve`, rather than a date."""
    return _LIKELY.match(phrase) is not None


@dataclass(frozen=True, slots=True)
class Recurring:
    """A rule of recurrence, and its first due."""

    rule: str
    due: Due


def resolve(phrase: str, *, now: datetime, timezone: ZoneInfo, start: Due | None = None) -> Recurring:
    """What a phrase means when it is said at `now` (aware) in a zone.

    The first due is the first occurrence from `start` on, or from now on. A time of the day comes from the phrase, or
    else from `start`. What says no day (`every 3 months`) begins with the day it is counted from.

    Raises UnreadableRecurrence, also for anything above 150 characters.
    """
    if len(phrase) > _MAX_LENGTH:
        raise UnreadableRecurrence(phrase)
    try:
        said = _said(_normal(phrase), now, timezone)
        due = _first_due(said, now, timezone, said.start or start)
        rule = _with_end(said, due, timezone)
    except (ValueError, OverflowError) as error:
        raise UnreadableRecurrence(phrase) from error
    if rule.get("UNTIL") and date.fromisoformat(rule["UNTIL"]) < _day(due, timezone):
        raise UnreadableRecurrence(phrase, "would end before it begins")
    return Recurring(_written(rule), due)


@dataclass(frozen=True, slots=True)
class _Said:
    parts: _Parts
    clock: time | None = None
    start: Due | None = None
    until: date | None = None
    span: str | None = None
    """For how long, as `6 weeks`."""


# When it is due first, and when it ends


def _first_due(said: _Said, now: datetime, timezone: ZoneInfo, start: Due | None) -> Due:
    today = now.astimezone(timezone).date()
    clock = said.clock
    if clock is None and isinstance(start, datetime):
        clock = start.astimezone(timezone).time()
    day = _first_day(said.parts, _day(start, timezone) if start else today)
    if clock is None:
        return day
    due = _instant(day, clock, timezone)
    if start is None and due <= now:
        due = _instant(_first_day(said.parts, today + timedelta(days=1)), clock, timezone)
    return due


def _first_day(parts: _Parts, base: date) -> date:
    """The first day from a day on that a rule names: the day itself if it names none."""
    if parts.keys() <= {"FREQ", "INTERVAL", "COUNT"}:
        return base
    named = _written({name: value for name, value in parts.items() if name not in {"INTERVAL", "COUNT"}})
    found = next_occurrence(named, base - timedelta(days=1), ZoneInfo("UTC"))
    if found is None:
        raise ValueError(named)
    return found.due


def _with_end(said: _Said, due: Due, timezone: ZoneInfo) -> _Parts:
    until = said.until
    if said.span:
        first = datetime.combine(_day(due, timezone), time(), UTC)
        after = dates.resolve(f"in {said.span}", now=first, timezone=ZoneInfo("UTC"))[0]
        until = _day(after, ZoneInfo("UTC")) - timedelta(days=1)
    return said.parts | ({"UNTIL": f"{until:%Y%m%d}"} if until else {})


def _day(due: Due, timezone: ZoneInfo) -> date:
    return due.astimezone(timezone).date() if isinstance(due, datetime) else due


def _instant(day: date, clock: time, timezone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, timezone).astimezone(UTC)


def _written(parts: _Parts) -> str:
    return ";".join(f"{name}={parts[name]}" for name in _ORDER if name in parts)


# What is said

_PIECES: Final = re.compile(r" (?=(?:starting|beginning|from|until|till?|ending|through|for|at|@)\b|@)")
_TIMES: Final = re.compile(rf" (?:for )?({COUNT}) (?:times|occurrences)$", re.ASCII)
_CLOCK_LAST: Final = re.compile(rf"(.+?) ((?:in the |at )?{PART}|{CLOCK}|{DIGITAL})", re.ASCII)
_PART_OF_EACH_DAY: Final = re.compile(rf"({EACH}) ({PART})", re.ASCII)
_AT: Final = re.compile(rf"(?:at |@ ?)({CLOCK}|{HOUR}|{PART})", re.ASCII)


def _normal(phrase: str) -> str:
    words = " ".join(phrase.lower().replace(",", " ").replace("&", " and ").split())
    return words.removeprefix("on ").removeprefix("repeat ").rstrip(".!")


def _said(words: str, now: datetime, timezone: ZoneInfo) -> _Said:
    counted = _TIMES.search(words)
    if counted:
        words = words[: counted.start()]
    if part := _PART_OF_EACH_DAY.fullmatch(words):
        words = f"{part[1]} day {part[2]}"
    core, *pieces = _PIECES.split(words)
    clock = start = until = span = None
    if timed := _CLOCK_LAST.fullmatch(core):
        core, clock = timed[1], _clock(timed[2])
    for piece in pieces:
        keyword, _, rest = piece.partition(" ")
        if at := _AT.fullmatch(piece):
            clock = _clock(f"at {at[1]}")
        elif keyword in {"starting", "beginning", "from"}:
            start = dates.resolve(rest, now=now, timezone=timezone)[0]
        elif keyword in {"until", "till", "til", "ending", "through"}:
            until = _day(_last(rest, now, timezone), timezone)
        elif keyword == "for" and re.fullmatch(rf"{COUNT} {DAYS}", rest, re.ASCII):
            span = rest
        else:
            raise ValueError(piece)
    parts = _parts(core) | ({"COUNT": str(_number(counted[1]))} if counted else {})
    if counted and (until or span):
        raise ValueError(words)
    return _Said(parts, clock, start, until, span)


def _last(words: str, now: datetime, timezone: ZoneInfo) -> Due:
    if re.fullmatch(r"\d{4}", words, re.ASCII):
        return date(int(words), 1, 1)
    return dates.resolve(words, now=now, timezone=timezone)[0]


def _clock(words: str) -> time:
    """The time on the wall, whatever the day: in a zone that never skips any."""
    midnight = datetime(2000, 1, 1, tzinfo=UTC)
    due = dates.resolve(words, now=midnight, timezone=ZoneInfo("UTC"))[0]
    if not isinstance(due, datetime):
        raise ValueError(words)  # noqa: TRY004 - a phrase that cannot be read, not a wrong type
    return due.time()


# Which days

_A_COUNT: Final = r"other|second|third|fourth|fifth|[2-5](?:st|nd|rd|th)"
_EVERY: Final = re.compile(
    rf"(?:{EACH}) (?:(?P<interval>{_A_COUNT}|{COUNT}) )?"
    r"(?P<unit>days?|weeks?|fortnights?|months?|quarters?|years?|(?:week|work) ?days?|weekends?)"
    r"(?: (?:on )?(?P<on>.+))?",
    re.ASCII,
)
_ADVERBIAL: Final = re.compile(rf"(?P<adverb>{ADVERB})(?: on (?P<on>.+))?", re.ASCII)
_EVERY_ON: Final = re.compile(
    rf"(?:{EACH}) (?P<other>other )?(?P<on>.+?)(?: (?:of|in) (?:the|every|each|a) month)?", re.ASCII
)
_ON_OF_EVERY: Final = re.compile(
    rf"(?:on |at )?(?P<on>.+) of {EACH} (?:(?P<interval>{_A_COUNT}|{COUNT}) )?months?", re.ASCII
)


def _parts(core: str) -> _Parts:
    """The parts of the rule, without its end. Raises ValueError."""
    if (found := _EVERY.fullmatch(core)) and (parts := _of_unit(found["unit"], found["interval"], found["on"])):
        return parts
    if found := _ADVERBIAL.fullmatch(core):
        return _of_adverb(found["adverb"], found["on"])
    if found := _ON_OF_EVERY.fullmatch(core):
        return _merged({"FREQ": "MONTHLY"} | _every(found["interval"]), _named(found["on"]))
    if found := _EVERY_ON.fullmatch(core):
        named = _named(found["on"])
        if found["other"] and named["FREQ"] != "WEEKLY":
            raise ValueError(core)
        return named | ({"INTERVAL": "2"} if found["other"] else {})
    if re.fullmatch(r"(?:week|work) ?days", core):
        return {"FREQ": "WEEKLY", "BYDAY": _WORKDAYS}
    if re.fullmatch(rf"{PLURAL}(?: (?:and )?(?:on )?{PLURAL})*", core):
        return _named(core)
    raise ValueError(core)


def _of_unit(unit: str, interval: str | None, on: str | None) -> _Parts | None:
    """None where the words mean something else, as in `every 2nd tuesday`."""
    unit = unit.replace(" ", "").removesuffix("s")
    if unit in {"weekday", "workday", "weekend"}:
        if interval or on:
            return None
        return {"FREQ": "WEEKLY", "BYDAY": "SA" if unit == "weekend" else _WORKDAYS}
    times = _number(interval) if interval else 1
    base = {"fortnight": ("WEEKLY", 2), "quarter": ("MONTHLY", 3)}.get(unit) or (_UNITS[unit], 1)
    parts = {"FREQ": base[0]} | _interval(base[1] * times)
    return _merged(parts, _named(on)) if on else parts


def _of_adverb(adverb: str, on: str | None) -> _Parts:
    often, _, unit = adverb.rpartition(" ")
    if often.startswith("twice"):
        frequency, interval = "MONTHLY", 6
    else:
        frequency, interval = (_UNITS[unit], 1) if often else _ADVERBS[adverb.replace("-", "")]
    parts = {"FREQ": frequency} | _interval(interval)
    return _merged(parts, _named(on)) if on else parts


def _merged(parts: _Parts, named: _Parts) -> _Parts:
    """The days of a unit. `every year on the 1st` is said of no month, so it is not understood."""
    if named["FREQ"] != parts["FREQ"]:
        raise ValueError(named)
    return parts | named


def _every(interval: str | None) -> _Parts:
    return _interval(_number(interval)) if interval else {}


def _interval(count: int) -> _Parts:
    if not 1 <= count <= 999:  # noqa: PLR2004 - what RecurrenceRule takes
        raise ValueError(count)
    return {"INTERVAL": str(count)} if count > 1 else {}


def _number(words: str) -> int:
    if words in _INTERVALS:
        return _INTERVALS[words]
    if found := re.fullmatch(r"(\d{1,4})(?:st|nd|rd|th)?", words, re.ASCII):
        return int(found[1])
    return dates.counted(words)


_AND: Final = rf"(?: and)?(?: (?:{EACH}|on))?(?: the)? "
_NTH_AND: Final = rf"{NTH}(?:{_AND}{NTH})*"
_MONTH_DAY: Final = r"\d{1,2}(?:st|nd|rd|th)?"
_ON_WEEKDAYS: Final = re.compile(rf"{WEEKDAY}s?(?:{_AND}{WEEKDAY}s?)*", re.ASCII)
_FROM_TO: Final = re.compile(rf"({WEEKDAY})(?: to | ?[-\u2013] ?| through )({WEEKDAY})", re.ASCII)
_ON_NTHS: Final = re.compile(rf"(?:the )?{NTH} {WEEKDAY}(?:{_AND}{NTH} {WEEKDAY})+", re.ASCII)
_ON_NTH: Final = re.compile(rf"(?:the )?({_NTH_AND}) (?:({WEEKDAY})|(day)|((?:week|work) ?day))", re.ASCII)
_ON_DAYS: Final = re.compile(
    rf"(?:the )?(?:first|\d{{1,2}}(?:st|nd|rd|th)(?:{_AND}\d{{1,2}}(?:st|nd|rd|th))*)", re.ASCII
)
_ON_END: Final = re.compile(r"(?:the )?(?:end|last)(?: of month)?", re.ASCII)
_ON_DATE: Final = re.compile(
    rf"(?:the )?(?:({MONTH}) (?:the )?({_MONTH_DAY})|({_MONTH_DAY})(?: of)? ({MONTH}))", re.ASCII
)
_ON_MONTHS: Final = re.compile(rf"{MONTH}(?:{_AND}{MONTH})*", re.ASCII)


def _named(on: str) -> _Parts:
    """The days that words name, with the frequency that is natural to them. Raises ValueError."""
    for pattern, read in _NAMES:
        if found := pattern.fullmatch(on):
            return read(found)
    raise ValueError(on)


def _weekdays(found: re.Match[str]) -> _Parts:
    return {"FREQ": "WEEKLY", "BYDAY": _list(_weekday(each) for each in re.findall(WEEKDAY, found[0], re.ASCII))}


def _from_to(found: re.Match[str]) -> _Parts:
    first, last = (_WEEKDAYS.index(_weekday(found[group])) for group in (1, 2))
    span = (_WEEKDAYS * 2)[first : (last if last >= first else last + 7) + 1]
    return {"FREQ": "WEEKLY", "BYDAY": _list(span)}


def _nths(found: re.Match[str]) -> _Parts:
    days = re.findall(rf"({NTH}) ({WEEKDAY})", found[0], re.ASCII)
    return {"FREQ": "MONTHLY", "BYDAY": _list(f"{_NTHS.get(nth) or nth[0]}{_weekday(day)}" for nth, day in days)}


def _nth(found: re.Match[str]) -> _Parts:
    nths = [_NTHS.get(each) or int(each[0]) for each in re.findall(NTH, found[1], re.ASCII)]
    if found[2]:
        return {"FREQ": "MONTHLY", "BYDAY": _list(f"{nth}{_weekday(found[2])}" for nth in nths)}
    if found[3]:
        return {"FREQ": "MONTHLY", "BYMONTHDAY": _list(map(str, nths))}
    return {"FREQ": "MONTHLY", "BYDAY": _WORKDAYS, "BYSETPOS": _list(map(str, nths))}


def _month_days(found: re.Match[str]) -> _Parts:
    days = [_in_range(int(each), 31) for each in re.findall(r"\d+", found[0], re.ASCII)] or [1]
    return {"FREQ": "MONTHLY", "BYMONTHDAY": _list(map(str, days))}


def _end_of_month(_: re.Match[str]) -> _Parts:
    return {"FREQ": "MONTHLY", "BYMONTHDAY": "-1"}


def _date(found: re.Match[str]) -> _Parts:
    month, day = (found[1], found[2]) if found[1] else (found[4], found[3])
    number = _in_range(int(re.sub(r"\D", "", day)), 31)
    of_month = _MONTHS.index(month[:3]) + 1
    date(2000, of_month, number)  # Raises for the 30th of February.
    return {"FREQ": "YEARLY", "BYMONTH": str(of_month), "BYMONTHDAY": str(number)}


def _months(found: re.Match[str]) -> _Parts:
    months = [str(_MONTHS.index(each[:3]) + 1) for each in re.findall(MONTH, found[0], re.ASCII)]
    return {"FREQ": "YEARLY", "BYMONTH": _list(months), "BYMONTHDAY": "1"}


_NAMES: Final[Sequence[tuple[re.Pattern[str], Callable[[re.Match[str]], _Parts]]]] = (
    (_ON_WEEKDAYS, _weekdays),
    (_FROM_TO, _from_to),
    (_ON_NTH, _nth),
    (_ON_NTHS, _nths),
    (_ON_DAYS, _month_days),
    (_ON_END, _end_of_month),
    (_ON_DATE, _date),
    (_ON_MONTHS, _months),
)


def _list(items: Iterable[str]) -> str:
    return ",".join(dict.fromkeys(items))


def _weekday(words: str) -> str:
    return words[:2].upper()


def _in_range(number: int, most: int) -> int:
    if not 1 <= number <= most:
        raise ValueError(number)
    return number


# Rules in words

_NAMED_UNITS: Final = {frequency: unit for unit, frequency in _UNITS.items()}
_WEEKDAY_NAMES: Final = {short: f"{date(2001, 1, day):%A}" for day, short in enumerate(_WEEKDAYS, start=1)}
_NTH_NAMES: Final = {nth: word for word, nth in _NTHS.items()}


def in_words(rule: str) -> str:
    """A rule of recurrence as a person says it; most of what this says `resolve` reads. Else the rule itself."""
    parts = dict(part.split("=") for part in rule.split(";"))
    try:
        days = _days_in_words(parts)
    except (KeyError, TypeError, ValueError):
        return f"by the rule {rule}"
    return days + _end_in_words(parts)


def _days_in_words(parts: _Parts) -> str:
    """Raises KeyError, TypeError or ValueError for what has no short words."""
    unit, interval = _NAMED_UNITS[parts["FREQ"]], int(parts.get("INTERVAL", "1"))
    every = f"every {unit}" if interval == 1 else f"every {interval} {unit}s"
    named = {name: value for name, value in parts.items() if name.startswith("BY") or name == "WKST"}
    if not named:
        return every
    if unit in {"day", "week"}:
        return _weekdays_in_words(every if interval > 1 else None, **named)
    return f"{every} on {_of_month_in_words(**named) if unit == 'month' else _of_year_in_words(**named)}"


def _weekdays_in_words(every: str | None, *, BYDAY: str = "", **more: str) -> str:  # noqa: N803 - the rule's names
    if more:
        raise KeyError(*more)
    days = _and(_WEEKDAY_NAMES[day] for day in BYDAY.split(","))
    if every:
        return f"{every} on {days}"
    return "every weekday" if BYDAY == _WORKDAYS else f"every {days}"


def _of_month_in_words(*, BYDAY: str = "", BYMONTHDAY: str = "", BYSETPOS: str = "", **more: str) -> str:  # noqa: N803
    if more or (BYDAY and BYMONTHDAY) or (BYSETPOS and BYDAY != _WORKDAYS):
        raise KeyError(BYDAY)
    if BYSETPOS:
        return f"the {_NTH_NAMES[int(BYSETPOS)]} workday"
    if BYMONTHDAY:
        return _and(_month_day_in_words(day) for day in BYMONTHDAY.split(","))
    return _and(f"the {_nth_in_words(day)}" for day in BYDAY.split(","))


def _of_year_in_words(*, BYMONTH: str, BYMONTHDAY: str, **more: str) -> str:  # noqa: N803 - the rule's names
    if more:
        raise KeyError(*more)
    day = int(BYMONTHDAY)
    return _and(f"{date(2000, int(month), day):%B} {day}" for month in BYMONTH.split(","))


def _nth_in_words(day: str) -> str:
    return f"{_NTH_NAMES[int(day[:-2])]} {_WEEKDAY_NAMES[day[-2:]]}"


def _month_day_in_words(day: str) -> str:
    if day == "-1":
        return "the last day"
    number = int(day)
    if number < 0:
        raise KeyError(day)
    teen = number in {11, 12, 13}
    return f"the {number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _end_in_words(parts: _Parts) -> str:
    if "COUNT" in parts:
        return ", once" if parts["COUNT"] == "1" else f", {parts['COUNT']} times"
    if "UNTIL" in parts:
        return f" until {date.fromisoformat(parts['UNTIL'][:8]).isoformat()}"
    return ""


def _and(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
