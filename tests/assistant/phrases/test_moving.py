"""Phrases that move a due date: parts that they do not name stay, and amounts count from a date that lies ahead."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.cpu_time import least_cpu_seconds
from todo_assistant.phrases.dates import UnreadableDate
from todo_assistant.phrases.moments import Due
from todo_assistant.phrases.moving import move_due

BERLIN = ZoneInfo("Europe/Berlin")
SATURDAY = datetime(2026, 11, 28, 10, 15, tzinfo=BERLIN)
DAY_AHEAD = "2026-12-20"
TIME_AHEAD = "2026-12-14 15:00"
TODAY = "2026-11-28"
LATER_TODAY = "2026-11-28 15:00"
EARLIER_TODAY = "2026-11-28 09:00"
DAY_OVER = "2026-11-20"
TIME_OVER = "2026-11-20 15:00"


def moved(phrase: str, due: str | None, now: datetime = SATURDAY) -> list[str]:
    """Returns the new due dates as local text, for a due date that is text, too."""
    parsed: Due | None = None
    if due is not None:
        parsed = datetime.fromisoformat(due).replace(tzinfo=BERLIN) if ":" in due else date.fromisoformat(due)
    return [
        f"{reading.astimezone(BERLIN):%Y-%m-%d %H:%M}" if isinstance(reading, datetime) else reading.isoformat()
        for reading in move_due(phrase, parsed, now=now, timezone=BERLIN)
    ]


class TestAmounts:
    @pytest.mark.parametrize(
        ("phrase", "due", "expected"),
        [
            ("by 2 days", DAY_AHEAD, "2026-12-22"),
            ("2 days later", DAY_AHEAD, "2026-12-22"),
            ("by two days", TIME_AHEAD, "2026-12-16 15:00"),
            ("a week", DAY_AHEAD, "2026-12-27"),
            ("for a week", TIME_AHEAD, "2026-12-21 15:00"),
            ("by another week", DAY_AHEAD, "2026-12-27"),
            ("by a couple of days", DAY_AHEAD, "2026-12-22"),
            ("by a month", "2027-01-31", "2027-02-28"),
            ("3 days", TODAY, "2026-12-01"),
            ("3 days", EARLIER_TODAY, "2026-12-01 09:00"),
            ("by 2 days", DAY_OVER, "2026-11-30"),
            ("by 2 days", TIME_OVER, "2026-11-30 15:00"),
            ("by 2 days", None, "2026-11-30"),
            ("a day earlier", DAY_AHEAD, "2026-12-19"),
            ("2 days sooner", TIME_AHEAD, "2026-12-12 15:00"),
            ("up a day", DAY_AHEAD, "2026-12-19"),
            ("the next day", DAY_AHEAD, "2026-12-21"),
            ("to the following day", TIME_AHEAD, "2026-12-15 15:00"),
            ("the day before", DAY_AHEAD, "2026-12-19"),
            ("by an hour", TIME_AHEAD, "2026-12-14 16:00"),
            ("by an hour and a half", TIME_AHEAD, "2026-12-14 16:30"),
            ("2 hours earlier", TIME_AHEAD, "2026-12-14 13:00"),
            ("30 minutes later", LATER_TODAY, "2026-11-28 15:30"),
            ("by 30 minutes", EARLIER_TODAY, "2026-11-28 10:45"),
            ("by 2 hours", TODAY, "2026-11-28 12:15"),
            ("by 2 hours", None, "2026-11-28 12:15"),
            ("in 2 days", DAY_AHEAD, "2026-11-30"),
            ("in 2 days", TIME_AHEAD, "2026-11-30 15:00"),
            ("2 days from now", TIME_AHEAD, "2026-11-30 15:00"),
            ("in 2 hours", TIME_AHEAD, "2026-11-28 12:15"),
        ],
    )
    def test_an_amount_counts_from_the_due_date_or_from_today_if_that_is_over(
        self, phrase: str, due: str | None, expected: str
    ) -> None:
        assert moved(phrase, due) == [expected]

    def test_words_with_two_directions_have_two_readings(self) -> None:
        assert moved("forward a week", DAY_AHEAD) == ["2026-12-27", "2026-12-13"]
        assert moved("back by 2 days", TIME_AHEAD) == ["2026-12-16 15:00", "2026-12-12 15:00"]
        assert moved("a week back", TODAY) == ["2026-12-05"]


class TestParts:
    @pytest.mark.parametrize(
        ("phrase", "due", "expected"),
        [
            ("4pm", TIME_AHEAD, "2026-12-14 16:00"),
            ("to 16:30", TIME_AHEAD, "2026-12-14 16:30"),
            ("at noon", DAY_AHEAD, "2026-12-20 12:00"),
            ("to the evening", TIME_AHEAD, "2026-12-14 19:00"),
            ("9am", TIME_AHEAD, "2026-12-14 09:00"),
            ("4pm", TODAY, "2026-11-28 16:00"),
            ("9am", LATER_TODAY, "2026-11-29 09:00"),
            ("4pm", DAY_OVER, "2026-11-28 16:00"),
            ("9am", TIME_OVER, "2026-11-29 09:00"),
            ("4pm", None, "2026-11-28 16:00"),
        ],
    )
    def test_a_time_of_day_keeps_a_day_that_is_not_over(self, phrase: str, due: str | None, expected: str) -> None:
        assert moved(phrase, due)[0] == expected

    @pytest.mark.parametrize(
        ("phrase", "due", "expected"),
        [
            ("dec 16", TIME_AHEAD, "2026-12-16 15:00"),
            ("to friday", TIME_AHEAD, "2026-12-04 15:00"),
            ("tomorrow", TIME_OVER, "2026-11-29 15:00"),
            ("next week", TIME_AHEAD, "2026-11-30 15:00"),
            ("same time tomorrow", TIME_AHEAD, "2026-11-29 15:00"),
            ("today", TIME_OVER, "2026-11-28 15:00"),
            ("today", EARLIER_TODAY, "2026-11-28"),
            ("dec 16", DAY_AHEAD, "2026-12-16"),
            ("dec 16", None, "2026-12-16"),
        ],
    )
    def test_a_day_keeps_the_time_of_day(self, phrase: str, due: str | None, expected: str) -> None:
        assert moved(phrase, due)[0] == expected

    @pytest.mark.parametrize("due", [TIME_AHEAD, DAY_AHEAD, TIME_OVER, None])
    def test_a_day_with_a_time_replaces_the_due_date(self, due: str | None) -> None:
        assert moved("to dec 16 at 9am", due) == ["2026-12-16 09:00"]
        assert moved("tomorrow evening", due) == ["2026-11-29 19:00"]
        assert moved("tonight", due) == ["2026-11-28 20:00"]

    def test_a_time_without_am_or_pm_has_two_readings(self) -> None:
        assert moved("at 5", TIME_AHEAD) == ["2026-12-14 17:00", "2026-12-14 05:00"]


class TestClockChanges:
    before = datetime(2027, 3, 26, 10, 15, tzinfo=BERLIN)

    def test_days_keep_the_local_time_when_the_clocks_change(self) -> None:
        assert moved("by 2 days", "2027-03-27 15:00", self.before) == ["2027-03-29 15:00"]
        assert moved("march 29", "2027-03-27 15:00", self.before) == ["2027-03-29 15:00"]

    def test_hours_are_elapsed_time(self) -> None:
        assert moved("by 24 hours", "2027-03-27 15:00", self.before) == ["2027-03-28 16:00"]

    def test_a_local_time_that_the_clocks_skip_moves_forward(self) -> None:
        assert moved("a day later", "2027-03-27 02:30", self.before) == ["2027-03-28 03:30"]


class TestUnreadable:
    @pytest.mark.parametrize("phrase", ["", "milk", "next occurrence", "later", "by", "to the moon", "x" * 101])
    def test_other_phrases_are_refused(self, phrase: str) -> None:
        with pytest.raises(UnreadableDate):
            moved(phrase, TIME_AHEAD)

    def test_hours_cannot_be_added_to_a_later_day_without_a_time(self) -> None:
        with pytest.raises(UnreadableDate):
            moved("by 2 hours", DAY_AHEAD)

    def test_earlier_needs_a_due_date(self) -> None:
        with pytest.raises(UnreadableDate):
            moved("a day earlier", None)

    def test_a_day_outside_the_calendar_is_refused(self) -> None:
        with pytest.raises(UnreadableDate):
            moved("by 9999 years", DAY_AHEAD)

    @pytest.mark.cpu_time
    @pytest.mark.parametrize("unit", ["1", "by ", "a ", "1 day ", "later ", "to the ", "same time "])
    def test_hostile_text_takes_less_than_50_milliseconds(self, unit: str) -> None:
        text = (unit * 100)[:100]
        with pytest.raises(UnreadableDate):
            moved(text, TIME_AHEAD)
        assert least_cpu_seconds(lambda: moved(text, TIME_AHEAD)) < 0.05
