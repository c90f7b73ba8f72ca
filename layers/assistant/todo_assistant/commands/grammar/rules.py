"""Rules of the command grammar: pairs of a pattern and the function that parses the pattern's match."""

import re
from collections.abc import Callable, Sequence

from todo_assistant.commands.grammar.commands import Command
from todo_assistant.commands.grammar.spans import IsReadable

type CommandParser = Callable[[re.Match[str], IsReadable], Command | None]
"""Returns the command for a match of a rule's pattern, or None, after which the later rules are tried."""
type Rule = tuple[re.Pattern[str], CommandParser]


def compile_rules(*rules: tuple[str, CommandParser]) -> Sequence[Rule]:
    """Compiles the patterns of the rules, ignoring case."""
    return [(re.compile(pattern, re.IGNORECASE), parse) for pattern, parse in rules]


def always(command: Command) -> CommandParser:
    """Returns a parser for a pattern whose matches all mean the same command: `undo`, `help`."""
    return lambda _found, _is_readable: command
