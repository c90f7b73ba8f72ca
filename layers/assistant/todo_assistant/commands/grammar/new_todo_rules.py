"""Parses new todos that begin with a lead-in: words such as `add`, `todo:` or `remind me to`."""

import re
from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar.change_rules import ADD_TAG
from todo_assistant.commands.grammar.commands import Add
from todo_assistant.commands.grammar.project_rules import NEW_PROJECT
from todo_assistant.commands.grammar.quick_add import parse_new_todo
from todo_assistant.commands.grammar.quotes import split_outside_quotes, unquote
from todo_assistant.commands.grammar.spans import IsReadable
from todo_assistant.commands.grammar.targets import TODO_NOUN

_LEAD_IN_WORDS: Final = "|".join(
    (
        rf"(?:add|create|make|new)(?: (?:an?|new|another))* (?:(?:sub-?)?{TODO_NOUN}|reminders?)(?: to\b| for\b|:)?",
        r"(?:add|create)\b:?|(?:new|to-?do|task|reminder):|to-?do\b",
        r"remind me(?: to| about| that)?\b:?",
        r"(?:i|we) (?:need|have|want|ought) to\b|i(?:\W?ve| have) got to\b|i (?:must|should|gotta|need)\b",
        r"(?:need|have|remember) to\b|(?:don\W?t|do not) (?:let me )?forget(?: to)?\b",
        r"put\b(?=.* on (?:my|the) (?:to-?do )?list$)",
    )
)
"""Matches a lead-in, the words before the title of a new todo: `add`, `new task:`, `put` in `put milk on my list`."""
LEAD_IN: Final = re.compile(rf"(?!{ADD_TAG}|{NEW_PROJECT})(?:{_LEAD_IN_WORDS})\s*", re.IGNORECASE)
"""Matches a lead-in and the spaces after it; not `add` in `add #home to milk` or in `add project Work`."""
_NEW_SUBTODO: Final = re.compile(rf"(?:add|create|new)(?: (?:an?|new))* sub-?{TODO_NOUN}:? (.+) to (.+)", re.IGNORECASE)
"""Matches a new subtodo and its parent: `add a subtask buy flour to bake cake`."""
_LEADING_DASH: Final = re.compile(r"^[-*•+]\s+(?=\S)")
"""Matches the bullet in `add - milk`, which does not belong to the title."""
_TO_MY_LIST: Final = re.compile(r" (?:to|on) (?:my|the) (?:to-?do )?list$", re.IGNORECASE)
"""Finds ` to my list` in `add milk to my list`: these words do not belong to the title."""


def parse_lead_in(line: str, is_readable: IsReadable) -> Add | None:
    """Returns the todos of a line that begins with a lead-in such as `add`, else None. `add: milk, eggs` adds two."""
    if subtodo := _NEW_SUBTODO.fullmatch(line):
        return Add((replace(parse_new_todo(subtodo[1], is_readable), parent=unquote(subtodo[2])),))
    found = LEAD_IN.match(line)
    if found is None or found.end() == len(line):
        return None
    rest = _TO_MY_LIST.sub("", _LEADING_DASH.sub("", line[found.end() :]))
    parts = split_outside_quotes(rest, ",") if found[0].lower().startswith("add:") else [rest]
    return Add(tuple(parse_new_todo(part, is_readable) for part in parts)) if parts else None
