"""Helpers for tests of recurrence rules: time zones, and the occurrences that follow a due date."""

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
    """Returns a recurrence rule in the form that is stored. Raises ValidationError if the rule is invalid."""
    return _RULE.validate_python(rule)


def occurrences(rule: str, due: date | datetime, timezone: ZoneInfo = UTC_ZONE) -> Iterator[Occurrence]:
    """Yields the occurrences of a recurrence rule after the due date, each computed from the previous one."""
    occurrence = next_occurrence(canonical(rule), due, timezone)
    while occurrence is not None:
        yield occurrence
        occurrence = next_occurrence(occurrence.rule, occurrence.due, timezone, occurrence.wall_time)
