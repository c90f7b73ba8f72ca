"""Sets of days as the bits of an integer: bit 0 stands for the first day of a week, month or year."""

from collections.abc import Collection

type Days = int
"""A set of days."""


def all_days(length: int) -> Days:
    return (1 << length) - 1


def first_days(number: int) -> Days:
    return all_days(number) if number > 0 else 0


def drop_days(days: Days, number: int) -> Days:
    """Returns the days without the first ones of the window."""
    return days >> number << number if number > 0 else days


def repeat(length: int, pattern: Days, total: int) -> Days:
    """Returns a pattern that repeats after `length` days, in `total` days."""
    while length < total:
        pattern |= pattern << length
        length *= 2
    return pattern & all_days(total)


def find_numbered(numbers: Collection[int], length: int) -> Days:
    """Returns the days with these numbers, -1 for the last one, in a month or year. No numbers stand for all days."""
    days = 0
    for number in numbers:
        if abs(number) <= length:
            days |= 1 << (number - 1 if number > 0 else length + number)
    return days if numbers else all_days(length)


def choose(days: Days, positions: frozenset[int]) -> Days:
    """Returns the days at these positions of a set, -1 for its last day. No positions stand for all days."""
    size = days.bit_count()
    if not positions:
        return days
    wanted = {position - 1 if position > 0 else size + position for position in positions if abs(position) <= size}
    chosen = 0
    for index in range(max(wanted, default=-1) + 1):
        first = days & -days
        days ^= first
        if index in wanted:
            chosen |= first
    return chosen
