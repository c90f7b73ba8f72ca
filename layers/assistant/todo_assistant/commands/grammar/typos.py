"""Finds a command whose verb is mistyped, so that the user is asked: `delte milk`."""

import re
from typing import Final

_LONG_VERBS: Final = (
    *("complete", "delete", "remove", "finish", "rename", "postpone", "snooze", "restore", "reopen", "reschedule"),
    *("unschedule", "undelete", "untag", "uncheck", "prioritize", "overdue", "remind", "search", "cancel", "clear"),
)
"""Verbs of at least five letters. One wrong, missing, extra or exchanged letter is a typing mistake."""
_SHORT_VERBS: Final = ("done", "move", "undo", "redo", "list", "show", "mark", "find")
"""Verbs of four letters. Only two exchanged letters are a typing mistake: other words differ in one letter."""
_WORDS: Final = """
compete completed completes deleted deletes removed removes remover remote finished finishes finnish renamed renames
postponed snoozed restored restores restorer reopened reopens reminds remand research searched cancels cleared clears
clean canceled famish
"""
_REAL_WORDS: Final = frozenset(_WORDS.split())
"""Words that resemble a verb, but are written right."""
_FIRST_WORD: Final = re.compile(r"([a-z]{4,12})(?= |$)", re.IGNORECASE)


def correct_verb(words: str) -> str | None:
    """Returns the words with their first word corrected to a verb, or None if that word is no mistyped verb."""
    found = _FIRST_WORD.match(words)
    if found is None:
        return None
    typed = found[1].lower()
    if typed in _REAL_WORDS or typed in _LONG_VERBS or typed in _SHORT_VERBS:
        return None
    for verb in _SHORT_VERBS:
        if len(typed) == len(verb) and _is_exchanged(typed, verb):
            return verb + words[found.end() :]
    for verb in _LONG_VERBS:
        if _is_near(typed, verb):
            return verb + words[found.end() :]
    return None


def _is_near(typed: str, verb: str) -> bool:
    """Returns whether one letter is wrong, missing or extra, or two neighbors are exchanged."""
    if len(typed) == len(verb):
        return sum(a != b for a, b in zip(typed, verb, strict=True)) == 1 or _is_exchanged(typed, verb)
    longer, shorter = sorted((typed, verb), key=len, reverse=True)
    return len(longer) == len(shorter) + 1 and any(
        longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer))
    )


def _is_exchanged(typed: str, verb: str) -> bool:
    """Returns whether two neighboring letters are exchanged."""
    return typed != verb and any(
        typed[:place] + typed[place + 1] + typed[place] + typed[place + 2 :] == verb for place in range(len(typed) - 1)
    )
