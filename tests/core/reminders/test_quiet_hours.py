"""Quiet hours are local times, which may go over midnight and over a change of the clocks."""

from datetime import UTC, datetime, time

import pytest

from tests import postgres

SELECT = "SELECT quiet_until($1::timestamptz, $2, $3::time, $4::time)"
NIGHT = time(22), time(7)
LUNCH = time(12), time(13, 30)


def at(day: int, hour: int, minute: int = 0, *, month: int = 1) -> datetime:
    return datetime(2030, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "zone", "hours", "ends"),
    [
        (at(5, 12), "UTC", (None, None), at(5, 12)),
        (at(5, 21, 59), "UTC", NIGHT, at(5, 21, 59)),
        (at(5, 22), "UTC", NIGHT, at(6, 7)),
        (at(6, 0), "UTC", NIGHT, at(6, 7)),
        (at(6, 6, 59), "UTC", NIGHT, at(6, 7)),
        (at(6, 7), "UTC", NIGHT, at(6, 7)),
        (at(5, 11, 59), "UTC", LUNCH, at(5, 11, 59)),
        (at(5, 12), "UTC", LUNCH, at(5, 13, 30)),
        (at(5, 13, 30), "UTC", LUNCH, at(5, 13, 30)),
        (at(5, 15), "Asia/Tokyo", NIGHT, at(5, 22)),
        (at(5, 4), "America/New_York", NIGHT, at(5, 12)),
        (at(31, 0, month=3), "Europe/Berlin", NIGHT, at(31, 5, month=3)),
        (at(26, 22, month=10), "Europe/Berlin", NIGHT, at(27, 6, month=10)),
        (at(31, 0, 30, month=3), "Europe/Berlin", (time(1), time(2, 30)), at(31, 1, 30, month=3)),
        (at(5, 23), "Nowhere/Unknown", NIGHT, at(6, 7)),
    ],
)
def test_a_moment_waits_for_the_end_of_the_hours_in_which_it_lies(
    database_url: str, moment: datetime, zone: str, hours: tuple[time | None, time | None], ends: datetime
) -> None:
    [row] = postgres.query(database_url, SELECT, moment, zone, *hours)

    assert row[0] == ends
