"""Recurrence rules and the occurrences that follow a due date, for tests."""

from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from todo_core.todos.recurrence import Occurrence, next_occurrence
from todo_core.todos.recurrence_rules import RecurrenceRule

UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
NUUK = ZoneInfo("America/Nuuk")
APIA = ZoneInfo("Pacific/Apia")

_RULE = TypeAdapter[str](RecurrenceRule)


def canonical(rule: object) -> str:
    """Returns the rule as it is stored. Raises ValidationError."""
    return _RULE.validate_python(rule)


def occurrences(rule: str, due: date | datetime, timezone: ZoneInfo = UTC_ZONE) -> Iterator[Occurrence]:
    """Yields the occurrences after a due date."""
    occurrence = next_occurrence(canonical(rule), due, timezone)
    while occurrence is not None:
        yield occurrence
        occurrence = next_occurrence(occurrence.rule, occurrence.due, timezone, occurrence.wall_time)
