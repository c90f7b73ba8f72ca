"""GET /api/v1/todos?q=: full-text search."""

import pytest

from tests.accounts import TODOS, Account, problem

FOUND = [
    *("milk", "MILK", "mil", "m", "blue milk", "milk blue", "mi bl", "buy milk carton"),
    *("  milk  ", "milk!", "(milk)", "milk, blue", "-milk", '"milk"'),
]
NOT_FOUND = ["ilk", "milkshake", "milk bread", "milk call", "b m c z"]
SMALL_WORDS = ["the", "of", "and", "a", "not", "or"]
FOREIGN_WORDS = ["éclair", "ÉCLAIR", "e\u0301cl", "ÄPFEL", "äp", "привет", "ПРИ", "买牛"]
IN_PUNCTUATION = [
    *(("don't stop", "don't"), ("Tom's birthday", "Tom's"), ("rock'n'roll", "roll"), ("snake_case_name", "case")),
    *(("foo-bar", "bar"), ("foo-bar", "foo-bar"), ("foo-bar", "foo-b"), ("R&D budget", "R&D")),
    *(("Version 3.14", "3.14"), ("Pay 50% now", "50%"), ("#hashtag @mention", "#hashtag"), ("C:\\temp\\file", "temp")),
    *(("mail ada@example.com", "ada@example.com"), ("mail ada@example.com", "example")),
    *(("see https://example.com/path", "example.com"), ("see https://example.com/path", "path")),
    *(("Buy milk/bread", "bread"), ("Buy milk/bread", "buy bread"), ("Yes and/or no", "or")),
    *(("Milk\u2013bread", "bread"), ("Milk\u2026bread", "bread"), ("Read src/main.py", "main")),
    *(("Meet 10-12", "12"), ("Since 2024-05-17", "05")),
]
OPERATORS = ["milk & bread", "milk | bread", "milk <-> bread", "milk:*", "milk !bread"]
ODD_TEXTS = [
    *("", " ", "'", "''", '"', "\\", "\\\\", "\\'", "&", "|", "!", "&&", "!!", "( )", "(", ")", ":*", ":", "*"),
    *("<->", "<1>", "a & ", "a | b", "!a", "a:*", "a:b", "a:ABCD", "'a':*", "a' | 'b", "a\\:*", "a <-> b"),
    *("%", "_", "$1", ":q", "%s", "{}", "--", ";", "/*", "//", "/", "-", "--5", "1e5", ".", "...", "<b>", "</b>"),
    *("&amp;", "a@b", "a@b.c", "http://", "the", "of a", "🥛", "a🥛b", "👩\u200d👩\u200d👧"),
    *("\u200b", "\u00a0", "\ufeff", "\u202e", "\U0010ffff"),
    *("'" * 200, "\\" * 200, "x" * 200, "🥛" * 200, "a " * 100, "- " * 100, "é" * 200),
]

IN_RUNS = [
    *(
        ("牛乳を買う", "牛乳"),
        ("牛乳を買う", "買う"),
        ("牛乳を買う", "乳"),
        ("牛乳を買う", "乳を買"),
        ("买牛奶和面包", "牛奶"),
    ),
    *(
        ("买牛奶和面包", "面包"),
        ("买牛奶和面包", "包"),
        ("パンとミルク", "ミルク"),
        ("우유를 사기", "를"),
        ("우유와빵", "빵"),
    ),
    *(("ซื้อนมพรุ่งนี้", "นม"), ("ซื้อนมพรุ่งนี้", "พรุ่งนี้"), ("ຊື້ນົມ", "ນົມ"), ("ទិញទឹកដោះគោ", "ទឹក"), ("买milk和bread", "milk")),
    *(
        ("买milk和bread", "bre"),
        ("Call 東京 office", "京"),
        ("Call 東京 office", "call 東 off"),
        ("ﾐﾙｸを買う", "ミルク"),
    ),
]
IN_EMOJI = [
    *(
        ("Buy 🥛", "🥛"),
        ("🎉🥳 party", "🥳"),
        ("🎉🥳 party", "🎉"),
        ("I ❤️ it", "❤"),
        ("I ❤ it", "❤️"),
        ("👍🏽 done", "👍"),
    ),
    *(("👩\u200d👩\u200d👧 dinner", "👧"), ("→ next", "→"), ("☎ Bob", "☎ bob"), ("🇩🇪 trip", "🇩🇪")),
]
NOT_IN_RUNS = [
    *(
        ("牛乳を買う", "牛を"),
        ("牛乳を買う", "乳牛"),
        ("牛乳 買う", "乳買"),
        ("买牛奶和面包", "奶面"),
        ("🥛", "🍞"),
        ("ซื้อนม", "มน"),
    ),
    *(("牛乳を買う", "milk"), ("京東", "東京"), ("🎉 and 🥳", "🎉🥳")),
]
SIGMAS = [
    *(
        ("Οδός Ερμού", "ΟΔΟΣ"),
        ("Οδός Ερμού", "οδός"),
        ("Οδός Ερμού", "οδοσ"),
        ("ΟΔΟΣ ΕΡΜΟΥ", "οδός"),
        ("ΟΔΟΣ ΕΡΜΟΥ", "οδ"),
    ),
    *(("Σωκράτης", "ΣΩΚΡΆΤΗΣ"), ("σας", "ΣΑΣ"), ("Ὀδυσσεύς", "οδυσσευσ")),
]


class TestRuns:
    """Scripts without spaces between words, and emoji: a search finds any part of a run of them."""

    @pytest.mark.parametrize(("title", "q"), [*IN_RUNS, *IN_EMOJI, *SIGMAS])
    def test_a_part_is_found(self, title: str, q: str, ada: Account) -> None:
        ada.add(title)
        ada.add("Other", description=f"Also {title} there")
        ada.add("Unrelated")
        assert ada.titles(q=q) == [title, "Other"]

    @pytest.mark.parametrize(("title", "q"), NOT_IN_RUNS)
    def test_other_parts_are_not_found(self, title: str, q: str, ada: Account) -> None:
        ada.add(title)
        assert ada.titles(q=q) == []

    def test_a_long_run_is_found_to_its_end(self, ada: Account) -> None:
        ada.add("Long", description="字" * 16_000 + "牛乳")
        assert ada.titles(q="牛乳") == ["Long"]

    def test_a_run_and_a_tag_are_found_together(self, ada: Account) -> None:
        ada.add("牛乳を買う", tags=["家"])
        ada.add("牛乳を買う")
        assert ada.titles(q="牛乳", tag="家") == ["牛乳を買う"]
        assert ada.titles(q="牛乳", sort="title") == ["牛乳を買う"] * 2


class TestEmptySearch:
    @pytest.mark.parametrize("q", ["", "  ", "\u200b", "\u00a0"])
    def test_it_lists_all(self, ada: Account, q: str) -> None:
        ada.add("Milk")
        ada.add("Bread", completed=True)
        assert ada.titles(q=q) == ["Milk", "Bread"]
        assert ada.titles(q=q, completed=True) == ["Bread"]

    @pytest.mark.parametrize("q", ["", " ", "\u200b"])
    def test_it_deletes_nothing(self, ada: Account, q: str) -> None:
        ada.add("Milk")
        refused = problem(ada.client.delete(TODOS, params={"q": q}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["q"]
        assert ada.titles() == ["Milk"]


class TestSearch:
    def test_words_and_prefixes_match_in_any_order(self, ada: Account, subtests: pytest.Subtests) -> None:
        ada.add("Buy Milk", description="The blue\ncarton")
        ada.add("Call Bob", description="About the boat")
        for q in FOUND:
            with subtests.test(q=q):
                assert ada.titles(q=q) == ["Buy Milk"]

    def test_all_words_must_match(self, ada: Account, subtests: pytest.Subtests) -> None:
        ada.add("Buy Milk", description="The blue\ncarton")
        ada.add("Call Bob", description="About the boat")
        for q in NOT_FOUND:
            with subtests.test(q=q):
                assert ada.titles(q=q) == []

    def test_words_may_be_split_between_title_and_description(self, ada: Account) -> None:
        ada.add("Buy milk", description="The blue one")
        ada.add("Buy milk")
        assert ada.titles(q="milk blue") == ["Buy milk"]

    def test_the_last_word_of_the_title_and_the_first_of_the_description_are_separate(self, ada: Account) -> None:
        ada.add("Buy milk", description="today")
        assert ada.titles(q="milk") == ada.titles(q="today") == ["Buy milk"]

    def test_short_and_common_words_match(self, ada: Account, subtests: pytest.Subtests) -> None:
        ada.add("The end of a day and not or")
        for q in SMALL_WORDS:
            with subtests.test(q=q):
                assert ada.titles(q=q) == ["The end of a day and not or"]

    def test_words_of_every_script_match_without_case(self, ada: Account, subtests: pytest.Subtests) -> None:
        ada.add("Éclair Äpfel Привет 买牛奶")
        for q in FOREIGN_WORDS:
            with subtests.test(q=q):
                assert ada.titles(q=q) == ["Éclair Äpfel Привет 买牛奶"]

    def test_words_between_punctuation_match(self, ada: Account, subtests: pytest.Subtests) -> None:
        for title, q in IN_PUNCTUATION:
            with subtests.test(title=title, q=q):
                todo = ada.add(title)
                assert ada.titles(q=q) == [title]
                ada.client.delete(todo["url"])

    def test_any_text_is_accepted(self, ada: Account, subtests: pytest.Subtests) -> None:
        ada.add("Buy milk")
        for q in ODD_TEXTS:
            with subtests.test(q=q):
                answer = ada.client.get(TODOS, params={"q": q})
                assert answer.status_code == 200, answer.text
                assert isinstance(answer.json(), list)

    def test_search_operators_have_no_meaning(self, ada: Account, subtests: pytest.Subtests) -> None:
        ada.add("bread and milk")
        for q in OPERATORS:
            with subtests.test(q=q):
                assert ada.titles(q=q) == ["bread and milk"]

    def test_a_query_over_200_characters_is_refused(self, ada: Account) -> None:
        refused = problem(ada.client.get(TODOS, params={"q": "x" * 201}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["q"]

    def test_a_search_finds_the_changed_text(self, ada: Account) -> None:
        todo = ada.add("Buy milk")
        ada.client.patch(todo["url"], json={"title": "Buy bread", "description": "Rye"})
        assert (ada.titles(q="milk"), ada.titles(q="rye")) == ([], ["Buy bread"])

    def test_a_word_at_the_end_of_the_longest_description_matches(self, ada: Account) -> None:
        ada.add("Long", description=" ".join(f"w{number}" for number in range(2300)))
        assert ada.titles(q="w2299") == ["Long"]

    def test_a_description_of_one_16384_character_word_is_stored(self, ada: Account) -> None:
        ada.add("Endless", description="x" * 16_384)
        assert ada.titles(q="endless") == ["Endless"]
