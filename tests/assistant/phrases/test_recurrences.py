"""Recurrence phrases, such as `every day`: the rule, first due date and end that each one means."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tests.cpu_time import least_cpu_seconds
from todo_assistant.phrases.recurrences import (
    ParsedRecurrence,
    UnreadableRecurrence,
    is_recurrence_phrase,
    parse_recurrence,
)
from todo_core.todos.recurrence_rules import RecurrenceRule

RULE = TypeAdapter[str](RecurrenceRule)
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
SATURDAY = datetime(2026, 11, 28, 10, 15, tzinfo=BERLIN)
PHRASES = [
    *("every day", "every weekday at 9am", "every other monday", "every mon, wed and fri", "every 2nd tuesday"),
    *("every month on the 1st", "the last day of every month", "every last friday", "every 3 months until june"),
    *("every year on jan 3", "every last workday", "daily for 10 days", "every week 3 times", "twice a year"),
]


def parsed(phrase: str, start: date | datetime | None = None, now: datetime = SATURDAY) -> ParsedRecurrence:
    return parse_recurrence(phrase, now=now, timezone=BERLIN, start=start)


def berlin(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


class TestFirstDue:
    def test_is_the_first_occurrence_from_today_on(self) -> None:
        assert parsed("every weekday").due == date(2026, 11, 30)
        assert parsed("every saturday").due == date(2026, 11, 28)
        assert parsed("every month on the 27th").due == date(2026, 12, 27)

    def test_is_today_if_no_day_is_named(self) -> None:
        assert parsed("every 3 months").due == date(2026, 11, 28)

    def test_is_not_in_the_past(self) -> None:
        assert parsed("every day at 10am").due == berlin(2026, 11, 29, 10)
        assert parsed("every saturday at 10am").due == berlin(2026, 12, 5, 10)
        assert parsed("every day at 11am").due == berlin(2026, 11, 28, 11)

    def test_is_the_start_date_or_the_first_occurrence_after_it(self) -> None:
        assert parsed("every month", date(2027, 1, 5)).due == date(2027, 1, 5)
        assert parsed("every monday", date(2027, 1, 5)).due == date(2027, 1, 11)
        assert parsed("every other monday", date(2027, 1, 5)).due == date(2027, 1, 11)
        assert parsed("every monday starting jan 5").due == date(2027, 1, 11)

    def test_its_time_comes_from_the_phrase_or_else_from_the_start(self) -> None:
        assert parsed("every week", berlin(2026, 11, 30, 17)).due == berlin(2026, 11, 30, 17)
        assert parsed("every week at 9am", berlin(2026, 11, 30, 17)).due == berlin(2026, 11, 30, 9)
        assert parsed("every monday at 9am", date(2026, 12, 1)).due == berlin(2026, 12, 7, 9)

    def test_a_time_without_am_or_pm_is_in_waking_hours(self) -> None:
        assert parsed("every day at 5").due == berlin(2026, 11, 28, 17)
        assert parsed("every day at 8").due == berlin(2026, 11, 29, 8)

    def test_a_time_that_the_clocks_skip_moves_forward(self) -> None:
        the_evening_before = datetime(2027, 3, 27, 20, tzinfo=BERLIN)

        assert parsed("every day at 2:30am", now=the_evening_before).due == berlin(2027, 3, 28, 3, 30)

    @pytest.mark.parametrize(
        ("phrase", "due"),
        [
            ("every weekday at quarter past nine", berlin(2026, 11, 30, 9, 15)),
            ("every tuesday at half seven", berlin(2026, 12, 1, 7, 30)),
            ("every day at eleven pm", berlin(2026, 11, 28, 23)),
            ("every day at eight in the evening", berlin(2026, 11, 28, 20)),
            ("mondays seven o'clock", berlin(2026, 11, 30, 7)),
            ("wednesday nights", berlin(2026, 12, 2, 20)),
        ],
    )
    def test_its_time_may_be_in_words(self, phrase: str, due: datetime) -> None:
        assert parsed(phrase).due == due

    @pytest.mark.parametrize(
        "phrase", ["the last working day of each month", "last business day of the month every month"]
    )
    def test_is_the_last_working_day_of_the_month(self, phrase: str) -> None:
        assert parsed(phrase) == ParsedRecurrence("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", date(2026, 11, 30))


class TestPartsOfTheDay:
    @pytest.mark.parametrize(
        ("phrase", "due"),
        [
            ("every morning at 6", "2026-11-29 06:00"),
            ("every morning 6:30", "2026-11-29 06:30"),
            ("every afternoon at 3", "2026-11-28 15:00"),
            ("every evening at 9", "2026-11-28 21:00"),
            ("every night at 10", "2026-11-28 22:00"),
            ("every night at 12", "2026-11-29 00:00"),
            ("every night at 2", "2026-11-29 02:00"),
            ("nightly at 11", "2026-11-28 23:00"),
            ("everyday at 6", "2026-11-28 18:00"),
            ("every friday night at 8", "2026-12-04 20:00"),
            ("every weekday morning at 7:30", "2026-11-30 07:30"),
            ("every other morning at 6", "2026-11-29 06:00"),
            ("every day at 6 in the morning", "2026-11-29 06:00"),
            ("every day in the evening at 9", "2026-11-28 21:00"),
            ("every sunday by 5", "2026-11-29 17:00"),
            ("weekdays at 9", "2026-11-30 09:00"),
            ("on weekends at 10", "2026-11-29 10:00"),
        ],
    )
    def test_it_decides_between_morning_and_evening(self, phrase: str, due: str) -> None:
        assert parsed(phrase).due == datetime.fromisoformat(due).replace(tzinfo=BERLIN)

    @pytest.mark.parametrize("phrase", ["every morning at 18:00", "every morning and evening", "every day at 9 at 5"])
    def test_times_that_contradict_each_other_are_refused(self, phrase: str) -> None:
        with pytest.raises(UnreadableRecurrence):
            parsed(phrase)


class TestExceptions:
    @pytest.mark.parametrize(
        ("phrase", "days", "due"),
        [
            ("every day except saturday", "MO,TU,WE,TH,FR,SU", "2026-11-29"),
            ("every day but sunday", "MO,TU,WE,TH,FR,SA", "2026-11-28"),
            ("daily except weekends", "MO,TU,WE,TH,FR", "2026-11-30"),
            ("every day except saturday and sunday", "MO,TU,WE,TH,FR", "2026-11-30"),
            ("every day except on saturdays or sundays", "MO,TU,WE,TH,FR", "2026-11-30"),
            ("every day but not on sundays", "MO,TU,WE,TH,FR,SA", "2026-11-28"),
            ("every day apart from weekends", "MO,TU,WE,TH,FR", "2026-11-30"),
            ("every day excluding mondays", "TU,WE,TH,FR,SA,SU", "2026-11-28"),
            ("every day except monday to wednesday", "TH,FR,SA,SU", "2026-11-28"),
            ("every weekday except friday", "MO,TU,WE,TH", "2026-11-30"),
            ("weekdays but mondays", "TU,WE,TH,FR", "2026-12-01"),
            ("every day except weekdays", "SA,SU", "2026-11-28"),
        ],
    )
    def test_excluded_days_are_not_in_the_rule_and_never_the_first_due_date(
        self, phrase: str, days: str, due: str
    ) -> None:
        assert parsed(phrase) == ParsedRecurrence(f"FREQ=WEEKLY;BYDAY={days}", date.fromisoformat(due))

    def test_a_time_of_day_may_stand_before_or_after_the_exception(self) -> None:
        expected = ParsedRecurrence("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SU", berlin(2026, 11, 29, 9))

        assert parsed("every day at 9am except saturday") == expected
        assert parsed("every day except saturday at 9am") == expected

    @pytest.mark.parametrize(
        "phrase",
        [
            *("every day except the 1st", "every other day except sunday", "every weekday except sunday"),
            *("every month except july", "every day except every day", "every sunday except sunday"),
        ],
    )
    def test_exceptions_that_no_rule_can_state_are_refused(self, phrase: str) -> None:
        with pytest.raises(UnreadableRecurrence):
            parsed(phrase)


class TestEnd:
    def test_until_names_the_last_day(self) -> None:
        assert parsed("every day until dec 24").rule == "FREQ=DAILY;UNTIL=20261224"
        assert parsed("every monday till end of january").rule == "FREQ=WEEKLY;UNTIL=20270131;BYDAY=MO"

    def test_a_length_ends_on_its_last_day(self) -> None:
        assert parsed("every day for 7 days").rule == "FREQ=DAILY;UNTIL=20261204"
        assert parsed("every monday for 2 weeks").rule == "FREQ=WEEKLY;UNTIL=20261213;BYDAY=MO"

    def test_times_are_a_count(self) -> None:
        assert parsed("every monday 10 times").rule == "FREQ=WEEKLY;COUNT=10;BYDAY=MO"
        assert parsed("daily for three times").rule == "FREQ=DAILY;COUNT=3"

    def test_an_end_before_the_start_is_refused_with_a_sentence(self) -> None:
        with pytest.raises(UnreadableRecurrence, match="would end before it begins"):
            parsed("every monday until yesterday")


class TestUnreadable:
    @pytest.mark.parametrize(
        "phrase",
        [
            *("", "every", "every book", "each of them", "every 12 hours", "every minute", "every 0 days"),
            *("every 1000 days", "every 99999 days", "every feb 30", "every 32nd", "every 6th tuesday", "every 0th"),
            *("every day at 25:00", "every day for ever", "every day until never", "every day until dec 24 10 times"),
            *(
                "every year on the 1st",
                "every week on the 1st",
                "every month on monday",
                "every other 1st",
                "twice a week",
            ),
            *("tomorrow", "every day " * 20, "every " + "9" * 100, "every\0day", "every day\u2028at"),
        ],
    )
    def test_no_recurrence_is_refused_with_a_sentence(self, phrase: str) -> None:
        with pytest.raises(UnreadableRecurrence, match=r"is not a recurrence that I understand\. Try "):
            parsed(phrase)

    @pytest.mark.cpu_time
    @settings(derandomize=True, deadline=None, max_examples=200)
    @given(
        st.lists(st.sampled_from([*" ".join(PHRASES).split(), "at", "for", "the", "-", "31st", "9", "é"]), max_size=12)
    )
    def test_any_phrase_takes_less_than_a_second_and_its_rule_is_valid(self, words: list[str]) -> None:
        phrase = " ".join(words)
        try:
            rule = parsed(phrase).rule
        except UnreadableRecurrence:
            pass
        else:
            assert RULE.validate_python(rule) == rule
        assert least_cpu_seconds(lambda: parsed(phrase)) < 1


class TestCountsFrom:
    @pytest.mark.parametrize(
        "phrase",
        [
            *("every! 3 days", "ev! 3 days", "Every! 3 days", "every 3 days after completion"),
            *("every 3 days from completion", "every 3 days after the last completion"),
            "every 3 days after each completion",
        ],
    )
    def test_the_completion_may_be_the_start_of_the_rule(self, phrase: str) -> None:
        assert parsed(phrase) == ParsedRecurrence("FREQ=DAILY;INTERVAL=3", date(2026, 11, 28), "completion")

    def test_other_words_of_the_phrase_keep_their_meaning(self) -> None:
        assert parsed("every! 3 days at 9am, 5 times") == ParsedRecurrence(
            "FREQ=DAILY;INTERVAL=3;COUNT=5", berlin(2026, 11, 29, 9), "completion"
        )
        assert parsed("every day after completion until june").rule == "FREQ=DAILY;UNTIL=20270601"

    @pytest.mark.parametrize("phrase", PHRASES)
    def test_else_it_is_the_due_date(self, phrase: str) -> None:
        assert parsed(phrase).counts_from == "due"


class TestIsRecurrencePhrase:
    @pytest.mark.parametrize("phrase", PHRASES)
    def test_a_recurrence_is_distinguished_from_a_date(self, phrase: str) -> None:
        assert is_recurrence_phrase(phrase)
        assert not is_recurrence_phrase("next friday at 5")


def test_today_depends_on_the_time_zone() -> None:
    late = datetime(2026, 11, 29, 23, 30, tzinfo=NEW_YORK)

    assert parse_recurrence("every monday", now=late, timezone=NEW_YORK).due == date(2026, 11, 30)
    assert parse_recurrence("every monday", now=late, timezone=ZoneInfo("Asia/Tokyo")).due == date(2026, 11, 30)
    assert parse_recurrence("every sunday", now=late, timezone=NEW_YORK).due == date(2026, 11, 29)
    assert parse_recurrence("every sunday", now=late, timezone=ZoneInfo("Asia/Tokyo")).due == date(2026, 12, 6)
