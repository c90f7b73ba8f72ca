"""Parses new todos that begin with a lead-in: words such as `add`, `todo:` or `remind me to`."""

import re
from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar.commands import Add, NewTodo
from todo_assistant.commands.grammar.fields import TODO_NOUN
from todo_assistant.commands.grammar.quick_add import parse_new_todo
from todo_assistant.commands.grammar.quotes import mask_quotes, split_outside_quotes, unquote
from todo_assistant.commands.grammar.spans import IsReadable

_ADD: Final = r"(?:add|create|make|new|enter|put in|insert|jot down|write down|note down)"
_REMIND: Final = (
    r"(?:remind me(?: again)?(?: to| about| that| of)?\b:?"
    r"|(?:(?:set|add|create|make|new|put)(?: (?:an?|new|another|the))* )?reminders?(?: to\b| for\b| that\b| about\b|:))"
)
_LEAD_IN_WORDS: Final = "|".join(
    (
        rf"(?P<reminder>{_REMIND})",
        (
            rf"{_ADD}(?: (?:an?|new|another|the|this|these|following))* (?:(?:sub-?)?{TODO_NOUN})(?: (?:called"
            r"|named|titled)|(?: to| for)\b)?:?"
        ),
        r"(?:add|create|enter|insert|jot down|write down|note down)\b:?|(?:new|to-?do|task|note to self):|to-?do\b",
        (
            r"(?:i|we)(?: (?:still|also|really))? (?:need|have|want|ought|\W?ve got|would like|\W?d like) to\b"
            r"|(?:i|we)\W?(?:ve|d)(?: got| like) to\b"
        ),
        (
            r"i (?:must|should|gotta|need)\b|(?:need|have|remember) to\b|(?:don\W?t|do not|dont) (?:let me"
            r" )?forget(?: to| about)?\b|make sure (?:that )?i\b"
        ),
        r"put\b(?=.* on (?:my|the) (?:to-?do )?list$)",
    )
)
"""Matches a lead-in, the words before the title of a new todo: `add`, `new task:`, `put` in `put milk on my list`."""
LEAD_IN: Final = re.compile(rf"(?:{_LEAD_IN_WORDS})\s*", re.IGNORECASE)
"""Matches a lead-in and the spaces after it."""
_NEW_SUBTODO: Final = re.compile(
    (
        rf"(?:add|create|new|make)(?: (?:an?|new|another))* sub-?{TODO_NOUN}:?(?: (?:called|named))? (.+)"
        r" (?:to|under|for|of) (.+)"
        rf"|(?:add|create|make)(?: (?:an?|new|another))* sub-?{TODO_NOUN} (?:to|under|for|of)"
        r" (?P<parent>.+?)(?: (?:called|named)|:) (?P<title>.+)"
    ),
    re.IGNORECASE,
)
"""Matches a new subtodo and its parent: `add a subtask buy flour to bake cake`."""
_LEADING_DASH: Final = re.compile(r"^[-*•+]\s+(?=\S)")
"""Matches the bullet in `add - milk`, which does not belong to the title."""
_TO_MY_LIST: Final = re.compile(
    (
        r" (?:to|on|in|into) (?:my|the|this) (?:to-?dos?|tasks|(?:to-?do |task )?list(?: of (?:to-?dos"
        r"|tasks|things to do))?)(?=$| (?:for|on|by|due|tomorrow|today)\b)"
    ),
    re.IGNORECASE,
)
"""Finds ` to my list` in `add milk to my list`: these words do not belong to the title."""
_ADD_TO: Final = re.compile(r"(?:add|create)\b", re.IGNORECASE)
_TO_PROJECT: Final = re.compile(
    r"(?P<title>.+) to (?:the |my )?(?P<project>(?!(?:list|it|them|do)\b|\d)\S.{0,99})", re.IGNORECASE
)
"""Matches a title and words that may be a project: `milk to Work`, `milk to the shopping list`."""


def parse_lead_in(line: str, is_readable: IsReadable) -> Add | None:
    """Returns the todos of a line that begins with a lead-in such as `add`, else None. `add: milk, eggs` adds two."""
    if subtodo := _NEW_SUBTODO.fullmatch(line):
        title, parent = subtodo["title"] or subtodo[1], subtodo["parent"] or subtodo[2]
        return Add((replace(parse_new_todo(title, is_readable), parent=unquote(parent)),))
    found = LEAD_IN.match(line)
    if found is None or found.end() == len(line):
        return None
    rest = _TO_MY_LIST.sub("", _LEADING_DASH.sub("", line[found.end() :]))
    if found["reminder"]:
        return Add((parse_reminder(rest, is_readable),))
    parts = split_outside_quotes(rest, ",") if found[0].lower().startswith("add:") else [rest]
    todos = [parse_new_todo(part, is_readable) for part in parts]
    if _ADD_TO.match(line):
        todos = [_read_project(todo) for todo in todos]
    return Add(tuple(todos)) if todos else None


def parse_reminder(words: str, is_readable: IsReadable) -> NewTodo:
    """Returns the todo of `remind me to ...`. The reminder is at its due date, or at that of its recurrence."""
    todo = parse_new_todo(words, is_readable)
    title = re.sub(r"^(?:to|about|of|that) (?=\S)", "", todo.title, flags=re.IGNORECASE)
    return replace(todo, title=title, reminder="0 minutes before" if todo.recurrence else todo.due)


def _read_project(todo: NewTodo) -> NewTodo:
    """Takes a project without its mark out of the title: `milk to Work`."""
    found = _TO_PROJECT.fullmatch(todo.title)
    if found is None or todo.project or todo.parent or mask_quotes(todo.title) != todo.title:
        return todo
    return replace(todo, title=found["title"], project=found["project"], title_if_no_project=todo.title)
