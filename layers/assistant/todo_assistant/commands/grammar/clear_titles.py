"""Titles of new todos that begin like a command or a question: `check in`, `what to wear`."""

import re
from typing import Final

_STARTS: Final = (
    r"call off|cancel on|change into|clean (?:up|out)|clear (?:up|out)|close on|done deal|drop (?:off|by|in)",
    r"check (?:in|out|up|with|if|that|whether|on)|find out|finish (?:up|off)|look (?:up|into|at)|get back to",
    r"make up|mark (?:down|up|out)|move (?:house|home|in(?!to)|out(?! of)|on|away|over|to)|open up|push (?:to|for)",
    r"put (?:on|out|up|together)|set (?:up|out|off|aside|(?:(?:the|an) )?alarm)|stop (?:by|at|smoking|eating|drinking)",
    r"tag along|undo the|what to|who to|where to|how to|when to|why not",
)
"""First words of such titles, in groups."""
_NO_TITLE: Final = r"(?:need to|longer|one|wait|no|sorry|i|not|it|that|this|we|you)\b"
"""Matches words after `no` that begin no title: `no wait`, `no i meant`."""
_CLEAR_TITLE: Final = re.compile(
    rf"(?:{'|'.join(_STARTS)})(?!\w).*(?<!\?)|no (?!{_NO_TITLE})\w.*(?<!\?)", re.IGNORECASE
)


def is_clear_title(words: str) -> bool:
    """Returns whether the words can only be a title, although they begin like a command. Questions are none."""
    return _CLEAR_TITLE.fullmatch(words) is not None
