"""Spans of days in commands: `this week`, `the next 7 days`, `yesterday`."""

import re
from typing import Final

from todo_assistant.phrases.vocabulary import COUNT, MONTH, WEEKDAY

DONE_VERB: Final = (
    r"(?:finish(?:ed)?|complet(?:ed?)|do|did|done|get done|got done|tick(?:ed)?|check(?:ed)?|accomplish(?:ed)?"
    r"|achieve[d]?|close[d]?|clear(?:ed)?)"
)
"""Matches a verb for completing, in the present or the past: `finish`, `completed`, `get done`."""
_DAYS: Final = r"(?:days?|weeks?|months?|years?)"
PERIOD: Final = (
    r"(?:(?:the )?rest of (?:the|this) (?:week|month|year)"
    rf"|(?:the )?(?:next|last|past|previous|coming|upcoming) (?:(?:{COUNT}|few) {_DAYS}|{WEEKDAY})"
    r"|(?:this|next|last|past|previous|the coming|coming|current|the current|the past|the last|the next)"
    r" (?:week|month|year|weekend)|yesterday)"
)
"""Matches a span of days, or a day that is over: `this week`, `the next 7 days`, `last monday`, `yesterday`."""
_IN_PERIOD: Final = re.compile(
    r"(?<!\S)(?:so far )?(?:(?:due|scheduled|planned) )?(?:(?:in|for|over|within|during|from|on)"
    rf" )?(?P<period>{PERIOD})"
    rf"(?:\W?s)?(?!\S)|(?<!\S)(?:(?:due|scheduled|planned) )?within (?:the )?(?P<within>{COUNT} {_DAYS})(?!\S)",
    re.IGNORECASE,
)
_PAST_DAY: Final = re.compile(
    rf"(?:on |in )?(?:(?P<weekday>{WEEKDAY})|(?P<day>today|this (?:morning|afternoon|evening)|tonight|{MONTH}"
    rf"|{MONTH} \d{{1,2}}(?:st|nd|rd|th)?|\d{{4}}-\d\d-\d\d))",
    re.IGNORECASE,
)
_SAME: Final = {"past": "last", "previous": "last", "upcoming": "next", "coming": "next", "current": "this"}


def read_period(words: str) -> tuple[str, str | None]:
    """Returns the words without their span of days, and this span in its shortest form: `next 7 days`. Or None."""
    found = _IN_PERIOD.search(words)
    if found is None or _is_day_of_its_own(found):
        return words, None
    period = f"next {found['within']}" if found["within"] else shorten_period(found["period"])
    return " ".join(f"{words[: found.start()]} {words[found.end() :]}".split()), period


def _is_day_of_its_own(found: re.Match[str]) -> bool:
    """Returns whether the span is a coming day, such as `next friday`, which the finder of dates reads."""
    return (
        re.fullmatch(rf"(?:the )?(?:next|coming|upcoming) {WEEKDAY}", found["period"] or "", re.IGNORECASE) is not None
    )


def read_past(words: str) -> str | None:
    """Returns the day or the span of days that is over, or None for other words: `last monday` for `on monday`."""
    words = re.sub(r"^(?:so far|already) ", "", words.strip(), flags=re.IGNORECASE)
    if found := re.fullmatch(rf"(?:in |over |during |within |from )?({PERIOD})", words, re.IGNORECASE):
        return shorten_period(found[1])
    found = _PAST_DAY.fullmatch(words)
    if found is None:
        return None
    if found["weekday"]:
        return f"last {found['weekday'].lower()}"
    day = found["day"].lower()
    return "today" if day.startswith(("this", "tonight")) else day


def shorten_period(words: str) -> str:
    """Returns a span of days in its shortest form: `next 7 days` for `the coming 7 days`."""
    words = re.sub(r"^the ", "", words.lower())
    if found := re.fullmatch(r"rest of (?:the|this) (\w+)", words):
        return f"this {found[1]}"
    if words == "coming week":
        return "next 7 days"
    first, _, rest = words.partition(" ")
    rest = re.sub(r"^few ", "3 ", rest)
    return f"{_SAME.get(first, first)} {rest}".strip()
