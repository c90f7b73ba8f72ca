"""Finds the due date among the words of a todo's text. Other words that could be dates stay in the title."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from todo_assistant.commands.grammar.spans import CLAUSE_END, END, ONLY_FIELDS, START, FoundPhrase, IsReadable
from todo_assistant.phrases.amounts import DURATION, SPAN
from todo_assistant.phrases.vocabulary import (
    CLOCK,
    COUNT,
    DIGITAL,
    HOLIDAY,
    HOUR,
    HOUR_NAME,
    MONTH,
    NTH,
    ORDINAL,
    PART,
    SPOKEN_HOUR,
    TOLD_HOUR,
    TOMORROW,
    TONIGHT,
    WEEKDAY,
    WORKDAY,
)

_MAX_CANDIDATES: Final = 8
"""Number of possible days or times that are parsed, the last ones first, to bound the parsing time."""
_MAX_MATCHES: Final = 32
"""Number of matches, the last ones, of which the words around are looked at."""

_YEAR: Final = r"(?:,? (?:\d{4}|'\d\d)(?![\d:]))?"
"""Matches the year after a day and a month, or no year: `, 2030`, ` '30`."""
_MONTH_AND_DAY: Final = (
    rf"(?:{MONTH}\.? (?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?(?![\d:.]\d){_YEAR}"
    rf"|(?:the )?(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?(?: of)? {MONTH}{_YEAR})"
)
"""Matches a date with the name of its month: `jan 3`, `3rd of january 2030`."""
_COMING_WEEK: Final = rf"(?:this week|next week|(?:the )?week after next|in {COUNT} weeks?(?:'? time)?)"
"""Matches a week beside which a weekday is a date: `next week` in `friday next week`."""
_CERTAIN: Final = "|".join(
    (
        rf"(?:eod|cob|end of (?:the )?day|close of business),? (?:on )?(?:{TOMORROW}|{WEEKDAY})",
        rf"(?:the )?day after {TOMORROW}",
        rf"(?:later )?today|{TONIGHT}",
        TOMORROW,
        rf"(?:later )?this {PART}",
        rf"{WEEKDAY},? (?:of |in )?{_COMING_WEEK}|{_COMING_WEEK},? (?:on )?{WEEKDAY}|{WEEKDAY} after next",
        rf"(?:this coming|this|next|coming|upcoming) {WEEKDAY}",
        r"(?:this|next) weekend|next (?:week|month|year)|(?:the )?(?:week|weekend|month|year) after next",
        rf"(?:in|within) (?:{DURATION}|{SPAN}|{COUNT} {WORKDAY}s?)(?:'?s?'? time)?",
        # The lookahead is fast, and saves the search for a number at each word.
        (
            rf"(?=\S.{{1,40}} (?:from|before) )(?:{DURATION} from now|{SPAN} from (?:now|today|{TOMORROW}|{WEEKDAY})"
            rf"|{SPAN} before (?:{HOLIDAY}|{_MONTH_AND_DAY}))"
        ),
        rf"(?:a|one|two|three) weeks? on {WEEKDAY}",
        r"\d{4}-\d\d-\d\dt\d\d:\d\d(?::\d\d)?(?:z|[+-]\d\d:\d\d)?|\d{4}[-/]\d\d?[-/]\d\d?",
        r"\d{1,2}/\d{1,2}/(?:\d{4}|\d\d)|\d{1,2}\.\d{1,2}\.\d{4}",
        rf"(?:{WEEKDAY},? )?{_MONTH_AND_DAY}",
        rf"eo[dwmy]|(?:the )?end of (?:(?:the |this )?(?:day|week|month|year)|next (?:week|month|year)|{MONTH})",
        rf"mid[ -](?:{MONTH}|next (?:week|month))|early next (?:week|month)|late next week",
        rf"(?:the )?(?:start|beginning) of (?:next (?:week|month|year)|{MONTH})",
        rf"(?:the )?(?:{ORDINAL}|first),? (?:of |in )?(?:the month|this month|next month)",
        rf"(?:the )?{NTH} (?:day|{WEEKDAY}) (?:of|in) (?:next month|{MONTH}(?: \d{{4}})?)",
        rf"(?:the )?(?:last day|{NTH} {WORKDAY}) of (?:the|this|next) month|(?:the )?{NTH} {WORKDAY} (?:of|in) {MONTH}",
    )
)
"""Matches words that count as a date without a preposition: `tomorrow`, `next friday`, `in 2 weeks`, `jan 3`."""
_LONG_WEEKDAY: Final = r"(?:monday|tues(?:day)?|wednesday|thu(?:rs(?:day)?)?|fri(?:day)?|saturday|sunday|tue)"
"""Matches names of weekdays that have no other meaning, unlike `mon`, `wed`, `sat` and `sun`."""
_LIKELY: Final = rf"{_LONG_WEEKDAY}(?: week| fortnight)?|\d{{1,2}}/\d{{1,2}}"
"""Matches days that count as dates unless they seem to describe the next word: `sunday` in `cook sunday roast`."""
_DUE_PREPOSITION: Final = r"(?:(?:(?:is|are) )?due(?: on| by| in|:)?|(?:no|not) later than|on|by|until|till?|before)"
"""Matches the words after which an ambiguous word such as `sat` counts as a date: `on`, `by`, `due`."""
_AMBIGUOUS: Final = rf"{WEEKDAY}|{HOLIDAY}|(?:the )?weekend|the \d{{1,2}}(?:st|nd|rd|th)|\d{{1,2}}\.\d{{1,2}}\.(?!\d)"
"""Matches words that may be a date but need a hint, such as the preposition in `on sat` or `by christmas`."""
_DAY: Final = re.compile(
    rf"{START}(?=\w)(?a:"
    rf"(?:(?:{_DUE_PREPOSITION}|for|at) )?(?P<certain>(?:{_CERTAIN})(?:,? {PART})?)"
    rf"|{_DUE_PREPOSITION} (?P<after_preposition>(?:{_AMBIGUOUS}|{_LIKELY})(?:,? {PART})?)"
    rf"|(?:at|on) (?P<weekend>the weekend)"
    rf"|(?:in|by|until|till?|before|due(?: in| by)?) (?P<month>{MONTH}(?: \d{{4}})?)"
    rf"|(?:for )?(?P<likely>(?:{_LIKELY})(?:,? {PART})?|{WEEKDAY},? {PART})"
    rf"|(?P<ambiguous>{WEEKDAY}|the {ORDINAL}|\d{{1,2}}\.\d{{1,2}}\.(?!\d))"
    rf"){END}",
    re.IGNORECASE,
)
"""Finds a day and its preposition, if any: `tomorrow`, `on sat`, `in june`, `friday evening`."""
_SPAN_DAY: Final = rf"(?:{_MONTH_AND_DAY}|{WEEKDAY})"
_MONTH_DAY: Final = r"(?:the )?(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_TO: Final = r" ?(?:-|\u2013|to|till?|until|through) ?"
_DAY_SPAN: Final = re.compile(
    rf"{START}(?<!for )(?<!about )(?a:(?:from )?(?:(?P<first>{_SPAN_DAY}){_TO}(?:{_SPAN_DAY}|{_MONTH_DAY})"
    rf"|(?P<first_day>{_MONTH_DAY}){_TO}{_MONTH_DAY}(?: of)? (?P<month>{MONTH}))){END}",
    re.IGNORECASE,
)
"""Finds a span of days, which is due on its first day: `dec 7-9`, `7-9 dec`, `from monday to friday`."""
_UNCLEAR_DAYS: Final = re.compile(
    rf"(?<!\w)(?:{WEEKDAY}/{WEEKDAY}|{NTH} {WEEKDAY} (?:of|in) (?:the|each|every|a) month"
    rf"|in the {PART}\b.{{0,40}} and .{{0,20}}(?:in the|at) {PART})(?!\w)",
    re.IGNORECASE,
)
"""Finds several days or times, of which no single one is due: `tue/thu`, `second tuesday of the month`."""
_OF_PART: Final = r"(?:in the (?:early )?(?:morning|afternoon|evening)|at night)"
_TIME: Final = re.compile(
    rf"(?a:{START}(?:due:? )?(?:(?:at|around|by|before|until|till?|for) |@ ?)(?P<clock>{CLOCK})"
    rf"|{START}(?:at |@ ?)?(?P<of_part>(?:{CLOCK}|{HOUR}) {_OF_PART})"
    rf"|{START}(?:at |@ ?)(?P<spoken_of_part>{SPOKEN_HOUR} {_OF_PART})"
    rf"|{START}(?:(?:from|between) )?(?P<range>(?:{CLOCK}|{HOUR}|{HOUR_NAME})(?:{_TO}| ?and ?)(?:{DIGITAL}))"
    rf"|{START}(?:from|at) (?P<range_of_hours>{HOUR} ?(?:-|\u2013|to|till?|until) ?{HOUR})"
    rf"|{START}(?P<part_first>in the (?:morning|afternoon|evening),?"
    rf" (?:(?:(?:at|around) |@ ?)?(?:{CLOCK}|{HOUR})|at {SPOKEN_HOUR}))"
    rf"|{START}(?:from )?(?P<digital>{DIGITAL})(?! ?radio)"
    rf"|{START}(?:at |@ ?)(?P<hour>{HOUR})"
    rf"|{START}(?:before|after|around|by) (?P<bare>{HOUR})"
    rf"|{START}(?:(?:at|around|by|before|until|till?|from) |@ ?)?(?P<told>{TOLD_HOUR})"
    rf"|{START}(?:(?:at|around) |@ ?)(?P<spoken>{SPOKEN_HOUR})"
    rf"|{START}(?:before|after|by) (?P<bare_spoken>{SPOKEN_HOUR})"
    rf"|{START}(?P<dotted>\d{{1,2}}\.[0-5][05]|\d{{1,2}}h[0-5]\d|(?:1[3-9]|2[0-3])h)"
    rf"|{START}(?P<daypart>in the (?:morning|afternoon|evening)|at night)"
    rf"|{START}(?P<part>{PART}|noon|midday|midnight)"
    rf"){END}",
    re.IGNORECASE,
)
"""Finds a time of day and its preposition, if any: `at 5`, `5pm`, `in the morning`, `6 in the morning`."""
_UNIT: Final = re.compile(
    r" ?(?:[%€£$¥₹°]|(?:percent|per|euros?|eur|usd|gbp|chf|inr|dollars?|bucks|pounds?|quid|pence|cents?|francs?|rupees?"
    r"|km|kms|kilomet(?:er|re)s?|mi|miles?|met(?:er|re)s?|m|cm|mm|ft|feet|foot|inch(?:es)?|kg|kgs"
    r"|kilos?|grams?|g|lbs?|oz"
    r"|lit(?:er|re)s?|l|ml|mph|kmh|degrees?|mb|gb|tb|mg|kwh|volts?|people|persons?|guests?|pages?"
    r"|pieces?|points?|items?"
    r"|times|minutes?|mins?|hours?|days?|weeks?|months?|years?)\b)",
    re.IGNORECASE,
)
"""Matches a unit after a number, which is then an amount and no time: `euros` in `sell tomorrow at 5 euros`."""
_MORE_TIMES: Final = re.compile(
    rf"(?: (?:and|or|&)|,(?= (?:{CLOCK}|{HOUR})(?:,| and| or| &))) (?:at )?"
    rf"(?:(?:{CLOCK}|{HOUR})(?![\w/])|{SPOKEN_HOUR}(?=$|[,.;:!?)]))",
    re.IGNORECASE | re.ASCII,
)
"""Matches another time after a time, of which no single one is due: `at 9 and 18`."""
_EARLIER_TIME: Final = re.compile(rf"(?<!\w)(?:{CLOCK}|{HOUR}|{HOUR_NAME}) (?:and|or|&) $", re.IGNORECASE | re.ASCII)
"""Finds another time before a time: `at 9 and` before `18:00`."""
_EVENT: Final = re.compile(
    r"(?:^|\b(?:meeting|call|appointment|breakfast|brunch|lunch|coffee|dinner|dentist|doctor|interview"
    r"|stand-?up|gym|yoga"
    r"|class|lesson|course|train|bus|flight|party|concert|movie|game|match|exam|session|review|visit|sync|haircut) )$",
    re.IGNORECASE,
)
"""Finds a word for an event, after which dotted digits are a time: `meeting 10.30 tomorrow`."""
_CHANGE: Final = re.compile(
    r"\b(?:(?:in|de)crease|reduce|raise|lower|cut|multiply|divide|scale|extend|grow|shrink|move|push|postpone|delay)\b",
    re.IGNORECASE,
)
"""Finds a verb that makes the number after `by` an amount: `reduce costs by 5`."""
_VERSION: Final = re.compile(
    r"(?:\b(?:bump|upgrade|downgrade|update|migrate|install|release)\b.* from |\bversions? (?:from |at |@ ?)?"
    r"|\b(?:pin|freeze)\b.* (?:at |@ ?))\d{1,2}\.\d\d(?! ?[ap]\.?m)(?: ?\S+ ?\d{1,2}\.\d\d)?$",
    re.IGNORECASE,
)
"""Finds one or two versions at the end of a text: `bump node from 20.11 to 22.04`, `pin node at 20.11`."""
_MAX_VERSION_CHARACTERS: Final = 100
"""Number of characters before a time that are searched for `_VERSION`."""
_VERSE: Final = re.compile(
    r"\b(?:read|study|memori[sz]e|learn|verse|chapter|psalms?|ratio|scale|odds|score)(?: \w+)? $", re.IGNORECASE
)
"""Finds words that make digits with a colon part of the title: `read john 3:16`, `ratio 3:45`."""
_TITLE_WORD: Final = re.compile(
    r"\b(?:mr|mrs|ms|dr|black|good|cyber|palm|easter|after|since|every|each|about|of|the(?: day)?|last|to)\.? $",
    re.IGNORECASE,
)
"""Finds a word that makes the date or time after it part of the title: `the` in `the 5pm train`, `mr.`, `every`."""
_MAX_VERSE_CHARACTERS: Final = 30
"""Number of characters before a time that are searched for `_VERSE` and `_EVENT`; words in front may be longer."""
_NO_HOUR: Final = re.compile(rf"\b(?:{HOUR_NAME} by {HOUR_NAME}|(?:be|being|feel) at one)$", re.IGNORECASE)
"""Finds a number that is no time: `one by one`, `be at one with nature`."""
_KINDS_IN_WORDS: Final = frozenset({"daypart", "part", "of_part", "spoken_of_part"})
"""Kinds of times that end in a word, so no unit can follow."""
_SPOKEN_KINDS: Final = frozenset({"spoken", "bare_spoken", "told"})
"""Kinds of hours in words, which may also be amounts: `at six` in `at six flags`."""
_GAPS: Final = ("", " ", ", ")
"""Text between two candidates that are beside each other."""
_MAX_TITLE_WORD_CHARACTERS: Final = 10
"""Number of characters before a day or time that are searched for `_TITLE_WORD`; its matches are shorter."""


type _Need = Literal["nothing", "neighbor", "day before"]
"""The other candidate beside which words count as a day or time: any, as `sat` in `sat 10am`, or the one before."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Words of a todo's text that may be its due day or its due time."""

    start: int
    end: int
    phrase: str
    needs: _Need = "nothing"


def find_due(text: str, is_readable: IsReadable) -> FoundPhrase | None:
    """Returns the due date of a text: its last readable day and last readable time of day, joined to one phrase.

    Returns only one of them if the text has no other or the joined phrase cannot be parsed. The words of the text
    must be separated by single spaces. A span of days is due at its start and stays in the title. Several days, as in
    `mon and wed`, are no due date.
    """
    days, times = list(_find_days(text)), list(_find_times(text))
    if span := _DAY_SPAN.search(text):
        first = span["first"] or f"{span['first_day']} {span['month']}"
        is_date = bool(span["first"]) or _is_own_clause(span, text)
        return FoundPhrase(first, ()) if is_date and is_readable(first) else None
    if _ends_in_list(days, text) or _UNCLEAR_DAYS.search(text):
        return None
    day = _last_readable(days, times, text, is_readable)
    time = _last_readable(times, days if day is None else [day], text, is_readable)
    if day and time and is_readable(f"{day.phrase} {time.phrase}"):
        return FoundPhrase(f"{day.phrase} {time.phrase}", ((day.start, day.end), (time.start, time.end)))
    if last := day or time:
        return FoundPhrase(last.phrase, ((last.start, last.end),), is_only_time=day is None)
    return None


def _ends_in_list(days: list[_Candidate], text: str) -> bool:
    """Returns whether the last days of a text are several ones, of which none is due: `mon and wed`, `sat, sun`."""
    if len(days) < 2:  # noqa: PLR2004 - a list has two days
        return False
    gap = text[days[-2].end : days[-1].start].lower()
    are_weekdays = all(re.fullmatch(WEEKDAY, day.phrase, re.IGNORECASE) for day in days[-2:])
    return gap in {" and ", " or ", " & ", "/"} or (are_weekdays and gap in _GAPS)


def _last_readable(
    candidates: list[_Candidate], others: list[_Candidate], text: str, is_readable: IsReadable
) -> _Candidate | None:
    """Returns the last candidate that can be parsed, or None.

    A candidate that needs a neighbor counts only if it stands beside one of `others`.
    """
    starts, ends = {other.start for other in others}, {other.end for other in others}
    for candidate in candidates[: -_MAX_CANDIDATES - 1 : -1]:
        if not _has_neighbor(candidate, starts, ends, text):
            continue
        if is_readable(candidate.phrase):
            return candidate
    return None


def _has_neighbor(candidate: _Candidate, starts: set[int], ends: set[int], text: str) -> bool:
    """Returns whether another candidate, of which the starts and ends are given, is beside this one, if it needs one.

    They are beside each other if at most a comma is between them.
    """
    if candidate.needs == "nothing" or any(
        candidate.start - len(gap) in ends and text[candidate.start - len(gap) : candidate.start] == gap
        for gap in _GAPS
    ):
        return True
    return candidate.needs == "neighbor" and any(
        text.startswith(gap, candidate.end) and candidate.end + len(gap) in starts for gap in _GAPS
    )


def _find_days(text: str) -> Iterator[_Candidate]:
    for found in deque(_DAY.finditer(text), _MAX_MATCHES):
        if _is_in_title(found, text):
            continue
        kind = str(found.lastgroup)
        # A weekday with a colon at the start of the text is a heading, and counts as a date: "sat: call mum".
        is_heading = found.start() == 0 and text.startswith(":", found.end())
        is_for_noun = kind == "certain" and found[0].lower().startswith("for ")
        is_doubtful = (kind == "likely" or is_for_noun) and not _is_own_clause(found, text)
        needs_neighbor = (kind == "ambiguous" and not is_heading) or is_doubtful
        yield _Candidate(found.start(), found.end(), found[kind], "neighbor" if needs_neighbor else "nothing")


def _find_times(text: str) -> Iterator[_Candidate]:
    for found in deque(_TIME.finditer(text), _MAX_MATCHES):
        kind = str(found.lastgroup)
        if _is_in_title(found, text) or (kind not in _KINDS_IN_WORDS and _is_amount(found, text)):
            continue
        if kind in _SPOKEN_KINDS and not _is_spoken_time(found, text):
            continue
        yield _Candidate(found.start(), found.end(), _time_phrase(kind, found[kind]), _need_of_time(kind, found, text))


def _time_phrase(kind: str, words: str) -> str:
    """Returns the words as a phrase that counts as a time of day. A span of time becomes its start."""
    if kind.startswith("range"):
        return f"at {_start_of_range(words)}"
    return f"at {words}" if kind in {"hour", "bare", "dotted", "spoken_of_part", *_SPOKEN_KINDS} else words


def _start_of_range(words: str) -> str:
    """Returns `5pm` for `5-6pm` and `11am` for `11-1pm`: am or pm of the end counts for the start, if it is before."""
    start, end = re.split(r" ?(?:-|\u2013|to|till?|until|and) ?", words, maxsplit=1, flags=re.IGNORECASE)
    half = re.search(r"[ap](?=\.?m)", end, re.IGNORECASE)
    if half is None or not start.replace(":", "").replace(".", "").isdecimal():
        return start
    is_same_half = _minutes_of_half_day(start) <= _minutes_of_half_day(end)
    return f"{start}{half[0].lower() if is_same_half else {'a': 'p', 'p': 'a'}[half[0].lower()]}m"


def _minutes_of_half_day(words: str) -> int:
    """Returns the minutes after 0:00 or 12:00 of a time in digits."""
    hour, minute = re.findall(r"\d+", f"{words}:00")[:2]
    return int(hour) % 12 * 60 + int(minute)


def _need_of_time(kind: str, found: re.Match[str], text: str) -> _Need:
    """Returns the neighbor that a time of day needs: none for `at 5pm`, any for `noon`, a day before `17.30`."""
    before = text[max(0, found.start() - _MAX_VERSE_CHARACTERS) : found.start()]
    if kind == "dotted":
        return "neighbor" if _EVENT.search(before) else "day before"
    if kind == "range" and found[0] == found[kind] and not re.search(r"[ap]\.?m", found[kind], re.IGNORECASE):
        return "neighbor"
    if kind == "bare" and (found[0].lower().startswith("after") or _CHANGE.search(before)):
        return "day before"
    if kind == "bare_spoken":
        return "day before" if found[0].lower().startswith("after") else "neighbor"
    if kind == "told" and ONLY_FIELDS.fullmatch(text, 0, found.start()):
        return "nothing"
    is_doubtful = kind in {"hour", "bare", *_SPOKEN_KINDS} and not CLAUSE_END.match(text, found.end())
    return "neighbor" if kind == "part" or is_doubtful else "nothing"


def _is_spoken_time(found: re.Match[str], text: str) -> bool:
    """Returns whether an hour in words is a time: not in `tomorrow at one of the cafes`, `one by one`.

    The hour must end a clause, or the title must follow the time and the day: `tomorrow at nine call bob`.
    """
    if _NO_HOUR.search(text[max(0, found.start() - _MAX_VERSE_CHARACTERS) : found.end()]):
        return False
    if CLAUSE_END.match(text, found.end()) or _DAY.match(text, found.end() + 1):
        return True
    day = _DAY.match(text)
    return found.start() <= (day.end() + 1 if day else 0)


def _is_amount(found: re.Match[str], text: str) -> bool:
    """Returns whether digits are no single time: an amount, a verse, a version, or several times as in `at 5 and 7`."""
    before = text[max(0, found.start() - _MAX_VERSE_CHARACTERS) : found.start()]
    if _MORE_TIMES.match(text, found.end()) or _EARLIER_TIME.search(before):
        return True
    if _VERSION.search(text, max(0, found.start() - _MAX_VERSION_CHARACTERS), found.end()):
        return True
    return bool(_UNIT.match(text, found.end()) or (found.lastgroup == "digital" and _VERSE.search(before)))


def _is_in_title(found: re.Match[str], text: str) -> bool:
    """Returns whether the word before a date or time makes it part of the title, as in `the 5pm train`."""
    before = text[max(0, found.start() - _MAX_TITLE_WORD_CHARACTERS) : found.start()]
    return _TITLE_WORD.search(before) is not None


def _is_own_clause(found: re.Match[str], text: str) -> bool:
    """Returns whether a day stands apart from the next word, so that it is a date: `sunday` not in `cook sunday roast`.

    True if the day ends a clause. Also true if only tags, priorities or punctuation precede it and its last
    character is no digit.
    """
    begins_text = not found[0].endswith(tuple("0123456789")) and ONLY_FIELDS.fullmatch(text, 0, found.start())
    return bool(begins_text or CLAUSE_END.match(text, found.end()))
