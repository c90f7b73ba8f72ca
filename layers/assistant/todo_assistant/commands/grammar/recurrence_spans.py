"""Finds the words of a text that say how often, and leaves alone those that only look like it."""

import re
from typing import Final

from todo_assistant.commands.grammar.due_spans import CLAUSE_ENDS, END, ONLY_SIGNS, START, DueSpans, Readable
from todo_assistant.phrases.vocabulary import ADVERB, EACH, NTH, PLURAL

_TRIED: Final = 4
"""So many places are looked at, and so many ends of each: a text of nothing but `every` shall not take long."""
_MOST_WORDS: Final = 16
_HEAD: Final = re.compile(
    rf"{START}(?a:(?P<each>{EACH}(?= ))|{ADVERB}(?!\w)|(?:on )?{PLURAL}(?!\w)|on (?:week|work) ?days(?!\w)"
    rf"|(?:on |at )?(?:the )?(?:{NTH}|\d{{1,2}}(?:st|nd|rd|th)|end)(?: \w+)? of {EACH}(?= ))",
    re.IGNORECASE,
)
_WORD_ENDS: Final = re.compile(rf"(?<=[\w]){END}")
_SAYS_SOMETHING: Final = re.compile(
    r" (?:is|are|was|were|has|had|counts?|matters?|should|must|can|will)\b", re.IGNORECASE
)
"""Follows words that are what a sentence is about: `every day is a gift`."""


def find_recurrence(text: str, readable: Readable) -> DueSpans | None:
    """The longest of the first words in a text with single spaces that say how often."""
    for head in [*_HEAD.finditer(text)][:_TRIED]:
        ends = [found.end() for found in _WORD_ENDS.finditer(text, head.end())][:_MOST_WORDS]
        for end in reversed([head.end(), *ends]):
            if _is_clause(text, head, end) and readable(text[head.start() : end]):
                return DueSpans(text[head.start() : end], ((head.start(), end),))
    return None


def _is_clause(text: str, head: re.Match[str], end: int) -> bool:
    """Whether the words stand alone: before the end of a clause, or, if they say `every`, at the start of the text."""
    if CLAUSE_ENDS.match(text, end):
        return True
    begins = head["each"] and ONLY_SIGNS.fullmatch(text, 0, head.start())
    return bool(begins) and not _SAYS_SOMETHING.match(text, end)
