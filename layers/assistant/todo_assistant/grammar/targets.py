"""Which todos a command means, from the words after its verb."""

import re
from typing import Final

from todo_assistant.grammar.commands import Target
from todo_assistant.grammar.quick_add import TAG, unquoted

NOUNS: Final = r"(?:to-?dos?|tasks?|items?|things?|ones?|entries)"
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_NUMBER: Final = re.compile(rf"(?:{NOUNS} )?(?:number |no\.? ?|#)?(\d{{1,4}})", re.IGNORECASE | re.ASCII)
_ORDINAL: Final = re.compile(rf"(?:the )?({'|'.join(_ORDINALS)})(?: {NOUNS})?", re.IGNORECASE)
_TAGGED: Final = re.compile(
    r"(?:(?:that are|which are) )?\b(?:tagged|labell?ed)(?: (?:as|with))? #?([\w-]{1,50})$", re.IGNORECASE
)
_TAG: Final = re.compile(rf"(?<!\S){TAG}(?!\S)")
_GROUP: Final = re.compile(
    r"(?P<all>(?:all|everything|every)\b(?: of)?(?: (?:the|my)\b)?)? ?"
    r"(?P<state>(?:overdue|completed|done|finished|open)(?!\S))? ?"
    rf"(?P<noun>{NOUNS}(?!\S))? ?(?P<text>.*)",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(r"the (.+) (?:to-?do|task)", re.IGNORECASE)
_COMPLETED: Final = {"completed": True, "done": True, "finished": True, "open": False}


def read(words: str) -> Target | None:
    """None if the words are none. Text in quotes is a title whatever it says."""
    words = words.strip()
    if unquoted(words) != words:
        return Target(text=unquoted(words))
    if number := _number(words):
        return Target(number=number)
    rest, tags = take_tags(words)
    return _group(rest, tags)


def take_tags(words: str) -> tuple[str, tuple[str, ...]]:
    """The words without `#home` and `tagged home`, and those tags."""
    tags = [found[1:] for found in _TAG.findall(words)]
    rest = " ".join(_TAG.sub("", words).split())
    if tagged := _TAGGED.search(rest):
        tags.append(tagged[1])
        rest = rest[: tagged.start()].strip()
    elif tags:
        rest = re.sub(r"\s*\b(?:tagged|labell?ed|tags?|with|in)$", "", rest, flags=re.IGNORECASE)
    return rest, tuple(dict.fromkeys(tags))


def _number(words: str) -> int | None:
    if found := _NUMBER.fullmatch(words):
        return int(found[1]) or None
    if found := _ORDINAL.fullmatch(words):
        return _ORDINALS.index(found[1].lower()) + 1
    return None


def _group(words: str, tags: tuple[str, ...]) -> Target | None:
    found = _GROUP.fullmatch(words)
    if found is None or not (words or tags):
        return None
    if found["text"] and not found["all"]:
        named = _NAMED.fullmatch(words)
        return Target(text=unquoted(named[1] if named else words), tags=tags)
    state = (found["state"] or "").lower()
    return Target(
        text=unquoted(found["text"]) or None,
        tags=tags,
        every=bool(found["all"] or state),
        overdue=state == "overdue",
        completed=_COMPLETED.get(state),
    )
