"""Date phrases: the days and instants that they may mean, and the phrases that are refused."""

import re
import tracemalloc
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cpu_time import least_cpu_seconds
from todo_assistant.phrases.dates import UnreadableDate, parse_date
from todo_assistant.phrases.moments import Due

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
APIA = ZoneInfo("Pacific/Apia")
FRIDAY = datetime(2026, 11, 20, 10, 15, tzinfo=BERLIN)

WORDS = [
    *(
        "in",
        "at",
        "on",
        "the",
        "next",
        "last",
        "this",
        "end of",
        "day",
        "week",
        "month",
        "year",
        "friday",
        "sun",
        "may",
    ),
    *("jan", "3rd", "31", "9999", "0", "00:00", "24:00", "5pm", "13 am", "noon", "midnight", "tonight", "morning"),
    *(
        "tomorrow",
        "ago",
        "from now",
        "2026-12-31",
        "29/2",
        "31.12.",
        "1/1/0001",
        "feb 29",
        "christmas",
        "eod",
        ",",
        "'",
    ),
]
zones = st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, APIA, ZoneInfo("Asia/Kolkata"), ZoneInfo("UTC")])
moments = st.datetimes(timezones=st.just(UTC))


def parse(phrase: str, now: datetime = FRIDAY) -> list[Due]:
    assert isinstance(now.tzinfo, ZoneInfo)
    return parse_date(phrase, now=now, timezone=now.tzinfo)


def local(phrase: str, now: datetime = FRIDAY) -> list[str]:
    """Returns the possible meanings of a date phrase as texts, with instants in the time zone of `now`."""
    return [
        f"{due.astimezone(now.tzinfo):%Y-%m-%d %H:%M}" if isinstance(due, datetime) else str(due)
        for due in parse(phrase, now)
    ]


class TestDays:
    @pytest.mark.parametrize(
        ("phrase", "day"),
        [
            ("today", "2026-11-20"),
            ("tomorrow", "2026-11-21"),
            ("day after tomorrow", "2026-11-22"),
            ("monday", "2026-11-23"),
            ("next friday", "2026-11-27"),
            ("last friday", "2026-11-13"),
            ("this weekend", "2026-11-21"),
            ("next weekend", "2026-11-28"),
            ("next week", "2026-11-23"),
            ("next month", "2026-12-01"),
            ("next year", "2027-01-01"),
            ("eod", "2026-11-20"),
            ("eow", "2026-11-20"),
            ("end of month", "2026-11-30"),
            ("end of next month", "2026-12-31"),
            ("end of february", "2027-02-28"),
            ("start of next month", "2026-12-01"),
            ("mid january", "2027-01-15"),
            ("end of the year", "2026-12-31"),
            ("monday eod", "2026-11-23"),
            ("eod on monday", "2026-11-23"),
            ("in two weeks", "2026-12-04"),
            ("2 days from now", "2026-11-22"),
            ("a week from monday", "2026-11-30"),
            ("3 days ago", "2026-11-17"),
            ("yesterday", "2026-11-19"),
            ("on the 3rd", "2026-12-03"),
            ("the 31st", "2026-12-31"),
            ("jan 3", "2027-01-03"),
            ("20 nov", "2026-11-20"),
            ("fri, 3 jan 2027", "2027-01-03"),
            ("january 3rd, 2028", "2028-01-03"),
            ("march", "2027-03-01"),
            ("feb 29", "2028-02-29"),
            ("christmas eve", "2026-12-24"),
            ("christmas", "2026-12-25"),
            ("new year's day", "2027-01-01"),
            ("13/04", "2027-04-13"),
            ("24.12.", "2026-12-24"),
            ("2026-12-01", "2026-12-01"),
            ("By:  Monday!", "2026-11-23"),
            ("2026/12/03", "2026-12-03"),
            ("friday next week", "2026-11-27"),
            ("next week friday", "2026-11-27"),
            ("monday of next week", "2026-11-23"),
            ("next week on wednesday", "2026-11-25"),
            ("wednesday this week", "2026-11-18"),
            ("the week after next", "2026-11-30"),
            ("wednesday the week after next", "2026-12-02"),
            ("friday in two weeks", "2026-12-04"),
            ("in two weeks on friday", "2026-12-04"),
            ("monday in 3 weeks' time", "2026-12-07"),
            ("friday after next", "2026-12-04"),
            ("the weekend after next", "2026-12-05"),
            ("sunday week", "2026-11-29"),
            ("tomorrow week", "2026-11-28"),
            ("monday fortnight", "2026-12-07"),
            ("a week on sunday", "2026-11-29"),
            ("a week tomorrow", "2026-11-28"),
            ("two days before christmas", "2026-12-23"),
            ("in a couple of days", "2026-11-22"),
            ("in a few days", "2026-11-23"),
            ("in twenty-one days", "2026-12-11"),
            ("in two and a half weeks", "2026-12-07"),
            ("in a month and a half", "2027-01-04"),
            ("in 1 month and 2 weeks", "2027-01-03"),
            ("first of next month", "2026-12-01"),
            ("the 15th of next month", "2026-12-15"),
            ("next month on the 15th", "2026-12-15"),
            ("last day of the month", "2026-11-30"),
            ("the last working day of the month", "2026-11-30"),
            ("first business day of the month", "2026-12-01"),
            ("in 1 working day", "2026-11-23"),
            ("in 2 business days", "2026-11-24"),
            ("in five working days", "2026-11-27"),
            ("the first of the month", "2026-12-01"),
            ("first monday of december", "2026-12-07"),
            ("last friday of november", "2026-11-27"),
            ("end of next week", "2026-11-27"),
            ("mid next week", "2026-11-25"),
            ("end of next year", "2027-12-31"),
            ("early december", "2026-12-01"),
            ("the day before yesterday", "2026-11-18"),
        ],
    )
    def test_the_first_reading_is_the_likeliest_day(self, phrase: str, day: str) -> None:
        assert local(phrase)[0] == day

    def test_a_weekday_is_the_coming_one_or_else_today(self) -> None:
        assert local("friday") == ["2026-11-27", "2026-11-20"]
        assert local("saturday") == ["2026-11-21"]

    def test_next_and_a_weekday_is_in_next_week(self) -> None:
        monday = datetime(2026, 11, 16, 9, tzinfo=BERLIN)

        assert local("next friday", monday) == ["2026-11-27", "2026-11-20"]

    def test_the_month_comes_first_in_the_united_states(self) -> None:
        assert local("03/04") == ["2027-04-03", "2027-03-04"]
        assert local("03/04", FRIDAY.astimezone(NEW_YORK)) == ["2027-03-04", "2027-04-03"]

    def test_months_without_the_day_are_skipped(self) -> None:
        assert local("the 31st", datetime(2027, 2, 1, tzinfo=BERLIN)) == ["2027-03-31"]

    def test_today_depends_on_the_time_zone(self) -> None:
        now = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)

        assert parse_date("today", now=now, timezone=BERLIN) == [date(2026, 11, 21)]
        assert parse_date("today", now=now, timezone=NEW_YORK) == [date(2026, 11, 20)]

    def test_the_examples_of_the_document_are_parsed(self) -> None:
        document = (Path(__file__).parents[3] / "docs" / "commands.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| (?:days|from now|dates|times) \| (.+) \|$", document, re.MULTILINE)

        assert all(parse(phrase) for row in rows for phrase in re.findall(r"`(.+?)`", row))
        assert len(rows) == 4


class TestTimes:
    @pytest.mark.parametrize(
        ("phrase", "moment"),
        [
            ("5pm", "2026-11-20 17:00"),
            ("17:00", "2026-11-20 17:00"),
            ("9am", "2026-11-21 09:00"),
            ("at 5", "2026-11-20 17:00"),
            ("half past 5", "2026-11-20 17:30"),
            ("quarter to 6", "2026-11-20 17:45"),
            ("at 5 o'clock", "2026-11-20 17:00"),
            ("at nine", "2026-11-20 21:00"),
            ("at ten thirty", "2026-11-20 10:30"),
            ("at half seven", "2026-11-20 19:30"),
            ("at twenty-five past four", "2026-11-20 16:25"),
            ("a quarter to six", "2026-11-20 17:45"),
            ("eleven pm", "2026-11-20 23:00"),
            ("half past eight in the evening", "2026-11-20 20:30"),
            ("tomorrow seven o\u2019clock", "2026-11-21 07:00"),
            ("5.30 p.m.", "2026-11-20 17:30"),
            ("noon", "2026-11-20 12:00"),
            ("midnight", "2026-11-21 00:00"),
            ("tonight", "2026-11-20 20:00"),
            ("tonight at 9", "2026-11-20 21:00"),
            ("this morning", "2026-11-20"),
            ("in the morning", "2026-11-21 09:00"),
            ("tomorrow morning", "2026-11-21 09:00"),
            ("tomorrow at 5pm", "2026-11-21 17:00"),
            ("5pm tomorrow", "2026-11-21 17:00"),
            ("at 5 on monday", "2026-11-23 17:00"),
            ("jan 3 at 9:30", "2027-01-03 09:30"),
            ("12am tomorrow", "2026-11-21 00:00"),
            ("tomorrow morning at 6", "2026-11-21 06:00"),
            ("at 6 in the morning", "2026-11-21 06:00"),
            ("friday evening at 8", "2026-11-27 20:00"),
            ("this afternoon at 4", "2026-11-20 16:00"),
            ("tonight at 10", "2026-11-20 22:00"),
            ("tonite at 10", "2026-11-20 22:00"),
            ("tomorrow night at 11", "2026-11-21 23:00"),
            ("tomorrow night at 1", "2026-11-22 01:00"),
            ("12 at night", "2026-11-21 00:00"),
            ("12 in the afternoon", "2026-11-20 12:00"),
            ("the morning of dec 16", "2026-12-16 09:00"),
            ("tomorrow at 7 in the evening", "2026-11-21 19:00"),
            ("friday 17.30", "2026-11-27 17:30"),
            ("in 90 minutes", "2026-11-20 11:45"),
            ("in an hour and a half", "2026-11-20 11:45"),
            ("in one and a half hours", "2026-11-20 11:45"),
            ("in 1.5 hours", "2026-11-20 11:45"),
            ("in 1h30", "2026-11-20 11:45"),
            ("in 1h 30m", "2026-11-20 11:45"),
            ("in an hour and 15 minutes", "2026-11-20 11:30"),
            ("in three quarters of an hour", "2026-11-20 11:00"),
            ("half an hour from now", "2026-11-20 10:45"),
            ("2 hours from now", "2026-11-20 12:15"),
            ("in a couple of hours", "2026-11-20 12:15"),
            ("in twenty minutes", "2026-11-20 10:35"),
            ("in 2 hours 30 minutes", "2026-11-20 12:45"),
            ("half an hour", "2026-11-20 10:45"),
            ("2026-12-01T10:00", "2026-12-01 10:00"),
            ("2026-12-01 5pm", "2026-12-01 17:00"),
            ("2026-12-01 at 5", "2026-12-01 17:00"),
            ("noon on 2026-12-01", "2026-12-01 12:00"),
            ("2026-12-01T10:00:00Z", "2026-12-01 11:00"),
            ("2026-12-01T10:00:00+05:30", "2026-12-01 05:30"),
        ],
    )
    def test_the_first_reading_is_the_likeliest_time(self, phrase: str, moment: str) -> None:
        assert local(phrase)[0] == moment

    def test_a_time_without_am_or_pm_has_two_readings(self) -> None:
        assert local("5") == ["2026-11-20 17:00", "2026-11-21 05:00"]
        assert local("05:00") == ["2026-11-21 05:00"]

    def test_a_time_is_in_the_future_if_the_phrase_allows_it(self) -> None:
        assert local("today at 9") == ["2026-11-20 21:00"]
        assert local("friday 9am") == ["2026-11-27 09:00"]
        assert local("today 9am") == ["2026-11-20 09:00"]

    def test_midnight_is_the_end_or_the_start_of_a_day(self) -> None:
        assert local("tomorrow midnight") == ["2026-11-22 00:00", "2026-11-21 00:00"]

    def test_instants_are_in_utc(self) -> None:
        [due] = parse("5pm")
        assert isinstance(due, datetime)
        assert due.tzinfo is UTC


class TestClockChanges:
    def test_a_time_that_the_clocks_skip_moves_forward(self) -> None:
        assert local("tomorrow 2:30am", datetime(2027, 3, 27, 12, tzinfo=BERLIN)) == ["2027-03-28 03:30"]
        assert local("tomorrow 2:15am", datetime(2026, 10, 3, 12, tzinfo=LORD_HOWE)) == ["2026-10-04 02:45"]

    def test_of_a_time_that_occurs_twice_the_first_counts(self) -> None:
        assert parse("tomorrow 1:30am", datetime(2026, 10, 31, 12, tzinfo=NEW_YORK)) == [
            datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
        ]

    def test_hours_are_elapsed_time_and_days_are_calendar_days(self) -> None:
        saturday = datetime(2027, 3, 27, 12, tzinfo=BERLIN)

        assert local("in 24 hours", saturday) == ["2027-03-28 13:00"]
        assert local("tomorrow 12:00", saturday) == ["2027-03-28 12:00"]
        assert local("in 1 day", saturday) == ["2027-03-28"]

    def test_a_day_that_a_time_zone_skipped(self) -> None:
        # Samoa skipped 30 December 2011, so 31 December followed the 29th.
        assert local("tomorrow noon", datetime(2011, 12, 29, 9, tzinfo=APIA)) == ["2011-12-31 12:00"]


class TestMemory:
    def test_memory_does_not_grow_with_each_day(self) -> None:
        parse("jan 3")
        tracemalloc.start()
        for day in range(1, 29):
            parse("jan 3", datetime(2027, 2, day, tzinfo=BERLIN))
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert grown < 1_000_000


class TestUnreadable:
    @pytest.mark.parametrize(
        "phrase",
        [
            *("", " ", "milk", "the", "at", "5 milks", "friday the milk", "every friday", "at 25", "13pm", "0am"),
            *(
                "12:60",
                "31 apr",
                "29 feb 2027",
                "feb 30",
                "the 32nd",
                "0000-01-01",
                "2026-13-01",
                "2026-02-30",
                "2026-01-01T24:30",
                "99/99",
            ),
            *("in 99999999999 years", "in 9999 years", "9999 years ago", "9999-12-31T23:59:59-14:00", "1" * 100),
            *(
                "tomorrow\0",
                "\0",
                "\u0663 jan",
                "in \uff13 days",
                "\ufb01ve pm",
                "\U0001f4c5",
                "zítra",
                "mid 3",
                "end of nothing",
                "end of friday",
                "tomorrow morning at 18:00",
                "in aday",
                "21.5",
                "sixth monday of december",
                "5th monday of december",
            ),
        ],
    )
    def test_no_date_is_refused(self, phrase: str) -> None:
        with pytest.raises(UnreadableDate):
            parse(phrase)

    def test_the_error_is_a_printable_sentence(self) -> None:
        with pytest.raises(UnreadableDate) as refused:
            parse("whenever\n\0" + "x" * 80)

        assert str(refused.value).startswith('"whenever??xxx')
        assert "x… " not in str(refused.value)
        assert 'x…" is not a date that I understand. Try "tomorrow 5pm"' in str(refused.value)

    def test_more_than_100_characters_are_refused(self) -> None:
        assert parse("tomorrow" + " " * 92)
        with pytest.raises(UnreadableDate):
            parse("tomorrow" + " " * 93)

    @pytest.mark.cpu_time
    @pytest.mark.parametrize("unit", ["1", "9 ", "in ", "a ", "at ", "friday ", "jan ", "5pm ", "end of ", "ü", "1/"])
    def test_hostile_text_takes_less_than_50_milliseconds(self, unit: str) -> None:
        text = (unit * 100)[:100]
        with pytest.raises(UnreadableDate):
            parse(text)
        assert least_cpu_seconds(lambda: parse(text)) < 0.05

    @settings(derandomize=True, deadline=None, max_examples=300)
    @given(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join) | st.text(max_size=110), moments, zones)
    def test_no_other_error_is_raised(self, phrase: str, now: datetime, timezone: ZoneInfo) -> None:
        try:
            readings = parse_date(phrase, now=now, timezone=timezone)
        except UnreadableDate:
            return
        assert readings
        assert all(due.tzinfo is UTC for due in readings if isinstance(due, datetime))
        assert readings == parse_date(phrase, now=now, timezone=timezone)
