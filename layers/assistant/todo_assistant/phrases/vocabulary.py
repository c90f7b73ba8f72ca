"""Regular expressions for the English words of dates, times, counts and recurrences.

The patterns are in lower case: text must be in lower case, too, or they must be compiled with IGNORECASE.
They have no capturing groups, so that larger patterns can contain them.
"""

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
_ONE_TO_NINE: Final = r"(?:one|two|three|four|five|six|seven|eight|nine)"
COUNT: Final = (
    rf"(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[ -]{_ONE_TO_NINE})?"
    rf"|(?:thir|four|fif|six|seven|eigh|nine)teen|{_ONE_TO_NINE}|ten|eleven|twelve"
    r"|(?:a )?couple(?: of)?|(?:a )?few|an?|\d{1,4}(?!\d))"
)
"""Matches a number in digits or words, up to `9999` or `ninety-nine`: `2`, `two`, `a`, `a couple of`, `a few`."""
NUMBER: Final = rf"(?:{COUNT} and a half|\d{{1,3}}\.\d{{1,2}}(?!\d)|\d{{1,3}}½|{COUNT})"
"""Matches a number that may have a fraction: `2`, `1.5`, `two and a half`."""
UNIT_BREAK: Final = r"(?: |(?<=[\d½])-?)"
"""Matches between a number and its unit: a space, or after digits a hyphen or nothing, as in `90min`."""
DAYS: Final = r"(?:days?|weeks?|wks?|fortnights?|months?|mths?|years?|yrs?)"
"""Matches a unit of time of a day or longer: `weeks` in `2 weeks`."""
HOURS: Final = (
    r"(?:(?:half an|a half|half a|(?:a )?quarter of an|three quarters of an) hour|\d{1,2}h[0-5]\dm?(?!\w)"
    rf"|{NUMBER}{UNIT_BREAK}(?:hours?|hrs?|h|minutes?|mins?|m)(?!\w)(?: and a (?:half|quarter))?)"
)
"""Matches an amount of hours or of minutes: `2 hours`, `90min`, `half an hour`, `1h30`, `an hour and a half`."""
WEEK: Final = (
    r"(?:(?:this|next|last) week|(?:the )?week after next"
    rf"|(?:in )?{COUNT} weeks?'? time|in {COUNT} weeks?|{COUNT} weeks? from (?:now|today))"
)
"""Matches a week by its distance from the current one: `next week`, `the week after next`, `in two weeks`."""
HOLIDAY: Final = r"(?:christmas eve|christmas|xmas|new year'?s eve|new year'?s day|halloween|valentine'?s day)"
"""Matches a holiday that has the same date every year: `christmas`, `new year's eve`."""
HOUR_NAME: Final = rf"(?:{_ONE_TO_NINE}|ten|eleven|twelve)"
"""Matches an hour in one word, which alone may also be an amount: `nine`."""
_MINUTES_PAST: Final = (
    r"(?:half (?:past )?|(?:(?:a )?quarter|(?:five|ten|twenty(?:[ -]five)?)(?: minutes)?) (?:past|after|to) "
    r"|(?:5|10|20|25)(?: minutes)? past )"
)
"""Matches the minutes before an hour: `half` in `half seven`, `quarter to`, `twenty past`."""
_MINUTES_AFTER: Final = r"(?:[ -](?:ten|fifteen|(?:twenty|thirty|forty|fifty)(?:[ -]five)?))"
"""Matches the minutes after an hour in words: `thirty` in `ten thirty`."""
_OCLOCK: Final = r" ?o['\u2019 ]?clock"
SPOKEN_HOUR: Final = rf"(?:(?:{_MINUTES_PAST}{HOUR_NAME}|{HOUR_NAME}{_MINUTES_AFTER}?)(?:{_OCLOCK})?)"
"""Matches an hour in words, which needs a preposition as HOUR does: `nine`, `half seven`, `ten thirty`."""
HOUR: Final = rf"(?:{_MINUTES_PAST}?\d{{1,2}}(?:[:.][0-5]\d)?(?:{_OCLOCK})?)"
"""Matches an hour that needs a preposition such as `at` in a longer phrase: `5`, `half past 5`, `5 o'clock`."""
DIGITAL: Final = (
    rf"(?:(?:{_MINUTES_PAST}?\d{{1,2}}(?:[:.][0-5]\d)?|{SPOKEN_HOUR}) ?[ap](?:m|\.m\.)"
    r"|\d{1,2}:[0-5]\d(?::[0-5]\d)?)"
)
"""Matches a time of day even without a preposition such as `at`: `5pm`, `5.30 p.m.`, `17:00`, `eleven pm`."""
CLOCK: Final = rf"(?:{DIGITAL}|\d{{1,2}}h(?:[0-5]\d)?|noon|midday|midnight)"
"""Matches a time of day that needs no preposition, in digits or words: `17:00`, `17h`, `17h30`, `noon`."""
TOLD_HOUR: Final = (
    rf"(?:(?:half past|(?:a )?quarter (?:past|to)|twenty past) (?:\d{{1,2}}|{HOUR_NAME})"
    rf"|(?:\d{{1,2}}|{HOUR_NAME}){_OCLOCK})"
)
"""Matches an hour with words that only times have: `seven o'clock`, `half past 8`, `quarter to six`."""
TONIGHT: Final = r"toni(?:ght|te)"
"""Matches `tonight`, also misspelled."""
PART: Final = r"(?:morning|afternoon|evening|night)"
"""Matches a part of the day: `morning`, `night`."""

WORKDAY: Final = r"(?:(?:week|work|working|business) ?day)"
"""Matches the words for a day from Monday to Friday: `weekday`, `working day`."""

EACH: Final = r"(?:(?:every|ev)!|(?:every|each|ev\.?)(?: single)?)"
"""Matches the first word of most recurrences: `every`, `each`, `every single`; `every!` counts from the completion."""
ADVERB: Final = (
    r"(?:daily|every ?day|nightly|weekly|bi-?weekly|fortnightly|monthly|quarterly|yearly|annually"
    r"|once (?:a|per) (?:day|week|month|year)|twice (?:a|per) year)"
)
"""Matches a frequency without `every`: `daily`, `once a week`."""
EXCEPT: Final = r"(?:except(?: for)?|but(?: not)?|excluding|apart from|other than|not on)(?: on)?"
"""Matches the words before days on which a recurrence does not occur: `except`, `but not on`."""
PLURAL: Final = r"(?:mondays|tuesdays|wednesdays|thursdays|fridays|saturdays|sundays)"
"""Matches a weekday in the plural, which means every week: `on mondays`."""
WEEKDAY_PARTS: Final = rf"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day {PART}s)"
"""Matches a part of a weekday in the plural, which means every week: `wednesday nights`."""
ORDINAL: Final = r"(?:\d{1,2}(?:st|nd|rd|th))"
"""Matches a number with its ending: `3rd`."""
NTH: Final = r"(?:first|second|third|fourth|fifth|last|[1-5](?:st|nd|rd|th))"
"""Matches an ordinal from first to fifth, or `last`, as in `second friday`, `2nd day`."""

WEEKDAY_PREFIXES: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The first three letters of each weekday, in the order of `date.weekday()`."""

MONTH_PREFIXES: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
"""The first three letters of each month, in the order of the year."""

_ONES: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS: Final = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_COUNTS: Final = (
    {"a": 1, "an": 1, "couple": 2, "few": 3}
    | {word: count for count, word in enumerate(_ONES + _TEENS, start=1)}
    | {word: count for count, word in zip(range(20, 100, 10), _TENS, strict=True)}
)


def parse_count(words: str) -> int:
    """Returns the number for words that COUNT matches: 2 for `2`, `two` and `a couple of`, 3 for `a few`."""
    if words.isdecimal():
        return int(words)
    if words.startswith(_TENS):
        tens, _, ones = words.replace("-", " ").partition(" ")
        return _COUNTS[tens] + (_COUNTS[ones] if ones else 0)
    return _COUNTS[words if words in _COUNTS else words.removeprefix("a ").removesuffix(" of")]
