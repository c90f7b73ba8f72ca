"""Regular expressions for the English words of dates, times, counts and recurrences.

The patterns are in lower case: text must be in lower case, too, or they must be compiled with IGNORECASE.
They have no capturing groups, so that larger patterns can contain them.
"""

import re
from typing import Final

WEEKDAY: Final = (
    r"(?:mon(?:day)?|tue(?:s(?:day)?)?|wed(?:s|nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
)
"""Matches a weekday, also abbreviated: `monday`, `mon`, `thurs`."""
MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
"""Matches the name of a month, also abbreviated: `january`, `jan`, `sept`."""
TOMORROW: Final = r"(?:tomorrow|tomm?orr?ow|tmrw?|2moro)"
"""Matches `tomorrow`, also misspelled or abbreviated: `tommorow`, `tmrw`."""
COUNT: Final = r"(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a couple of|\d{1,4}(?!\d))"
"""Matches a number in digits or words, up to `9999` or `twelve`: `2`, `two`, `a`, `a couple of`."""
DAYS: Final = r"(?:days?|weeks?|fortnights?|months?|years?)"
"""Matches a unit of time of a day or longer: `weeks` in `2 weeks`."""
HOURS: Final = rf"(?:half an hour|{COUNT} ?(?:hours?|hrs?|h|minutes?|mins?|m))"
"""Matches an amount of hours or of minutes: `2 hours`, `90min`, `half an hour`."""
HOLIDAY: Final = r"(?:christmas eve|christmas|xmas|new year'?s eve|new year'?s day|halloween|valentine'?s day)"
"""Matches a holiday that has the same date every year: `christmas`, `new year's eve`."""
DIGITAL: Final = r"(?:\d{1,2}(?:[:.][0-5]\d)? ?[ap](?:m|\.m\.)|\d{1,2}:[0-5]\d(?::[0-5]\d)?)"
"""Matches digits that are a time of day even without a preposition such as `at`: `5pm`, `5.30 p.m.`, `17:00`."""
CLOCK: Final = rf"(?:{DIGITAL}|\d{{1,2}}h(?:[0-5]\d)?|noon|midday|midnight)"
"""Matches a time of day that needs no preposition, in digits or words: `17:00`, `17h`, `17h30`, `noon`."""
HOUR: Final = r"(?:(?:half past |quarter past |quarter to )?\d{1,2}(?:[:.][0-5]\d)?(?: ?o'?clock)?)"
"""Matches an hour that needs a preposition such as `at` in a longer phrase: `5`, `half past 5`, `5 o'clock`."""
PART: Final = r"(?:morning|afternoon|evening|night)"
"""Matches a part of the day: `morning`, `night`."""

EACH: Final = r"(?:every|each|ev\.?)(?: single)?"
"""Matches the first word of most recurrences: `every`, `each`, `every single`."""
ADVERB: Final = (
    r"(?:daily|weekly|bi-?weekly|fortnightly|monthly|quarterly|yearly|annually"
    r"|once (?:a|per) (?:day|week|month|year)|twice (?:a|per) year)"
)
"""Matches a frequency without `every`: `daily`, `once a week`."""
PLURAL: Final = r"(?:mondays|tuesdays|wednesdays|thursdays|fridays|saturdays|sundays)"
"""Matches a weekday in the plural, which means every week: `on mondays`."""
NTH: Final = r"(?:first|second|third|fourth|fifth|last|[1-5](?:st|nd|rd|th))"
"""Matches an ordinal from first to fifth, or `last`, as in `second friday`, `2nd day`."""

WEEKDAY_PREFIXES: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The first three letters of each weekday, in the order of `date.weekday()`."""

_NUMBERS: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_COUNTS: Final = {"a": 1, "an": 1, "a couple of": 2} | {word: count for count, word in enumerate(_NUMBERS, start=1)}


def parse_count(words: str) -> int:
    """Returns the number for words that COUNT matches: 2 for `2`, `two` and `a couple of`."""
    return int(words) if words.isdecimal() else _COUNTS[words]


def parse_amount(words: str) -> tuple[int, str]:
    """Returns the count and the unit of an amount of time: 2 and `weeks` for `two weeks`, 2 and `h` for `2h`."""
    [(count, unit)] = re.findall(r"(\d+|.*(?= )) ?(\w+)", words, re.ASCII)
    return parse_count(count), unit
