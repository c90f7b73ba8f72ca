"""Rewrites statements about a todo as commands: `rent is high priority`, `dentist is at 5pm now`."""

import re
from typing import Final

_NOT_A_SUBJECT: Final = (
    r"(?!(?:check|make sure|ensure|ask|see|find out|confirm|verify|wait|tell|if|when|what|who|where|how|why|which|is"
    r"|are|that|there)\b)"
)
_TODO: Final = rf"{_NOT_A_SUBJECT}(?P<todo>.+?)"
_IS: Final = r"(?:['\u2019]s| (?:is|are|has been|have been|was|were|got|gets|will be))"
_IS_NOT: Final = r"(?: (?:is|are)(?:n['\u2019]?t| not| no longer))"
_PRIORITY: Final = r"(?P<priority>high|medium|low|no|p[1-4])"
_LATER: Final = r"(?:extended|postponed|delayed|pushed(?: back)?|put off|prolonged)"
_REWRITES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), command)
    for pattern, command in (
        (rf"{_TODO}(?:{_IS}| has| should be)(?: now)?(?: a)? {_PRIORITY} prio(?:rity)?(?: now)?", "set {} {} priority"),
        (r"give (?P<todo>.+?) (?:a |the )?(?:top|highest|high) prio(?:rity)?", "set {} high priority"),
        (rf"{_TODO}{_IS}(?: now)? (?P<priority>p[1-4])(?: now)?", "set {} {}"),
        (
            rf"(?:bump|raise|lower|drop|increase|push) {_TODO}(?: up| down)? to {_PRIORITY}(?: prio(?:rity)?)?",
            "set {} {}",
        ),
        (
            rf"{_TODO}{_IS_NOT}(?: that| so| really| very)? (?:important|urgent|a priority)(?: any ?more| now)?",
            "remove priority from {}",
        ),
        (rf"{_TODO}{_IS} {_LATER} (?P<due>(?:by|to|until|till) .+)", "postpone {} {}"),
        (
            rf"{_TODO}(?:{_IS}(?: been)?)? (?:moved|rescheduled|changed)(?: back| up)? to (?P<due>.+)",
            "reschedule {} to {}",
        ),
        (rf"{_TODO}{_IS} now(?: due)?(?: on| at| for)? (?P<due>.+?)(?: instead)?", "reschedule {} to {}"),
        (rf"{_TODO}{_IS}(?: due)?(?: on| at| for)? (?P<due>.+?)(?: now)? (?:now|instead)", "reschedule {} to {}"),
        (rf"{_TODO} (?:->|=>|\u2192) ?(?P<due>.+)", "reschedule {} to {}"),
        (rf"{_TODO} (?:on |at |for )?(?P<due>\S+(?: \S+){{0,2}}) instead of .+", "reschedule {} to {}"),
        (r"(?:increase|raise) (?:the )?(?P<todo>.+?)(?:['\u2019]s)? priority", "set {} high priority"),
        (r"(?:decrease|lower|reduce) (?:the )?(?P<todo>.+?)(?:['\u2019]s)? priority", "set {} low priority"),
        (r"(?:strike|cross|scratch) (?P<todo>(?:number |#)?\d{1,3}(?:(?:,| and|, and) \d{1,3})*)", "check off {}"),
    )
)
"""Statements, each with the command that means the same."""


def rewrite_statement(words: str) -> str | None:
    """Returns the command that a statement means, such as `set rent high priority`, or None for other words.

    The command may still be unreadable, as for `rent is now annoying`.
    """
    for pattern, command in _REWRITES:
        if found := pattern.fullmatch(words):
            return command.format(*found.groups())
    return None
