"""Which todos a command means, from the words after its verb."""

import re
from typing import Final

from todo_assistant.commands.grammar.commands import Target
from todo_assistant.commands.grammar.quick_add import PROJECT, TAG, project_named, unquoted

NOUNS: Final = r"(?:to-?dos?|tasks?|items?|things?|ones?|entries)"
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_NUMBER: Final = re.compile(rf"(?:{NOUNS} )?(?:number |no\.? ?|#)?(\d{{1,4}})", re.IGNORECASE | re.ASCII)
_ORDINAL: Final = re.compile(rf"(?:the )?({'|'.join(_ORDINALS)})(?: {NOUNS})?", re.IGNORECASE)
_TAGGED: Final = re.compile(
    r"(?:(?:that are|which are) )?\b(?:tagged|labell?ed)(?: (?:as|with))? #?([\w-]{1,50})$", re.IGNORECASE
)
_TAG: Final = re.compile(rf"(?<!\S){TAG}(?!\S)")
_PROJECT: Final = re.compile(rf"(?<!\S)(?:(?:in|from|of) )?({PROJECT})(?!\S)", re.IGNORECASE)
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
    rest, project = _take_project(words)
    rest, tags = take_tags(rest)
    return _group(rest, tags, project)


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


def _take_project(words: str) -> tuple[str, str | None]:
    found = _PROJECT.search(words)
    if found is None:
        return words, None
    return " ".join(f"{words[: found.start()]} {words[found.end() :]}".split()), project_named(found[1])


def _number(words: str) -> int | None:
    if found := _NUMBER.fullmatch(words):
        return int(found[1]) or None
    if found := _ORDINAL.fullmatch(words):
        return _ORDINALS.index(found[1].lower()) + 1
    return None


def _group(words: str, tags: tuple[str, ...], project: str | None) -> Target | None:
    found = _GROUP.fullmatch(words)
    if found is None or not (words or tags or project):
        return None
    if found["text"] and not found["all"]:
        named = _NAMED.fullmatch(words)
        return Target(text=unquoted(named[1] if named else words), tags=tags, project=project)
    state = (found["state"] or "").lower()
    return Target(
        text=unquoted(found["text"]) or None,
        tags=tags,
        every=bool(found["all"] or state),
        overdue=state == "overdue",
        completed=_COMPLETED.get(state),
        project=project,
    )
