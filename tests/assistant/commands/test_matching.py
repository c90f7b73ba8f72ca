"""The comparison of a user's words with titles of todos."""

import pytest

from tests.cpu_time import least_cpu_seconds
from todo_assistant.commands.matching import TitleMatcher, count_mistakes, split_words, write_search

_MAX_SECONDS = 0.05
"""The longest time for which a comparison may hold the event loop."""

_FITTING = [
    ("milk", "Buy milk"),
    ("the milk", "Buy milk"),
    ("my milk", "buy MILK!"),
    ("milk buy", "Buy milk"),
    ("report", "Write the reports"),
    ("reports", "Write the report"),
    ("boxes", "Carry a box"),
    ("berry", "Pick berries"),
    ("houses", "Paint the house"),
    ("mums birthday", "Mum's birthday"),
    ("mum birthday", "Mum's birthday"),
    ("café", "Go to the cafe"),
    ("cafe", "Go to the Café"),
    ("e-mail bob", "E-mail Bob"),
    ("don't panic", "Dont panic"),
    ("दूध", "दूध खरीदना"),
    ("🎂", "🎂"),
    ("v2", "Release v2"),
]
_NOT_FITTING = [
    ("it", "Italian homework"),
    ("it", "Itinerary for Rome"),
    ("car", "Carpet cleaning"),
    ("milk", "Bake cake"),
    ("milk eggs", "Buy milk"),
    ("new", "Read the news"),
    ("care", "Wash the car"),
    ("gym", "Buy gymnastics shoes"),
    ("python 3", "Upgrade to Python 4"),
    ("rent", "Rental contract"),
]
_NEAR = [
    ("car", "Carpet cleaning"),
    ("mlik", "Buy milk"),
    ("mikl", "Buy milk"),
    ("denitst", "Call the dentist"),
    ("appointmnet dentist", "Dentist appointment"),
    ("recipt", "Scan receipts"),
    ("the report for Anna", "Report"),
    ("mum", "Call mom"),
]
_FAR = [
    ("python 3", "Upgrade to Python 4"),
    ("cat", "Buy milk"),
    ("milk", "Call Bob"),
    ("a", "Buy apples"),
    ("passport", "Buy port"),
]


class TestTitles:
    @pytest.mark.parametrize(("words", "title"), _FITTING)
    def test_a_title_with_all_words_fits(self, words: str, title: str) -> None:
        assert TitleMatcher(words).fits(title)

    @pytest.mark.parametrize(("words", "title"), _NOT_FITTING)
    def test_beginnings_of_words_do_not_fit(self, words: str, title: str) -> None:
        assert not TitleMatcher(words).fits(title)

    @pytest.mark.parametrize(("words", "title"), _NEAR)
    def test_beginnings_and_typing_mistakes_are_near(self, words: str, title: str) -> None:
        assert not TitleMatcher(words).fits(title)
        assert TitleMatcher(words).is_near(title)

    @pytest.mark.parametrize(("words", "title"), _FAR)
    def test_other_words_are_not_near(self, words: str, title: str) -> None:
        assert not TitleMatcher(words).is_near(title)

    @pytest.mark.parametrize(
        ("words", "title", "is_equal"),
        [
            ("milk", "Milk", True),
            ("the milk", "milk", True),
            ("email bob", "E-mail Bob", True),
            ("milks", "milk", True),
            ("milk", "oat milk", False),
            ("bob call", "call bob", False),
        ],
    )
    def test_an_equal_title_has_no_other_words(self, words: str, title: str, *, is_equal: bool) -> None:
        assert TitleMatcher(words).is_equal(title) is is_equal


class TestSearch:
    @pytest.mark.parametrize(
        ("words", "search"), [("the berries", "berr"), ("Mum's boxes", "mum box"), ("car", "car"), ("the", "the")]
    )
    def test_the_search_finds_singular_and_plural(self, words: str, search: str) -> None:
        assert write_search(words) == search

    def test_the_search_is_bounded(self) -> None:
        assert len(write_search("word " * 800)) <= 200
        assert len(write_search("w" * 4_000)) == 200


class TestMistakes:
    @pytest.mark.parametrize(
        ("first", "second", "mistakes"),
        [("milk", "milk", 0), ("milk", "mlik", 1), ("milk", "mik", 1), ("milk", "mulki", 2), ("milk", "bread", 3)],
    )
    def test_swapped_letters_are_one_mistake(self, first: str, second: str, mistakes: int) -> None:
        assert count_mistakes(first, second, most=2) == mistakes


class TestBounds:
    @pytest.mark.cpu_time
    @pytest.mark.parametrize(
        "text", ["abcdefghijkl " * 300, "é" * 4_000, "'s " * 1_300, "abcdefghijklm nopqrstuvwxyz " * 5]
    )
    def test_a_comparison_with_200_long_titles_takes_at_most_50_ms(self, text: str) -> None:
        titles = [" ".join(f"abcdefghijk{chr(97 + (number + i) % 26)}" for i in range(40)) for number in range(200)]

        def compare() -> None:
            matcher = TitleMatcher(text)
            assert all(isinstance(matcher.fits(title) or matcher.is_near(title), bool) for title in titles)

        assert least_cpu_seconds(compare) < _MAX_SECONDS

    @pytest.mark.cpu_time
    def test_words_are_split_in_linear_time(self) -> None:
        assert least_cpu_seconds(lambda: split_words("a'" * 2_000)) < _MAX_SECONDS
