"""Instants, dates and time zones as they cross the wire."""

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
_ENDS_OF_TIME = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
"""The first and the last microsecond, which asyncpg takes for PostgreSQL's minus and plus infinity."""


def _require_rfc3339(value: object) -> object:
    # Pydantic alone would also take numbers as seconds since 1970, and times without an offset.
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC3339.fullmatch(value)):
        return value
    raise PydanticCustomError("rfc3339", "Give an RFC 3339 time with an offset, such as 2030-01-31T17:00:00Z")


def _to_utc(value: datetime) -> datetime:
    try:
        instant = value.astimezone(UTC)
    except OverflowError:
        instant = _ENDS_OF_TIME[0]
    if instant in _ENDS_OF_TIME:
        raise PydanticCustomError("time_out_of_range", "The time lies outside the years 1 to 9999")
    return instant


def _require_writable(day: date) -> date:
    # asyncpg takes the first and the last day for PostgreSQL's minus and plus infinity.
    if day in {date.min, date.max}:
        raise PydanticCustomError("time_out_of_range", "The day lies outside of 0001-01-02 to 9999-12-30")
    return day


def _require_full_date(value: object) -> object:
    if isinstance(value, date) or (isinstance(value, str) and _FULL_DATE.fullmatch(value)):
        return value
    raise PydanticCustomError("full_date", "Give a date such as 2030-01-31")


def _read_day_or_instant(value: object) -> date | datetime:
    with suppress(ValueError):  # a day or an hour that no calendar or clock has
        if isinstance(value, str) and _FULL_DATE.fullmatch(value):
            return _require_writable(date.fromisoformat(value))
        if isinstance(value, str) and _RFC3339.fullmatch(value):
            return _to_utc(datetime.fromisoformat(value.upper()))
    raise PydanticCustomError(
        "day_or_instant", "Give a date such as 2030-01-31, or an RFC 3339 time with an offset (a + as %2B)"
    )


@cache
def _timezones() -> frozenset[str]:
    # Not what this machine happens to have, which knows `localtime` and `posixrules` too.
    return frozenset((files("tzdata") / "zones").read_text().split())


def _require_timezone(name: str) -> str:
    if name not in _timezones():
        raise PydanticCustomError("timezone", "Give an IANA time zone such as Europe/Berlin")
    return name


Instant = Annotated[AwareDatetime, AfterValidator(_to_utc), BeforeValidator(_require_rfc3339)]
"""A point in time, always UTC once read; written as RFC 3339 ending in Z."""

FullDate = Annotated[date, AfterValidator(_require_writable), BeforeValidator(_require_full_date)]
"""A day without a time, as RFC 3339 writes it: YYYY-MM-DD."""

DayOrInstant = Annotated[
    date | datetime,
    PlainValidator(_read_day_or_instant),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}),
]
"""A day, or a point in time."""

TimeZoneName = Annotated[
    str,
    AfterValidator(_require_timezone),
    WithJsonSchema({"type": "string", "format": "timezone", "minLength": 1, "maxLength": 64}),
]
"""The name of an IANA time zone, such as `Europe/Berlin`."""
