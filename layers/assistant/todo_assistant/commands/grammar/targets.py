"""Parses the words after the verb of a command, such as `all overdue` or `it`, which describe the todos to change."""

import re
from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar.commands import Filter, Target
from todo_assistant.commands.grammar.fields import PROJECT, TODO_NOUN, parse_project_name
from todo_assistant.commands.grammar.groups import Group, parse_group, take_tags
from todo_assistant.commands.grammar.list_numbers import parse_list_numbers
from todo_assistant.commands.grammar.quotes import is_quoted, mask_quotes, unquote
from todo_assistant.commands.grammar.spans import IsReadable

_MAX_TITLES: Final = 20
"""The most titles into which words are divided, to bound the searches of a command."""
_IT: Final = re.compile(
    rf"it|that|this|(?:this|that|the same|the new|my new) {TODO_NOUN}|the (?:to-?do|task|item|reminder|same)"
    rf"|(?:the (?:last )?{TODO_NOUN} |what )(?:(?:that )?i|you)(?:\W?ve| have)? (?:just )?"
    r"(?:added|created|made|typed|entered|mentioned|said)|the latest(?: one)?|it all",
    re.IGNORECASE,
)
"""Matches words for the todo that the conversation touched last: `it`, `that one`, `the task i just added`."""
_THEM: Final = re.compile(
    r"them|those|these|they|(?:those|these|all (?:of )?(?:those|these)|both|both of (?:those|these"
    rf"|the))(?: {TODO_NOUN})?"
    r"|(?:both|all|each|every one|any) of (?:them|those|these|it)|them (?:both|all)|all (?:two|three|four|five)"
    r"|(?:the|those|these) (?:two|three|four|five)(?: of them)?",
    re.IGNORECASE,
)
"""Matches words for the todos that the conversation touched or listed last: `them`, `those tasks`, `both`."""
_BOTH: Final = re.compile(r"\b(?:both|two)\b", re.IGNORECASE)
_WHOLE_LIST: Final = re.compile(
    r"(?:(?:my|the|this) )?(?:(?:whole|entire|full|complete) )?(?:to-?do )?list|(?:my|the) (?:to-?dos|tasks)",
    re.IGNORECASE,
)
"""Matches words for all todos: `my list`, `the whole list`, `my tasks`."""
_PROJECT_WORD: Final = re.compile(rf"(?<!\S)(?:(?:in|from|of) )?({PROJECT})(?!\S)", re.IGNORECASE)
"""Finds a project as a word of its own, with its preposition: `/work`, `in /work`."""
_TITLE_AND_NOUN: Final = re.compile(
    rf"(?:the |my )(?:{TODO_NOUN} (?:called|named|titled|about|for) )?(.+?)(?: (?:to-?do|task|item|entry|reminder))?"
    rf"|{TODO_NOUN} (?:called|named|titled) (.+)",
    re.IGNORECASE,
)
"""Matches a title with words around it that are not searched for: `the milk task`, `the task called milk`."""
_SEPARATORS: Final = re.compile(r" ?, (?:and )?| (?:and|&|plus|as well as) ", re.IGNORECASE)
"""Finds the words between titles: commas and `and`."""


def parse_target(words: str, is_readable: IsReadable) -> Target | None:
    """Returns the todos that the words describe, or None for blank words. Words all in quotes are always a title."""
    words = re.sub(r"(?<=\w)(?: ?[:,-])+$", "", words.strip())
    if is_quoted(words):
        return Target(Filter(text=unquote(words)))
    if reference := _parse_reference(words):
        return reference
    group = parse_group(words, is_readable)
    if group.has_all or not group.filter.text:
        return _group_target(group)
    return _parse_title(words)


def is_reference(words: str) -> bool:
    """Returns whether the words only refer to todos that were shown: `2 and 3`, `the last one`, `both`."""
    return _parse_reference(words) is not None


def _parse_reference(words: str) -> Target | None:
    if _IT.fullmatch(words):
        return Target(reference="it")
    if _THEM.fullmatch(words):
        return Target(reference="both" if _BOTH.search(words) else "them")
    if _WHOLE_LIST.fullmatch(words):
        return Target(every=True)
    numbers = parse_list_numbers(words)
    return Target(numbers=numbers) if numbers else None


def is_definite(target: Target) -> bool:
    """Returns whether a target has no words of a title: numbers, `it`, `all tasks`, `#home`."""
    return not target.filter.text


def single_title(target: Target) -> Target:
    """Returns the target without its division into several titles, for commands that change one todo: rename."""
    return replace(target, titles=())


def _group_target(group: Group) -> Target | None:
    every = group.has_all or group.is_plural
    return Target(group.filter, every=every) if every or group.filter != Filter() else None


def _parse_title(words: str) -> Target | None:
    rest, project = _take_project(words)
    rest, tags = take_tags(rest)
    title = unquote(_cut_noun(rest))
    if not title:
        return Target(Filter(tags=tags, project=project)) if tags or project else None
    return Target(Filter(text=title, tags=tags, project=project), titles=_split_titles(title))


def _cut_noun(words: str) -> str:
    """Returns the title in `the milk task` or `the task called milk`; any other words unchanged."""
    found = _TITLE_AND_NOUN.fullmatch(words)
    if found is None or not re.search(rf"\b{TODO_NOUN}\b", words, re.IGNORECASE):
        return words
    return str(next(filter(None, found.groups())))


def _take_project(words: str) -> tuple[str, str | None]:
    """Returns the words without their first project, and its name (`work` for `in /work`) or None."""
    found = _PROJECT_WORD.search(words)
    if found is None:
        return words, None
    return " ".join(f"{words[: found.start()]} {words[found.end() :]}".split()), parse_project_name(found[1])


def _split_titles(words: str) -> tuple[str, ...]:
    """Returns the titles of `milk, eggs and bread`; empty for one title or for too many."""
    gaps = list(_SEPARATORS.finditer(mask_quotes(words)))
    starts, ends = [0, *(gap.end() for gap in gaps)], [*(gap.start() for gap in gaps), len(words)]
    titles = [words[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    return tuple(map(unquote, titles)) if 1 < len(titles) <= _MAX_TITLES and all(titles) else ()
