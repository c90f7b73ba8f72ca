"""Phrases for reminders: those that count from the due date, and those that count from now."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from todo_assistant.phrases.dates import UnreadableDate
from todo_assistant.phrases.moments import Due
from todo_assistant.phrases.reminders import parse_reminder

BERLIN = ZoneInfo("Europe/Berlin")
SATURDAY = datetime(2026, 11, 28, 10, 15, tzinfo=BERLIN)
DUE_TIME = datetime(2026, 12, 14, 15, tzinfo=BERLIN)
DUE_DAY = date(2026, 12, 20)


def reminder(phrase: str, due: Due | None) -> str:
    found = parse_reminder(phrase, due, now=SATURDAY, timezone=BERLIN)
    return f"{found.astimezone(BERLIN):%Y-%m-%d %H:%M}" if isinstance(found, datetime) else found.isoformat()


@pytest.mark.parametrize(
    ("phrase", "due", "expected"),
    [
        ("30 minutes before", DUE_TIME, "2026-12-14 14:30"),
        ("an hour before it's due", DUE_TIME, "2026-12-14 14:00"),
        ("an hour and a half early", DUE_TIME, "2026-12-14 13:30"),
        ("0 minutes before", DUE_TIME, "2026-12-14 15:00"),
        ("when it's due", DUE_TIME, "2026-12-14 15:00"),
        ("a day before", DUE_TIME, "2026-12-13 15:00"),
        ("2 days in advance", DUE_TIME, "2026-12-12 15:00"),
        ("a week before at 9am", DUE_TIME, "2026-12-07 09:00"),
        ("the day before at 6pm", DUE_DAY, "2026-12-19 18:00"),
        ("the evening before", DUE_DAY, "2026-12-19 19:00"),
        ("the evening before at 8", DUE_DAY, "2026-12-19 20:00"),
        ("that morning", DUE_DAY, "2026-12-20 09:00"),
        ("on the day at 8am", DUE_DAY, "2026-12-20 08:00"),
        ("a day before", DUE_DAY, "2026-12-19"),
        ("tomorrow at 5", DUE_DAY, "2026-11-29 17:00"),
        ("in 20 minutes", None, "2026-11-28 10:35"),
        ("tomorrow", None, "2026-11-29"),
    ],
)
def test_a_reminder_counts_from_the_due_date_or_from_now(phrase: str, due: Due | None, expected: str) -> None:
    assert reminder(phrase, due) == expected


@pytest.mark.parametrize(
    ("phrase", "due"),
    [
        ("an hour before", DUE_DAY),
        ("an hour before", None),
        ("the day before", None),
        ("the day before milk", DUE_DAY),
        ("9999 years before", DUE_DAY),
        ("milk", DUE_TIME),
        ("x" * 101, DUE_TIME),
    ],
)
def test_phrases_without_a_moment_are_refused(phrase: str, due: Due | None) -> None:
    with pytest.raises(UnreadableDate):
        reminder(phrase, due)
