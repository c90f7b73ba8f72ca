"""The parts of a recurrence rule (RRULE of RFC 5545) and their values."""

from collections.abc import Iterable
from typing import Final

type RuleParts = dict[str, str]
"""The values of a rule's parts by the names of the parts: `{"FREQ": "WEEKLY", "BYDAY": "MO"}`."""

FREQUENCIES: Final = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY", "year": "YEARLY"}
"""The value of FREQ for each English unit."""
WEEKDAY_CODES: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WORKDAYS: Final = ",".join(WEEKDAY_CODES[:5])
"""The value of BYDAY for Monday to Friday."""
NTH_NUMBERS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1}
"""The numbers that stand for ordinals in BYDAY, BYMONTHDAY and BYSETPOS; -1 is the last."""

_PART_ORDER: Final = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS")


def format_rule(parts: RuleParts) -> str:
    """Returns a rule as RRULE text, with its parts in the order in which rules are stored."""
    return ";".join(f"{name}={parts[name]}" for name in _PART_ORDER if name in parts)


def join_values(values: Iterable[str]) -> str:
    """Joins the values of one rule part with commas, without duplicates."""
    return ",".join(dict.fromkeys(values))
