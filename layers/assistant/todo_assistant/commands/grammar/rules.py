"""A rule is what a command looks like, and how it is read."""

import re
from collections.abc import Callable, Sequence

from todo_assistant.commands.grammar.commands import Command
from todo_assistant.commands.grammar.due_spans import Readable

type Reader = Callable[[re.Match[str], Readable], Command | None]
"""Makes the command of what was found; None leaves the text to the rules that follow."""
type Rule = tuple[re.Pattern[str], Reader]


def compiled(*rules: tuple[str, Reader]) -> Sequence[Rule]:
    return [(re.compile(pattern, re.IGNORECASE), read) for pattern, read in rules]


def always(command: Command) -> Reader:
    return lambda _found, _readable: command
