"""GET /api/v1/todos: pages, filters and search."""

from collections.abc import Iterator
from string import ascii_letters, digits
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx2
import pytest

from tests import postgres
from tests.accounts import TODOS, Account, problem
from tests.conftest import RETIRED_KEY, SECRET_KEY
from todo_core.web.cursors import Cursors

MOST_PAGES = 30

type Parameters = dict[str, str | int | bool | list[str]]


def fill(database_url: str, account: Account, count: int, *, order: str = "number") -> None:
    """Todos "1" to "`count`" at once; `order` is SQL over their `number`."""
    statement = f"""
        INSERT INTO todos (id, user_id, title, "order")
        SELECT gen_random_uuid(), $1, number::text, {order} FROM generate_series(1, $2::int) AS number
    """  # noqa: S608 - the orders are this module's own
    postgres.query(database_url, statement, UUID(account.user["id"]), count)


def pages(account: Account, **parameters: str | int | bool | list[str]) -> Iterator[list[dict[str, Any]]]:
    """The pages of a list, each asked for when the one before has been looked at."""
    page = account.client.get(TODOS, params=parameters)
    for _ in range(MOST_PAGES):
        assert page.status_code == 200, page.text
        yield page.json()
        if "next" not in page.links:
            return
        page = account.client.get(page.links["next"]["url"])
    pytest.fail("The list does not end.")


def walk(account: Account, **parameters: str | int | bool | list[str]) -> list[str]:
    """The titles on all of the pages."""
    return [todo["title"] for page in pages(account, **parameters) for todo in page]


def next_cursor(page: httpx2.Response) -> str:
    [cursor] = parse_qs(urlsplit(page.links["next"]["url"]).query)["cursor"]
    return cursor


class TestList:
    def test_is_empty_at_first(self, ada: Account) -> None:
        answer = ada.client.get(TODOS)
        assert (answer.status_code, answer.json()) == (200, [])
        assert "link" not in answer.headers

    def test_is_a_bare_array_of_todos(self, ada: Account) -> None:
        todos = [ada.add("Buy milk"), ada.add("Buy bread", tags=["shop"])]
        assert ada.client.get(TODOS).json() == todos

    def test_answers_at_the_path_with_a_trailing_slash_too(self, ada: Account) -> None:
        todo = ada.add()
        answer = ada.client.get(f"{TODOS}/")
        assert (answer.status_code, answer.json()) == (200, [todo])

    def test_goes_by_order(self, ada: Account) -> None:
        for order in (3, -1.5, 2, 0):
            ada.add(str(order), order=order)
        assert ada.titles() == ["-1.5", "0", "2", "3"]

    def test_goes_by_id_where_orders_are_equal(self, ada: Account) -> None:
        ids = [ada.add(order=1)["id"] for _ in range(5)]
        assert [todo["id"] for todo in ada.client.get(TODOS).json()] == sorted(ids)

    def test_holds_only_ones_own(self, ada: Account, bob: Account) -> None:
        ada.add("Ada's")
        bob.add("Bob's")
        assert (ada.titles(), bob.titles()) == (["Ada's"], ["Bob's"])

    def test_may_be_kept_but_not_used_unasked(self, ada: Account) -> None:
        assert ada.client.get(TODOS).headers["cache-control"] == "private, no-cache"

    def test_needs_a_session(self, client: httpx2.Client) -> None:
        problem(client.get(TODOS), 401, "not_authenticated")

    @pytest.mark.parametrize("name", ["nope", "Limit", "tags", "offset", "user_id", "q[]"])
    def test_an_unknown_parameter_is_refused(self, ada: Account, name: str) -> None:
        refused = problem(ada.client.get(TODOS, params={name: "1"}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == [name]


class TestLimit:
    def test_is_50_by_default(self, ada: Account, database_url: str) -> None:
        fill(database_url, ada, 51)
        assert [len(page) for page in pages(ada)] == [50, 1]

    def test_is_200_at_most(self, ada: Account, database_url: str) -> None:
        fill(database_url, ada, 201)
        assert [len(page) for page in pages(ada, limit=200)] == [200, 1]

    @pytest.mark.parametrize("limit", ["0", "201", "-1", "abc", "", "1.5", "1e1", "0x10", "9" * 30, "9" * 5000])
    def test_anything_else_is_refused(self, ada: Account, limit: str) -> None:
        refused = problem(ada.client.get(TODOS, params={"limit": limit}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["limit"]


class TestPages:
    def test_the_next_one_is_told_only_when_there_is_more(self, ada: Account) -> None:
        for number in range(4):
            ada.add(str(number))
        links = [ada.client.get(TODOS, params={"limit": limit}).links for limit in (3, 4, 5)]
        assert ["next" in link for link in links] == [True, False, False]

    def test_the_last_one_has_no_next(self, ada: Account) -> None:
        for number in range(4):
            ada.add(str(number))
        assert [len(page) for page in pages(ada, limit=2)] == [2, 2]

    def test_there_is_no_more_when_the_rest_is_filtered_out(self, ada: Account) -> None:
        for number in range(4):
            ada.add(str(number), completed=number > 1)
        assert "next" not in ada.client.get(TODOS, params={"limit": 2, "completed": "false"}).links

    @pytest.mark.parametrize("order", ["number", "1", "number % 3", "number / 7.0", "-9007199254740992 + number"])
    @pytest.mark.parametrize("limit", [1, 4, 25])
    def test_all_together_hold_every_todo_once(self, ada: Account, database_url: str, order: str, limit: int) -> None:
        fill(database_url, ada, 25, order=order)
        titles = walk(ada, limit=limit)
        assert titles == ada.titles()
        assert sorted(titles, key=int) == [str(number) for number in range(1, 26)]

    def test_hold_only_ones_own(self, ada: Account, bob: Account) -> None:
        for number in range(3):
            ada.add(f"Ada's {number}", order=number)
            bob.add(f"Bob's {number}", order=number)
        assert walk(ada, limit=1) == ["Ada's 0", "Ada's 1", "Ada's 2"]

    def test_stand_still_while_others_are_added_and_deleted_before_the_cursor(self, ada: Account) -> None:
        todos = [ada.add(str(number), order=number) for number in range(9)]
        seen = []
        for number, page in enumerate(pages(ada, limit=3)):
            seen += [todo["title"] for todo in page]
            ada.add("Late", order=-1 - number)
            ada.client.delete(todos[number]["url"])
        assert seen == [str(number) for number in range(9)]

    def test_go_on_when_the_todo_at_the_cursor_is_deleted(self, ada: Account) -> None:
        todos = [ada.add(str(number)) for number in range(4)]
        walked = pages(ada, limit=2)
        next(walked)
        ada.client.delete(todos[1]["url"])
        assert [todo["title"] for todo in next(walked)] == ["2", "3"]

    def test_leave_out_what_is_deleted_after_the_cursor(self, ada: Account) -> None:
        todos = [ada.add(str(number)) for number in range(4)]
        walked = pages(ada, limit=2)
        next(walked)
        ada.client.delete(todos[2]["url"])
        assert [todo["title"] for todo in next(walked)] == ["3"]

    def test_hold_what_is_added_after_the_cursor(self, ada: Account) -> None:
        for number in range(3):
            ada.add(str(number))
        walked = pages(ada, limit=2)
        next(walked)
        ada.add("3")
        assert [todo["title"] for todo in next(walked)] == ["2", "3"]

    def test_an_empty_one_is_an_empty_array(self, ada: Account) -> None:
        todos = [ada.add(str(number)) for number in range(2)]
        walked = pages(ada, limit=1)
        next(walked)
        ada.client.delete(todos[1]["url"])
        assert next(walked) == []


class TestLink:
    @pytest.mark.parametrize(
        "parameters",
        [
            {"limit": 1},
            {"limit": 1, "completed": "false"},
            {"limit": 1, "priority": "high", "tag": ["a", "b"]},
            {"limit": 1, "q": "milk"},
            {"limit": 1, "q": 'milk & café 100% "+" #1 ?x=y/z', "tag": ["ü&=+ %41"]},
        ],
    )
    def test_keeps_everything_that_was_asked(self, ada: Account, parameters: Parameters) -> None:
        for _ in range(2):
            ada.add("Milk, café: 100 + 1 x=y/z", priority="high", tags=["a", "b", "ü&=+ %41"])
        page = ada.client.get(TODOS, params=parameters)
        asked = {name: value if isinstance(value, list) else [str(value)] for name, value in parameters.items()}
        found = parse_qs(urlsplit(page.links["next"]["url"]).query)
        assert {name: value for name, value in found.items() if name != "cursor"} == asked

    def test_is_for_the_next_page_alone(self, ada: Account) -> None:
        ada.add()
        ada.add()
        assert list(ada.client.get(TODOS, params={"limit": 1}).links) == ["next"]

    def test_holds_one_cursor_however_far_it_leads(self, ada: Account) -> None:
        for number in range(4):
            ada.add(str(number))
        second = ada.client.get(ada.client.get(TODOS, params={"limit": 1}).links["next"]["url"])
        assert len(parse_qs(urlsplit(second.links["next"]["url"]).query)["cursor"]) == 1

    def test_may_be_followed_with_the_trailing_slash_too(self, ada: Account) -> None:
        ada.add("0")
        ada.add("1")
        page = ada.client.get(f"{TODOS}/", params={"limit": 1})
        assert [todo["title"] for todo in ada.client.get(page.links["next"]["url"]).json()] == ["1"]


class TestCursor:
    @pytest.fixture
    def cursor(self, ada: Account) -> str:
        ada.add("0")
        ada.add("1")
        return next_cursor(ada.client.get(TODOS, params={"limit": 1}))

    def test_may_be_used_again(self, ada: Account, cursor: str) -> None:
        assert [ada.titles(cursor=cursor) for _ in range(2)] == [["1"], ["1"]]

    def test_may_be_used_with_another_limit_and_other_filters(self, ada: Account, cursor: str) -> None:
        assert ada.titles(cursor=cursor, limit=200, q="1", completed=False, sort="order") == ["1"]

    @pytest.mark.parametrize("other", [{"sort": "-order"}, {"sort": "title"}, {"q": "1"}, {"overdue": "true"}])
    def test_of_a_list_that_goes_by_something_else_is_a_400(
        self, ada: Account, cursor: str, other: dict[str, str]
    ) -> None:
        problem(ada.client.get(TODOS, params={"cursor": cursor, **other}), 400, "invalid_cursor")

    def test_tampered_with_anywhere_is_a_400(self, ada: Account, cursor: str) -> None:
        for place, letter in enumerate(cursor):
            tampered = f"{cursor[:place]}{'B' if letter == 'A' else 'A'}{cursor[place + 1 :]}"
            problem(ada.client.get(TODOS, params={"cursor": tampered}), 400, "invalid_cursor")

    def test_with_another_last_letter_is_a_400(self, ada: Account, cursor: str) -> None:
        for letter in set(ascii_letters + digits + "-_") - {cursor[-1]}:
            problem(ada.client.get(TODOS, params={"cursor": cursor[:-1] + letter}), 400, "invalid_cursor")

    @pytest.mark.parametrize(
        "tampering",
        ["{}A", "A{}", "{}.", ".{}", "{}{}", "{}=", "{} ", "{}!", "é{}", "{}\0", "x", ".", "..", "null", "[]", "🥛"],
    )
    def test_with_something_added_is_a_400(self, ada: Account, cursor: str, tampering: str) -> None:
        tampered = tampering.replace("{}", cursor)
        problem(ada.client.get(TODOS, params={"cursor": tampered}), 400, "invalid_cursor")

    def test_cut_off_anywhere_is_a_400(self, ada: Account, cursor: str) -> None:
        for length in range(1, len(cursor)):
            problem(ada.client.get(TODOS, params={"cursor": cursor[:length]}), 400, "invalid_cursor")

    def test_of_ones_own_making_is_a_400(self, ada: Account) -> None:
        place = (0.0, "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22")
        forged = Cursors(["a key that is not the service's"]).write("todos by order", *place)
        problem(ada.client.get(TODOS, params={"cursor": forged}), 400, "invalid_cursor")

    def test_of_another_list_is_a_400(self, ada: Account) -> None:
        other = Cursors([SECRET_KEY]).write("history", 0.0, "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22")
        problem(ada.client.get(TODOS, params={"cursor": other}), 400, "invalid_cursor")

    def test_outlives_the_rotation_of_its_key(self, ada: Account) -> None:
        todos = [ada.add("0"), ada.add("1")]
        older = Cursors([RETIRED_KEY]).write("todos by order", todos[0]["order"], todos[0]["id"])
        assert ada.titles(cursor=older) == ["1"]


ODD_TAGS = ["a,b", "{a}", 'a"b', "a\\b", "NULL", "a'b", "🥛", "*", "%", "{}"]


class TestFilters:
    def test_completed(self, ada: Account) -> None:
        ada.add("Open")
        ada.add("Done", completed=True)
        assert ada.titles(completed="true") == ["Done"]
        assert ada.titles(completed="false") == ["Open"]

    @pytest.mark.parametrize("value", ["1", "0", "yes", "True", "null", ""])
    def test_completed_is_true_or_false(self, ada: Account, value: str) -> None:
        refused = problem(ada.client.get(TODOS, params={"completed": value}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["completed"]

    @pytest.mark.parametrize("priority", ["none", "low", "medium", "high"])
    def test_priority(self, ada: Account, priority: str) -> None:
        for each in ("high", "medium", "low", "none"):
            ada.add(each, priority=each)
        assert ada.titles(priority=priority) == [priority]

    @pytest.mark.parametrize("value", ["urgent", "High", "", "3", "null"])
    def test_priority_is_one_of_four(self, ada: Account, value: str) -> None:
        refused = problem(ada.client.get(TODOS, params={"priority": value}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["priority"]

    def test_tag(self, ada: Account) -> None:
        ada.add("Home", tags=["home"])
        ada.add("Shop", tags=["shop"])
        ada.add("None")
        assert ada.titles(tag="home") == ["Home"]

    def test_a_tag_is_the_whole_tag(self, ada: Account) -> None:
        ada.add(tags=["homework"])
        assert ada.titles(tag="home") == []

    def test_all_tags_must_be_there(self, ada: Account) -> None:
        ada.add("Both", tags=["shop", "home", "garden"])
        ada.add("One", tags=["home"])
        assert ada.titles(tag=["home", "shop"]) == ["Both"]
        assert ada.titles(tag=["home"]) == ["Both", "One"]
        assert ada.titles(tag=["home", "office"]) == []

    def test_a_tag_is_found_however_it_is_typed(self, ada: Account) -> None:
        ada.add("Coffee", tags=["caf\u00e9"])
        assert ada.titles(tag=" cafe\u0301 ") == ["Coffee"]

    def test_a_tag_may_be_any_text(self, ada: Account, subtests: pytest.Subtests) -> None:
        ada.add("Other", tags=["a", "b"])
        for tag in ODD_TAGS:
            with subtests.test(tag=tag):
                todo = ada.add("Tagged", tags=[tag])
                assert ada.titles(tag=tag) == ["Tagged"]
                ada.client.delete(todo["url"])

    def test_all_must_hold(self, ada: Account) -> None:
        wanted: dict[str, Any] = {"priority": "high", "completed": True, "tags": ["home"], "description": "blue"}
        ada.add("All", **wanted)
        for name, other in {"priority": "low", "completed": False, "tags": ["shop"], "description": "green"}.items():
            ada.add(f"Not {name}", **wanted | {name: other})
        assert ada.titles(priority="high", completed="true", tag="home", q="blue") == ["All"]

    def test_hold_on_every_page(self, ada: Account) -> None:
        for number in range(12):
            ada.add(f"Milk {number}", completed=number % 2 == 0, tags=["even"] if number % 2 == 0 else ["odd"])
        assert walk(ada, limit=2, completed="true", tag=["even"], q="milk") == [f"Milk {n}" for n in range(10, -1, -2)]

    def test_do_not_show_anothers(self, ada: Account, bob: Account) -> None:
        ada.add("Milk", tags=["home"], priority="high", completed=True)
        assert bob.titles(q="milk", tag="home", priority="high", completed="true") == []


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


class TestSearch:
    def test_finds_words_and_their_beginnings_in_any_order(self, ada: Account, subtests: pytest.Subtests) -> None:
        ada.add("Buy Milk", description="The blue\ncarton")
        ada.add("Call Bob", description="About the boat")
        for q in FOUND:
            with subtests.test(q=q):
                assert ada.titles(q=q) == ["Buy Milk"]

    def test_finds_nothing_but_words_that_are_all_there(self, ada: Account, subtests: pytest.Subtests) -> None:
        ada.add("Buy Milk", description="The blue\ncarton")
        ada.add("Call Bob", description="About the boat")
        for q in NOT_FOUND:
            with subtests.test(q=q):
                assert ada.titles(q=q) == []

    def test_finds_words_of_title_and_description_together(self, ada: Account) -> None:
        ada.add("Buy milk", description="The blue one")
        ada.add("Buy milk")
        assert ada.titles(q="milk blue") == ["Buy milk"]

    def test_finds_the_word_at_the_seam_of_title_and_description(self, ada: Account) -> None:
        ada.add("Buy milk", description="today")
        assert ada.titles(q="milk") == ada.titles(q="today") == ["Buy milk"]

    def test_finds_small_words_too(self, ada: Account, subtests: pytest.Subtests) -> None:
        ada.add("The end of a day and not or")
        for q in SMALL_WORDS:
            with subtests.test(q=q):
                assert ada.titles(q=q) == ["The end of a day and not or"]

    def test_finds_words_of_every_script_without_regard_to_case(self, ada: Account, subtests: pytest.Subtests) -> None:
        ada.add("Éclair Äpfel Привет 买牛奶")
        for q in FOREIGN_WORDS:
            with subtests.test(q=q):
                assert ada.titles(q=q) == ["Éclair Äpfel Привет 买牛奶"]

    def test_finds_words_inside_punctuation(self, ada: Account, subtests: pytest.Subtests) -> None:
        for title, q in IN_PUNCTUATION:
            with subtests.test(title=title, q=q):
                todo = ada.add(title)
                assert ada.titles(q=q) == [title]
                ada.client.delete(todo["url"])

    def test_takes_any_text(self, ada: Account, subtests: pytest.Subtests) -> None:
        ada.add("Buy milk")
        for q in ODD_TEXTS:
            with subtests.test(q=q):
                answer = ada.client.get(TODOS, params={"q": q})
                assert answer.status_code == 200, answer.text
                assert isinstance(answer.json(), list)

    def test_knows_no_operators(self, ada: Account, subtests: pytest.Subtests) -> None:
        ada.add("bread and milk")
        for q in OPERATORS:
            with subtests.test(q=q):
                assert ada.titles(q=q) == ["bread and milk"]

    def test_of_more_than_200_characters_is_refused(self, ada: Account) -> None:
        refused = problem(ada.client.get(TODOS, params={"q": "x" * 201}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["q"]

    def test_follows_a_change(self, ada: Account) -> None:
        todo = ada.add("Buy milk")
        ada.client.patch(todo["url"], json={"title": "Buy bread", "description": "Rye"})
        assert (ada.titles(q="milk"), ada.titles(q="rye")) == ([], ["Buy bread"])

    def test_finds_in_the_longest_description(self, ada: Account) -> None:
        ada.add("Long", description=" ".join(f"w{number}" for number in range(2300)))
        assert ada.titles(q="w2299") == ["Long"]

    def test_takes_a_description_of_one_endless_word(self, ada: Account) -> None:
        ada.add("Endless", description="x" * 16_384)
        assert ada.titles(q="endless") == ["Endless"]
