"""Parses dates with the library dateparser."""

from datetime import date, datetime, time


def parse_with_library(words: str, base: date, *, more_settings: dict[str, str]) -> date | None:
    """Returns the date that dateparser reads in the words if today is `base`, or None for other words."""
    # Imported on first use: dateparser would add a third of a second to a cold start, and most phrases do not need it.
    from dateparser.date import DateDataParser  # noqa: PLC0415

    settings = {
        "RELATIVE_BASE": datetime.combine(base, time()),
        "PREFER_DATES_FROM": "future",
        "RETURN_AS_TIMEZONE_AWARE": False,
        "TIMEZONE": "UTC",
        **more_settings,
    }
    parsed = DateDataParser(languages=["en"], settings=settings).get_date_data(words).date_obj
    return parsed.date() if parsed else None
