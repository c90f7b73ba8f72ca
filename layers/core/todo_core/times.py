"""Validation of instants, dates and time zones from clients."""

import re
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_FULL_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INFINITE_TIMES = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
"""The first and last value of datetime, which are refused: asyncpg would store them as -infinity and infinity."""


def _require_rfc3339(value: object) -> object:
    # Refuses other formats that Pydantic accepts, such as numbers (as seconds since 1970) and times without seconds.
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC3339.fullmatch(value)):
        return value
    raise PydanticCustomError("rfc3339", "Give an RFC 3339 time with an offset, such as 2030-01-31T17:00:00Z")


def _to_utc(value: datetime) -> datetime:
    try:
        instant = value.astimezone(UTC)
    except OverflowError:
        instant = _INFINITE_TIMES[0]
    if instant in _INFINITE_TIMES:
        raise PydanticCustomError("time_out_of_range", "The time lies outside the years 1 to 9999")
    return instant


def _require_finite(day: date) -> date:
    # The first and the last day are refused, because asyncpg would store them as -infinity and infinity.
    if day in {date.min, date.max}:
        raise PydanticCustomError("time_out_of_range", "The day lies outside of 0001-01-02 to 9999-12-30")
    return day


def _require_full_date(value: object) -> object:
    if isinstance(value, date) or (isinstance(value, str) and _FULL_DATE.fullmatch(value)):
        return value
    raise PydanticCustomError("full_date", "Give a date such as 2030-01-31")


def _parse_day_or_instant(value: object) -> date | datetime:
    with suppress(ValueError):  # raised for a date or time that does not exist, such as 2030-02-30 or 25:00
        if isinstance(value, str) and _FULL_DATE.fullmatch(value):
            return _require_finite(date.fromisoformat(value))
        if isinstance(value, str) and _RFC3339.fullmatch(value):
            return _to_utc(datetime.fromisoformat(value.upper()))
    raise PydanticCustomError(
        "day_or_instant", "Give a date such as 2030-01-31, or an RFC 3339 time with an offset (a + as %2B)"
    )


@cache
def _timezones() -> frozenset[str]:
    # Read from the package tzdata: the machine's own zones may differ, and may include `localtime` and `posixrules`.
    return frozenset((files("tzdata") / "zones").read_text().split())


def _require_timezone(name: str) -> str:
    if name not in _timezones():
        raise PydanticCustomError("timezone", "Give an IANA time zone such as Europe/Berlin")
    return name


Instant = Annotated[AwareDatetime, AfterValidator(_to_utc), BeforeValidator(_require_rfc3339)]
"""A point in time from a client: RFC 3339 with an offset, converted to UTC. In responses it ends in Z."""

FullDate = Annotated[date, AfterValidator(_require_finite), BeforeValidator(_require_full_date)]
"""A date without a time: YYYY-MM-DD."""

DayOrInstant = Annotated[
    date | datetime,
    PlainValidator(_parse_day_or_instant),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}),
]
"""A date (YYYY-MM-DD), or a point in time in RFC 3339 with an offset, which is converted to UTC."""

TimeZoneName = Annotated[
    str,
    AfterValidator(_require_timezone),
    WithJsonSchema({"type": "string", "format": "timezone", "minLength": 1, "maxLength": 64}),
]
"""The name of an IANA time zone, such as `Europe/Berlin`."""
