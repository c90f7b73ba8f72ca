"""Finds the recurrence phrase in a typed line; the words of `every day is a gift` stay in the title."""

import re
from typing import Final

from todo_assistant.commands.grammar.spans import CLAUSE_END, END, ONLY_FIELDS, START, FoundPhrase, IsReadable
from todo_assistant.phrases.vocabulary import (
    ADVERB,
    CLOCK,
    EACH,
    EXCEPT,
    HOUR,
    NTH,
    ORDINAL,
    PART,
    PLURAL,
    SPOKEN_HOUR,
    WEEKDAY,
    WEEKDAY_PARTS,
    WORKDAY,
)

_MAX_STARTS: Final = 4
"""Starts of a recurrence that are tried in one text. Bounds the time for a text of nothing but `every`."""
_MAX_WORDS: Final = 16
"""The most words that a recurrence may have after its first words, such as `every`. Bounds the time of a search."""
_RECURRENCE_START: Final = re.compile(
    rf"{START}(?a:(?:on (?={EACH} (?:{ORDINAL}|first|last) ))?(?P<each>{EACH}(?= ))|{ADVERB}(?!\w)"
    rf"|(?:on )?(?:{PLURAL}|{WEEKDAY_PARTS})(?!\w)"
    rf"|on (?:(?:week|work) ?days|weekends)(?!\w)"
    rf"|(?:(?:week|work) ?days|weekends)(?= (?:at|@|from|until|{EXCEPT})(?!\w)| \d)"
    rf"|(?:on |at )?(?:the )?(?:{NTH}|{ORDINAL}|end)(?: (?:{WORKDAY}|\w+))? of (?:the month )?{EACH}(?= ))",
    re.IGNORECASE,
)
"""Finds words with which a recurrence may begin: `every`, `daily`, `on mondays`, `the last day of every`."""
_WORD_END: Final = re.compile(rf"(?<=[\w]){END}")
"""Matches the empty string after each word, where a recurrence may end; not between `friday` and `'s`."""
_MORE: Final = re.compile(
    rf"\s*(?:(?:and|or|&|\+|,|/) ?(?:at |on |in the |(?:{EACH}) (?={PART}))?(?:{PART}|{CLOCK}|{HOUR}|{WEEKDAY}s?)(?!\w)"
    rf"|(?:and|or|&|\+|,|/) ?(?:at )?{SPOKEN_HOUR}(?=$|[,.;:!?)]| (?:in the )?{PART})"
    rf"|(?:except|excluding|apart from|other than)\b|{EXCEPT} (?:the )?(?:\d|week|holidays?\b|{WEEKDAY}))",
    re.IGNORECASE | re.ASCII,
)
"""Matches more times or exceptions after a recurrence, which would then be read wrongly: `and evening`, `except`."""
_TIME_SPAN: Final = re.compile(rf" (?:{CLOCK}|{HOUR}) ?(?:-|\u2013|to) ?{CLOCK}", re.IGNORECASE | re.ASCII)
"""Matches a span of time, which belongs to the recurrence before: `4-5pm` in `every wed 4-5pm`."""
_VERB: Final = re.compile(r" (?:is|are|was|were|has|had|counts?|matters?|should|must|can|will|of)\b", re.IGNORECASE)
"""Matches a word after `every day` that makes it a title and no recurrence, as in `every day is a gift`."""
_DANGLING: Final = re.compile(r"(?:^|\b)(?:of|the|an?|my|from|than|and|or|at|to|per|for|about|with)\s*$", re.IGNORECASE)
"""Finds a word that would end the title without the word after it: `of` in `the best of every week`."""
_MAX_DANGLING_CHARACTERS: Final = 6
"""Number of characters before a recurrence that are searched for `_DANGLING`; its matches are shorter."""


def find_recurrence(text: str, is_readable: IsReadable) -> FoundPhrase | None:
    """Returns the first recurrence phrase in a text, as long as can be parsed, or None. The text has single spaces.

    The result is refused if more times or days follow: `every day at 9 and 18`.
    It is also refused if the title would end in a word such as `of`: `the best of every week`.
    """
    for start in [*_RECURRENCE_START.finditer(text)][:_MAX_STARTS]:
        ends = [found.end() for found in _WORD_END.finditer(text, start.end())][:_MAX_WORDS]
        for end in reversed([start.end(), *ends]):
            if _is_clause(text, start, end) and is_readable(text[start.start() : end]):
                if _DANGLING.search(text[max(0, start.start() - _MAX_DANGLING_CHARACTERS) : start.start()]):
                    return FoundPhrase("", ((0, len(text)),), is_refused=True)
                if _MORE.match(text, end):
                    return FoundPhrase("", ((start.start(), len(text)),), is_refused=True)
                return FoundPhrase(text[start.start() : end], ((start.start(), end),))
    return None


def _is_clause(text: str, start: re.Match[str], end: int) -> bool:
    """Returns whether the words from `start` to `end` are a clause, and not the middle of a title.

    A clause ends before punctuation, before a word such as `with`, or at the end of the text.
    A phrase with `every` may also begin the text, with the title after it: `every day call mum`. No verb may follow.
    """
    if CLAUSE_END.match(text, end) or _TIME_SPAN.match(text, end):
        return True
    begins_text = start["each"] and ONLY_FIELDS.fullmatch(text, 0, start.start())
    return bool(begins_text) and not _VERB.match(text, end)
