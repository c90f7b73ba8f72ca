"""The tools of the assistant that find and count todos, called by a scripted model."""

from typing import Any

import pytest

from tests.accounts import TODOS, Account
from tests.model_replies import Call, Say, ToolCalls
from tests.scripted_model import ScriptedModel
from tests.surfaces.chat import Json, run_turn, tool_result


def search(account: Account, model: ScriptedModel, *searches: Json, tool: str = "search_todos") -> list[Json]:
    """Calls a tool once with each of the arguments, in one turn, and returns the results."""
    model.play(ToolCalls(*(Call(tool, arguments) for arguments in searches)), Say("Here they are."))
    answer = run_turn(account, timezone="Europe/Berlin")
    return [tool_result(answer, number) for number in range(len(searches))]


def titles(result: Json) -> list[str]:
    return [todo["title"] for todo in result["todos"]]


class TestTitleWords:
    @pytest.mark.parametrize(
        ("words", "found"),
        [
            ("car", ["Wash the car", "Sell cars"]),
            ("cars", ["Wash the car", "Sell cars"]),
            ("CAR, the", ["Wash the car"]),
            ("berry", ["Buy berries"]),
            ("berries", ["Buy berries"]),
            ("box", ["Move boxes"]),
            ("cafe", ["Café with Ada"]),
            ("egg", []),
            ("carpet", ["Carpet cleaning"]),
            ("wash carpet", []),
            ("!!!", []),
        ],
    )
    def test_words_are_whole_words_of_the_title_in_singular_or_plural(
        self, ada: Account, model: ScriptedModel, words: str, found: list[str]
    ) -> None:
        for title in ("Wash the car", "Sell cars", "Carpet cleaning", "Buy berries", "Move boxes", "Café with Ada"):
            ada.add(title, description="needs an egg")
        [result] = search(ada, model, {"title_words": words})
        assert titles(result) == found

    def test_whole_words_are_found_among_hundreds_of_similar_titles(self, ada: Account, model: ScriptedModel) -> None:
        for _ in range(3):
            batch = [{"op": "create", "todo": {"title": f"Carpet {number}"}} for number in range(100)]
            ada.client.post(f"{TODOS}/batch", json={"operations": batch}).raise_for_status()
        ada.add("Wash the car")
        [result] = search(ada, model, {"title_words": "car", "tags": [], "completed": False})
        assert titles(result) == ["Wash the car"]


class TestFilters:
    def test_todos_are_found_by_the_day_of_their_completion(self, ada: Account, model: ScriptedModel) -> None:
        ada.add("Done now", completed=True)
        ada.add("Open")
        today, before, after = search(
            ada,
            model,
            {"completed_from": "today", "completed_to": "today"},
            {"completed_to": "yesterday"},
            {"completed_from": "tomorrow"},
        )
        assert (titles(today), titles(before), titles(after)) == (["Done now"], [], [])

    def test_undated_and_upcoming_todos_are_found(self, ada: Account, model: ScriptedModel) -> None:
        ada.add("Late", due_at="2020-01-01T10:00:00Z")
        ada.add("Later", due_date="2040-02-02")
        ada.add("Sooner", due_at="2040-01-31T10:00:00Z")
        ada.add("Soon but done", due_at="2040-01-30T10:00:00Z", completed=True)
        ada.add("Some day")
        undated, following, first, by_due = search(
            ada,
            model,
            {"undated": True},
            {"upcoming": True},
            {"upcoming": True, "limit": 1},
            {"sort": "due", "completed": False},
        )
        assert titles(undated) == ["Some day"]
        assert titles(following) == ["Sooner", "Later"]
        assert (titles(first), first["total"], first["more"]) == (["Sooner"], 2, True)
        assert titles(by_due) == ["Late", "Sooner", "Later", "Some day"]

    def test_a_project_and_a_parent_include_subtodos_at_every_level(self, ada: Account, model: ScriptedModel) -> None:
        home = ada.add_project("Home")
        cake = ada.add("Cake", project_id=home["id"])
        dough = ada.add("Dough", parent_id=cake["id"])
        ada.add("Flour", parent_id=dough["id"])
        ada.add("Elsewhere")
        in_project, below = search(ada, model, {"project": "home"}, {"parent_id": cake["id"]})
        assert titles(in_project) == ["Cake", "Dough", "Flour"]
        assert titles(below) == ["Dough", "Flour"]


class TestPages:
    @pytest.mark.parametrize("filters", [{}, {"sort": "due"}, {"sort": "newest"}, {"undated": True}, {"text": "todo"}])
    def test_pages_together_are_the_whole_list(
        self, ada: Account, model: ScriptedModel, filters: dict[str, Any]
    ) -> None:
        for number in range(7):
            ada.add(f"Todo {number}")
        found, cursor = [], None
        for _ in range(3):
            [page] = search(ada, model, {**filters, "limit": 3, "cursor": cursor})
            found += titles(page)
            assert (page["total"], page["total_is_exact"]) == (7, True)
            cursor = page["next"]
        assert cursor is None
        assert sorted(found) == [f"Todo {number}" for number in range(7)]

    def test_a_page_of_more_than_50_todos_has_ids_and_titles_only(self, ada: Account, model: ScriptedModel) -> None:
        ada.add("Milk", priority="high")
        [page] = search(ada, model, {"limit": 200})
        [milk] = page["todos"]
        assert set(milk) == {"id", "title"}

    def test_a_page_that_ends_early_for_its_length_can_be_continued(self, ada: Account, model: ScriptedModel) -> None:
        for number in range(50):
            ada.add(f"{number} {'x' * 490}")
        [first] = search(ada, model, {"limit": 200})
        [second] = search(ada, model, {"limit": 200, "cursor": first["next"]})
        assert len(first["todos"]) < 50
        assert len(first["todos"]) + len(second["todos"]) == first["total"] == second["total"] == 50

    @pytest.mark.parametrize("cursor", ["", "x", "WzEsMl0=", "é"])
    def test_a_cursor_that_is_none_is_refused(self, ada: Account, model: ScriptedModel, cursor: str) -> None:
        [page] = search(ada, model, {"cursor": cursor})
        assert page.get("code") == (None if not cursor else "invalid_cursor")

    def test_a_cursor_of_another_sort_order_is_refused(self, ada: Account, model: ScriptedModel) -> None:
        for number in range(2):
            ada.add(f"Todo {number}")
        [page] = search(ada, model, {"limit": 1})
        [refused] = search(ada, model, {"limit": 1, "sort": "due", "cursor": page["next"]})
        assert refused["code"] == "invalid_cursor"


class TestCounts:
    def test_todos_are_counted_by_the_filters_of_a_search(self, ada: Account, model: ScriptedModel) -> None:
        ada.add("Late", due_at="2020-01-01T10:00:00Z", tags=["home"])
        ada.add("Late too", due_date="2020-01-01")
        ada.add("Done", due_date="2020-01-01", completed=True, tags=["home"])
        ada.add("Later", due_date="2040-01-01")
        counted, at_home, none = search(
            ada, model, {}, {"tags": ["home"]}, {"title_words": "nothing"}, tool="count_todos"
        )
        assert counted == {"total": 4, "open": 3, "completed": 1, "overdue": 2, "due_today": 0, "exact": True}
        assert (at_home["total"], at_home["open"], at_home["overdue"]) == (2, 1, 1)
        assert none["total"] == 0

    def test_todos_due_today_are_counted_in_the_time_zone_of_the_turn(self, ada: Account, model: ScriptedModel) -> None:
        wanted = [{"title": "A", "due": "today"}, {"title": "B", "due": "tomorrow"}]
        model.play(Call("add_todos", {"todos": wanted}), Say("Added."))
        run_turn(ada, timezone="Europe/Berlin")
        [counted] = search(ada, model, {}, tool="count_todos")
        assert counted["due_today"] == 1

    def test_an_unreadable_day_fails_with_its_phrase(self, ada: Account, model: ScriptedModel) -> None:
        [failed] = search(ada, model, {"due_from": "no day at all"}, tool="count_todos")
        assert (failed["code"], failed["phrase"]) == ("unreadable_date", "no day at all")
