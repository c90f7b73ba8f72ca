"""Examples in the help text are parsed as the commands that they show."""

import re

import pytest

from tests.assistant.commands.typed import parsed
from todo_assistant.commands.grammar.commands import (
    Add,
    Command,
    Complete,
    Delete,
    DeleteTag,
    Describe,
    Either,
    Filter,
    Find,
    Help,
    Incomplete,
    MoveTo,
    NewProject,
    NewTodo,
    Overview,
    Projects,
    Redo,
    Remind,
    RenameTag,
    Reopen,
    Repeat,
    Reschedule,
    Restore,
    Show,
    Skip,
    Talk,
    Target,
    TargetCommand,
    Undo,
    Unknown,
    Unsure,
    Untag,
    Update,
)
from todo_assistant.commands.grammar.help import HELP

EXAMPLES = [*re.findall(r"^  (.+)$", HELP, re.MULTILINE), HELP.rpartition(": ")[2][:-1]]
"""The examples in the help text: its indented lines, and the text after its last colon."""
KINDS = {*Command.__value__.__args__} - {TargetCommand} | {*TargetCommand.__value__.__args__}
"""The classes of all commands."""
HELP_COMMANDS: dict[str, Command] = {
    "call mum tomorrow 5pm #family !high": Add((NewTodo("call mum", "tomorrow 5pm", ("family",), "high"),)),
    "pay rent on the 1st p1": Add((NewTodo("pay rent", "the 1st", (), "high"),)),
    "add: milk, eggs, bread": Add((NewTodo("milk"), NewTodo("eggs"), NewTodo("bread"))),
    "remind me to water the plants in 3 days": Add((NewTodo("water the plants", "in 3 days", reminder="in 3 days"),)),
    "water plants every 2nd tuesday at 9am /home": Add(
        (NewTodo("water plants", recurrence="every 2nd tuesday at 9am", project="home"),)
    ),
    "pay rent every month on the 1st until june": Add(
        (NewTodo("pay rent", recurrence="every month on the 1st until june"),)
    ),
    "buy flour under bake cake": Add((NewTodo("buy flour", parent="bake cake"),)),
    "today": Overview(),
    "list overdue": Find(Filter(overdue=True, completed=False)),
    "list #home": Find(Filter(tags=("home",), completed=False)),
    "list /work": Find(Filter(project="work", completed=False)),
    "projects": Projects(),
    "what's due tomorrow?": Find(Filter(due="tomorrow", completed=False)),
    "find milk": Find(Filter("milk")),
    "done milk": Complete(Target(Filter("milk"))),
    "done all #home": Complete(Target(Filter(tags=("home",)), every=True)),
    "skip 2": Skip(Target(numbers=(2,))),
    "reopen milk": Reopen(Target(Filter("milk"))),
    "move milk to friday": Reschedule(Target(Filter("milk")), "friday"),
    "remove date from milk": Reschedule(Target(Filter("milk")), None),
    "repeat milk every week": Repeat(Target(Filter("milk")), "every week"),
    "move milk to /shop": MoveTo(Target(Filter("milk")), project="shop"),
    "move milk under bake cake": MoveTo(Target(Filter("milk")), parent="bake cake"),
    "rename milk to oat milk": Update(Target(Filter("milk")), title="oat milk"),
    "tag milk #shop": Update(Target(Filter("milk")), add_tags=("shop",)),
    "set milk priority high": Update(Target(Filter("milk")), priority="high"),
    "delete milk": Delete(Target(Filter("milk"))),
    "restore milk": Restore(Target(Filter("milk"))),
    "new project Work": NewProject("Work"),
    "rename tag shop to market": RenameTag("shop", "market"),
    "delete tag market": DeleteTag("market"),
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

        assert kinds == KINDS - {Unknown, Redo, Remind, Describe, Talk, Incomplete, Either, Unsure, Show, Untag}
        assert set(HELP_COMMANDS) - {"help"} <= set(EXAMPLES)
