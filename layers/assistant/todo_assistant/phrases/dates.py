"""What a person means by "next friday at 5": days and instants from English phrases."""

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

type Due = date | datetime
"""A day, or an instant in UTC."""

_MAX_LENGTH: Final = 100
_SHOWN: Final = 40
"""So many characters of an unreadable phrase are repeated in the error."""

WEEKDAY: Final = (
    r"(?:mon(?:day)?|tue(?:s(?:day)?)?|wed(?:s|nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
)
MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
TOMORROW: Final = r"(?:tomorrow|tomm?orr?ow|tmrw?|2moro)"
COUNT: Final = r"(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a couple of|\d{1,4}(?!\d))"
DAYS: Final = r"(?:days?|weeks?|fortnights?|months?|years?)"
HOURS: Final = rf"(?:half an hour|{COUNT} ?(?:hours?|hrs?|h|minutes?|mins?|m))"
HOLIDAY: Final = r"(?:christmas eve|christmas|xmas|new year'?s eve|new year'?s day|halloween|valentine'?s day)"
DIGITAL: Final = r"(?:\d{1,2}(?:[:.][0-5]\d)? ?[ap](?:m|\.m\.)|\d{1,2}:[0-5]\d(?::[0-5]\d)?)"
"""A time of the day that is one wherever it stands."""
CLOCK: Final = rf"(?:{DIGITAL}|\d{{1,2}}h(?:[0-5]\d)?|noon|midday|midnight)"
HOUR: Final = r"(?:(?:half past |quarter past |quarter to )?\d{1,2}(?:[:.][0-5]\d)?(?: ?o'?clock)?)"
"""A time of the day only with `at` before it."""
PART: Final = r"(?:morning|afternoon|evening|night)"

_NUMBERS: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_COUNTS: Final = {"a": 1, "an": 1, "a couple of": 2} | {word: count for count, word in enumerate(_NUMBERS, start=1)}
_HOLIDAYS: Final = {"chr": "dec 25", "xma": "dec 25", "hal": "oct 31", "val": "feb 14"}
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6
_NOON: Final = 12 * 60
_MIDNIGHT: Final = 24 * 60
_PARTS: Final = {"morning": 9 * 60, "afternoon": 15 * 60, "evening": 19 * 60, "night": 20 * 60}
_SHIFTS: Final = {None: 0, "half past ": 30, "quarter past ": 15, "quarter to ": -15}
_FACE: Final = range(1, 13)
"""The hours on the face of a clock."""
_AWAKE: Final = range(7 * 60, 22 * 60)
"""The minutes of the day in which "at 5" is looked for first."""


class UnreadableDate(ValueError):
    """Its message is a sentence for the person who typed the phrase."""

    def __init__(self, phrase: str) -> None:
        shown = "".join(character if character.isprintable() else "?" for character in phrase[:_SHOWN])
        more = "…" if len(phrase) > _SHOWN else ""
        super().__init__(
            f'"{shown}{more}" is not a date that I understand. '
            'Try "tomorrow 5pm", "next friday", "in 2 weeks", "jan 3" or "2030-01-31".'
        )


@dataclass(frozen=True, slots=True)
class _Moment:
    """When and where a phrase is said. `local` is the time on the wall."""

    instant: datetime
    local: datetime
    timezone: ZoneInfo

    @property
    def today(self) -> date:
        return self.local.date()

    @property
    def month_first(self) -> bool:
        return self.timezone.key.startswith(("America/", "US/"))

    def at(self, day: date, minutes: int) -> datetime:
        """The instant so many minutes by the clock after the day began; where clocks skip it, as much later."""
        wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
        return wall.replace(tzinfo=self.timezone).astimezone(UTC)

    def is_past(self, due: Due) -> bool:
        return due <= self.instant if isinstance(due, datetime) else due < self.today


@dataclass(frozen=True, slots=True)
class _Clock:
    """A time of the day: minutes since it began, the likeliest first. A vague one gives way to the whole day."""

    minutes: Sequence[int]
    vague: bool = False


def resolve(phrase: str, *, now: datetime, timezone: ZoneInfo) -> list[Due]:
    """What a phrase means when it is said at `now` (aware) in a zone: never empty, the best reading first.

    Readings lie ahead wherever the phrase allows it: a weekday is the coming one and not today, a time that is over is
    tomorrow's, a date without a year is the next. Times are on the zone's wall clock; one that the clocks skip is moved
    on. `03/04` is month first in America and day first elsewhere.

    Raises UnreadableDate, also for anything above 100 characters and for what lies outside the years 1 to 9999.
    """
    if len(phrase) > _MAX_LENGTH:
        raise UnreadableDate(phrase)
    try:
        moment = _Moment(now.astimezone(UTC), now.astimezone(timezone).replace(tzinfo=None), timezone)
        readings = list(dict.fromkeys(_readings(_normal(phrase), moment)))
        ahead = [reading for reading in readings if not moment.is_past(reading)]
    except (ValueError, OverflowError) as error:  # a day or an hour that there is not, on this calendar or at all
        raise UnreadableDate(phrase) from error
    if not readings:
        raise UnreadableDate(phrase)
    return ahead or readings


_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d[t ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:z|[+-]\d\d:\d\d)?", re.ASCII)
_LEADING: Final = re.compile(r"(?:due|on|by|until|till?|before|for|from)(?::| |$)")


def _normal(phrase: str) -> str:
    """Small letters, single spaces, no commas, and no preposition in front that says nothing."""
    words = " ".join(phrase.lower().replace(",", " ").split()).rstrip("!?")
    while leading := _LEADING.match(words):
        words = words[leading.end() :].lstrip()
    return words


def _readings(words: str, moment: _Moment) -> Iterable[Due]:
    if _ISO.fullmatch(words):
        return [_instant(words, moment)]
    if elapsed := _ELAPSED.fullmatch(words):
        return [moment.instant + _duration(elapsed[1])]
    day, clock = _split(words)
    if clock is None:
        return _days(day, moment)
    if not day:
        return _next_time(clock, moment)
    return _at_times(_days(day, moment), clock, moment)


def _instant(iso: str, moment: _Moment) -> datetime:
    said = datetime.fromisoformat(iso.upper())
    return (said if said.tzinfo else said.replace(tzinfo=moment.timezone)).astimezone(UTC)


# Times of the day

_ELAPSED: Final = re.compile(rf"(?:in )?({HOURS}(?:(?: and)? {HOURS})?)(?:'? time| from now)?", re.ASCII)
_PART_OF_DAY: Final = re.compile(rf"(?:(?:in the|at|this|later this) |\b)({PART})\b|\btonight\b", re.ASCII)
_CLOCK_LAST: Final = re.compile(rf"(?:(.*?) )??(?:(?:at|around|by) |@ ?)?({CLOCK})", re.ASCII)
_CLOCK_FIRST: Final = re.compile(rf"(?:at |around |by |@ ?)?({CLOCK})(?: on)? (.*)", re.ASCII)
_HOUR_LAST: Final = re.compile(rf"(?:(?:(.*?) )??(?:(?:at|around|by) |@ ?))?({HOUR})", re.ASCII)
_HOUR_FIRST: Final = re.compile(rf"(?:at |around |by |@ ?)({HOUR})(?: on)? (.*)", re.ASCII)
_SHOWN_BY_CLOCK: Final = re.compile(
    r"(?P<past>half past |quarter past |quarter to )?(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d\d))?(?::\d\d)?"
    r"(?P<h24>h)? ?(?P<half>[ap])?.*",
    re.ASCII,
)


def _duration(words: str) -> timedelta:
    total = timedelta()
    for amount in re.finditer(HOURS, words, re.ASCII):
        if amount[0] == "half an hour":
            total += timedelta(minutes=30)
        else:
            count, unit = _counted(amount[0])
            total += timedelta(hours=count) if unit.startswith("h") else timedelta(minutes=count)
    return total


def _counted(words: str) -> tuple[int, str]:
    """`2 weeks`, `2w` or `two weeks` as the count and the unit."""
    [(count, unit)] = re.findall(r"(\d+|.*(?= )) ?(\w+)", words, re.ASCII)
    return counted(count), unit


def counted(words: str) -> int:
    """`2`, `two` or `a couple of`, which COUNT matches, as a number."""
    return int(words) if words.isdecimal() else _COUNTS[words]


def _split(words: str) -> tuple[str, _Clock | None]:
    """The day as words, perhaps none, and the time of the day."""
    part = _PART_OF_DAY.search(words)
    if part is None:
        return _split_clock(words)
    of_today = part[0].startswith(("this", "later", "tonight"))
    day, clock = _split_clock(" ".join(f"{words[: part.start()]} {words[part.end() :]}".split()))
    default = _PARTS[part[1] or "night"]
    if clock is not None:
        clock = _Clock([minutes for minutes in clock.minutes if (minutes >= _NOON) == (default >= _NOON)])
    return day or ("today" if of_today else ""), clock or _Clock([default], vague=True)


def _split_clock(words: str) -> tuple[str, _Clock | None]:
    for last in (_CLOCK_LAST, _HOUR_LAST):
        if found := last.fullmatch(words):
            return found[1] or "", _Clock(_clock(found[2]))
    for first in (_CLOCK_FIRST, _HOUR_FIRST):
        if found := first.fullmatch(words):
            return found[2], _Clock(_clock(found[1]))
    return words, None


def _clock(words: str) -> list[int]:
    """Minutes since the day began, the likeliest first; raises ValueError if no clock shows it."""
    if words in {"noon", "midday"}:
        return [_NOON]
    if words == "midnight":
        return [_MIDNIGHT, 0]
    shown = _SHOWN_BY_CLOCK.fullmatch(words)
    if shown is None:
        raise ValueError(words)
    hour, minute = int(shown["hour"]), int(shown["minute"] or 0)
    if shown["half"] and hour not in _FACE:
        raise ValueError(words)
    first = time(hour % 12 if shown["half"] else hour, minute)
    minutes = first.hour * 60 + first.minute + _SHIFTS[shown["past"]]
    if shown["half"]:
        return [minutes + _NOON if shown["half"] == "p" else minutes]
    if shown["h24"] or shown["hour"].startswith("0") or minutes >= _NOON:
        return [minutes]
    return sorted((minutes, minutes + _NOON), key=lambda either: either not in _AWAKE)


def _next_time(clock: _Clock, moment: _Moment) -> list[datetime]:
    coming = []
    for minutes in clock.minutes:
        instant = moment.at(moment.today, minutes)
        tomorrow = moment.today + timedelta(days=1)
        coming.append((minutes not in _AWAKE, moment.at(tomorrow, minutes) if moment.is_past(instant) else instant))
    return [instant for _, instant in sorted(coming)]


def _at_times(days: Iterable[date], clock: _Clock, moment: _Moment) -> Iterator[Due]:
    for day in days:
        for minutes in clock.minutes:
            instant = moment.at(day, minutes)
            over = clock.vague and day == moment.today and moment.is_past(instant)
            yield day if over else instant


# Days

type _Reader = Callable[[re.Match[str], _Moment], Iterable[date]]


def _days(words: str, moment: _Moment) -> list[date]:
    """The days that words without a time may mean, the likeliest first; none if they mean no day."""
    for pattern, read in _RULES:
        if found := pattern.fullmatch(words):
            return list(read(found, moment))
    return []


def _first_day(words: str, moment: _Moment) -> date:
    days = _days(words, moment)
    if not days:
        raise ValueError(words)
    return days[0]


def _weekday(found: re.Match[str], moment: _Moment) -> list[date]:
    which, weekday = found[1], _WEEKDAYS.index(found[2][:3])
    if which == "last":
        return [moment.today - timedelta(days=(moment.today.weekday() - weekday - 1) % 7 + 1)]
    coming = moment.today + timedelta(days=(weekday - moment.today.weekday() - 1) % 7 + 1)
    if which == "next":
        return [_monday(moment.today) + timedelta(days=7 + weekday), coming]
    return [coming, moment.today] if moment.today.weekday() == weekday else [coming]


def _weekend(found: re.Match[str], moment: _Moment) -> list[date]:
    saturday = _monday(moment.today) + timedelta(days=_SATURDAY)
    return [saturday + timedelta(days=7) if found[1] == "next" else max(saturday, moment.today)]


def _next_start(found: re.Match[str], moment: _Moment) -> list[date]:
    today = moment.today
    if found[1] == "week":
        return [_monday(today) + timedelta(days=7)]
    if found[1] == "year":
        return [date(today.year + 1, 1, 1)]
    return [_last_of_month(today) + timedelta(days=1)]


def _end_of(found: re.Match[str], moment: _Moment) -> list[date]:
    today = moment.today
    match found[1] or found[0][-1]:
        case "week" | "w":
            return [_monday(today) + timedelta(days=_FRIDAY if today.weekday() <= _FRIDAY else _SUNDAY)]
        case "month" | "m":
            return [_last_of_month(today)]
        case "year" | "y":
            return [date(today.year, 12, 31)]
        case other:
            return [_last_of_month(_first_day(other, moment))]


def _middle_of(found: re.Match[str], moment: _Moment) -> list[date]:
    return [_first_day(found[1], moment).replace(day=15)]


def _ordinal(found: re.Match[str], moment: _Moment) -> list[date]:
    """The next month that has such a day."""
    wanted = int(found[1])
    month = moment.today.replace(day=1)
    while not 1 <= wanted <= _last_of_month(month).day or month.replace(day=wanted) < moment.today:
        if month.year > moment.today.year + 1:
            raise ValueError(found[0])
        month = _last_of_month(month) + timedelta(days=1)
    return [month.replace(day=wanted)]


def _numeric(found: re.Match[str], moment: _Moment) -> list[date]:
    first, second = int(found[1]), int(found[3])
    day_first, month_first = (first, second), (second, first)
    orders = [month_first, day_first] if moment.month_first and found[2] != "." else [day_first, month_first]
    return [day for order in orders for day in _date_of(*order, found[4], moment)]


def _date_of(day: int, month: int, year: str | None, moment: _Moment) -> list[date]:
    """The date, of the year that is next if none is given; nothing if the calendar has no such day."""
    years = [int(year) + 2000 * (len(year) == 2)] if year else [*range(moment.today.year, moment.today.year + 9)]  # noqa: PLR2004
    for candidate in years:
        if 1 <= month <= 12 and 1 <= day <= monthrange(candidate, month)[1]:  # noqa: PLR2004 - months of a year
            found = date(candidate, month, day)
            if year or found >= moment.today:
                return [found]
    return []


def _holiday(found: re.Match[str], moment: _Moment) -> list[date]:
    eve = found[0].endswith("eve")
    named = _HOLIDAYS.get(found[0][:3], "dec 31" if eve else "jan 1")
    return _from_library("dec 24" if eve and named == "dec 25" else named, moment.today)


def _counted_from(found: re.Match[str], moment: _Moment) -> list[date]:
    return _relative(found[1], "in", moment.today if found[2] == "now" else _first_day(found[2], moment))


def _relative(amount: str, direction: str, today: date) -> list[date]:
    count, unit = _counted(amount)
    phrase = f"{count} {unit}"
    found = _library(f"in {phrase}" if direction == "in" else f"{phrase} ago", today, {})
    return [found] if found else []


def _from_library(words: str, today: date) -> list[date]:
    # Said on January 3rd, "jan 3" is today: what the library takes for the future begins a day after its base.
    found = _library(words, today - timedelta(days=1), {"PREFER_DAY_OF_MONTH": "first"})
    return [found] if found else []


def _library(words: str, base: date, more: dict[str, str]) -> date | None:
    # Importing it takes a third of a second of a cold start, and most phrases do without.
    from dateparser.date import DateDataParser  # noqa: PLC0415

    settings = {
        "RELATIVE_BASE": datetime.combine(base, time()),
        "PREFER_DATES_FROM": "future",
        "RETURN_AS_TIMEZONE_AWARE": False,
        "TIMEZONE": "UTC",
        **more,
    }
    # Loaded on first use: a turn without a date needs nothing of it, and it takes as long as all the rest of the chat.

    found = DateDataParser(languages=["en"], settings=settings).get_date_data(words).date_obj
    return found.date() if found else None


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _last_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _after(days: int) -> _Reader:
    return lambda _, moment: [moment.today + timedelta(days=days)]


_DATE: Final = (
    rf"(?:{MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?(?: '?\d{{2,4}})?"
    rf"|(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}\.?(?: '?\d{{2,4}})?|{MONTH}(?: \d{{4}})?)"
)
_RULES: Final[Sequence[tuple[re.Pattern[str], _Reader]]] = [
    (re.compile(pattern, re.ASCII), read)
    for pattern, read in (
        (r"today|now|(?:the )?end of (?:the )?day|eod|cob", _after(0)),
        (TOMORROW, _after(1)),
        (rf"(?:the )?day after {TOMORROW}", _after(2)),
        (r"yesterday", _after(-1)),
        (r"(?:eod|end of (?:the )?day|cob)(?: on)? (.+)", lambda found, moment: _days(found[1], moment)),
        (r"(.+) (?:eod|end of (?:the )?day|cob)", lambda found, moment: _days(found[1], moment)),
        (rf"(?:(this|next|coming|this coming|last) )?({WEEKDAY})", _weekday),
        (r"(?:(this|next|the) )?weekend", _weekend),
        (r"next (week|month|year)", _next_start),
        (r"(?:the )?end of (?:the |this )?(.+)|eo[wmy]", _end_of),
        (r"(?:the )?(?:start|beginning) of (.+)", lambda found, moment: _days(found[1], moment)),
        (rf"mid[ -]({MONTH}|next month)", _middle_of),
        (r"(?:the )?(\d{1,2})(?:st|nd|rd|th)", _ordinal),
        (r"(\d{1,2})([./-])(\d{1,2})(?:\2(\d{4}|\d\d)?)?", _numeric),
        (HOLIDAY, _holiday),
        (rf"({COUNT} {DAYS}) (?:from|after) (.+)", _counted_from),
        (rf"(?:in |\+)?({COUNT} {DAYS})(?:'? time)?", lambda found, moment: _relative(found[1], "in", moment.today)),
        (rf"({COUNT} {DAYS}) ago", lambda found, moment: _relative(found[1], "ago", moment.today)),
        (r"\d{4}-\d\d-\d\d", lambda found, _: [date.fromisoformat(found[0])]),
        (rf"(?:{WEEKDAY} )?(?:in )?({_DATE})", lambda found, moment: _from_library(found[1], moment.today)),
    )
]
"""What the words of a day look like, from what is said most to what is said least, and how each is read."""
