"""Validation of instants, dates and time zone names."""

from datetime import UTC, date, datetime, timedelta, timezone
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from todo_core.times import FullDate, Instant, TimeZoneName

INSTANT = TypeAdapter[datetime](Instant)
FULL_DATE = TypeAdapter[date](FullDate)
TIME_ZONE = TypeAdapter[str](TimeZoneName)

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=offsets)  # noqa: DTZ001 - zones follow


def code_of[Value](adapter: TypeAdapter[Value], value: object) -> str:
    with pytest.raises(ValidationError) as refused:
        adapter.validate_python(value)
    [error] = refused.value.errors()
    return error["type"]


class TestInstant:
    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("2030-01-31T17:00:00Z", datetime(2030, 1, 31, 17, tzinfo=UTC)),
            ("2030-01-31t17:00:00z", datetime(2030, 1, 31, 17, tzinfo=UTC)),
            ("2030-01-31 17:00:00Z", datetime(2030, 1, 31, 17, tzinfo=UTC)),
            ("2030-01-31T17:00:00+01:00", datetime(2030, 1, 31, 16, tzinfo=UTC)),
            ("2030-01-31T23:30:00-03:30", datetime(2030, 2, 1, 3, tzinfo=UTC)),
            ("2030-01-31T17:00:00-00:00", datetime(2030, 1, 31, 17, tzinfo=UTC)),
            ("2030-01-31T17:00:00.5Z", datetime(2030, 1, 31, 17, 0, 0, 500_000, tzinfo=UTC)),
            ("2030-01-31T17:00:00.123456789Z", datetime(2030, 1, 31, 17, 0, 0, 123_456, tzinfo=UTC)),
            ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
        ],
    )
    def test_an_instant_is_converted_to_utc(self, text: str, moment: datetime) -> None:
        read = INSTANT.validate_python(text)
        assert read == moment
        assert read.tzinfo is UTC

    @settings(derandomize=True, deadline=None)
    @given(moments)
    def test_an_instant_is_the_same_in_every_offset(self, moment: datetime) -> None:
        read = INSTANT.validate_python(moment.isoformat())
        assert read == moment
        assert read.utcoffset() == timedelta()

    @settings(derandomize=True, deadline=None)
    @given(moments)
    def test_an_instant_is_written_with_z(self, moment: datetime) -> None:
        written = INSTANT.dump_json(INSTANT.validate_python(moment)).decode().strip('"')
        assert written.endswith("Z")
        assert datetime.fromisoformat(written) == moment

    @pytest.mark.parametrize(
        "value",
        [
            *(0, 1893456000, 1.5, True, None, [], "", "now", "1893456000", "P1D"),
            *("2030-01-31", "2030-01-31T17:00:00", "2030-01-31T17:00Z", "2030-01-31T17:00:00+0100"),
            *("2030-01-31T17:00:00.1234567890Z", "2030-01-31T17:00:00Z\n", " 2030-01-31T17:00:00Z"),
            *("2030-01-3\u0661T17:00:00Z", date(2030, 1, 31)),
        ],
    )
    def test_other_formats_of_instants_are_refused(self, value: object) -> None:
        assert code_of(INSTANT, value) == "rfc3339"

    def test_a_datetime_object_needs_a_time_zone(self) -> None:
        assert code_of(INSTANT, datetime(2030, 1, 31, 17)) == "timezone_aware"  # noqa: DTZ001 - on purpose

    @pytest.mark.parametrize(
        "text",
        [
            *("2030-02-30T17:00:00Z", "2030-13-01T17:00:00Z", "2030-01-31T24:00:00Z", "2030-01-31T17:60:00Z"),
            *("2016-12-31T23:59:60Z", "2030-01-31T17:00:00+24:00", "0000-01-01T00:00:00Z"),
        ],
    )
    def test_impossible_dates_and_times_are_refused(self, text: str) -> None:
        assert code_of(INSTANT, text).startswith("datetime")

    @pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
    def test_an_instant_outside_the_years_1_to_9999_is_refused(self, text: str) -> None:
        assert code_of(INSTANT, text) == "time_out_of_range"

    @pytest.mark.parametrize("text", ["0001-01-01T14:00:00.000001+14:00", "9999-12-31T09:59:59.999998-14:00"])
    def test_the_first_and_last_possible_instants_are_accepted(self, text: str) -> None:
        assert INSTANT.validate_python(text) == datetime.fromisoformat(text)


class TestFullDate:
    @pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31"])
    def test_dates_that_would_become_infinity_are_refused(self, text: str) -> None:
        with pytest.raises(ValidationError, match="lies outside"):
            FULL_DATE.validate_python(text)

    @pytest.mark.parametrize("text", ["2030-01-31", "2024-02-29", "0001-01-02", "9999-12-30"])
    def test_a_date_is_accepted(self, text: str) -> None:
        assert FULL_DATE.validate_python(text) == date.fromisoformat(text)

    @settings(derandomize=True, deadline=None)
    @given(st.dates(date(1, 1, 2), date(9999, 12, 30)))
    def test_a_date_is_written_in_the_same_form(self, day: date) -> None:
        assert FULL_DATE.dump_json(FULL_DATE.validate_python(day.isoformat())).decode() == f'"{day.isoformat()}"'

    @pytest.mark.parametrize(
        "value",
        [
            *(0, 19_000, 1.5, True, None, [], "", "today", "20300131", "2030-1-31", "2030-W05-4", "2030-031"),
            *("2030-01-31T00:00:00", "2030-01-31T00:00:00Z", "2030-01-31\n", " 2030-01-31", "2030-01-3\u0661"),
        ],
    )
    def test_other_formats_of_dates_are_refused(self, value: object) -> None:
        assert code_of(FULL_DATE, value) == "full_date"

    @pytest.mark.parametrize("text", ["2024-02-30", "2023-02-29", "2030-13-01", "2030-00-01", "0000-01-01"])
    def test_an_impossible_date_is_refused(self, text: str) -> None:
        assert code_of(FULL_DATE, text).startswith("date")


class TestTimeZoneName:
    @pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+12"])
    def test_an_iana_name_is_accepted(self, name: str) -> None:
        assert TIME_ZONE.validate_python(name) == name

    def test_every_iana_name_is_accepted(self) -> None:
        for name in (files("tzdata") / "zones").read_text().split():
            assert TIME_ZONE.validate_python(name) == name

    @pytest.mark.parametrize(
        "name",
        [
            *("", " ", "Europe", "America", "Europe/", "Mars/Olympus", "Europe/Berlin ", "europe", "+01:00", "CEST?"),
            *("/etc/passwd", "../../etc/passwd", "Europe/../UTC", "UTC\0", "a" * 10_000, "Europe/Köln", "a/" * 2_000),
        ],
    )
    def test_other_names_are_refused(self, name: str) -> None:
        assert code_of(TIME_ZONE, name) == "timezone"
