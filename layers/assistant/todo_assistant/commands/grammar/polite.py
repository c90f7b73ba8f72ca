"""Takes polite words off a text: `could you please`, `for me`, `thanks`."""

import re
from dataclasses import dataclass
from typing import Final

_MAX_STARTS: Final = 4
"""The most polite starts that are taken off one text: `hey, could you please`."""
_START: Final = re.compile(
    r"(?:(?:please|pls|plz|oops|hey|ok|okay)(?=[, ])"
    r"|(?:um+|uh+|er+m?|hm+|actually|well|so|right|great|also|and|then|oh|ah|perfect|cool|btw|thanks|thank you)(?=,)"
    r"|(?P<request>(?:can|could|would|will) (?:you|we)(?: (?:please|kindly|just|maybe|quickly))*(?! do\b)"
    r"|(?:would|do) you mind|(?:i|we) (?:want|need|would like) you to|(?:i|we)\W?d like you to|you"
    r" (?:can|should|could|may)"
    r"|is it possible to|are you able to|i was wondering if you (?:can|could)|can i ask you to"
    r"|(?:can|could|may) i(?= (?:delete|remove|complete|rename|restore|reopen|undo|move|postpone|add)\b))(?= ))[, ]+",
    re.IGNORECASE,
)
"""Matches polite words before a command: `please`, `could you please`."""
_FILLER: Final = (
    r"just|hi|hello|alright|so|well|um+|uh+|er+m?|hm+|ah|oh|yes|yeah|yep|sure|actually|now|then|and|also|kindly|quickly"
    r"|great|perfect|cool|nice|thanks|thank you|good morning|no|wait|sorry|oops|right|ok|okay|please|hey|btw|by the way"
)
"""Matches words that say nothing at the beginning of a command: `um`, `oh no`."""
_VERB: Final = (
    r"(?:delete|complete|mark|list|show|undo|what|how|which|rename|move|done|tag|untag|set|postpone|snooze|remind"
    r"|add|restore|reopen|cancel|stop|never|remove|finish|reschedule|todo|can you|could you|would you|i need to)"
)
_SOFT_START: Final = re.compile(
    rf"(?:(?:{_FILLER})(?:,? (?:{_FILLER}))*(?:, ?| (?={_VERB}\b))"
    r"|(?:(?:i|we)(?:\W?d (?:really )?(?:like|love)| would (?:like|love)| want| wanna)(?: to)?"
    r"|let\W?s(?: now| just)?|let (?:us|me)|go ahead and"
    r"|feel free to|(?:i|we)(?:\W?m| am|\W?re| are) (?:going|trying) to)"
    r" (?=(?:see|list|show|view|know|delete|remove|rename|mark|move|postpone|re-?schedule|snooze|undo"
    r"|redo|restore|re-?open"
    r"|tag|untag|complete all|clear|check off|prioriti[sz]e|change|set|undelete|add|create)\b)"
    r"|(?:know|do you know|tell me|(?:can|could|may) i (?:know|see|ask)) (?=(?:what|when|which|how"
    r"|if)\b)|(?:can|could|may) i (?=(?:see|view|have)\b)"
    r"|mind (?=\w+ing\b))",
    re.IGNORECASE,
)
"""Matches words before a command that may also begin a title: `just`, `so`, `let's`, `i want to`."""
_PUT_DOWN: Final = re.compile(r"^(?:put down|pencil in) (?=\S)", re.IGNORECASE)
"""Finds a lead-in that is one only in a request: `can you put down dinner on friday`."""
_END: Final = re.compile(r"[, ]+(?:please|pls|plz|thanks|thank you|thx)(?=[.!?]*$)", re.IGNORECASE)
"""Finds polite words after a command: `please` in `list overdue please`."""
_SOFT_END: Final = re.compile(
    r"(?:,? (?:for me|now|right now|right away|immediately|asap|again|already|if (?:you can|possible)"
    r"|when you can|ok|okay"
    r"|(?:will|would|could|can) you|thanks|thank you|please)){1,3}(?=[.!?]*$)",
    re.IGNORECASE,
)
"""Finds words after a command that may also end a title: `for me`, `now`."""


@dataclass(frozen=True, slots=True)
class PlainText:
    """A text without polite words."""

    words: str
    """The text as a title: without `please` and `could you`."""
    start: str
    """The title without words such as `just` and `i want to` before a verb of a command."""
    command: str
    """The text as a command: also without words such as `just` and `for me`, and without punctuation at the end."""
    is_request: bool
    """True for `could you ...`, whose words are no title."""


def strip_politeness(line: str) -> PlainText:
    """Takes the polite words off a line, at its start and at its end."""
    words, is_request = line, False
    for _ in range(_MAX_STARTS):
        if (found := _START.match(words)) is None:
            break
        words, is_request = words[found.end() :], is_request or bool(found["request"])
    words = _END.sub("", words)
    words = _PUT_DOWN.sub("add ", words.rstrip("?. ")) if is_request else words
    start = words
    for _ in range(_MAX_STARTS):
        if (found := _SOFT_START.match(start)) is None:
            break
        start = start[found.end() :]
    command = start.rstrip("?!. ") or start
    return PlainText(words, start, _SOFT_END.sub("", command), is_request)
