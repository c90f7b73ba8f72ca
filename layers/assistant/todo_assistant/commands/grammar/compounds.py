"""Finds two commands in one line, and two todos with dates of their own."""

import re
from collections.abc import Sequence
from typing import Final

from todo_assistant.commands.grammar.commands import Incomplete, NewTodo
from todo_assistant.commands.grammar.quick_add import parse_new_todo
from todo_assistant.commands.grammar.quotes import mask_quotes
from todo_assistant.commands.grammar.spans import IsReadable

_MAX_PARTS: Final = 5
"""The most parts into which a line is divided, to bound the time. A line with more stays whole."""
_MIN_TITLE_WORDS: Final = 2
"""The fewest words of a title beside a date. Shorter parts are no todos of their own."""
_VERB: Final = (
    r"(?:delete|complete|done|finish|mark|rename|postpone|snooze|re-?schedule|re-?open|undelete|untag"
    r"|un-?check|check off|tick off"
    r"|trash|restore|remove|move|tag|undo|redo|list|show|prioriti[sz]e|set|repeat|clear)"
)
_STRONG_VERB: Final = (
    r"(?:delete|complete|done with|mark|rename|postpone|snooze|re-?schedule|re-?open|undelete|untag|un-?check|check off"
    r"|tick off|undo|redo|add(?: a)? (?:task|todo)|(?:move|remove|tag|set|put) (?:it|them|that)|add"
    r"|list|show me|remind me)"
)
_NEW_PROJECT: Final = r"(?:add|create|make|new|start|set up)(?: (?:an?|the|my|new|another))* project\b"
_LINK: Final = r"(?:,? (?:and then|and also|then|and|but|also)|[,.])"
_TWO_COMMANDS: Final = re.compile(
    (
        rf"(?P<first>(?:{_VERB} |{_NEW_PROJECT}|undo\b|redo\b|add (?=.* (?:and|then),? (?!add\b){_STRONG_VERB}\b)"
        rf"|remind me to ).*?){_LINK} (?:please )?(?P<second>{_STRONG_VERB}\b.*)"
    ),
    re.IGNORECASE,
)
"""Matches two commands in one line: `done milk and add bread`."""
_SEPARATOR: Final = re.compile(r",? and (?:then )?|, (?:then )?|; ?", re.IGNORECASE)


def find_two_commands(words: str) -> Incomplete | None:
    """Returns the answer to two commands in one line, which are not carried out, or None for one command."""
    found = _TWO_COMMANDS.fullmatch(mask_quotes(words))
    if found is None:
        return None
    first, second = words[: found.end("first")], words[found.start("second") :]
    return Incomplete("One command at a time, please. Which one first?", (first.strip(), second.strip()))


def split_dated_todos(words: str, is_readable: IsReadable) -> Sequence[NewTodo]:
    """Returns the todos of a line whose parts all have a date of their own: `call mum tomorrow, buy milk friday`.

    Returns an empty list for any other line.
    """
    masked = mask_quotes(words)
    gaps = list(_SEPARATOR.finditer(masked))
    if not 1 <= len(gaps) < _MAX_PARTS:
        return []
    starts, ends = [0, *(gap.end() for gap in gaps)], [*(gap.start() for gap in gaps), len(words)]
    parts = [words[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    if not all(len(part.split()) > _MIN_TITLE_WORDS for part in parts):
        return []
    todos = [parse_new_todo(part, is_readable) for part in parts]
    is_each_dated = all(
        todo.due and not todo.recurrence and len(todo.title.split()) >= _MIN_TITLE_WORDS for todo in todos
    )
    return todos if is_each_dated else []
