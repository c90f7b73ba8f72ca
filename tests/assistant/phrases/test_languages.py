"""Dates, recurrences and replies in other languages than English."""

from datetime import UTC, date, datetime
from importlib import import_module
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo_assistant.phrases.dates import UnreadableDate, parse_date
from todo_assistant.phrases.languages.lexicon import LANGUAGES, load_lexicon
from todo_assistant.phrases.languages.replies import translate_reply
from todo_assistant.phrases.languages.tokens import fold, fold_words
from todo_assistant.phrases.languages.translation import find_phrases
from todo_assistant.phrases.recurrences import UnreadableRecurrence, parse_recurrence
from todo_assistant.phrases.spans_of_days import DaySpan, parse_days_span

BERLIN: Final = ZoneInfo("Europe/Berlin")
FRIDAY: Final = datetime(2026, 11, 20, 10, 15, tzinfo=BERLIN)
LOCALES: Final = {
    "german": "de",
    "spanish": "es",
    "french": "fr",
    "portuguese": "pt",
    "italian": "it",
    "urdu": "ur",
    "hindi": "hi",
}
"""The locales of dateparser by the names of the files of words."""
NAMES: Final = (
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)


def instant(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("morgen 17 Uhr", instant(21, 17)),
        ("am Montag um halb 9", instant(23, 8, 30)),
        ("Ende des Monats", date(2026, 11, 30)),
        ("in drei Wochen", date(2026, 12, 11)),
        ("demain", date(2026, 11, 21)),
        ("lundi à 9h", instant(23, 9)),
        ("le 5 décembre", date(2026, 12, 5)),
        ("mañana a las 5 de la tarde", instant(21, 17)),
        ("el viernes", date(2026, 11, 27)),
        ("amanhã às 17h", instant(21, 17)),
        ("sexta", date(2026, 11, 27)),
        ("domani alle 17", instant(21, 17)),
        ("stasera", instant(20, 19)),
        ("کل شام 5 بجے", instant(21, 17)),
        ("जुमा", None),
        ("कल", date(2026, 11, 21)),
        ("शुक्रवार को", date(2026, 11, 27)),
        ("kal subah", instant(21, 9)),
        ("morgen oder so", None),
        ("завтра", None),
    ],
)
def test_a_date_that_is_no_english_is_read_in_its_language(phrase: str, expected: date | None) -> None:
    if expected is None:
        with pytest.raises(UnreadableDate):
            parse_date(phrase, now=FRIDAY, timezone=BERLIN)
    else:
        assert parse_date(phrase, now=FRIDAY, timezone=BERLIN)[0] == expected


@pytest.mark.parametrize(
    ("phrase", "rule"),
    [
        ("jeden Montag", "FREQ=WEEKLY;BYDAY=MO"),
        ("alle 2 Wochen", "FREQ=WEEKLY;INTERVAL=2"),
        ("tous les jours à 9h", "FREQ=DAILY"),
        ("cada mes el 15", "FREQ=MONTHLY;BYMONTHDAY=15"),
        ("toda segunda", "FREQ=WEEKLY;BYDAY=MO"),
        ("ogni giorno", "FREQ=DAILY"),
        ("ہر روز", "FREQ=DAILY"),
        ("हर सोमवार सुबह 9 बजे", "FREQ=WEEKLY;BYDAY=MO"),
        ("har roz", "FREQ=DAILY"),
        ("каждый день", None),
    ],
)
def test_a_recurrence_that_is_no_english_is_read_in_its_language(phrase: str, rule: str | None) -> None:
    if rule is None:
        with pytest.raises(UnreadableRecurrence):
            parse_recurrence(phrase, now=FRIDAY, timezone=BERLIN)
    else:
        assert parse_recurrence(phrase, now=FRIDAY, timezone=BERLIN).rule == rule


@pytest.mark.parametrize("phrase", ["diese Woche", "cette semaine", "esta semana", "questa settimana", "इस हफ्ते"])
def test_a_span_that_is_no_english_is_read_in_its_language(phrase: str) -> None:
    assert parse_days_span(phrase, now=FRIDAY, timezone=BERLIN) == DaySpan(date(2026, 11, 16), date(2026, 11, 22))


@pytest.mark.parametrize(
    ("reply", "english"),
    [
        ("Sí, claro", None),
        ("alle", "all"),
        ("les deux", "all"),
        ("keine", "none"),
        ("nessuna", "none"),
        ("die zweite", "the second"),
        ("la última", "the last one"),
        ("nummer 3", "the third"),
        ("1 und 3", "1 and 3"),
        ("1, 2 y 4", "1 and 2 and 4"),
        ("ja bitte die Milch", None),
        ("yes", None),
        ("2", None),
        ("1 and 3", None),
        ("", None),
        ("ja " * 30, None),
    ],
)
def test_a_reply_is_translated_if_it_is_no_english(reply: str, english: str | None) -> None:
    assert translate_reply(reply) == english


@pytest.mark.parametrize(("language", "locale"), LOCALES.items())
def test_all_days_and_months_are_known_by_a_name_of_the_locale(language: str, locale: str) -> None:
    info = import_module(f"dateparser.data.date_translation_data.{locale}").info
    known = load_lexicon(language).meanings

    assert [name for name in NAMES if not any(fold_words(word)[0] in known for word in info[name])] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_list_of_names_is_complete(language: str) -> None:
    meanings = [meaning for phrases in load_lexicon(language).meanings.values() for _, meaning in phrases]
    values = {value for meaning in meanings for kind, value in meaning if kind in {"weekday", "weak_weekday"}}

    assert values == set(NAMES[:7])


@given(st.text())
def test_folding_keeps_the_length(text: str) -> None:
    assert len(fold(text)) == len(text)


@pytest.mark.parametrize("unit", ["morgen ", "um 5 ", "jeden Montag und ", "a las ", "کل ", "1. ", "é", "'-", "halb "])
def test_a_long_line_is_searched_in_at_most_50_ms(unit: str) -> None:
    line = (unit * 600)[:600]
    find_phrases(line)  # Loads the words.
    started = datetime.now(UTC)
    find_phrases(line)

    assert (datetime.now(UTC) - started).total_seconds() < 0.05
