"""Finds the words of a text that are its recurrence, and leaves similar words in the title."""

import re
from typing import Final

from todo_assistant.commands.grammar.spans import CLAUSE_END, END, ONLY_FIELDS, START, FoundPhrase, IsReadable
from todo_assistant.phrases.vocabulary import ADVERB, EACH, NTH, PLURAL

_MAX_STARTS: Final = 4
"""Possible starts that are tried, to bound the time for a text of nothing but `every`."""
_MAX_WORDS: Final = 16
"""Words that are tried after a start."""
_RECURRENCE_START: Final = re.compile(
    rf"{START}(?a:(?P<each>{EACH}(?= ))|{ADVERB}(?!\w)|(?:on )?{PLURAL}(?!\w)|on (?:week|work) ?days(?!\w)"
    rf"|(?:on |at )?(?:the )?(?:{NTH}|\d{{1,2}}(?:st|nd|rd|th)|end)(?: \w+)? of {EACH}(?= ))",
    re.IGNORECASE,
)
"""Finds the first words of a recurrence: `every`, `daily`, `on mondays`, `the last day of every`."""
_WORD_END: Final = re.compile(rf"(?<=[\w]){END}")
"""Matches after each word of a text."""
_VERB: Final = re.compile(r" (?:is|are|was|were|has|had|counts?|matters?|should|must|can|will)\b", re.IGNORECASE)
"""Matches a verb whose subject are the words before it: `every day is a gift`."""


def find_recurrence(text: str, is_readable: IsReadable) -> FoundPhrase | None:
    """Returns the first recurrence in a text with single spaces, with as many words as can be parsed."""
    for start in [*_RECURRENCE_START.finditer(text)][:_MAX_STARTS]:
        ends = [found.end() for found in _WORD_END.finditer(text, start.end())][:_MAX_WORDS]
        for end in reversed([start.end(), *ends]):
            if _is_clause(text, start, end) and is_readable(text[start.start() : end]):
                return FoundPhrase(text[start.start() : end], ((start.start(), end),))
    return None


def _is_clause(text: str, start: re.Match[str], end: int) -> bool:
    """Returns whether the words are a clause of their own.

    They are before the end of a clause. Words that begin with `every` are also at the start of the text.
    """
    if CLAUSE_END.match(text, end):
        return True
    begins_text = start["each"] and ONLY_FIELDS.fullmatch(text, 0, start.start())
    return bool(begins_text) and not _VERB.match(text, end)
