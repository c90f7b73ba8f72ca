"""The todos that a command is about, from the words after its verb."""

import re
from typing import Final

from todo_assistant.commands.grammar.commands import Target
from todo_assistant.commands.grammar.fields import PROJECT, TAG, parse_project_name
from todo_assistant.commands.grammar.quotes import is_quoted, unquote

TODO_NOUN: Final = r"(?:to-?dos?|tasks?|items?|things?|ones?|entries)"
"""Matches the nouns for a todo: `todo`, `tasks`, `the third one`."""
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_NUMBER: Final = re.compile(rf"(?:{TODO_NOUN} )?(?:number |no\.? ?|#)?(\d{{1,4}})", re.IGNORECASE | re.ASCII)
"""Matches a number of the last list: `2`, `task 12`, `number 3`, `#4`."""
_ORDINAL: Final = re.compile(rf"(?:the )?({'|'.join(_ORDINALS)})(?: {TODO_NOUN})?", re.IGNORECASE)
"""Matches a number of the last list in words: `the third one`, `first`."""
_TAGGED: Final = re.compile(
    r"(?:(?:that are|which are) )?\b(?:tagged|labell?ed)(?: (?:as|with))? #?([\w-]{1,50})$", re.IGNORECASE
)
"""Finds a tag in words at the end: `tagged home`, `that are labeled with home`."""
_TAG_WORD: Final = re.compile(rf"(?<!\S){TAG}(?!\S)")
"""Finds a tag as a word of its own: `#home`."""
_PROJECT_WORD: Final = re.compile(rf"(?<!\S)(?:(?:in|from|of) )?({PROJECT})(?!\S)", re.IGNORECASE)
"""Finds a project as a word of its own: `/work`, `in /work`."""
_GROUP: Final = re.compile(
    r"(?P<all>(?:all|everything|every)\b(?: of)?(?: (?:the|my)\b)?)? ?"
    r"(?P<state>(?:overdue|completed|done|finished|open)(?!\S))? ?"
    rf"(?P<noun>{TODO_NOUN}(?!\S))? ?(?P<text>.*)",
    re.IGNORECASE,
)
"""Matches a group of todos: `all`, `overdue`, `all completed tasks`, `everything about milk`."""
_TITLE_AND_NOUN: Final = re.compile(r"the (.+) (?:to-?do|task)", re.IGNORECASE)
"""Matches a title with words around it: `the milk task`."""
_COMPLETED_BY_STATE: Final = {"completed": True, "done": True, "finished": True, "open": False}


def parse_target(words: str) -> Target | None:
    """Returns the target, or None for blank words. Quoted words are a title, whatever they contain."""
    words = words.strip()
    if is_quoted(words):
        return Target(text=unquote(words))
    if number := _parse_list_number(words):
        return Target(number=number)
    rest, project = _take_project(words)
    rest, tags = take_tags(rest)
    return _parse_group(rest, tags, project)


def take_tags(words: str) -> tuple[str, tuple[str, ...]]:
    """Splits words into the rest and the tags in `#home` and `tagged home`."""
    tags = [found[1:] for found in _TAG_WORD.findall(words)]
    rest = " ".join(_TAG_WORD.sub("", words).split())
    if tagged := _TAGGED.search(rest):
        tags.append(tagged[1])
        rest = rest[: tagged.start()].strip()
    elif tags:
        rest = re.sub(r"\s*\b(?:tagged|labell?ed|tags?|with|in)$", "", rest, flags=re.IGNORECASE)
    return rest, tuple(dict.fromkeys(tags))


def _take_project(words: str) -> tuple[str, str | None]:
    """Splits words into the rest and the name of the first project."""
    found = _PROJECT_WORD.search(words)
    if found is None:
        return words, None
    return " ".join(f"{words[: found.start()]} {words[found.end() :]}".split()), parse_project_name(found[1])


def _parse_list_number(words: str) -> int | None:
    """Returns the number in the last list, from 1, or None if the words are no number."""
    if found := _NUMBER.fullmatch(words):
        return int(found[1]) or None
    if found := _ORDINAL.fullmatch(words):
        return _ORDINALS.index(found[1].lower()) + 1
    return None


def _parse_group(words: str, tags: tuple[str, ...], project: str | None) -> Target | None:
    """Returns one todo by its title, or a group of todos. A state without `all` counts only without a title."""
    found = _GROUP.fullmatch(words)
    if found is None or not (words or tags or project):
        return None
    if found["text"] and not found["all"]:
        title = _TITLE_AND_NOUN.fullmatch(words)
        return Target(text=unquote(title[1] if title else words), tags=tags, project=project)
    state = (found["state"] or "").lower()
    return Target(
        text=unquote(found["text"]) or None,
        tags=tags,
        every=bool(found["all"] or state),
        overdue=state == "overdue",
        completed=_COMPLETED_BY_STATE.get(state),
        project=project,
    )
