"""GET /api/v1/todos: sort orders, and the filters for dues, projects and parents."""

from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import uuid4

import httpx2
import pytest

from tests.accounts import AUTH, TODOS, Account, problem, sign_up
from tests.serving import Surface
from tests.surfaces.test_todos_list import all_titles
from todo_core.todos.filters import ListSort

PROJECTS = "/api/v1/projects"
NEITHER_DAY_NOR_INSTANT = [
    *("", "tomorrow", "2030-02-30", "2030-1-1", "20300101", "1893456000", "2030-01-01T10:00:00"),
    *("2030-01-01T25:00:00Z", "2030-01-01T10:00:00 01:00", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59.999999Z"),
]


def both_ways(account: Account, sort: str, **filters: str) -> tuple[list[str], list[str]]:
    """Returns the titles of a list in ascending and in descending order, read in pages of two."""
    return all_titles(account, sort=sort, limit=2, **filters), all_titles(account, sort=f"-{sort}", limit=2, **filters)


def in_hours(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def project_of(account: Account, name: str = "Home") -> str:
    created = account.client.post(PROJECTS, json={"name": name})
    assert created.status_code == 201, created.text
    return str(created.json()["id"])


class TestDueInTimeZones:
    def test_an_all_day_todo_comes_after_the_evening_before_it(self, surface: Surface) -> None:
        with surface.client() as client:
            ada = sign_up(client, timezone="America/Los_Angeles")
            ada.add("all day", due_date="2026-03-03")
            ada.add("evening before", due_at="2026-03-03T02:00:00Z")
            assert both_ways(ada, "due") == (["evening before", "all day"], ["all day", "evening before"])
            assert ada.titles(due_before="2026-03-03") == ["evening before"]

    def test_an_all_day_todo_comes_before_the_morning_of_its_day(self, surface: Surface) -> None:
        with surface.client() as client:
            ada = sign_up(client, timezone="Pacific/Auckland")
            ada.add("morning", due_at="2026-03-02T19:00:00Z")
            ada.add("all day", due_date="2026-03-03")
            ada.add("evening before", due_at="2026-03-02T09:00:00Z")
            titles = ["evening before", "all day", "morning"]
            assert both_ways(ada, "due") == (titles, titles[::-1])

    def test_a_new_time_zone_changes_the_order(self, ada: Account) -> None:
        ada.add("all day", due_date="2026-03-03")
        ada.add("instant", due_at="2026-03-03T02:00:00Z")
        assert ada.titles(sort="due") == ["all day", "instant"]
        ada.client.patch(f"{AUTH}/me", json={"timezone": "America/Los_Angeles"}).raise_for_status()
        assert ada.titles(sort="due") == ["instant", "all day"]


class TestSort:
    def test_sort_by_order(self, ada: Account) -> None:
        for order in (3, -1.5, 2, 0):
            ada.add(str(order), order=order)
        assert both_ways(ada, "order") == (["-1.5", "0", "2", "3"], ["3", "2", "0", "-1.5"])

    def test_sort_by_created_at(self, ada: Account) -> None:
        for number in range(5):
            ada.add(str(number), order=-number)
        assert both_ways(ada, "created_at") == (["0", "1", "2", "3", "4"], ["4", "3", "2", "1", "0"])

    def test_sort_by_updated_at(self, ada: Account) -> None:
        todos = [ada.add(str(number)) for number in range(3)]
        ada.client.patch(todos[0]["url"], json={"completed": True})
        assert both_ways(ada, "updated_at") == (["1", "2", "0"], ["0", "2", "1"])

    def test_sort_by_due_puts_todos_without_due_last_in_both_directions(self, ada: Account) -> None:
        for title in ("never", "never again"):
            ada.add(title)
        ada.add("third", due_at="2030-01-02T00:00:01Z")
        ada.add("first", due_at="2030-01-01T23:59:59Z")
        ada.add("second", due_date="2030-01-02")
        assert both_ways(ada, "due") == (
            ["first", "second", "third", "never", "never again"],
            ["third", "second", "first", "never again", "never"],
        )

    def test_sort_by_due_handles_the_earliest_and_latest_dates(self, ada: Account) -> None:
        for day in ("9999-12-30", "0001-01-02"):
            ada.add(day, due_date=day)
        ada.add("never")
        assert both_ways(ada, "due") == (["0001-01-02", "9999-12-30", "never"], ["9999-12-30", "0001-01-02", "never"])

    def test_sort_by_priority(self, ada: Account) -> None:
        for priority in ("high", "none", "medium", "low", "high"):
            ada.add(priority, priority=priority)
        assert both_ways(ada, "priority") == (
            ["none", "low", "medium", "high", "high"],
            ["high", "high", "medium", "low", "none"],
        )

    def test_sort_by_title_ignores_case_and_accents(self, ada: Account) -> None:
        for title in ("Zebra", "\u00e9clair", "apple", "Eclipse", "\u00c4pfel", "ebb"):
            ada.add(title)
        expected = ["\u00c4pfel", "apple", "ebb", "\u00e9clair", "Eclipse", "Zebra"]
        assert both_ways(ada, "title") == (expected, expected[::-1])

    def test_sort_by_title_pages_through_the_longest_titles(self, ada: Account) -> None:
        titles = [f"{'\u4e70' * 199}{number}{'x' * 300}" for number in range(5)]
        for title in titles:
            ada.add(title)
        assert both_ways(ada, "title") == (titles, titles[::-1])

    @pytest.mark.parametrize("sort", get_args(ListSort))
    def test_equal_keys_are_sorted_by_id(self, ada: Account, sort: str) -> None:
        for _ in range(5):
            ada.add("Same", order=1, due_date="2030-01-01")
        ids = [todo["id"] for todo in ada.client.get(TODOS, params={"sort": sort}).json()]
        assert ids == sorted(ids, reverse=sort.startswith("-"))

    @pytest.mark.parametrize("sort", ["relevance", "Order", "--order", "+order", "order,title", "id", "due_at", ""])
    def test_an_unknown_sort_is_refused(self, ada: Account, sort: str) -> None:
        refused = problem(ada.client.get(TODOS, params={"sort": sort}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["sort"]

    @pytest.mark.parametrize("sort", get_args(ListSort))
    def test_sort_applies_to_the_trash_and_to_searches(self, ada: Account, sort: str) -> None:
        for number in range(3):
            todo = ada.add(f"Milk {number}", order=number, due_date=f"2030-01-0{number + 1}", tags=["home"])
            ada.client.delete(todo["url"])
            ada.add(f"Milk {number}", order=number, due_date=f"2030-01-0{number + 1}", tags=["home"])
        expected = [f"Milk {number}" for number in range(3)]
        expected = expected[::-1] if sort.startswith("-") else expected
        for filters in ({"trashed": "true"}, {"q": "milk"}, {"tag": "home"}, {"trashed": "true", "q": "mi"}):
            assert all_titles(ada, sort=sort, limit=1, **filters) == expected


class TestDue:
    @pytest.fixture
    def dues(self, client: httpx2.Client) -> Account:
        """Returns an account in Berlin with todos around 2030-01-10, which begins there at 23:00 UTC the day before."""
        ada = sign_up(client, timezone="Europe/Berlin")
        ada.add("never")
        ada.add("the day before", due_date="2030-01-09")
        ada.add("just before", due_at="2030-01-09T22:59:59Z")
        ada.add("midnight", due_at="2030-01-09T23:00:00Z")
        ada.add("the day", due_date="2030-01-10")
        ada.add("noon", due_at="2030-01-10T11:00:00Z")
        return ada

    def test_due_after_is_inclusive(self, dues: Account) -> None:
        assert sorted(dues.titles(due_after="2030-01-10")) == ["midnight", "noon", "the day"]
        assert sorted(dues.titles(due_after="2030-01-10T11:00:00Z")) == ["noon", "the day"]

    def test_due_before_is_exclusive(self, dues: Account) -> None:
        assert sorted(dues.titles(due_before="2030-01-10")) == ["just before", "the day before"]
        assert sorted(dues.titles(due_before="2030-01-10T11:00:00Z")) == ["just before", "midnight", "the day before"]

    def test_due_after_and_due_before_select_a_range(self, dues: Account) -> None:
        assert sorted(dues.titles(due_after="2030-01-10", due_before="2030-01-11")) == ["midnight", "noon", "the day"]
        assert dues.titles(due_after="2030-01-10", due_before="2030-01-10") == []

    @pytest.mark.parametrize("sort", get_args(ListSort))
    @pytest.mark.parametrize("limit", [1, 50])
    def test_due_filters_apply_to_every_page_of_every_sort(self, dues: Account, sort: str, limit: int) -> None:
        after = all_titles(dues, due_after="2030-01-10", sort=sort, limit=limit)
        before = all_titles(dues, due_before="2030-01-10", sort=sort, limit=limit)
        assert sorted(after) == ["midnight", "noon", "the day"]
        assert sorted(before) == ["just before", "the day before"]

    def test_a_due_filter_sorts_by_due_unless_sort_is_given(self, ada: Account) -> None:
        for day in (3, 1, 2):
            ada.add(str(day), due_date=f"2030-01-0{day}")
        assert ada.titles(due_after="2030-01-01") == ada.titles(due_before="2030-02-01") == ["1", "2", "3"]
        assert ada.titles(due_after="2030-01-01", sort="order") == ["3", "1", "2"]

    @pytest.mark.parametrize("name", ["due_before", "due_after"])
    @pytest.mark.parametrize("value", NEITHER_DAY_NOR_INSTANT)
    def test_only_a_date_or_an_instant_is_accepted(self, ada: Account, name: str, value: str) -> None:
        refused = problem(ada.client.get(TODOS, params={name: value}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == [name]

    @pytest.mark.parametrize("timezone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
    @pytest.mark.parametrize("end", ["0001-01-02", "9999-12-30", "0001-01-01T00:00:01Z", "9999-12-31T23:59:59Z"])
    def test_the_earliest_and_latest_dates_are_accepted(self, client: httpx2.Client, timezone: str, end: str) -> None:
        ada = sign_up(client, timezone=timezone)
        ada.add(due_date="2030-01-01")
        assert len(ada.titles(due_before=end)) + len(ada.titles(due_after=end)) == 1


class TestOverdue:
    @pytest.fixture
    def dues(self, ada: Account) -> Account:
        today = datetime.now(UTC).date()
        ada.add("an hour ago", due_at=in_hours(-1))
        ada.add("in an hour", due_at=in_hours(1))
        ada.add("days ago", due_date=str(today - timedelta(days=2)))
        ada.add("in days", due_date=str(today + timedelta(days=2)))
        ada.add("done", due_at=in_hours(-1), completed=True)
        ada.add("never")
        return ada

    def test_overdue_true_selects_open_todos_that_were_due(self, dues: Account) -> None:
        assert dues.titles(overdue="true") == all_titles(dues, overdue="true", limit=1) == ["days ago", "an hour ago"]

    def test_overdue_false_selects_all_others(self, dues: Account) -> None:
        assert dues.titles(overdue="false") == ["in an hour", "in days", "done", "never"]

    @pytest.mark.parametrize(("timezone", "hours"), [("Pacific/Kiritimati", 14), ("Pacific/Pago_Pago", -11)])
    def test_a_due_date_is_overdue_after_its_end_in_the_users_zone(
        self, client: httpx2.Client, timezone: str, hours: int
    ) -> None:
        ada = sign_up(client, timezone=timezone)
        today = (datetime.now(UTC) + timedelta(hours=hours)).date()
        yesterday = today - timedelta(days=1)
        for day in (yesterday, today):
            ada.add(str(day), due_date=str(day))
        assert ada.titles(overdue="true") == [str(yesterday)]


class TestPlaces:
    def test_project_id_selects_by_project(self, ada: Account) -> None:
        home, work = project_of(ada), project_of(ada, "Work")
        for title, project in (("Sweep", home), ("Write", work), ("Think", None), ("Cook", home)):
            ada.add(title, project_id=project)
        assert ada.titles(project_id=home) == all_titles(ada, project_id=home, limit=1) == ["Sweep", "Cook"]
        assert ada.titles(project_id="none") == ["Think"]

    def test_parent_id_selects_direct_subtodos(self, ada: Account) -> None:
        trip = ada.add("Trip")["id"]
        pack = ada.add("Pack", parent_id=trip)["id"]
        ada.add("Book", parent_id=trip)
        ada.add("Socks", parent_id=pack)
        assert ada.titles(parent_id=trip) == all_titles(ada, parent_id=trip, limit=1) == ["Pack", "Book"]
        assert ada.titles(parent_id="none") == ["Trip"]

    @pytest.mark.parametrize("name", ["project_id", "parent_id"])
    def test_an_unknown_project_or_parent_selects_nothing(self, ada: Account, name: str) -> None:
        ada.add()
        assert ada.titles(**{name: str(uuid4())}) == []
        assert ada.titles(**{name: "00000000-0000-0000-0000-000000000000"}) == []

    def test_another_users_project_or_parent_selects_nothing(self, ada: Account, bob: Account) -> None:
        home = project_of(ada)
        trip = ada.add("Trip", project_id=home)["id"]
        ada.add("Pack", parent_id=trip)
        assert bob.titles(project_id=home) == bob.titles(parent_id=trip) == []

    @pytest.mark.parametrize("name", ["project_id", "parent_id"])
    @pytest.mark.parametrize("value", ["", "null", "None", "7", "x" * 36])
    def test_only_an_id_or_none_is_accepted(self, ada: Account, name: str, value: str) -> None:
        refused = problem(ada.client.get(TODOS, params={name: value}), 422, "validation_failed")
        assert [(error["field"], error["code"]) for error in refused["errors"]] == [(name, "id_or_none")]

    def test_a_todo_must_pass_all_filters(self, ada: Account) -> None:
        home = project_of(ada)
        fields = {"project_id": home, "priority": "high", "tags": ["a"], "due_date": "2020-01-01"}
        trip = ada.add("Trip", **fields)
        ada.add("Other project", **fields | {"project_id": None})
        ada.add("Other day", **fields | {"due_date": "2040-01-01"})
        ada.add("Subtodo", **fields | {"project_id": None}, parent_id=trip["id"])
        filters = {"project_id": home, "parent_id": "none", "overdue": "true", "priority": "high", "tag": "a", "q": "t"}
        assert ada.titles(**filters, due_before="2030-01-01", due_after="2010-01-01") == ["Trip"]


class TestRelevance:
    def test_title_matches_come_before_description_matches_newest_first(self, ada: Account) -> None:
        ada.add("Old title with milk")
        ada.add("Old description", description="milk")
        ada.add("New title: Milk!")
        ada.add("New description", description="Milk, too")
        ada.add("Nothing of it")
        expected = ["New title: Milk!", "Old title with milk", "New description", "Old description"]
        assert ada.titles(q="milk") == expected
        for limit in (1, 2, 3):
            assert all_titles(ada, q="milk", limit=limit) == expected

    def test_a_title_match_needs_all_words_in_the_title(self, ada: Account) -> None:
        ada.add("Buy milk")
        ada.add("Buy something", description="milk")
        assert ada.titles(q="buy milk") == ["Buy milk", "Buy something"]

    def test_pages_contain_each_todo_once_while_others_change(self, ada: Account) -> None:
        titles = [ada.add(f"Milk {number}", description="bread") for number in range(4)]
        seen: list[str] = []
        page = ada.client.get(TODOS, params={"q": "milk", "limit": 2})
        seen += [todo["title"] for todo in page.json()]
        ada.add("Milk, late")
        ada.client.delete(titles[3]["url"])
        page = ada.client.get(page.links["next"]["url"])
        assert [*seen, *(todo["title"] for todo in page.json())] == ["Milk 3", "Milk 2", "Milk 1", "Milk 0"]

    def test_another_sort_replaces_relevance(self, ada: Account) -> None:
        ada.add("Second milk", order=2)
        ada.add("First", description="milk", order=1)
        assert ada.titles(q="milk", sort="order") == ["First", "Second milk"]


class TestAccents:
    @pytest.mark.parametrize("written", ["\u00e9clair", "Eclair", "\u00c9CLAIR", "e\u0301clair"])
    @pytest.mark.parametrize("asked", ["\u00e9clair", "eclair", "\u00c9CL", "ecl"])
    def test_accents_are_ignored_in_query_and_text(self, ada: Account, written: str, asked: str) -> None:
        todo = ada.add(f"Buy an {written}")
        assert ada.titles(q=asked) == [todo["title"]]

    def test_accents_of_every_latin_script_are_ignored(self, ada: Account, subtests: pytest.Subtests) -> None:
        for written, asked in (
            ("Stra\u00dfe", "strasse"),
            ("\u0141\u00f3d\u017a", "lodz"),
            ("\u0130stanbul", "istanbul"),
        ):
            with subtests.test(written=written):
                ada.add(written)
                assert ada.titles(q=asked) == ada.titles(q=written) == [written]
