"""Rules of the grammar of typed commands; the phrases_*.toml files have more examples."""

import re
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.assistant.commands.typed import BERLIN, FRIDAY, added, parsed
from tests.cpu_time import least_cpu_seconds
from todo_assistant.commands.grammar.commands import (
    Add,
    Filter,
    Find,
    Incomplete,
    NewTodo,
    Unknown,
)
from todo_assistant.phrases.dates import parse_date
from todo_assistant.phrases.recurrences import parse_recurrence

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
LEAD_INS = {"todo"}
"""Words that the parser removes from the start of a title. Hypothesis may generate them, so the test ignores them."""
FIELDS = ["#home", "@work", "!high", "p2", "/errands"]

HOSTILE_STARTS = [
    "",
    "mark ",
    "tag ",
    "untag ",
    "rename ",
    "move ",
    "what's ",
    "add #x ",
    "done all ",
    "remind me ",
    "set ",
]
HOSTILE_UNITS = [
    *(
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
    ),
    *("/a ", "under a ", "and ", "1, ", "1-", "of ", "in ", "due ", "this week ", "by 2 days ", "tag ", "project "),
    *("completed ", "all ", "all my ", "yes ", "no, ", "please ", "so ", "just, ", "and then delete ", "note ", "'s "),
    *("without a date ", "that i finished ", "x\n", "delete a\n", "not ", "hour ", "p1 ", "!high ", "task ", "mañana "),
]


class TestFind:
    def test_recurrence_words_are_searched_as_text(self) -> None:
        assert parsed("find daily mail every day") == Find(Filter("daily mail every day"))


class TestSeveralTodos:
    def test_lines_and_semicolons_separate_todos(self) -> None:
        assert parsed("milk tomorrow; - eggs\nbread") == Add(
            (NewTodo("milk", "tomorrow"), NewTodo("eggs"), NewTodo("bread"))
        )

    def test_a_line_that_would_be_a_question_or_a_list_is_a_title(self) -> None:
        assert parsed("milk\nfriday\nwhy?") == Add((NewTodo("milk"), NewTodo("friday"), NewTodo("why?")))

    def test_several_other_commands_are_asked_about(self) -> None:
        command = parsed("delete milk; delete eggs")

        assert isinstance(command, Incomplete)
        assert command.options == ("delete milk", "delete eggs")


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
            words = {word for word in re.findall(r"\w+", text) if word.lower() not in LEAD_INS}
            assert words <= set(re.findall(r"\w+", kept))

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

    @pytest.mark.cpu_time
    @pytest.mark.parametrize("length", [299, 4_000])
    @pytest.mark.parametrize("unit", HOSTILE_UNITS)
    def test_any_text_of_4000_characters_takes_at_most_50_ms(self, unit: str, length: int) -> None:
        for lead in HOSTILE_STARTS if length < 4_000 else ["", "- "]:
            text = (lead + unit * length)[:length]
            assert least_cpu_seconds(partial(parsed, text)) < 0.05, text[:60]

    def test_more_than_4000_characters_are_unknown(self) -> None:
        assert isinstance(parsed("a" * 4_000), Add)
        assert parsed("a" * 4_001) == Unknown("a" * 4_001)
