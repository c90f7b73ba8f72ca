"""Date and recurrence phrases inside a longer text, and the patterns for their surroundings."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

type IsReadable = Callable[[str], bool]
"""Returns whether a phrase can be parsed as a date or a recurrence."""

type Span = tuple[int, int]
"""Start and end of a part of a text."""

START: Final = r"(?<![\w'\u2019.@#/:-])"
"""Matches before the first word of a phrase, but not inside `re-monday` or `#friday`."""
END: Final = r"(?![\w/]|['\u2019:.-]\w)"
"""Matches after the last word of a phrase, but not inside `friday's`, `fri/sat` or `5.30`."""
CLAUSE_END: Final = re.compile(
    r"\s*(?:$|[,.;:!?()#@\u2013\u2014-]|p[1-4]\b"
    r"|(?:about|at|with|for|in|to|from|and|before|after|re|by|on|via|if|when|because|or|but|under)\b)",
    re.IGNORECASE,
)
"""Matches where a clause ends: at the end, before punctuation, or before a word such as `with` or `about`."""
ONLY_FIELDS: Final = re.compile(r"(?:\s|[#@!]\S+(?!\S)|p[1-4]\b|[-\u2013\u2014,(])*", re.IGNORECASE)
"""Matches text of tags, priorities and punctuation alone: `#home p1 -`."""


@dataclass(frozen=True, slots=True)
class FoundPhrase:
    """A phrase, and the spans of the text that it is joined from."""

    phrase: str
    spans: tuple[Span, ...]
    is_only_time: bool = False
    """True if the phrase is a time of day without a day."""
