"""Targets of typed commands: the words that select the todos to act on."""

import pytest

from tests.assistant.commands.typed import parsed
from todo_assistant.commands.grammar.commands import (
    Complete,
    Target,
)


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
