"""Fields and titles that the parser reads from texts that add a todo."""

import pytest

from tests.assistant.commands.typed import added
from tests.cpu_time import least_cpu_seconds
from todo_assistant.commands.grammar.commands import (
    NewTodo,
)


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

    @pytest.mark.parametrize("word", ["every 12 hours", "/usr/local", "and/or", "/42", "under the bed"])
    def test_words_that_resemble_fields_stay_in_the_title(self, word: str) -> None:
        assert added(f"buy milk {word}") == NewTodo(f"buy milk {word}")

    @pytest.mark.cpu_time
    @pytest.mark.parametrize(
        "unit",
        [
            *(
                "every ",
                "every day except sunday ",
                "by 5 ",
                "at 5 and ",
                "5.30 ",
                "12:30 ",
                "9 ",
                "1/",
                "/",
                '"',
                "(",
                "ü ",
            ),
            *(
                "in 1 hour and ",
                "one and a half hours ",
                "the 1st of ",
                "next week ",
                "friday night ",
                "from 3 to 4pm ",
                "1",
            ),
        ],
    )
    def test_4000_characters_of_anything_take_less_than_50_milliseconds(self, unit: str) -> None:
        text = f"add {unit * 4000}"[:4000]

        assert least_cpu_seconds(lambda: added(text)) < 0.05
