"""Targets of typed commands: the words that select the todos to act on."""

import pytest

from tests.assistant.commands.typed import parsed
from todo_assistant.commands.grammar.commands import (
    Complete,
    Filter,
    Target,
)


class TestTargets:
    @pytest.mark.parametrize(
        ("words", "target"),
        [
            ("milk", Target(Filter("milk"))),
            ('"all #home"', Target(Filter("all #home"))),
            ("overdue library book", Target(Filter("overdue library book"))),
            ("all overdue", Target(Filter(overdue=True), every=True)),
            ("all open #home", Target(Filter(tags=("home",), completed=False), every=True)),
            ("task 12", Target(numbers=(12,))),
            ("the third one", Target(numbers=(3,))),
            ("0", Target(Filter("0"))),
            ("the milk task", Target(Filter("milk"))),
            ("milk /shop", Target(Filter("milk", project="shop"))),
            ('all in /"Corner shop"', Target(Filter(project="Corner shop"), every=True)),
            ("overdue #home /shop", Target(Filter(tags=("home",), overdue=True, project="shop"), every=True)),
        ],
    )
    def test_the_words_after_the_verb_are_the_target(self, words: str, target: Target) -> None:
        assert parsed(f"done {words}") == Complete(target)
