"""Examples in the help text are parsed as the commands that they show."""

import re

import pytest

from tests.assistant.commands.typed import parsed
from todo_assistant.commands.grammar.commands import (
    Add,
    Command,
    Complete,
    Delete,
    Find,
    Help,
    MoveTo,
    NewProject,
    NewTodo,
    Overview,
    Projects,
    Reopen,
    Repeat,
    Reschedule,
    Restore,
    Target,
    Undo,
    Unknown,
    Update,
)
from todo_assistant.commands.grammar.help import HELP

EXAMPLES = [*re.findall(r"^  (.+)$", HELP, re.MULTILINE), HELP.rpartition(": ")[2][:-1]]
"""The examples in the help text: its indented lines, and the text after its last colon."""
HELP_COMMANDS: dict[str, Command] = {
    "call mum tomorrow 5pm #family !high": Add((NewTodo("call mum", "tomorrow 5pm", ("family",), "high"),)),
    "pay rent on the 1st p1": Add((NewTodo("pay rent", "the 1st", (), "high"),)),
    "add: milk, eggs, bread": Add((NewTodo("milk"), NewTodo("eggs"), NewTodo("bread"))),
    "remind me to water the plants in 3 days": Add((NewTodo("water the plants", "in 3 days"),)),
    "water plants every 2nd tuesday at 9am /home": Add(
        (NewTodo("water plants", recurrence="every 2nd tuesday at 9am", project="home"),)
    ),
    "pay rent every month on the 1st until june": Add(
        (NewTodo("pay rent", recurrence="every month on the 1st until june"),)
    ),
    "buy flour under bake cake": Add((NewTodo("buy flour", parent="bake cake"),)),
    "today": Overview(),
    "list overdue": Find(overdue=True),
    "list #home": Find(tags=("home",)),
    "list /work": Find(project="work"),
    "projects": Projects(),
    "what's due tomorrow?": Find(due="tomorrow"),
    "find milk": Find(text="milk", completed=None),
    "done milk": Complete(Target("milk")),
    "done all #home": Complete(Target(tags=("home",), every=True)),
    "reopen milk": Reopen(Target("milk")),
    "move milk to friday": Reschedule(Target("milk"), "friday"),
    "remove date from milk": Reschedule(Target("milk"), None),
    "repeat milk every week": Repeat(Target("milk"), "every week"),
    "move milk to /shop": MoveTo(Target("milk"), project="shop"),
    "move milk under bake cake": MoveTo(Target("milk"), parent="bake cake"),
    "rename milk to oat milk": Update(Target("milk"), title="oat milk"),
    "tag milk #shop": Update(Target("milk"), add_tags=("shop",)),
    "set milk priority high": Update(Target("milk"), priority="high"),
    "delete milk": Delete(Target("milk")),
    "restore milk": Restore(Target("milk")),
    "new project Work": NewProject("Work"),
    "undo": Undo(),
    'add "read 1984 tomorrow"': Add((NewTodo("read 1984 tomorrow"),)),
    "help": Help(),
}


class TestHelp:
    @pytest.mark.parametrize("example", EXAMPLES)
    def test_each_example_is_parsed_as_the_help_says(self, example: str) -> None:
        assert parsed(example) == HELP_COMMANDS[example]

    def test_every_kind_of_command_has_an_example(self) -> None:
        kinds = {type(command) for command in HELP_COMMANDS.values()}

        assert kinds == {*Command.__value__.__args__} - {Unknown}
        assert set(HELP_COMMANDS) - {"help"} <= set(EXAMPLES)
