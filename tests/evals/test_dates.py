from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from evals.dates import Clock

SUNDAY_NOON_IN_BERLIN = Clock(datetime(2026, 11, 29, 11, tzinfo=UTC), ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("+0d", date(2026, 11, 29)),
        ("-2d", date(2026, 11, 27)),
        ("+3d 15:00", datetime(2026, 12, 2, 14, tzinfo=UTC)),
        ("coming sun", date(2026, 12, 6)),
        ("this sun", date(2026, 11, 29)),
        ("this sun 11:00", datetime(2026, 12, 6, 10, tzinfo=UTC)),
        ("this sun 13:00", datetime(2026, 11, 29, 12, tzinfo=UTC)),
        ("this mon,fri", date(2026, 11, 30)),
        ("this any 06:00", datetime(2026, 11, 30, 5, tzinfo=UTC)),
        ("this any 21:00", datetime(2026, 11, 29, 20, tzinfo=UTC)),
        ("+90min", datetime(2026, 11, 29, 12, 30, tzinfo=UTC)),
    ],
)
def test_a_date_is_relative_to_today_in_the_time_zone(text: str, resolved: date | datetime) -> None:
    assert SUNDAY_NOON_IN_BERLIN.resolve(text) == resolved


@pytest.mark.parametrize("text", ["tomorrow", "+3", "coming someday", "+3d 25:00"])
def test_another_text_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        SUNDAY_NOON_IN_BERLIN.resolve(text)


def test_an_instant_from_now_may_differ_by_three_minutes() -> None:
    at_13 = datetime(2026, 11, 29, 12, tzinfo=UTC)

    assert SUNDAY_NOON_IN_BERLIN.is_met("+1h", at_13 + timedelta(minutes=2))
    assert not SUNDAY_NOON_IN_BERLIN.is_met("+1h", at_13 + timedelta(minutes=4))


def test_a_day_is_not_an_instant_of_that_day() -> None:
    assert not SUNDAY_NOON_IN_BERLIN.is_met("+0d", datetime(2026, 11, 29, tzinfo=UTC))
    assert not SUNDAY_NOON_IN_BERLIN.is_met("+0d 12:00", date(2026, 11, 29))


def test_an_empty_text_means_no_date() -> None:
    assert SUNDAY_NOON_IN_BERLIN.is_met("", None)
    assert not SUNDAY_NOON_IN_BERLIN.is_met("", date(2026, 11, 29))
    assert not SUNDAY_NOON_IN_BERLIN.is_met("+0d", None)


def test_a_message_gets_dates_and_repetitions() -> None:
    filled = SUNDAY_NOON_IN_BERLIN.fill("on {+9d}, {+9d %-d.%m.%Y} or {+9d %B %-d} {repeat 3 ha}")

    assert filled == "on 2026-12-08, 8.12.2026 or December 8 hahaha"


def test_midnight_ends_the_day_of_a_clock() -> None:
    assert Clock.start("UTC").is_same_day
    assert not Clock(datetime.now(UTC) - timedelta(days=1), ZoneInfo("UTC")).is_same_day
