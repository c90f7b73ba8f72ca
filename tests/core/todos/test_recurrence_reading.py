"""Thousands of random rules have the days that a slow reading of RFC 5545 finds."""

from datetime import date, timedelta
from itertools import islice
from random import Random

import pytest
from pydantic import ValidationError

from tests.core.todos.naive_recurrence import WEEKDAYS, NaiveRule
from tests.core.todos.recurrences import UTC_ZONE, canonical, occurrences
from todo_core.todos.recurrence import next_occurrence

RULES = 2_000
EXAMINED = {"DAILY": 2, "WEEKLY": 3, "MONTHLY": 4, "YEARLY": 6}
"""The years in which the slow reading looks for the days of a rule."""
COMPARED = 6


def some_numbers(random: Random, limit: int, most: int = 4) -> str:
    signs = random.choice([(1,), (1, 1, -1), (-1,)])
    numbers = [random.choice(signs) * random.randint(1, limit) for _ in range(random.randint(1, most))]
    return ",".join(map(str, dict.fromkeys(numbers)))


def some_weekdays(random: Random, frequency: str, *, numbered: bool) -> str:
    days = [random.choice(WEEKDAYS) for _ in range(random.choice([1, 1, 2, 3, 5]))]
    if numbered:
        limit = 5 if frequency == "MONTHLY" else random.choice([5, 53])
        days = [
            random.choice(["", str(random.randint(1, limit)), str(-random.randint(1, limit))]) + day for day in days
        ]
    return ",".join(dict.fromkeys(days))


def make_rule(random: Random) -> str:
    """Returns a rule of any shape that RFC 5545 allows, and some that it does not."""
    frequency = random.choice(["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "YEARLY"])
    is_long = frequency in {"MONTHLY", "YEARLY"}
    parts = {"FREQ": frequency}
    if random.random() < 0.5:
        parts["INTERVAL"] = str(random.choice([1, 2, 3, 4, 5, 7, 12, 13, 14, 24, 31, 52, 100]))
    if random.random() < 0.3:
        parts["BYMONTH"] = ",".join(map(str, sorted(random.sample(range(1, 13), random.randint(1, 11)))))
    if frequency == "YEARLY" and random.random() < 0.35:
        parts["BYWEEKNO"] = some_numbers(random, random.choice([2, 53]))
    if frequency == "YEARLY" and random.random() < 0.15:
        parts["BYYEARDAY"] = some_numbers(random, 366, 40)
    if frequency != "WEEKLY" and random.random() < 0.3:
        parts["BYMONTHDAY"] = some_numbers(random, 31, 12)
    if random.random() < 0.5:
        numbered = is_long and "BYWEEKNO" not in parts and random.random() < 0.5
        parts["BYDAY"] = some_weekdays(random, frequency, numbered=numbered)
    if len(parts) > 1 and random.random() < 0.3:
        parts["BYSETPOS"] = some_numbers(random, random.choice([2, 7, 366]))
    if random.random() < 0.3:
        parts["WKST"] = random.choice(WEEKDAYS)
    return ";".join(f"{name}={value}" for name, value in parts.items())


def some_start(random: Random) -> date:
    """Returns a day of two centuries with a year of 100 that is no leap year; many days are around New Year."""
    new_year = date(random.randint(1995, 2110), 1, 1)
    return new_year + timedelta(days=random.choice([random.randint(-6, 6), random.randint(0, 365)]))


def compare(rule: str, start: date) -> bool:
    """Compares the first days of a rule with the slow reading. Returns False for a rule that the service refuses."""
    last = start + timedelta(days=365 * EXAMINED[rule[5:].partition(";")[0]])
    expected = list(islice(NaiveRule(rule, start).days(last), COMPARED))
    try:
        kept = canonical(rule)
    except ValidationError as refused:
        if "never occurs" in str(refused):
            assert expected == [], rule
        return False
    following = [occurrence.due for occurrence in islice(occurrences(kept, start), max(1, len(expected)))]
    if expected:
        assert following == expected, (rule, start)
    else:
        assert all(day > last for day in following), (rule, start)
    return True


@pytest.mark.parametrize("seed", range(4))
def test_random_rules_have_the_days_of_the_slow_reading(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a fixed seed, so that each run is the same

    compared = sum(compare(make_rule(random), some_start(random)) for _ in range(RULES // 4))

    assert compared > RULES / 4 * 0.5


@pytest.mark.parametrize("number", ["1", "2", "51", "52", "53", "-1", "-2", "-52", "-53"])
def test_weeks_at_the_turn_of_each_year_are_those_of_iso_8601(number: str) -> None:
    week = int(number)
    for year in range(1990, 2110):
        start = date(year, 12, 15)
        for name in ("SU", "MO", "TH"):
            occurrence = next_occurrence(f"FREQ=YEARLY;BYWEEKNO={number};BYDAY={name}", start, UTC_ZONE)
            expected = (
                day
                for day in (start + timedelta(days=ahead) for ahead in range(1, 366 * 12))
                if day.weekday() == WEEKDAYS.index(name) and week in _week_numbers(day)
            )
            assert occurrence is not None
            assert occurrence.due == next(expected), year


def _week_numbers(day: date) -> set[int]:
    iso = day.isocalendar()
    weeks = date(iso.year, 12, 28).isocalendar().week
    return {iso.week, iso.week - weeks - 1}


def test_a_count_and_the_days_left_out_are_those_of_the_slow_reading() -> None:
    random = Random(7)  # noqa: S311
    for _ in range(300):
        rule, start = make_rule(random), some_start(random)
        after = start + timedelta(days=random.randint(0, 700))
        try:
            kept = canonical(f"{rule};COUNT=9999")
        except ValidationError:
            continue
        days = list(NaiveRule(rule, start).days(after + timedelta(days=800)))
        following = next_occurrence(kept, start, UTC_ZONE, after=after)
        later = [day for day in days if day > after]
        if later:
            assert following is not None
            assert following.due == later[0], (rule, start, after)
            assert f"COUNT={9999 - days.index(later[0]) - 1}" in following.rule.split(";"), (rule, start, after)
