"""Parses numbers of the list that the user saw last: `2 and 3`, `1-3`, `the first two`, `the last one`."""

import re
from typing import Final

from todo_assistant.commands.grammar.fields import TODO_NOUN

_MAX_NUMBERS: Final = 100
"""The most numbers that one command may name. Words with more of them are no list numbers."""
_ORDINALS: Final = {
    name: number
    for number, name in enumerate(
        ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"), start=1
    )
} | {"last": -1, "final": -1, "bottom": -1, "top": 1, "second to last": -2, "second last": -2, "penultimate": -2}
"""Numbers of ordinals. Negative numbers count from the end of the list."""
_COUNTS: Final = {
    name: number
    for number, name in enumerate(("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=2)
}
_ORDINAL: Final = "|".join(sorted(_ORDINALS, key=len, reverse=True))
_NUMBER: Final = rf"(?:(?:number|no\.?|nr\.?) ?)?#?\d{{1,4}}(?:st|nd|rd|th)?|{_ORDINAL}"
_ITEM: Final = re.compile(
    rf"(?:the )?(?:{TODO_NOUN} )?({_NUMBER})(?: {TODO_NOUN})?(?: (?:on|in|of|from) (?:the|my|that|this) list)?",
    re.IGNORECASE | re.ASCII,
)
"""Matches the number of one todo in the list: `2`, `task 12`, `number 3`, `#4`, `the third one`, `the last`."""
_RANGE: Final = re.compile(
    rf"(?:the )?(?:{TODO_NOUN} )?(?:numbers? |from )?#?(\d{{1,4}}) ?(?:-|\u2013|to|through|until|till) ?#?(\d{{1,4}})",
    re.IGNORECASE | re.ASCII,
)
"""Matches a range of numbers: `1-3`, `tasks 2 to 5`."""
_GROUP: Final = re.compile(
    rf"(?:the )?(first|top|last|bottom|final) (\d{{1,2}}|{'|'.join(_COUNTS)})(?: {TODO_NOUN})?",
    re.IGNORECASE | re.ASCII,
)
"""Matches the todos at one end of the list: `the first two`, `last 3 tasks`."""
_SEPARATOR: Final = re.compile(r"\s*(?:,(?:\s*and)?|\band\b|&|\+|\bplus\b)\s*", re.IGNORECASE)
_PLURAL_START: Final = re.compile(
    rf"(?:the )?(?:{TODO_NOUN} )?(?:numbers|nos\.?) |(?:the )?{TODO_NOUN} (?=\d)", re.IGNORECASE
)
"""Matches the words before several numbers: `numbers 2 and 3`, `tasks 2 and 3`."""


def parse_list_numbers(words: str) -> tuple[int, ...]:
    """Returns the numbers in the list shown last, from 1 or from -1 at its end. Returns () for other words."""
    if found := _GROUP.fullmatch(words):
        return _parse_group(found)
    numbers: list[int] = []
    for part in _SEPARATOR.split(_PLURAL_START.sub("", words, count=1)):
        named = _parse_part(part)
        if not named or len(numbers) + len(named) > _MAX_NUMBERS:
            return ()
        numbers += named
    return tuple(dict.fromkeys(numbers))


def _parse_group(found: re.Match[str]) -> tuple[int, ...]:
    count = _COUNTS.get(found[2].lower()) or int(found[2])
    is_start = found[1].lower() in {"first", "top"}
    return tuple(range(1, count + 1) if is_start else range(-count, 0))


def _parse_part(part: str) -> list[int]:
    """Returns the numbers of one range or of one todo, or an empty list for other words and for `0`."""
    if found := _RANGE.fullmatch(part):
        first, last = int(found[1]), int(found[2])
        return list(range(first, last + 1)) if 0 < first < last < first + _MAX_NUMBERS else []
    if found := _ITEM.fullmatch(part):
        number = _ORDINALS.get(found[1].lower()) or int(re.sub(r"\D", "", found[1]))
        return [number] if number else []
    return []
