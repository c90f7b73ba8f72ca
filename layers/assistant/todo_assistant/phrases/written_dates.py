"""Writes dates with the name of the month, which reads the same in every country: `Friday 4 December 2026`."""

from datetime import date


def write_date(day: date) -> str:
    """Returns a date without its weekday, such as `4 December 2026`."""
    return f"{day.day} {day:%B} {day.year}"


def write_day(day: date) -> str:
    """Returns a date with its weekday, such as `Friday 4 December 2026`."""
    return f"{day:%A} {write_date(day)}"
