"""Regular expressions for the English words of dates, times, counts and recurrences.

All match text in small letters, unless compiled with IGNORECASE. Each is one group, so patterns can be joined.
"""

import re
from typing import Final

WEEKDAY: Final = (
    r"(?:mon(?:day)?|tue(?:s(?:day)?)?|wed(?:s|nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
)
"""`monday`, `mon`, `thurs`."""
MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
"""`january`, `jan`, `sept`."""
TOMORROW: Final = r"(?:tomorrow|tomm?orr?ow|tmrw?|2moro)"
"""`tomorrow`, also misspelled: `tommorow`, `tmrw`."""
COUNT: Final = r"(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a couple of|\d{1,4}(?!\d))"
"""`2`, `two`, `a`, `a couple of`."""
DAYS: Final = r"(?:days?|weeks?|fortnights?|months?|years?)"
"""A unit of a day or longer, as in `2 weeks`."""
HOURS: Final = rf"(?:half an hour|{COUNT} ?(?:hours?|hrs?|h|minutes?|mins?|m))"
"""An amount of hours or minutes: `2 hours`, `90min`, `half an hour`."""
HOLIDAY: Final = r"(?:christmas eve|christmas|xmas|new year'?s eve|new year'?s day|halloween|valentine'?s day)"
"""A holiday on the same date every year: `christmas`, `new year's eve`."""
DIGITAL: Final = r"(?:\d{1,2}(?:[:.][0-5]\d)? ?[ap](?:m|\.m\.)|\d{1,2}:[0-5]\d(?::[0-5]\d)?)"
"""A time of day that needs no preposition: `5pm`, `5.30 p.m.`, `17:00`."""
CLOCK: Final = rf"(?:{DIGITAL}|\d{{1,2}}h(?:[0-5]\d)?|noon|midday|midnight)"
"""`17:00`, `17h`, `17h30`, `noon`."""
HOUR: Final = r"(?:(?:half past |quarter past |quarter to )?\d{1,2}(?:[:.][0-5]\d)?(?: ?o'?clock)?)"
"""A time of day only after `at`: `5`, `half past 5`, `5 o'clock`."""
PART: Final = r"(?:morning|afternoon|evening|night)"
"""A part of the day."""

EACH: Final = r"(?:every|each|ev\.?)(?: single)?"
"""`every`, `each`, `every single`."""
ADVERB: Final = (
    r"(?:daily|weekly|bi-?weekly|fortnightly|monthly|quarterly|yearly|annually"
    r"|once (?:a|per) (?:day|week|month|year)|twice (?:a|per) year)"
)
"""A frequency without `every`: `daily`, `once a week`."""
PLURAL: Final = r"(?:mondays|tuesdays|wednesdays|thursdays|fridays|saturdays|sundays)"
"""A weekday in the plural, as in `on mondays`."""
NTH: Final = r"(?:first|second|third|fourth|fifth|last|[1-5](?:st|nd|rd|th))"
"""The place of a day in its month: `second`, `2nd`, `last`."""

WEEKDAY_PREFIXES: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The first three letters of each weekday, from Monday."""

_NUMBERS: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_COUNTS: Final = {"a": 1, "an": 1, "a couple of": 2} | {word: count for count, word in enumerate(_NUMBERS, start=1)}


def parse_count(words: str) -> int:
    """Returns the number for words that COUNT matches: `2`, `two` or `a couple of`."""
    return int(words) if words.isdecimal() else _COUNTS[words]


def parse_amount(words: str) -> tuple[int, str]:
    """Returns the count and the unit of `2 weeks`, `2w` or `two weeks`."""
    [(count, unit)] = re.findall(r"(\d+|.*(?= )) ?(\w+)", words, re.ASCII)
    return parse_count(count), unit
