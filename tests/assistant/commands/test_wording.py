"""The sentences in which the command model reports tool results."""

from typing import Any

from todo_assistant.commands.results import NamedResult
from todo_assistant.commands.wording.results import describe_results


def todo(title: str) -> dict[str, Any]:
    return {
        "title": title,
        "completed": False,
        "due": None,
        "recurrence": None,
        "priority": "none",
        "tags": [],
        "project": None,
        "parent": None,
    }


def overview(*, has_more: bool) -> str:
    result = {
        "day": "Friday 20 November 2026 (2026-11-20)",
        "overdue": [todo("rent")],
        "due": [todo("milk")],
        "more": has_more,
    }
    return describe_results([NamedResult("day_overview", result)])


class TestMore:
    """The wording of a list ends with `and more` if the tool result did not contain all entries."""

    def test_projects_that_are_not_listed_are_mentioned(self) -> None:
        result = {"projects": [{"name": "Home"}], "more": True}

        assert describe_results([NamedResult("list_projects", result)]) == "Your projects: “Home”, and more."
        assert describe_results([NamedResult("list_projects", result | {"more": False})]) == "Your projects: “Home”."

    def test_an_overview_mentions_todos_that_it_does_not_list(self) -> None:
        complete = "Friday 20 November 2026:\nOverdue:\n1. “rent”\nDue:\n2. “milk”"

        assert overview(has_more=False) == complete
        assert overview(has_more=True) == f"{complete}\n... and more."

    def test_a_search_mentions_todos_that_it_does_not_list(self) -> None:
        result = {"todos": [todo("milk")], "more": True}

        assert describe_results([NamedResult("search_todos", result)]) == "1. “milk”\n... and more."
