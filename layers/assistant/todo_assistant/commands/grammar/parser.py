"""Parses the text that a user types into one command.

The rules are tried in their order. A text that fits no rule is a new todo. Questions, requests and mistyped commands
are none.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from todo_assistant.commands.grammar.clear_titles import is_clear_title
from todo_assistant.commands.grammar.commands import (
    Add,
    Command,
    Either,
    Filter,
    Find,
    Help,
    Incomplete,
    NewTodo,
    Talk,
    TargetCommand,
    Unknown,
    Unsure,
)
from todo_assistant.commands.grammar.completion_rules import COMPLETION_RULES
from todo_assistant.commands.grammar.compounds import find_two_commands, split_dated_todos
from todo_assistant.commands.grammar.date_rules import DATE_RULES
from todo_assistant.commands.grammar.edit_rules import NOTE_AND_TAG_RULES, TITLE_AND_PRIORITY_RULES
from todo_assistant.commands.grammar.groups import parse_group
from todo_assistant.commands.grammar.list_rules import LIST_RULES, OVERVIEW_RULES, find_group
from todo_assistant.commands.grammar.new_todo_rules import LEAD_IN, parse_lead_in
from todo_assistant.commands.grammar.other_languages import parse_other_language
from todo_assistant.commands.grammar.polite import PlainText, strip_politeness
from todo_assistant.commands.grammar.project_rules import LEAVE_RULES, MOVE_RULES, PROJECT_RULES
from todo_assistant.commands.grammar.question_rules import QUESTION_RULES
from todo_assistant.commands.grammar.quick_add import parse_new_todo
from todo_assistant.commands.grammar.quotes import mask_quotes, split_outside_quotes, unquote
from todo_assistant.commands.grammar.recurrence_rules import RECURRENCE_RULES
from todo_assistant.commands.grammar.reminder_rules import REMINDER_RULES
from todo_assistant.commands.grammar.rules import Rule
from todo_assistant.commands.grammar.spans import IsReadable
from todo_assistant.commands.grammar.statements import rewrite_statement
from todo_assistant.commands.grammar.talk_rules import HISTORY_RULES, NEGATION_RULES, TALK_RULES
from todo_assistant.commands.grammar.targets import is_reference
from todo_assistant.commands.grammar.trash_rules import EXCEPTION_RULES, TRASH_RULES
from todo_assistant.commands.grammar.typos import correct_verb
from todo_assistant.commands.grammar.unsure_lines import find_possible_subject, find_subject, is_talk
from todo_assistant.commands.languages.sentences import translate_dates
from todo_assistant.phrases.dates import UnreadableDate, parse_date
from todo_assistant.phrases.recurrences import UnreadableRecurrence, is_recurrence_phrase, parse_recurrence

_MAX_TEXT_CHARACTERS: Final = 4_000
"""Longest text that is parsed, to bound the time. A longer text becomes the command Unknown."""
_MAX_COMMAND_CHARACTERS: Final = 300
"""Longest line to which the rules are applied, to bound the time. A longer line is a new todo."""
MAX_LINES: Final = 100
"""The most lines that are parsed, to bound the time."""
BULLET: Final = re.compile(r"(?:[-*•+]\s+|\d{1,3}[.)]\s+)?(?:\[(?:\s*|x)\]\s+)?(?=\S)", re.IGNORECASE)
"""Matches the marks before the title of a list item: the start of `- milk`, `1. milk`, `[ ] milk`."""
_OPEN_QUESTION: Final = re.compile(
    (
        r"(?:what(?:\W?s)?|who|whose|whom|which|where|when|why|how)\b.*|.*\?|(?:is|are|does|did|was|were"
        r"|(?:have|am|do|should|shall|may|must|can|could) (?:i|you|we|they)|tell me|give me an?|sing|explain) .*"
    ),
    re.IGNORECASE | re.DOTALL,
)
"""Matches questions, which must not become new todos: `who are you`, `is it raining?`."""
_LONE_WORD: Final = re.compile(
    r"(?:add|new|create|to-?do|task|move|set|find|search|look for|make|put|change|note|tag|every|all)[.!:]*",
    re.IGNORECASE,
)
"""Matches words of commands that lack all others."""
_PUNCTUATION: Final = re.compile(r"[\x00-/:-@\[-`{-\x7f\s]*")
"""Matches text of only ASCII punctuation and spaces, which must not become a new todo: `!!`."""
_FIRST_RULES: Final[Sequence[Rule]] = (*TALK_RULES, *HISTORY_RULES)
_RULES_BEFORE_TITLES: Final[Sequence[Rule]] = (
    *EXCEPTION_RULES,
    *NOTE_AND_TAG_RULES,
    *REMINDER_RULES,
    *PROJECT_RULES,
)
"""Rules for lines that may begin with `add` or `remind me`, but are no new todos."""
_RULES: Final[Sequence[Rule]] = (
    *OVERVIEW_RULES,
    *QUESTION_RULES,
    *RECURRENCE_RULES,
    *NEGATION_RULES,
    *LIST_RULES,
    *DATE_RULES,
    *TITLE_AND_PRIORITY_RULES,
    *COMPLETION_RULES,
    *LEAVE_RULES,
    *TRASH_RULES,
    *MOVE_RULES,
)
"""The other rules: `remove the date from milk` must not match the later rule for `remove`."""


def read_at(now: datetime, timezone: ZoneInfo) -> IsReadable:
    """Returns the function that tells whether a phrase that was typed at `now` is a date or a recurrence."""

    def is_readable(phrase: str) -> bool:
        try:
            if is_recurrence_phrase(phrase):
                parse_recurrence(phrase, now=now, timezone=timezone)
            else:
                parse_date(phrase, now=now, timezone=timezone)
        except (UnreadableDate, UnreadableRecurrence):
            return False
        return True

    return is_readable


def parse_new_todos(line: str, is_readable: IsReadable) -> Sequence[NewTodo]:
    """Returns the todos of a line in a field for new todos, at least one. `delete milk` is a title there.

    The line must have single spaces.
    """
    command = _parse_line(line, is_readable)
    if isinstance(command, Either | Unsure):
        command = command.add
    if isinstance(command, Add):
        return command.todos
    return [parse_new_todo(translate_dates(line, masked=mask_quotes(line)), is_readable)]


def parse_command(text: str, *, now: datetime, timezone: ZoneInfo) -> Command:
    """Returns the command in a text that a user typed at `now`, an aware datetime. Never raises.

    `parse_date` and `parse_recurrence` can parse the command's dates and recurrences for the same `now` and timezone.
    """
    is_readable = read_at(now, timezone)
    if len(text) > _MAX_TEXT_CHARACTERS:
        return Unknown(text)
    lines = split_outside_quotes(text, r"[\n\r;]")
    if len(lines) > 1:
        return _parse_lines(lines, is_readable)
    return _parse_line(" ".join("".join(lines).split()), is_readable)


def _parse_lines(lines: Sequence[str], is_readable: IsReadable) -> Add | Incomplete:
    """Returns a command that adds the todos of all lines, or a question if a line is another command: `delete milk`.

    A line that is a search, talk or a question becomes a title. So does each line with a bullet. A first line such as
    `add:` is a heading.
    """
    if len(lines) > MAX_LINES:
        return Incomplete(f"That is too much: type at most {MAX_LINES} at once.")
    has_heading = LEAD_IN.fullmatch(lines[0]) is not None
    todos: list[NewTodo] = []
    for line in lines[1:] if has_heading else lines:
        item = " ".join(BULLET.sub("", line, count=1).split())
        command = _parse_line(item, is_readable)
        if isinstance(command, Either) or (isinstance(command, Unsure) and item != " ".join(line.split())):
            command = command.add
        is_no_command = isinstance(command, Unknown | Find | Talk | Help)
        if isinstance(command, Add):
            todos += command.todos
        elif is_no_command or (isinstance(command, Incomplete) and not command.options):
            todos.append(NewTodo(unquote(item)))
        elif item != " ".join(line.split()):
            todos.append(parse_new_todo(item, is_readable))
        else:
            return Incomplete("One command at a time, please.", tuple(lines[:10]))
    return Add(tuple(todos))


def _parse_line(line: str, is_readable: IsReadable) -> Command:
    def parse_english(english: str) -> Command:
        return _parse_english_line(english, is_readable)

    return parse_other_language(line, parse_english) or parse_english(line)


def _parse_english_line(line: str, is_readable: IsReadable) -> Command:
    if len(line) > _MAX_COMMAND_CHARACTERS:
        return (
            Unknown(line)
            if _PUNCTUATION.fullmatch(line)
            else parse_lead_in(line, is_readable) or _add(line, is_readable)
        )
    text = strip_politeness(line)
    command = _apply(_FIRST_RULES, line.rstrip("?!., ") or line, is_readable) or _parse_by_rules(text, is_readable)
    if isinstance(command, Either) and text.is_request:
        return command.change
    if isinstance(command, Either) and command.add == _add(text.command, is_readable):
        return replace(command, add=_add(text.words, is_readable))
    return command or _parse_other(line, text, is_readable)


def _parse_by_rules(text: PlainText, is_readable: IsReadable) -> Command | None:
    """Returns the command of the first rule that fits the words, else None.

    Words that are only fields, such as `#home p1`, list the todos with these fields.
    """
    words = text.command
    return (
        _apply(_FIRST_RULES, words, is_readable)
        or find_two_commands(words)
        or _parse_clear_title(text, is_readable)
        or _apply(_RULES_BEFORE_TITLES, words, is_readable)
        or parse_lead_in(text.start, is_readable)
        or _parse_statement(text.start.rstrip("?!. "), is_readable)
        or _apply(_RULES, words, is_readable)
        or _parse_fields(words, is_readable)
    )


def _apply(rules: Sequence[Rule], words: str, is_readable: IsReadable) -> Command | None:
    for pattern, parse in rules:
        if (found := pattern.fullmatch(words)) and (command := parse(found, is_readable)):
            return command
    return None


def _parse_statement(words: str, is_readable: IsReadable) -> TargetCommand | None:
    """Returns the change of a todo that a statement means: `rent is high priority`."""
    rewritten = rewrite_statement(words)
    command = _apply(_RULES, rewritten, is_readable) if rewritten else None
    return command if isinstance(command, TargetCommand.__value__) else None


def _parse_clear_title(text: PlainText, is_readable: IsReadable) -> Add | None:
    is_title = not text.is_request and is_clear_title(text.words)
    return _mark(_add(text.words, is_readable)) if is_title else None


def _parse_fields(words: str, is_readable: IsReadable) -> Find | None:
    group = parse_group(words, is_readable)
    found = replace(group.filter, parent=None)
    is_description = found.text is None and (group.is_plural or group.has_all or found != Filter())
    return find_group(group, completed=False) if is_description else None


def _parse_other(line: str, text: PlainText, is_readable: IsReadable) -> Command:
    """Returns the command of a line that fits no rule: a new todo, unless the line is no title."""
    if incomplete := _find_gap(text, is_readable):
        return incomplete
    if text.is_request or _is_talk(line) or _is_talk(text.words):
        return Unknown(line)
    if corrected := _correct(text, is_readable):
        return Incomplete(f"Did you mean “{corrected}”?", (corrected, f"add {line}"))
    if todos := split_dated_todos(text.words, is_readable):
        return Add(tuple(todos))
    return _parse_title(text, is_readable)


def _find_gap(text: PlainText, is_readable: IsReadable) -> Incomplete | None:
    """Returns the answer to a line that lacks its verb or its todo: `move`, `2 and 3`, `every week`."""
    if _LONE_WORD.fullmatch(text.words):
        return Incomplete("That lacks some words. Type `help` for examples.")
    if is_reference(text.command):
        return Incomplete("Say what to do, too: `done 2`, `delete the last one`.")
    if is_recurrence_phrase(text.command) and is_readable(text.command):
        return Incomplete(f"Say what is repeated: `repeat milk {text.command}`, `call mum {text.command}`.")
    return None


def _parse_title(text: PlainText, is_readable: IsReadable) -> Add | Unsure:
    """Returns the new todo of a line, or that it is unsure whether the line is a title."""
    added = _add(text.words, is_readable)
    subject = find_subject(text.command)
    if subject is not None:
        return Unsure(added, subject)
    return _mark(added)


def _mark(added: Add) -> Add:
    """Returns the command with the words that may name an open todo: `dentist` in `dentist friday`."""
    new = added.todos[0]
    has_fields = bool(new.due or new.tags or new.priority) and not new.recurrence
    return replace(added, subject=find_possible_subject(new.title, has_fields=has_fields))


def _is_talk(words: str) -> bool:
    return bool(_PUNCTUATION.fullmatch(words) or _OPEN_QUESTION.fullmatch(words)) or is_talk(words)


def _correct(text: PlainText, is_readable: IsReadable) -> str | None:
    """Returns the command with its mistyped verb corrected, or None if the line is a new todo even then."""
    corrected = correct_verb(text.command)
    if corrected is None:
        return None
    return None if isinstance(_parse_line(corrected, is_readable), Add | Unknown | Unsure) else corrected


def _add(words: str, is_readable: IsReadable) -> Add:
    return Add((parse_new_todo(words, is_readable),))
