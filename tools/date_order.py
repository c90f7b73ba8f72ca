"""Writes the names of the time zones in which `03/04` is March 4th, by CLDR and the tz database.

A generated file, because Babel and its data (36 MB) are too large for a Lambda layer.
"""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.languages import get_official_languages

TARGET: Final = Path(__file__).parents[1] / "layers/assistant/todo_assistant/phrases/month_first_zones.json"
_ROOT: Final = Locale.parse("root")


def find_month_first_zones() -> list[str]:
    """Returns the names of the time zones, also outdated names, of countries that write the month first."""
    zones = files("tzdata") / "zoneinfo"
    countries = {
        name: country
        for country, _, name, *_ in (
            line.split("\t") for line in (zones / "zone.tab").read_text().splitlines() if not line.startswith("#")
        )
    }
    links = re.findall(r"^L (\S+) (\S+)$", (zones / "tzdata.zi").read_text(), re.MULTILINE)
    countries = {name: countries[target] for target, name in links if target in countries} | countries
    return sorted(name for name, country in countries.items() if _is_month_first(country))


def _is_month_first(country: str) -> bool:
    """Returns whether the most spoken official language with dates in CLDR writes the month before the day.

    The short date decides. If it begins with the year, the date without a year decides: Sweden writes 2030-12-31, but
    31/12.
    """
    locale = _locale_of(country)
    if locale is None:
        return False
    short = _field_order(locale.date_formats["short"].pattern)
    order = _field_order(locale.datetime_skeletons["Md"].pattern) if short.startswith("y") else short
    return order.index("M") < order.index("d")


def _locale_of(country: str) -> Locale | None:
    """Returns the locale of the most spoken official language of a country for which CLDR has dates.

    Languages without dates of their own, such as Guarani, have those of CLDR's root.
    """
    likely = get_global("likely_subtags").get(f"und_{country}", "en").split("_")[0]
    for language in (*get_official_languages(country, de_facto=True), likely):
        try:
            locale = Locale.parse(f"{language.split('_')[0]}_{country}")
        except UnknownLocaleError:
            continue
        if language == "en" or locale.datetime_skeletons["yMMMd"].pattern != _ROOT.datetime_skeletons["yMMMd"].pattern:
            return locale
    return None


def _field_order(pattern: str) -> str:
    """Returns the order of year, month and day in a CLDR pattern, such as `dMy`, without literal text."""
    fields = re.sub(r"'[^']*'|[^yMLd]", "", pattern).replace("L", "M")
    return "".join(dict.fromkeys(fields))


if __name__ == "__main__":
    TARGET.write_text(json.dumps(find_month_first_zones(), indent=0) + "\n")
