"""Rules of the command grammar: pairs of a pattern and the function that parses the pattern's match."""

import re
from collections.abc import Callable, Sequence

from todo_assistant.commands.grammar.commands import Add, Command, Either, Incomplete, Target, TargetCommand, Unsure
from todo_assistant.commands.grammar.quick_add import parse_new_todo
from todo_assistant.commands.grammar.spans import IsReadable
from todo_assistant.commands.grammar.targets import is_definite, parse_target

type CommandParser = Callable[[re.Match[str], IsReadable], Command | None]
"""Returns the command for a match of a rule's pattern, or None, after which the later rules are tried."""
type Rule = tuple[re.Pattern[str], CommandParser]


def compile_rules(*rules: tuple[str, CommandParser]) -> Sequence[Rule]:
    """Compiles the patterns of the rules, ignoring case."""
    return [(re.compile(pattern, re.IGNORECASE), parse) for pattern, parse in rules]


def always(command: Command) -> CommandParser:
    """Returns a parser for a pattern whose matches all mean the same command: `undo`, `help`."""
    return lambda _found, _is_readable: command


def answer(sentence: str, *options: str) -> CommandParser:
    """Returns a parser for commands that lack words or cannot be carried out. `sentence` says what to type instead."""
    return always(Incomplete(sentence, options))


def with_target(make: Callable[[Target], TargetCommand]) -> CommandParser:
    """Returns a parser that parses the last matched group as a target, and makes the command with `make`."""

    def parse(found: re.Match[str], is_readable: IsReadable) -> TargetCommand | None:
        target = parse_target(found[found.lastindex or 1], is_readable)
        return make(target) if target else None

    return parse


def with_target_or_new(make: Callable[[Target], TargetCommand]) -> CommandParser:
    """Returns a parser for verbs such as `finish`, with which the title of a new todo may begin, too.

    A line with a date, a priority or a recurrence adds a todo: `finish report tomorrow`. With a definite target, such
    as `it` or `all tasks`, the line is the command. Any other line may be both.
    """

    def parse(found: re.Match[str], is_readable: IsReadable) -> Command | None:
        target = parse_target(found[found.lastindex or 1], is_readable)
        if target is None:
            return None
        if is_definite(target):
            return make(target)
        new = parse_new_todo(found.string, is_readable)
        if new.due or new.priority or new.recurrence:
            return Add((new,))
        return Either(make(target), Add((new,)))

    return parse


def or_new(parse: CommandParser) -> CommandParser:
    """Returns a parser whose commands with an indefinite target may be titles of new todos, too."""

    def parse_both(found: re.Match[str], is_readable: IsReadable) -> Command | None:
        command = parse(found, is_readable)
        if isinstance(command, TargetCommand.__value__) and not is_definite(command.target):
            return Either(command, Add((parse_new_todo(found.string, is_readable),)))
        return command

    return parse_both


def or_unsure(parse: CommandParser) -> CommandParser:
    """Returns a parser whose commands with an indefinite target are never carried out as new todos at once."""

    def parse_both(found: re.Match[str], is_readable: IsReadable) -> Command | None:
        command = parse(found, is_readable)
        if isinstance(command, TargetCommand.__value__) and not is_definite(command.target):
            added = Add((parse_new_todo(found.string, is_readable),))
            return Unsure(added, command.target.filter.text or "", command)
        return command

    return parse_both
