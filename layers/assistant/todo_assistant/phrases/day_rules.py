"""Rules for days: patterns of phrases, each with the function that turns a match into days."""

import re
from collections.abc import Callable, Iterable
from datetime import date

from todo_assistant.phrases.moments import Moment
from todo_assistant.phrases.patterns import Pattern

type DayParser = Callable[[re.Match[str], Moment], Iterable[date]]
"""Returns the days that a match may mean at a moment, the likeliest first."""

type DayRule = tuple[Pattern, DayParser]


def compile_day_rules(*rules: tuple[str, DayParser]) -> tuple[DayRule, ...]:
    """Compiles the patterns of rules, in which digits and letters are those of ASCII."""
    return tuple((Pattern(pattern, re.ASCII), parse) for pattern, parse in rules)
