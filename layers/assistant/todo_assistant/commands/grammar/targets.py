"""Parses the words after the verb of a command, such as `all overdue`, which describe the todos to change."""

import re
from typing import Final

from todo_assistant.commands.grammar.commands import Filter, Target
from todo_assistant.commands.grammar.fields import PROJECT, TAG, parse_project_name
from todo_assistant.commands.grammar.quotes import is_quoted, unquote

TODO_NOUN: Final = r"(?:to-?dos?|tasks?|items?|things?|ones?|entries)"
"""Matches a noun that means a todo: `todo`, `tasks`, or `one` in `the third one`."""
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_NUMBER: Final = re.compile(rf"(?:{TODO_NOUN} )?(?:number |no\.? ?|#)?(\d{{1,4}})", re.IGNORECASE | re.ASCII)
"""Matches the number of a todo in the list that was shown last: `2`, `task 12`, `number 3`, `#4`."""
_ORDINAL: Final = re.compile(rf"(?:the )?({'|'.join(_ORDINALS)})(?: {TODO_NOUN})?", re.IGNORECASE)
"""Matches an ordinal for the number of a todo in the list that was shown last: `the third one`, `first`."""
_TAGGED: Final = re.compile(
    r"(?:(?:that are|which are) )?\b(?:tagged|labell?ed)(?: (?:as|with))? #?([\w-]{1,50})$", re.IGNORECASE
)
"""Finds a tag without `#` at the end of the words: `tagged home`, `that are labeled with home`."""
_TAG_WORD: Final = re.compile(rf"(?<!\S){TAG}(?!\S)")
"""Finds a tag as a word of its own: `#home`."""
_PROJECT_WORD: Final = re.compile(rf"(?<!\S)(?:(?:in|from|of) )?({PROJECT})(?!\S)", re.IGNORECASE)
"""Finds a project as a word of its own, with its preposition: `/work`, `in /work`."""
_GROUP: Final = re.compile(
    r"(?P<all>(?:all|everything|every)\b(?: of)?(?: (?:the|my)\b)?)? ?"
    r"(?P<state>(?:overdue|completed|done|finished|open)(?!\S))? ?"
    rf"(?P<noun>{TODO_NOUN}(?!\S))? ?(?P<text>.*)",
    re.IGNORECASE,
)
"""Splits any words into `all`, a state, a noun for todos and the rest, each optional: `all completed tasks`."""
_TITLE_AND_NOUN: Final = re.compile(r"the (.+) (?:to-?do|task)", re.IGNORECASE)
"""Matches a title between `the` and `task` or `todo`, which are not searched for: `the milk task`."""
_COMPLETED_BY_STATE: Final = {"completed": True, "done": True, "finished": True, "open": False}


def parse_target(words: str) -> Target | None:
    """Returns the todos that the words describe, or None for blank words. Words all in quotes are always a title."""
    words = words.strip()
    if is_quoted(words):
        return Target(Filter(text=unquote(words)))
    if number := _parse_list_number(words):
        return Target(numbers=(number,))
    rest, project = _take_project(words)
    rest, tags = take_tags(rest)
    return _parse_group(rest, tags, project)


def take_tags(words: str) -> tuple[str, tuple[str, ...]]:
    """Returns the words without tags, and the names of the tags: `home` for `#home` or `tagged home`."""
    tags = [found[1:] for found in _TAG_WORD.findall(words)]
    rest = " ".join(_TAG_WORD.sub("", words).split())
    if tagged := _TAGGED.search(rest):
        tags.append(tagged[1])
        rest = rest[: tagged.start()].strip()
    elif tags:
        rest = re.sub(r"\s*\b(?:tagged|labell?ed|tags?|with|in)$", "", rest, flags=re.IGNORECASE)
    return rest, tuple(dict.fromkeys(tags))


def _take_project(words: str) -> tuple[str, str | None]:
    """Returns the words without their first project, and its name (`work` for `in /work`) or None."""
    found = _PROJECT_WORD.search(words)
    if found is None:
        return words, None
    return " ".join(f"{words[: found.start()]} {words[found.end() :]}".split()), parse_project_name(found[1])


def _parse_list_number(words: str) -> int | None:
    """Returns the number of a todo in the list shown last, from 1. Returns None for `0` and for other words."""
    if found := _NUMBER.fullmatch(words):
        return int(found[1]) or None
    if found := _ORDINAL.fullmatch(words):
        return _ORDINALS.index(found[1].lower()) + 1
    return None


def _parse_group(words: str, tags: tuple[str, ...], project: str | None) -> Target | None:
    """Returns the target for a title, or for a group such as `all completed tasks`; None if nothing is left to search.

    A state such as `overdue` needs `all` if other words follow: `overdue fees` is a title, `all overdue fees` is not.
    """
    found = _GROUP.fullmatch(words)
    if found is None or not (words or tags or project):
        return None
    if found["text"] and not found["all"]:
        title = _TITLE_AND_NOUN.fullmatch(words)
        return Target(Filter(text=unquote(title[1] if title else words), tags=tags, project=project))
    state = (found["state"] or "").lower()
    group = Filter(
        text=unquote(found["text"]) or None,
        tags=tags,
        overdue=state == "overdue",
        completed=_COMPLETED_BY_STATE.get(state),
        project=project,
    )
    return Target(group, every=bool(found["all"] or state))
