"""Date and recurrence phrases inside a longer text, and the patterns for the text before and after them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

type IsReadable = Callable[[str], bool]
"""A function that returns whether a phrase can be parsed as a date or a recurrence."""

type Span = tuple[int, int]
"""Offsets in a text: the first character, and the one after the last."""

START: Final = r"(?<![\w'\u2019.@#/:$€£¥₹+~=-])"
"""Matches where a date or recurrence phrase may begin: not before the day in `#friday` or the number in `$5.30`."""
END: Final = r"(?![\w/]|['\u2019:.-]\w)"
"""Matches where a date or recurrence phrase may end, so not inside `friday's`, `fri/sat` or `5.30`."""
CLAUSE_END: Final = re.compile(
    r"\s*(?:$|[,.;:!?()#@\u2013\u2014-]|p[1-4]\b"
    r"|(?:about|at|with|for|in|to|from|and|before|after|re|by|on|via|if|when|because|or|but|under)\b)",
    re.IGNORECASE,
)
"""Matches where a clause ends: at the end of the text, or before punctuation, `p1` or a word such as `with`."""
ONLY_FIELDS: Final = re.compile(r"(?:\s|[#@!]\S+(?!\S)|p[1-4]\b|[-\u2013\u2014,(])*", re.IGNORECASE)
"""Matches text without a title: only tags, priorities such as `p1`, dashes, commas and spaces, as in `#home p1 -`."""


@dataclass(frozen=True, slots=True)
class FoundPhrase:
    """A date or recurrence phrase found in a text. `spans` locate its words, which need not be adjacent."""

    phrase: str
    spans: tuple[Span, ...]
    is_only_time: bool = False
    """True if the phrase is a time of day without a day, such as `at 5pm`."""
    is_refused: bool = False
    """True if no single date or rule has the meaning of the words, which then stay in the title: `mon and wed`."""
