"""The rules of the command model; what people say is in phrases.toml."""

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
PLAIN = [
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
OFTEN = ["every day", "every 2nd tuesday", "on mondays", "monthly", "until june", "every"]
DUES = ["tomorrow", "friday", "jan 3", "in 2 weeks", "5pm", "at noon", "2026-12-24", "tonight"]
LEAD_INS = {"TODO"}
"""What Hypothesis types of the words before a title."""
SIGNS = ["#home", "@work", "!high", "p2", "/errands"]


def said(text: str) -> Command:
    return parse_command(text, now=FRIDAY, timezone=BERLIN)


def added(text: str) -> NewTodo:
    command = said(text)
    assert isinstance(command, Add)
    [todo] = command.todos
    return todo


HELPED: dict[str, Command] = {
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
    def test_gives_examples_that_are_read_right(self, example: str) -> None:
        assert said(example) == HELPED[example]

    def test_shows_every_kind_of_command(self) -> None:
        kinds = {type(command) for command in HELPED.values()}

        assert kinds == {*Command.__value__.__args__} - {Unknown}
        assert set(HELPED) - {"help"} <= {*re.findall(r"^  (.+)$", HELP, re.MULTILINE), HELP.rpartition(": ")[2][:-1]}


class TestQuickAdd:
    def test_takes_its_words_in_any_order(self) -> None:
        expected = NewTodo("call mum", "tomorrow 5pm", ("family",), "high")

        assert added("call mum tomorrow 5pm #family !high") == expected
        assert added("!high #family tomorrow 5pm call mum") == expected
        assert added("#family call tomorrow mum p1 5pm") == expected

    def test_keeps_the_due_as_it_was_said(self) -> None:
        assert added("call mum by Next Friday").due == "Next Friday"
        assert added("tomorrow call mum at 5").due == "tomorrow at 5"

    def test_the_last_of_several_dates_counts(self) -> None:
        assert added("print friday meeting tomorrow") == NewTodo("print friday meeting", "tomorrow")
        assert added("compare 2026-01-01 with 2027-01-01") == NewTodo("compare 2026-01-01 with", "2027-01-01")

    def test_the_last_of_several_priorities_counts(self) -> None:
        assert added("fix p1 bug p3") == NewTodo("fix p1 bug", priority="low")

    def test_leaves_a_date_that_there_is_not_in_the_title(self) -> None:
        assert added("pay rent feb 30") == NewTodo("pay rent feb 30")

    def test_is_a_todo_even_of_signs_alone_when_it_is_asked_for(self) -> None:
        assert added("add tomorrow #home") == NewTodo("tomorrow #home")

    def test_may_end_like_a_command(self) -> None:
        assert added("remind me to check that the build is done") == NewTodo("check that the build is done")

    def test_takes_quoted_text_as_it_is(self) -> None:
        assert added('add "  buy p1 #home; tomorrow"') == NewTodo("buy p1 #home; tomorrow")

    @pytest.mark.parametrize("tag", ["#42", "#", "@", "#" + "a" * 51, "a#b", "#a#b", "a@b"])
    def test_takes_for_a_tag_only_what_can_be_one(self, tag: str) -> None:
        assert added(f"milk {tag}") == NewTodo(f"milk {tag}")

    def test_joins_how_often_with_the_time_that_stands_apart(self) -> None:
        assert added("standup 9:30 every weekday") == NewTodo("standup", recurrence="every weekday 9:30")
        assert added("every weekday standup at 9:30") == NewTodo("standup", recurrence="every weekday 9:30")

    def test_keeps_the_date_that_what_recurs_begins_on(self) -> None:
        assert added("pay rent jan 5 every month") == NewTodo("pay rent", "jan 5", recurrence="every month")

    def test_the_first_of_several_recurrences_counts(self) -> None:
        assert added("gym every monday or every friday").recurrence == "every monday"

    @pytest.mark.parametrize("word", ["every! day", "every 12 hours", "/usr/local", "and/or", "/42", "under the bed"])
    def test_leaves_in_the_title_what_only_looks_like_more(self, word: str) -> None:
        assert added(f"buy milk {word}") == NewTodo(f"buy milk {word}")


class TestLooking:
    def test_finds_words_that_say_how_often(self) -> None:
        assert said("find daily mail every day") == Find(text="daily mail every day", completed=None)


class TestSeveralAtOnce:
    def test_are_parted_by_lines_and_semicolons(self) -> None:
        assert said("milk tomorrow; - eggs\nbread") == Add(
            (NewTodo("milk", "tomorrow"), NewTodo("eggs"), NewTodo("bread"))
        )

    def test_may_hold_what_would_be_a_question_or_a_list(self) -> None:
        assert said("milk\nfriday\nwhy?") == Add((NewTodo("milk"), NewTodo("friday"), NewTodo("why?")))

    def test_are_new_todos_only(self) -> None:
        assert said("delete milk; delete eggs") == Unknown("delete milk; delete eggs")


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
    def test_are_what_the_words_after_the_verb_say(self, words: str, target: Target) -> None:
        assert said(f"done {words}") == Complete(target)


class TestAnything:
    @settings(derandomize=True, deadline=None, max_examples=300)
    @given(st.text(max_size=200))
    def test_gives_a_command_and_loses_no_word(self, text: str) -> None:
        command = said(text)
        if isinstance(command, Add):
            kept = " ".join(
                f"{todo.title} {todo.due} {todo.tags} {todo.priority} {todo.recurrence} {todo.project} {todo.parent}"
                for todo in command.todos
            )
            assert set(re.findall(r"\w+", text)) - LEAD_INS <= set(re.findall(r"\w+", kept))

    @settings(derandomize=True, deadline=None, max_examples=300)
    @given(st.lists(st.sampled_from(PLAIN), min_size=1), st.lists(st.sampled_from(DUES + SIGNS), max_size=3), st.data())
    def test_keeps_the_words_of_the_title_in_their_order(
        self, title: list[str], signs: list[str], data: st.DataObject
    ) -> None:
        words = [*title]
        for sign in signs:
            words.insert(data.draw(st.integers(0, len(words))), sign)
        kept = iter(added("add " + " ".join(words)).title.split())

        assert all(word in kept for word in title)

    @settings(derandomize=True, deadline=None, max_examples=200)
    @given(
        st.lists(
            st.sampled_from(
                [*PLAIN, *DUES, *OFTEN, *SIGNS, "move", "to", "done", "all", "list", "what's", "?", ";", '"']
            )
        )
    )
    def test_gives_only_dues_and_recurrences_that_can_be_read(self, words: list[str]) -> None:
        command = said(" ".join(words))
        parts = command.todos if isinstance(command, Add) else [command]
        for part in parts:
            if due := getattr(part, "due", None):
                assert parse_date(due, now=FRIDAY, timezone=BERLIN)
            if often := getattr(part, "recurrence", None):
                assert parse_recurrence(often, now=FRIDAY, timezone=BERLIN).rule

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
    def test_takes_no_longer_for_the_hostile(self, lead: str, unit: str) -> None:
        text = (lead + unit * 4_000)[:4_000]
        said("add milk feb 3")  # loads the library that reads dates, once
        begun = time.thread_time()
        said(text)
        assert time.thread_time() - begun < 1

    def test_above_4000_characters_is_not_even_tried(self) -> None:
        assert isinstance(said("a" * 4_000), Add)
        assert said("a" * 4_001) == Unknown("a" * 4_001)
