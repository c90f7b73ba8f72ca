"""Parses new todos that begin with a lead-in: words such as `add`, `todo:` or `remind me to`."""

import re
from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar.commands import Add, Incomplete, NewTodo
from todo_assistant.commands.grammar.fields import TODO_NOUN
from todo_assistant.commands.grammar.named_places import put_in_place, split_place
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
_UNDER_IT: Final = re.compile(
    r"(?:add|create|put) (?!(?:an? |the )?(?:tags?|labels?|notes?|descriptions?|reminders?|dates?|deadline)\b|[#@])(.+)"
    r" (?:to|under) (?:it|that|this|them|that one)",
    re.IGNORECASE,
)
"""Matches words for a todo under one that is not named: `add passport to it`."""
_IT: Final = re.compile(r"it|that|this|them|that one", re.IGNORECASE)
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
_NEW_SUBTODOS: Final = re.compile(
    r"(?:add|create|new|make)(?: (?:the|new|these))* (?:sub-?(?:tasks|to-?dos|items)|steps):? (?P<titles>.+?)"
    r" (?:to|under) (?:the |my )?(?P<parent>.+)",
    re.IGNORECASE,
)
"""Matches several new subtodos and their parent: `add subtasks passport and towels to pack for holiday`."""
_SEPARATORS: Final = re.compile(r",(?: and)? | and ", re.IGNORECASE)
_MARK_BEFORE_TITLE: Final = re.compile(r"^(?:[-*•+]\s+|(?:(?:um+|uh+|er+m?|hm+),? )+)(?=\S)", re.IGNORECASE)
"""Finds what does not belong to the title: the bullet in `add - milk`, `uh` in `add uh milk`."""
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


def parse_lead_in(line: str, is_readable: IsReadable) -> Add | Incomplete | None:
    """Returns the todos of a line that begins with a lead-in such as `add`, else None. `add: milk, eggs` adds two."""
    if placed := _parse_placed(line, is_readable):
        return placed
    if (several := _NEW_SUBTODOS.fullmatch(line)) and (parts := _SEPARATORS.split(several["titles"])):
        titles = [unquote(part.strip()) for part in parts if part.strip()]
        return Add(tuple(NewTodo(title, parent=unquote(several["parent"])) for title in titles))
    if subtodo := _NEW_SUBTODO.fullmatch(line):
        title, parent = subtodo["title"] or subtodo[1], subtodo["parent"] or subtodo[2]
        return Add((replace(parse_new_todo(title, is_readable), parent=unquote(parent)),))
    found = LEAD_IN.match(line)
    if found is None or found.end() == len(line):
        return None
    rest = _TO_MY_LIST.sub("", _MARK_BEFORE_TITLE.sub("", line[found.end() :]))
    if found["reminder"]:
        return Add((parse_reminder(rest, is_readable),))
    parts = split_outside_quotes(rest, ",") if found[0].lower().startswith("add:") else [rest]
    todos = [parse_new_todo(part, is_readable) for part in parts]
    if _ADD_TO.match(line):
        todos = [_read_project(todo) for todo in todos]
    return Add(tuple(todos)) if todos else None


def _parse_placed(line: str, is_readable: IsReadable) -> Add | Incomplete | None:
    """Returns the todo of `under plan party add invite friends`. A todo under `it` has no place."""
    under = _UNDER_IT.fullmatch(line)
    place, words = ("it", under[1]) if under else (split_place(line) or ("", ""))
    if _IT.fullmatch(place):
        return Incomplete(f"Name the todo or the project: `add {words} under bake cake`, `add {words} /work`.")
    if not place or is_readable(place) or is_readable(f"in {place}"):
        return None
    return Add((put_in_place(parse_new_todo(words, is_readable), place),))


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
