"""Spans of days in phrases: their first and last days, open ends, and phrases that are refused."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cpu_time import least_cpu_seconds
from todo_assistant.phrases.dates import UnreadableDate
from todo_assistant.phrases.spans_of_days import parse_days_span

BERLIN = ZoneInfo("Europe/Berlin")
WEDNESDAY = datetime(2026, 11, 25, 10, 15, tzinfo=BERLIN)
SUNDAY = datetime(2026, 11, 29, 10, 15, tzinfo=BERLIN)
NO_END = "...."
WORDS = ["between", "and", "from", "to", "until", "before", "after", "since", "by", "next", "last", "this", "7 days"]
WORDS += ["week", "month", "friday", "dec 24", "december", "2027", "rest of the", "within", "weekend", "q1", "31", "-"]


def span(phrase: str, now: datetime = WEDNESDAY, *, is_past: bool = False) -> tuple[str, str]:
    """Returns the first and the last day of a phrase, in ISO 8601."""
    found = parse_days_span(phrase, now=now, timezone=BERLIN, is_past=is_past)
    return (found.first.isoformat() if found.first else NO_END, found.last.isoformat() if found.last else NO_END)


@pytest.mark.parametrize(
    ("phrase", "first", "last"),
    [
        ("today", "2026-11-25", "2026-11-25"),
        ("tomorrow", "2026-11-26", "2026-11-26"),
        ("yesterday", "2026-11-24", "2026-11-24"),
        ("friday", "2026-11-27", "2026-11-27"),
        ("on Dec 24", "2026-12-24", "2026-12-24"),
        ("tomorrow morning", "2026-11-26", "2026-11-26"),
        ("in two weeks", "2026-12-09", "2026-12-09"),
        ("this week", "2026-11-23", "2026-11-29"),
        ("next week", "2026-11-30", "2026-12-06"),
        ("last week?", "2026-11-16", "2026-11-22"),
        ("the week after next", "2026-12-07", "2026-12-13"),
        ("the week before last", "2026-11-09", "2026-11-15"),
        ("the week of dec 16", "2026-12-14", "2026-12-20"),
        ("this weekend", "2026-11-28", "2026-11-29"),
        ("the weekend", "2026-11-28", "2026-11-29"),
        ("next weekend", "2026-12-05", "2026-12-06"),
        ("last weekend", "2026-11-21", "2026-11-22"),
        ("this month", "2026-11-01", "2026-11-30"),
        ("next month", "2026-12-01", "2026-12-31"),
        ("last month", "2026-10-01", "2026-10-31"),
        ("this quarter", "2026-10-01", "2026-12-31"),
        ("next quarter", "2027-01-01", "2027-03-31"),
        ("q1 2027", "2027-01-01", "2027-03-31"),
        ("this year", "2026-01-01", "2026-12-31"),
        ("next year", "2027-01-01", "2027-12-31"),
        ("in 2027", "2027-01-01", "2027-12-31"),
        ("in december", "2026-12-01", "2026-12-31"),
        ("november", "2026-11-01", "2026-11-30"),
        ("in january", "2027-01-01", "2027-01-31"),
        ("february 2028", "2028-02-01", "2028-02-29"),
        ("next 7 days", "2026-11-25", "2026-12-01"),
        ("the next 3 days", "2026-11-25", "2026-11-27"),
        ("in the next two weeks", "2026-11-25", "2026-12-08"),
        ("over the coming week", "2026-11-25", "2026-12-01"),
        ("next few days", "2026-11-25", "2026-11-27"),
        ("the next 24 hours", "2026-11-25", "2026-11-26"),
        ("within 2 weeks", "2026-11-25", "2026-12-09"),
        ("last 7 days", "2026-11-19", "2026-11-25"),
        ("past 3 days", "2026-11-23", "2026-11-25"),
        ("the past week", "2026-11-19", "2026-11-25"),
        ("in the last month", "2026-10-01", "2026-10-31"),
        ("last 24 hours", "2026-11-24", "2026-11-25"),
        ("rest of the week", "2026-11-25", "2026-11-29"),
        ("later this month", "2026-11-25", "2026-11-30"),
        ("earlier this week", "2026-11-23", "2026-11-25"),
        ("so far this year", "2026-01-01", "2026-11-25"),
        ("between monday and friday", "2026-11-30", "2026-12-04"),
        ("from monday to wednesday", "2026-11-30", "2026-12-02"),
        ("thursday to tuesday", "2026-11-26", "2026-12-01"),
        ("fri-mon", "2026-11-27", "2026-11-30"),
        ("today and tomorrow", "2026-11-25", "2026-11-26"),
        ("from tomorrow until the end of the month", "2026-11-26", "2026-11-30"),
        ("dec 24 to jan 2", "2026-12-24", "2027-01-02"),
        ("dec 24-31", "2026-12-24", "2026-12-31"),
        ("between the 24th and 31st of december", "2026-12-24", "2026-12-31"),
        ("2026-12-01 - 2026-12-05", "2026-12-01", "2026-12-05"),
        ("until friday", NO_END, "2026-11-27"),
        ("by friday", NO_END, "2026-11-27"),
        ("due by the end of the month", NO_END, "2026-11-30"),
        ("until next week", NO_END, "2026-12-06"),
        ("before friday", NO_END, "2026-11-26"),
        ("before next week", NO_END, "2026-11-29"),
        ("after friday", "2026-11-28", NO_END),
        ("after this week", "2026-11-30", NO_END),
        ("from friday on", "2026-11-27", NO_END),
        ("tomorrow onwards", "2026-11-26", NO_END),
        ("since monday", "2026-11-23", NO_END),
        ("since dec 1", "2025-12-01", NO_END),
    ],
)
def test_a_span_has_a_first_and_a_last_day(phrase: str, first: str, last: str) -> None:
    assert span(phrase) == (first, last)


@pytest.mark.parametrize(
    ("phrase", "first", "last"),
    [
        ("friday", "2026-11-20", "2026-11-20"),
        ("on monday", "2026-11-23", "2026-11-23"),
        ("wednesday", "2026-11-25", "2026-11-25"),
        ("dec 3", "2025-12-03", "2025-12-03"),
        ("nov 25", "2026-11-25", "2026-11-25"),
        ("the 26th", "2026-10-26", "2026-10-26"),
        ("in december", "2025-12-01", "2025-12-31"),
        ("november", "2026-11-01", "2026-11-30"),
        ("this week", "2026-11-23", "2026-11-29"),
        ("from monday to wednesday", "2026-11-23", "2026-11-25"),
        ("yesterday", "2026-11-24", "2026-11-24"),
    ],
)
def test_a_span_of_the_past_has_begun(phrase: str, first: str, last: str) -> None:
    assert span(phrase, is_past=True) == (first, last)


def test_on_a_sunday_this_week_and_weekend_are_the_ones_that_end() -> None:
    assert span("this week", SUNDAY) == ("2026-11-23", "2026-11-29")
    assert span("next week", SUNDAY) == ("2026-11-30", "2026-12-06")
    assert span("this weekend", SUNDAY) == ("2026-11-28", "2026-11-29")


@pytest.mark.parametrize(
    "phrase",
    [
        *("", "milk", "this", "next 0 days", "between milk and friday", "from 2027 to 2026", "until", "0000"),
        *(
            "next 9999 years",
            "friday to monday to friday",
            "week of milk",
            "next month or so",
            "feb 30 to 31",
            "x" * 101,
        ),
    ],
)
def test_other_phrases_are_refused(phrase: str) -> None:
    with pytest.raises(UnreadableDate):
        span(phrase)


@pytest.mark.cpu_time
@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join))
def test_a_span_of_any_words_takes_less_than_50_milliseconds_and_never_ends_before_it_begins(phrase: str) -> None:
    try:
        found = parse_days_span(phrase, now=WEDNESDAY, timezone=BERLIN)
    except UnreadableDate:
        pass
    else:
        assert found.first is None or found.last is None or found.first <= found.last
    assert least_cpu_seconds(lambda: span(phrase)) < 0.05
