"""Rules of the grammar; the table of phrases has more examples."""

import re
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from todo_assistant.commands.grammar.parser import parse_command
from todo_assistant.phrases.dates import parse_date
from todo_assistant.phrases.recurrences import parse_recurrence

BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY = datetime(2026, 11, 20, 10, 15, tzinfo=BERLIN)
TITLE_WORDS = [
    "milk",
    "Jürgen",
    "牛乳",
    "дом",
    "🎂",
    "report",
    "12345",
    "second",
    "flowers",
    "c#",
    "a@b.de",
    "#42",
    "bread!!",
]
RECURRENCES = ["every day", "every 2nd tuesday", "on mondays", "monthly", "until june", "every"]
DUES = ["tomorrow", "friday", "jan 3", "in 2 weeks", "5pm", "at noon", "2026-12-24", "tonight"]
LEAD_INS = {"TODO"}
"""Lead-ins that Hypothesis generates, which are not part of the title."""
FIELDS = ["#home", "@work", "!high", "p2", "/errands"]


def parsed(text: str) -> Command:
    return parse_command(text, now=FRIDAY, timezone=BERLIN)


def added(text: str) -> NewTodo:
    command = parsed(text)
    assert isinstance(command, Add)
    [todo] = command.todos
    return todo


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
    @pytest.mark.parametrize("example", [*re.findall(r"^  (.+)$", HELP, re.MULTILINE), HELP.rpartition(": ")[2][:-1]])
    def test_each_example_is_parsed_as_the_help_says(self, example: str) -> None:
        assert parsed(example) == HELP_COMMANDS[example]

    def test_every_kind_of_command_has_an_example(self) -> None:
        kinds = {type(command) for command in HELP_COMMANDS.values()}

        assert kinds == {*Command.__value__.__args__} - {Unknown}
        assert set(HELP_COMMANDS) - {"help"} <= {
            *re.findall(r"^  (.+)$", HELP, re.MULTILINE),
            HELP.rpartition(": ")[2][:-1],
        }


class TestQuickAdd:
    def test_fields_may_be_in_any_order(self) -> None:
        expected = NewTodo("call mum", "tomorrow 5pm", ("family",), "high")

        assert added("call mum tomorrow 5pm #family !high") == expected
        assert added("!high #family tomorrow 5pm call mum") == expected
        assert added("#family call tomorrow mum p1 5pm") == expected

    def test_the_due_date_is_kept_as_typed(self) -> None:
        assert added("call mum by Next Friday").due == "Next Friday"
        assert added("tomorrow call mum at 5").due == "tomorrow at 5"

    def test_the_last_of_several_dates_counts(self) -> None:
        assert added("print friday meeting tomorrow") == NewTodo("print friday meeting", "tomorrow")
        assert added("compare 2026-01-01 with 2027-01-01") == NewTodo("compare 2026-01-01 with", "2027-01-01")

    def test_the_last_of_several_priorities_counts(self) -> None:
        assert added("fix p1 bug p3") == NewTodo("fix p1 bug", priority="low")

    def test_a_date_that_does_not_exist_stays_in_the_title(self) -> None:
        assert added("pay rent feb 30") == NewTodo("pay rent feb 30")

    def test_fields_alone_after_add_are_a_title(self) -> None:
        assert added("add tomorrow #home") == NewTodo("tomorrow #home")

    def test_a_title_may_end_like_a_command(self) -> None:
        assert added("remind me to check that the build is done") == NewTodo("check that the build is done")

    def test_quoted_text_is_a_title(self) -> None:
        assert added('add "  buy p1 #home; tomorrow"') == NewTodo("buy p1 #home; tomorrow")

    @pytest.mark.parametrize("tag", ["#42", "#", "@", "#" + "a" * 51, "a#b", "#a#b", "a@b"])
    def test_invalid_tags_stay_in_the_title(self, tag: str) -> None:
        assert added(f"milk {tag}") == NewTodo(f"milk {tag}")

    def test_a_time_apart_from_the_recurrence_belongs_to_it(self) -> None:
        assert added("standup 9:30 every weekday") == NewTodo("standup", recurrence="every weekday 9:30")
        assert added("every weekday standup at 9:30") == NewTodo("standup", recurrence="every weekday 9:30")

    def test_a_recurring_todo_keeps_its_first_date(self) -> None:
        assert added("pay rent jan 5 every month") == NewTodo("pay rent", "jan 5", recurrence="every month")

    def test_the_first_of_several_recurrences_counts(self) -> None:
        assert added("gym every monday or every friday").recurrence == "every monday"

    @pytest.mark.parametrize("word", ["every! day", "every 12 hours", "/usr/local", "and/or", "/42", "under the bed"])
    def test_words_that_resemble_fields_stay_in_the_title(self, word: str) -> None:
        assert added(f"buy milk {word}") == NewTodo(f"buy milk {word}")


class TestFind:
    def test_recurrence_words_are_searched_as_text(self) -> None:
        assert parsed("find daily mail every day") == Find(text="daily mail every day", completed=None)


class TestSeveralTodos:
    def test_lines_and_semicolons_separate_todos(self) -> None:
        assert parsed("milk tomorrow; - eggs\nbread") == Add(
            (NewTodo("milk", "tomorrow"), NewTodo("eggs"), NewTodo("bread"))
        )

    def test_a_line_that_would_be_a_question_or_a_list_is_a_title(self) -> None:
        assert parsed("milk\nfriday\nwhy?") == Add((NewTodo("milk"), NewTodo("friday"), NewTodo("why?")))

    def test_several_other_commands_are_unknown(self) -> None:
        assert parsed("delete milk; delete eggs") == Unknown("delete milk; delete eggs")


class TestTargets:
    @pytest.mark.parametrize(
        ("words", "target"),
        [
            ("milk", Target("milk")),
            ('"all #home"', Target("all #home")),
            ("overdue library book", Target("overdue library book")),
            ("all overdue", Target(every=True, overdue=True)),
            ("all open #home", Target(tags=("home",), every=True, completed=False)),
            ("task 12", Target(number=12)),
            ("the third one", Target(number=3)),
            ("0", Target("0")),
            ("the milk task", Target("milk")),
            ("milk /shop", Target("milk", project="shop")),
            ('all in /"Corner shop"', Target(every=True, project="Corner shop")),
            ("overdue #home /shop", Target(tags=("home",), every=True, overdue=True, project="shop")),
        ],
    )
    def test_the_words_after_the_verb_are_the_target(self, words: str, target: Target) -> None:
        assert parsed(f"done {words}") == Complete(target)


class TestAnyText:
    @settings(derandomize=True, deadline=None, max_examples=300)
    @given(st.text(max_size=200))
    def test_every_word_is_kept(self, text: str) -> None:
        command = parsed(text)
        if isinstance(command, Add):
            kept = " ".join(
                f"{todo.title} {todo.due} {todo.tags} {todo.priority} {todo.recurrence} {todo.project} {todo.parent}"
                for todo in command.todos
            )
            assert set(re.findall(r"\w+", text)) - LEAD_INS <= set(re.findall(r"\w+", kept))

    @settings(derandomize=True, deadline=None, max_examples=300)
    @given(
        st.lists(st.sampled_from(TITLE_WORDS), min_size=1),
        st.lists(st.sampled_from(DUES + FIELDS), max_size=3),
        st.data(),
    )
    def test_words_of_the_title_keep_their_order(
        self, title: list[str], fields: list[str], data: st.DataObject
    ) -> None:
        words = [*title]
        for field in fields:
            words.insert(data.draw(st.integers(0, len(words))), field)
        kept = iter(added("add " + " ".join(words)).title.split())

        assert all(word in kept for word in title)

    @settings(derandomize=True, deadline=None, max_examples=200)
    @given(
        st.lists(
            st.sampled_from(
                [
                    *TITLE_WORDS,
                    *DUES,
                    *RECURRENCES,
                    *FIELDS,
                    "move",
                    "to",
                    "done",
                    "all",
                    "list",
                    "what's",
                    "?",
                    ";",
                    '"',
                ]
            )
        )
    )
    def test_due_dates_and_recurrences_can_be_parsed(self, words: list[str]) -> None:
        command = parsed(" ".join(words))
        parts = command.todos if isinstance(command, Add) else [command]
        for part in parts:
            if due := getattr(part, "due", None):
                assert parse_date(due, now=FRIDAY, timezone=BERLIN)
            if recurrence := getattr(part, "recurrence", None):
                assert parse_recurrence(recurrence, now=FRIDAY, timezone=BERLIN).rule

    @pytest.mark.parametrize("lead", ["", "mark ", "tag ", "untag ", "rename ", "move ", "what's ", "add #x "])
    @pytest.mark.parametrize(
        "unit",
        [
            "a",
            "#a ",
            '"',
            "“",
            "to ",
            "friday ",
            "feb 30 ",
            "is done ",
            "a;",
            "at 5 ",
            "((",
            " ",
            "every ",
            "every monday ",
            "/a ",
            "under a ",
        ],
    )
    def test_hostile_text_takes_less_than_a_second(self, lead: str, unit: str) -> None:
        text = (lead + unit * 4_000)[:4_000]
        parsed("add milk feb 3")  # loads dateparser
        started = time.thread_time()
        parsed(text)
        assert time.thread_time() - started < 1

    def test_more_than_4000_characters_are_unknown(self) -> None:
        assert isinstance(parsed("a" * 4_000), Add)
        assert parsed("a" * 4_001) == Unknown("a" * 4_001)
