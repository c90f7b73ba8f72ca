"""Replies to questions with numbered options, as pure functions of the message and the question."""

from uuid import UUID

import pytest

from todo_assistant.commands.replies import Chosen, Declined, Unclear, choose_by_words, read_reply
from todo_assistant.models.messages import Option, Question

_TITLES = ("“oat milk”, due Friday 4 January 2030", "“soy milk”", "“goat cheese”, #shop")
_OPTIONS = [Option(label, "done milk", UUID(int=number)) for number, label in enumerate(_TITLES)]
_QUESTION = Question(_OPTIONS, takes_many=True)
_ONE_OPTION = Question([Option("Add “milk” as a new todo", "add milk")])


def chosen_numbers(message: str, question: Question = _QUESTION) -> list[int] | str | None:
    """Returns the numbers of the chosen options, the kind of another reply, or None without a reply."""
    match read_reply(message, question) or choose_by_words(message, question):
        case Chosen(options):
            return [question.options.index(option) + 1 for option in options]
        case Declined():
            return "declined"
        case Unclear():
            return "unclear"
        case None:
            return None


class TestReplies:
    @pytest.mark.parametrize(
        ("message", "numbers"),
        [
            *[
                (message, [2])
                for message in ("2", "2.", "#2", "number 2", "2nd", "the 2nd one", "the second", "second one")
            ],
            *[
                (message, [2])
                for message in ("two", "option 2", "the second one please", "I mean the second", "only 2")
            ],
            *[(message, [3]) for message in ("the last", "last one", "the last one", "3", "third")],
            *[(message, [1, 3]) for message in ("1 and 3", "1, 3", "1 & 3", "the first and the third", "1,3")],
            *[(message, [1, 2]) for message in ("1-2", "1 to 2", "one and two")],
            *[(message, [1, 2, 3]) for message in ("all", "All!", "all of them", "everything", "1-3")],
            *[(message, [2]) for message in ("das zweite", "la segunda", "le deuxième")],
            *[(message, [1, 2, 3]) for message in ("alle", "todos", "tutti", "सब")],
            ("1 und 3", [1, 3]),
            ("1 and 1", [1]),
            ("oat", [1]),
            ("oat milk", [1]),
            ("the oat milk one", [1]),
            ("cheese", [3]),
            ("friday", [1]),
        ],
    )
    def test_numbers_ordinals_and_words_choose_options(self, message: str, numbers: list[int]) -> None:
        assert chosen_numbers(message) == numbers

    @pytest.mark.parametrize(
        "message", ["none", "none of them", "no", "cancel", "never mind", "neither", "nothing", "nein", "No thanks!"]
    )
    def test_a_refusal_declines_all_options(self, message: str) -> None:
        assert chosen_numbers(message) == "declined"

    @pytest.mark.parametrize("message", ["4", "0", "the fifth", "1 and 9", "yes", "ok", "milk"])
    def test_an_unclear_reply_is_asked_again(self, message: str) -> None:
        assert chosen_numbers(message) == "unclear"

    @pytest.mark.parametrize(
        "message", ["buy bread", "list", "done oat milk", "delete 2", "tomorrow", "2 eggs", "all milk", "", "2 " * 200]
    )
    def test_any_other_message_is_no_reply(self, message: str) -> None:
        assert chosen_numbers(message) is None

    @pytest.mark.parametrize("message", ["yes", "ok", "do it", "1", "all", "sure", "ja"])
    def test_a_yes_chooses_the_only_option(self, message: str) -> None:
        assert chosen_numbers(message, _ONE_OPTION) == [1]

    def test_a_yes_chooses_the_first_option_if_the_question_says_so(self) -> None:
        assert chosen_numbers("yes", Question(_OPTIONS, takes_yes=True)) == [1]

    @pytest.mark.parametrize("message", ["1 and 2", "all", "both"])
    def test_several_options_cannot_be_chosen_if_only_one_makes_sense(self, message: str) -> None:
        assert chosen_numbers(message, Question(_OPTIONS)) == "unclear"

    def test_all_leaves_out_the_option_that_adds_a_todo(self) -> None:
        question = Question([*_OPTIONS, *_ONE_OPTION.options], takes_many=True)

        assert chosen_numbers("all", question) == [1, 2, 3]
        assert chosen_numbers("1 and 4", question) == "unclear"
