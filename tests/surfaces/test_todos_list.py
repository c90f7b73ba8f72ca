"""GET /api/v1/todos: pages and filters."""

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

MAX_PAGES = 30

type Parameters = dict[str, str | int | bool | list[str]]


def insert_todos(database_url: str, account: Account, count: int, *, order: str = "number") -> None:
    """Inserts todos titled 1 to `count`. `order` is an SQL expression for their order; `number` in it is the title."""
    statement = f"""
        INSERT INTO todos (id, user_id, title, "order")
        SELECT gen_random_uuid(), $1, number::text, {order} FROM generate_series(1, $2::int) AS number
    """  # noqa: S608 - the orders are this module's own
    postgres.query(database_url, statement, UUID(account.user["id"]), count)


def pages(account: Account, **parameters: str | int | bool | list[str]) -> Iterator[list[dict[str, Any]]]:
    """Yields the pages of a list. Requests a page only when needed, so that a test can change todos in between."""
    page = account.client.get(TODOS, params=parameters)
    for _ in range(MAX_PAGES):
        assert page.status_code == 200, page.text
        yield page.json()
        if "next" not in page.links:
            return
        page = account.client.get(page.links["next"]["url"])
    pytest.fail("The list does not end.")


def all_titles(account: Account, **parameters: str | int | bool | list[str]) -> list[str]:
    """Returns the titles of the todos on all pages of a list."""
    return [todo["title"] for page in pages(account, **parameters) for todo in page]


def next_cursor(page: httpx2.Response) -> str:
    [cursor] = parse_qs(urlsplit(page.links["next"]["url"]).query)["cursor"]
    return cursor


class TestList:
    def test_a_new_account_has_an_empty_list(self, ada: Account) -> None:
        answer = ada.client.get(TODOS)
        assert (answer.status_code, answer.json()) == (200, [])
        assert "link" not in answer.headers

    def test_the_list_is_a_bare_array(self, ada: Account) -> None:
        todos = [ada.add("Buy milk"), ada.add("Buy bread", tags=["shop"])]
        assert ada.client.get(TODOS).json() == todos

    def test_the_path_with_a_trailing_slash_answers_too(self, ada: Account) -> None:
        todo = ada.add()
        answer = ada.client.get(f"{TODOS}/")
        assert (answer.status_code, answer.json()) == (200, [todo])

    def test_the_default_sort_is_order(self, ada: Account) -> None:
        for order in (3, -1.5, 2, 0):
            ada.add(str(order), order=order)
        assert ada.titles() == ["-1.5", "0", "2", "3"]

    def test_equal_orders_are_sorted_by_id(self, ada: Account) -> None:
        ids = [ada.add(order=1)["id"] for _ in range(5)]
        assert [todo["id"] for todo in ada.client.get(TODOS).json()] == sorted(ids)

    def test_todos_of_other_users_are_not_listed(self, ada: Account, bob: Account) -> None:
        ada.add("Ada's")
        bob.add("Bob's")
        assert (ada.titles(), bob.titles()) == (["Ada's"], ["Bob's"])

    def test_the_list_may_be_cached_but_must_be_revalidated(self, ada: Account) -> None:
        assert ada.client.get(TODOS).headers["cache-control"] == "private, no-cache"

    @pytest.mark.parametrize("name", ["nope", "Limit", "tags", "offset", "user_id", "q[]"])
    def test_an_unknown_parameter_is_refused(self, ada: Account, name: str) -> None:
        refused = problem(ada.client.get(TODOS, params={name: "1"}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == [name]


class TestLimit:
    def test_the_default_limit_is_50(self, ada: Account, database_url: str) -> None:
        insert_todos(database_url, ada, 51)
        assert [len(page) for page in pages(ada)] == [50, 1]

    def test_the_largest_limit_is_200(self, ada: Account, database_url: str) -> None:
        insert_todos(database_url, ada, 201)
        assert [len(page) for page in pages(ada, limit=200)] == [200, 1]

    @pytest.mark.parametrize(
        "limit", ["0", "201", "-1", "abc", "", "1.5", "1e1", "0x10", "+1", "1.0", "1_0", " 1", "9" * 30, "9" * 5000]
    )
    def test_another_limit_is_refused(self, ada: Account, limit: str) -> None:
        refused = problem(ada.client.get(TODOS, params={"limit": limit}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["limit"]


class TestPages:
    def test_the_link_header_is_sent_only_when_there_is_another_page(self, ada: Account) -> None:
        for number in range(4):
            ada.add(str(number))
        links = [ada.client.get(TODOS, params={"limit": limit}).links for limit in (3, 4, 5)]
        assert ["next" in link for link in links] == [True, False, False]

    def test_the_last_page_has_no_link(self, ada: Account) -> None:
        for number in range(4):
            ada.add(str(number))
        assert [len(page) for page in pages(ada, limit=2)] == [2, 2]

    def test_no_link_is_sent_when_the_filters_exclude_the_rest(self, ada: Account) -> None:
        for number in range(4):
            ada.add(str(number), completed=number > 1)
        assert "next" not in ada.client.get(TODOS, params={"limit": 2, "completed": "false"}).links

    @pytest.mark.parametrize("order", ["number", "1", "number % 3", "number / 7.0", "-9007199254740992 + number"])
    @pytest.mark.parametrize("limit", [1, 4, 25])
    def test_all_pages_together_contain_each_todo_once(
        self, ada: Account, database_url: str, order: str, limit: int
    ) -> None:
        insert_todos(database_url, ada, 25, order=order)
        titles = all_titles(ada, limit=limit)
        assert titles == ada.titles()
        assert sorted(titles, key=int) == [str(number) for number in range(1, 26)]

    def test_pages_contain_only_own_todos(self, ada: Account, bob: Account) -> None:
        for number in range(3):
            ada.add(f"Ada's {number}", order=number)
            bob.add(f"Bob's {number}", order=number)
        assert all_titles(ada, limit=1) == ["Ada's 0", "Ada's 1", "Ada's 2"]

    def test_changes_before_the_cursor_do_not_shift_the_next_page(self, ada: Account) -> None:
        todos = [ada.add(str(number), order=number) for number in range(9)]
        seen = []
        for number, page in enumerate(pages(ada, limit=3)):
            seen += [todo["title"] for todo in page]
            ada.add("Late", order=-1 - number)
            ada.client.delete(todos[number]["url"])
        assert seen == [str(number) for number in range(9)]

    def test_paging_continues_when_the_todo_at_the_cursor_is_deleted(self, ada: Account) -> None:
        todos = [ada.add(str(number)) for number in range(4)]
        walked = pages(ada, limit=2)
        next(walked)
        ada.client.delete(todos[1]["url"])
        assert [todo["title"] for todo in next(walked)] == ["2", "3"]

    def test_todos_deleted_after_the_cursor_are_not_on_the_next_page(self, ada: Account) -> None:
        todos = [ada.add(str(number)) for number in range(4)]
        walked = pages(ada, limit=2)
        next(walked)
        ada.client.delete(todos[2]["url"])
        assert [todo["title"] for todo in next(walked)] == ["3"]

    def test_todos_added_after_the_cursor_are_on_the_next_page(self, ada: Account) -> None:
        for number in range(3):
            ada.add(str(number))
        walked = pages(ada, limit=2)
        next(walked)
        ada.add("3")
        assert [todo["title"] for todo in next(walked)] == ["2", "3"]

    def test_an_empty_page_is_an_empty_array(self, ada: Account) -> None:
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
    def test_the_link_keeps_all_query_parameters(self, ada: Account, parameters: Parameters) -> None:
        for _ in range(2):
            ada.add("Milk, café: 100 + 1 x=y/z", priority="high", tags=["a", "b", "ü&=+ %41"])
        page = ada.client.get(TODOS, params=parameters)
        asked = {name: value if isinstance(value, list) else [str(value)] for name, value in parameters.items()}
        found = parse_qs(urlsplit(page.links["next"]["url"]).query)
        assert {name: value for name, value in found.items() if name != "cursor"} == asked

    def test_the_link_has_only_rel_next(self, ada: Account) -> None:
        ada.add()
        ada.add()
        assert list(ada.client.get(TODOS, params={"limit": 1}).links) == ["next"]

    def test_the_link_replaces_the_cursor(self, ada: Account) -> None:
        for number in range(4):
            ada.add(str(number))
        second = ada.client.get(ada.client.get(TODOS, params={"limit": 1}).links["next"]["url"])
        assert len(parse_qs(urlsplit(second.links["next"]["url"]).query)["cursor"]) == 1

    def test_the_link_of_a_path_with_a_trailing_slash_works(self, ada: Account) -> None:
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

    def test_a_cursor_may_be_used_again(self, ada: Account, cursor: str) -> None:
        assert [ada.titles(cursor=cursor) for _ in range(2)] == [["1"], ["1"]]

    def test_a_cursor_works_with_another_limit_and_other_filters(self, ada: Account, cursor: str) -> None:
        assert ada.titles(cursor=cursor, limit=200, q="1", completed=False, sort="order") == ["1"]

    @pytest.mark.parametrize("other", [{"sort": "-order"}, {"sort": "title"}, {"q": "1"}, {"overdue": "true"}])
    def test_a_cursor_of_another_sort_is_a_400(self, ada: Account, cursor: str, other: dict[str, str]) -> None:
        problem(ada.client.get(TODOS, params={"cursor": cursor, **other}), 400, "invalid_cursor")

    def test_a_cursor_changed_at_any_place_is_a_400(self, ada: Account, cursor: str) -> None:
        for place, letter in enumerate(cursor):
            tampered = f"{cursor[:place]}{'B' if letter == 'A' else 'A'}{cursor[place + 1 :]}"
            problem(ada.client.get(TODOS, params={"cursor": tampered}), 400, "invalid_cursor")

    def test_a_cursor_with_another_last_character_is_a_400(self, ada: Account, cursor: str) -> None:
        for letter in set(ascii_letters + digits + "-_") - {cursor[-1]}:
            problem(ada.client.get(TODOS, params={"cursor": cursor[:-1] + letter}), 400, "invalid_cursor")

    @pytest.mark.parametrize(
        "tampering",
        ["{}A", "A{}", "{}.", ".{}", "{}{}", "{}=", "{} ", "{}!", "é{}", "{}\0", "x", ".", "..", "null", "[]", "🥛"],
    )
    def test_a_cursor_with_an_addition_is_a_400(self, ada: Account, cursor: str, tampering: str) -> None:
        tampered = tampering.replace("{}", cursor)
        problem(ada.client.get(TODOS, params={"cursor": tampered}), 400, "invalid_cursor")

    def test_a_truncated_cursor_is_a_400(self, ada: Account, cursor: str) -> None:
        for length in range(1, len(cursor)):
            problem(ada.client.get(TODOS, params={"cursor": cursor[:length]}), 400, "invalid_cursor")

    def test_a_forged_cursor_is_a_400(self, ada: Account) -> None:
        place = (0.0, "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22")
        forged = Cursors(["a key that is not the service's"]).write("todos by order", *place)
        problem(ada.client.get(TODOS, params={"cursor": forged}), 400, "invalid_cursor")

    def test_a_cursor_of_another_list_is_a_400(self, ada: Account) -> None:
        other = Cursors([SECRET_KEY]).write("history", 0.0, "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22")
        problem(ada.client.get(TODOS, params={"cursor": other}), 400, "invalid_cursor")

    def test_a_cursor_signed_with_a_retired_key_is_valid(self, ada: Account) -> None:
        todos = [ada.add("0"), ada.add("1")]
        older = Cursors([RETIRED_KEY]).write("todos by order", todos[0]["order"], todos[0]["id"])
        assert ada.titles(cursor=older) == ["1"]


ODD_TAGS = ["a,b", "{a}", 'a"b', "a\\b", "NULL", "a'b", "🥛", "*", "%", "{}"]


class TestFilters:
    def test_completed_selects_by_state(self, ada: Account) -> None:
        ada.add("Open")
        ada.add("Done", completed=True)
        assert ada.titles(completed="true") == ["Done"]
        assert ada.titles(completed="false") == ["Open"]

    @pytest.mark.parametrize("value", ["1", "0", "yes", "True", "null", ""])
    def test_completed_takes_only_true_or_false(self, ada: Account, value: str) -> None:
        refused = problem(ada.client.get(TODOS, params={"completed": value}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["completed"]

    @pytest.mark.parametrize("priority", ["none", "low", "medium", "high"])
    def test_priority_selects_by_priority(self, ada: Account, priority: str) -> None:
        for each in ("high", "medium", "low", "none"):
            ada.add(each, priority=each)
        assert ada.titles(priority=priority) == [priority]

    @pytest.mark.parametrize("value", ["urgent", "High", "", "3", "null"])
    def test_an_unknown_priority_is_refused(self, ada: Account, value: str) -> None:
        refused = problem(ada.client.get(TODOS, params={"priority": value}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["priority"]

    def test_tag_selects_by_tag(self, ada: Account) -> None:
        ada.add("Home", tags=["home"])
        ada.add("Shop", tags=["shop"])
        ada.add("None")
        assert ada.titles(tag="home") == ["Home"]

    def test_a_part_of_a_tag_does_not_match(self, ada: Account) -> None:
        ada.add(tags=["homework"])
        assert ada.titles(tag="home") == []

    def test_a_todo_must_have_all_tags(self, ada: Account) -> None:
        ada.add("Both", tags=["shop", "home", "garden"])
        ada.add("One", tags=["home"])
        assert ada.titles(tag=["home", "shop"]) == ["Both"]
        assert ada.titles(tag=["home"]) == ["Both", "One"]
        assert ada.titles(tag=["home", "office"]) == []

    def test_a_tag_is_normalised_before_it_is_compared(self, ada: Account) -> None:
        ada.add("Coffee", tags=["caf\u00e9"])
        assert ada.titles(tag=" cafe\u0301 ") == ["Coffee"]

    def test_a_tag_filter_takes_any_text(self, ada: Account, subtests: pytest.Subtests) -> None:
        ada.add("Other", tags=["a", "b"])
        for tag in ODD_TAGS:
            with subtests.test(tag=tag):
                todo = ada.add("Tagged", tags=[tag])
                assert ada.titles(tag=tag) == ["Tagged"]
                ada.client.delete(todo["url"])

    def test_a_todo_must_pass_all_filters(self, ada: Account) -> None:
        wanted: dict[str, Any] = {"priority": "high", "completed": True, "tags": ["home"], "description": "blue"}
        ada.add("All", **wanted)
        for name, other in {"priority": "low", "completed": False, "tags": ["shop"], "description": "green"}.items():
            ada.add(f"Not {name}", **wanted | {name: other})
        assert ada.titles(priority="high", completed="true", tag="home", q="blue") == ["All"]

    def test_filters_apply_to_every_page(self, ada: Account) -> None:
        for number in range(12):
            ada.add(f"Milk {number}", completed=number % 2 == 0, tags=["even"] if number % 2 == 0 else ["odd"])
        assert all_titles(ada, limit=2, completed="true", tag=["even"], q="milk") == [
            f"Milk {n}" for n in range(10, -1, -2)
        ]

    def test_filters_never_show_todos_of_other_users(self, ada: Account, bob: Account) -> None:
        ada.add("Milk", tags=["home"], priority="high", completed=True)
        assert bob.titles(q="milk", tag="home", priority="high", completed="true") == []
