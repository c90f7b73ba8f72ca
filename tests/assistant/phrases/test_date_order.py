"""The order of day and month in dates such as `03/04`, by the country of the time zone."""

import json
import runpy
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from todo_assistant.phrases.dates import parse_date

GENERATOR = Path(__file__).parents[3] / "tools" / "date_order.py"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
APRIL_3, MARCH_4 = date(2027, 4, 3), date(2027, 3, 4)


@pytest.mark.parametrize(
    "zone",
    [
        *(
            "America/New_York",
            "America/Los_Angeles",
            "US/Pacific",
            "America/Puerto_Rico",
            "America/Panama",
            "Asia/Manila",
        ),
        *("Asia/Tokyo", "Asia/Seoul", "Asia/Shanghai", "Asia/Taipei", "PRC", "Europe/Budapest", "Africa/Johannesburg"),
    ],
)
def test_the_month_comes_first_where_people_write_it_first(zone: str) -> None:
    assert parse_date("03/04", now=NOW, timezone=ZoneInfo(zone)) == [MARCH_4, APRIL_3]


@pytest.mark.parametrize(
    "zone",
    [
        *(
            "America/Sao_Paulo",
            "America/Mexico_City",
            "America/Argentina/Buenos_Aires",
            "America/Bogota",
            "America/Toronto",
        ),
        *("America/Asuncion", "Europe/Berlin", "Europe/London", "Europe/Stockholm", "Asia/Kolkata", "Asia/Karachi"),
        *("Asia/Hong_Kong", "Australia/Sydney", "Africa/Nairobi", "UTC"),
    ],
)
def test_the_day_comes_first_elsewhere(zone: str) -> None:
    assert parse_date("03/04", now=NOW, timezone=ZoneInfo(zone)) == [APRIL_3, MARCH_4]


def test_a_date_with_dots_or_a_year_in_front_has_one_reading_everywhere() -> None:
    for zone in ("America/New_York", "Europe/Berlin", "Asia/Tokyo"):
        assert parse_date("3.4.", now=NOW, timezone=ZoneInfo(zone))[0] == APRIL_3
        assert parse_date("2026/12/03", now=NOW, timezone=ZoneInfo(zone)) == [date(2026, 12, 3)]


def test_the_file_of_zones_is_derived_from_the_installed_cldr_and_tz_data() -> None:
    generator = runpy.run_path(str(GENERATOR))

    assert json.loads(generator["TARGET"].read_text()) == generator["find_month_first_zones"]()
