"""Parses texts as if they were typed on Friday, 20 November 2026, at 10:15 in Berlin."""

from datetime import datetime
from zoneinfo import ZoneInfo

from todo_assistant.commands.grammar.commands import Add, Command, NewTodo
from todo_assistant.commands.grammar.parser import parse_command

BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY = datetime(2026, 11, 20, 10, 15, tzinfo=BERLIN)


def parsed(text: str) -> Command:
    return parse_command(text, now=FRIDAY, timezone=BERLIN)


def added(text: str) -> NewTodo:
    command = parsed(text)
    assert isinstance(command, Add)
    [todo] = command.todos
    return todo
