"""Reads what was typed. The rules are tried from top to bottom; what no rule takes is a new todo, or talk."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from todo_assistant.commands.grammar import changing, looking, projects, quick_add
from todo_assistant.commands.grammar.commands import Add, Command, Find, Help, NewTodo, Undo, Unknown
from todo_assistant.commands.grammar.due_spans import Readable
from todo_assistant.commands.grammar.rules import always, compiled
from todo_assistant.commands.grammar.targets import NOUNS
from todo_assistant.phrases.dates import UnreadableDate, parse_date
from todo_assistant.phrases.recurrences import UnreadableRecurrence, is_recurrence_phrase, parse_recurrence

MAX_LENGTH: Final = 4_000
"""Characters; a longer text is Unknown."""


def parse(text: str, *, now: datetime, timezone: ZoneInfo) -> Command:
    """What a text asks for when it is typed at `now` (aware) in a zone. Never raises.

    A due in the command is a phrase that `parse_date` reads at the same moment, a recurrence one that
    `parse_recurrence` does.
    """

    def readable(phrase: str) -> bool:
        try:
            if is_recurrence_phrase(phrase):
                parse_recurrence(phrase, now=now, timezone=timezone)
            else:
                parse_date(phrase, now=now, timezone=timezone)
        except (UnreadableDate, UnreadableRecurrence):
            return False
        return True

    if len(text) > MAX_LENGTH:
        return Unknown(text)
    lines = quick_add.split_outside_quotes(text, r"[\n\r;]")
    if len(lines) > 1:
        return _read_lines(lines, readable) or Unknown(text.strip())
    return _read_line(" ".join("".join(lines).split()), readable)


# New todos

_TITLES_FOLLOW: Final = "|".join(
    (
        rf"(?:add|create|make|new)(?: (?:an?|new|another))* (?:(?:sub-?)?{NOUNS}|reminders?)(?: to\b| for\b|:)?",
        r"(?:add|create)\b:?|(?:new|to-?do|task|reminder):|to-?do\b",
        r"remind me(?: to| about| that)?\b:?",
        r"(?:i|we) (?:need|have|want|ought) to\b|i(?:\W?ve| have) got to\b|i (?:must|should|gotta|need)\b",
        r"(?:need|have|remember) to\b|(?:don\W?t|do not) (?:let me )?forget(?: to)?\b",
        r"put\b(?=.* on (?:my|the) (?:to-?do )?list$)",
    )
)
_LEAD_IN: Final = re.compile(rf"(?!{changing.ADD_TAG}|{projects.NEW})(?:{_TITLES_FOLLOW})\s*", re.IGNORECASE)
_SUBTODO: Final = re.compile(rf"(?:add|create|new)(?: (?:an?|new))* sub-?{NOUNS}:? (.+) to (.+)", re.IGNORECASE)
_BULLET: Final = re.compile(r"(?:[-*•+]\s+|\d{1,3}[.)]\s+)?(?:\[[ x]?\]\s+)?(?=\S)", re.IGNORECASE)
_DASH: Final = re.compile(r"^[-*•+]\s+(?=\S)")
_TO_MY_LIST: Final = re.compile(r" (?:to|on) (?:my|the) (?:to-?do )?list$", re.IGNORECASE)


def _read_lines(lines: Sequence[str], readable: Readable) -> Add | None:
    """None if a line is a command of another kind: several of those in one message are not carried out."""
    heading = _LEAD_IN.fullmatch(lines[0])
    bodies = [_BULLET.sub("", line, count=1) for line in (lines[1:] if heading else lines)]
    todos: list[NewTodo] = []
    for body in bodies:
        command = _read_line(" ".join(body.split()), readable)
        if isinstance(command, Add):
            todos += command.todos
        elif isinstance(command, Unknown | Find):
            todos.append(NewTodo(quick_add.unquoted(body)))
        else:
            return None
    return Add(tuple(todos)) if todos else None


def _add(line: str, readable: Readable) -> Add | None:
    """A line that begins as only a new todo does: `add`, `todo:`, `remind me to`."""
    if subtodo := _SUBTODO.fullmatch(line):
        return Add((replace(quick_add.new_todo(subtodo[1], readable), parent=quick_add.unquoted(subtodo[2])),))
    found = _LEAD_IN.match(line)
    if found is None or found.end() == len(line):
        return None
    rest = _TO_MY_LIST.sub("", _DASH.sub("", line[found.end() :]))
    parts = quick_add.split_outside_quotes(rest, ",") if found[0].lower().startswith("add:") else [rest]
    return Add(tuple(quick_add.new_todo(part, readable) for part in parts)) if parts else None


# Single lines

_POLITE: Final = re.compile(
    r"(?:please|pls|oops|hey|ok|okay|(?P<asking>(?:can|could|would|will) you(?: please)?(?! do\b)))[, ]+", re.IGNORECASE
)
_THANKS: Final = re.compile(r"[, ]+(?:please|pls|thanks|thank you)(?=[.!?]*$)", re.IGNORECASE)


def _read_line(line: str, readable: Readable) -> Command:
    polite = _POLITE.match(line)
    said = _THANKS.sub("", line[polite.end() :] if polite else line)
    asking = bool(polite and polite["asking"])
    if asking:
        said = said.rstrip("?. ")
    if command := _command(said, readable):
        return command
    if asking or _is_talk(said):
        return Unknown(line)
    return Add((quick_add.new_todo(said, readable),))


def _command(said: str, readable: Readable) -> Command | None:
    bare = said.rstrip("?!. ") or said
    if added := _add(said, readable):
        return added
    for pattern, read in _RULES:
        if (found := pattern.fullmatch(bare)) and (command := read(found, readable)):
            return command
    signs = quick_add.read(bare, readable)
    if not signs.title and signs.has_signs:
        return Find(tags=signs.tags, priority=signs.priority, due=signs.due, project=signs.project)
    return None


_TALK: Final = re.compile(
    r"(?:hi|hello|hey|hiya|yo|good (?:morning|afternoon|evening|night)|thanks|thank you|thx|ok|okay|yes|no|nope|yep"
    r"|bye|goodbye|cool|great|nice|sorry|how are you)(?: there| all| everyone| so much| a lot)?[!.,?…]*",
    re.IGNORECASE,
)
_OPEN_QUESTION: Final = re.compile(
    r"(?:whats?|who|whose|whom|which|where|when|why|how)\b.*|.*\?", re.IGNORECASE | re.DOTALL
)
_LACKING: Final = re.compile(
    r"(?:re-?schedule|rename|untag|restore|undelete|reopen)\b.*"
    r"|(?:add|new|create|make)(?: (?:an?|new))* project[.!:]*"
    r"|(?:add|new|create|to-?do|task|remind me(?: to)?|done|complete|finish|delete|remove|trash|move|tag|set"
    r"|find|search)[.!:]*",
    re.IGNORECASE,
)
"""Commands that lack something, as no rule took them."""
_PUNCTUATION: Final = re.compile(r"[\x00-/:-@\[-`{-\x7f\s]*")


def _is_talk(said: str) -> bool:
    return any(pattern.fullmatch(said) for pattern in (_TALK, _OPEN_QUESTION, _LACKING, _PUNCTUATION))


_RULES: Final = [
    *compiled(
        (r"(?:undo|revert|go back)(?: (?:that|it|this|the last (?:one|change|command|action)|last))?", always(Undo())),
        (r"help(?: me)?|\?+|what can (?:you|i) (?:do|say|type)|how does (?:this|it) work|commands", always(Help())),
    ),
    *projects.RULES,
    *looking.RULES,
    *changing.RULES,
]
