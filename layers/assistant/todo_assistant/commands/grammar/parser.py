"""Parses the text that a user types into one command.

The rules are tried in their order. A text that fits no rule is a new todo, unless it is talk, a question or an
incomplete command.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from todo_assistant.commands.grammar.change_rules import CHANGE_RULES
from todo_assistant.commands.grammar.commands import Add, Command, Filter, Find, Help, NewTodo, Undo, Unknown
from todo_assistant.commands.grammar.list_rules import LIST_RULES
from todo_assistant.commands.grammar.new_todo_rules import LEAD_IN, parse_lead_in
from todo_assistant.commands.grammar.other_languages import parse_other_language
from todo_assistant.commands.grammar.project_rules import PROJECT_RULES
from todo_assistant.commands.grammar.quick_add import parse_new_todo, parse_quick_add
from todo_assistant.commands.grammar.quotes import split_outside_quotes, unquote
from todo_assistant.commands.grammar.rules import always, compile_rules
from todo_assistant.commands.grammar.spans import IsReadable
from todo_assistant.phrases.dates import UnreadableDate, parse_date
from todo_assistant.phrases.recurrences import UnreadableRecurrence, is_recurrence_phrase, parse_recurrence

_MAX_TEXT_CHARACTERS: Final = 4_000
"""Longest text that is parsed, to bound the time. A longer text becomes the command Unknown."""

_BULLET: Final = re.compile(r"(?:[-*•+]\s+|\d{1,3}[.)]\s+)?(?:\[[ x]?\]\s+)?(?=\S)", re.IGNORECASE)
"""Matches the marks before the title of a list item: the start of `- milk`, `1. milk`, `[ ] milk`."""
_POLITE_START: Final = re.compile(
    r"(?:please|pls|oops|hey|ok|okay|(?P<request>(?:can|could|would|will) you(?: please)?(?! do\b)))[, ]+",
    re.IGNORECASE,
)
"""Matches polite words before a command, which are dropped: `please`, `could you please`."""
_POLITE_END: Final = re.compile(r"[, ]+(?:please|pls|thanks|thank you)(?=[.!?]*$)", re.IGNORECASE)
"""Finds polite words after a command, which are dropped: `please` in `list overdue please`."""
_TALK: Final = re.compile(
    r"(?:hi|hello|hey|hiya|yo|good (?:morning|afternoon|evening|night)|thanks|thank you|thx|ok|okay|yes|no|nope|yep"
    r"|bye|goodbye|cool|great|nice|sorry|how are you)(?: there| all| everyone| so much| a lot)?[!.,?…]*",
    re.IGNORECASE,
)
"""Matches talk, which must not become a new todo: `hello there`, `thanks a lot!`."""
_OPEN_QUESTION: Final = re.compile(
    r"(?:whats?|who|whose|whom|which|where|when|why|how)\b.*|.*\?", re.IGNORECASE | re.DOTALL
)
"""Matches questions, which must not become new todos: `who are you`, `is it raining?`."""
_INCOMPLETE_COMMAND: Final = re.compile(
    r"(?:re-?schedule|rename|untag|restore|undelete|reopen)\b.*"
    r"|(?:add|new|create|make)(?: (?:an?|new))* project[.!:]*"
    r"|(?:add|new|create|to-?do|task|remind me(?: to)?|done|complete|finish|delete|remove|trash|move|tag|set"
    r"|find|search)[.!:]*",
    re.IGNORECASE,
)
"""Matches commands that lack words, and must not become new todos: `rename milk`, `add project`, `done`."""
_PUNCTUATION: Final = re.compile(r"[\x00-/:-@\[-`{-\x7f\s]*")
"""Matches text of only ASCII punctuation and spaces, which must not become a new todo: `!!`."""


def parse_command(text: str, *, now: datetime, timezone: ZoneInfo) -> Command:
    """Returns the command in a text that a user typed at `now`, an aware datetime. Never raises.

    `parse_date` and `parse_recurrence` can parse the command's dates and recurrences for the same `now` and timezone.
    """

    def is_readable(phrase: str) -> bool:
        try:
            if is_recurrence_phrase(phrase):
                parse_recurrence(phrase, now=now, timezone=timezone)
            else:
                parse_date(phrase, now=now, timezone=timezone)
        except (UnreadableDate, UnreadableRecurrence):
            return False
        return True

    if len(text) > _MAX_TEXT_CHARACTERS:
        return Unknown(text)
    lines = split_outside_quotes(text, r"[\n\r;]")
    if len(lines) > 1:
        return _parse_lines(lines, is_readable) or Unknown(text.strip())
    return _parse_line(" ".join("".join(lines).split()), is_readable)


def _parse_lines(lines: Sequence[str], is_readable: IsReadable) -> Add | None:
    """Returns a command that adds the todos of all lines, or None if a line is another command: `delete milk`.

    A line that is a search, talk or a question becomes a title. A first line such as `add:` is a heading.
    """
    has_heading = LEAD_IN.fullmatch(lines[0]) is not None
    items = [_BULLET.sub("", line, count=1) for line in (lines[1:] if has_heading else lines)]
    todos: list[NewTodo] = []
    for item in items:
        command = _parse_line(" ".join(item.split()), is_readable)
        if isinstance(command, Add):
            todos += command.todos
        elif isinstance(command, Unknown | Find):
            todos.append(NewTodo(unquote(item)))
        else:
            return None
    return Add(tuple(todos)) if todos else None


def _parse_line(line: str, is_readable: IsReadable) -> Command:
    def parse_english(english: str) -> Command:
        return _parse_english_line(english, is_readable)

    return parse_other_language(line, parse_english) or parse_english(line)


def _parse_english_line(line: str, is_readable: IsReadable) -> Command:
    polite = _POLITE_START.match(line)
    words = _POLITE_END.sub("", line[polite.end() :] if polite else line)
    is_request = bool(polite and polite["request"])
    if is_request:
        words = words.rstrip("?. ")
    if command := _parse_by_rules(words, is_readable):
        return command
    if is_request or _is_no_todo(words):
        return Unknown(line)
    return Add((parse_new_todo(words, is_readable),))


def _parse_by_rules(words: str, is_readable: IsReadable) -> Command | None:
    """Returns the command of the first rule that fits the words, else None.

    Words that are only fields, such as `#home p1`, list the todos with these fields.
    """
    if added := parse_lead_in(words, is_readable):
        return added
    bare = words.rstrip("?!. ") or words
    for pattern, parse in _RULES:
        if (found := pattern.fullmatch(bare)) and (command := parse(found, is_readable)):
            return command
    parsed = parse_quick_add(bare, is_readable)
    if not parsed.title and parsed.has_filter:
        return Find(
            Filter(tags=parsed.tags, priority=parsed.priority, completed=False, due=parsed.due, project=parsed.project)
        )
    return None


def _is_no_todo(words: str) -> bool:
    """Returns whether the words must not become a new todo: talk, a question, an incomplete command or punctuation."""
    return any(pattern.fullmatch(words) for pattern in (_TALK, _OPEN_QUESTION, _INCOMPLETE_COMMAND, _PUNCTUATION))


_RULES: Final = [
    # The rule for `undo that` and `revert`, and the rule for `help me` and `what can i say`.
    *compile_rules(
        (r"(?:undo|revert|go back)(?: (?:that|it|this|the last (?:one|change|command|action)|last))?", always(Undo())),
        (r"help(?: me)?|\?+|what can (?:you|i) (?:do|say|type)|how does (?:this|it) work|commands", always(Help())),
    ),
    *PROJECT_RULES,
    *LIST_RULES,
    *CHANGE_RULES,
]
