"""Rules of the grammar: a pattern for a command, and the function that parses its match."""

import re
from collections.abc import Callable, Sequence

from todo_assistant.commands.grammar.commands import Command
from todo_assistant.commands.grammar.spans import IsReadable

type CommandParser = Callable[[re.Match[str], IsReadable], Command | None]
"""Returns the command of a match, or None to let later rules try the text."""
type Rule = tuple[re.Pattern[str], CommandParser]


def compile_rules(*rules: tuple[str, CommandParser]) -> Sequence[Rule]:
    """Compiles the patterns, which match in any case."""
    return [(re.compile(pattern, re.IGNORECASE), parse) for pattern, parse in rules]


def always(command: Command) -> CommandParser:
    """Returns a parser that returns this command for every match."""
    return lambda _found, _is_readable: command
