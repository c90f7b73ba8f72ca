"""The sentences in which the command model reports tool results."""

from typing import Any

import pytest

from todo_assistant.commands.results import NamedResult
from todo_assistant.commands.wording.errors import describe_failure
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


class TestFailures:
    """Failures are worded for people: the sentence of the tool, which is for a model, is never shown."""

    @pytest.mark.parametrize(
        "code",
        [
            *("todo_not_found", "unknown_parent", "unknown_project", "project_exists", "tree_cycle", "tree_too_deep"),
            *("recurrence_needs_due", "unreadable_date", "unreadable_recurrence", "needs_time", "too_long", "invalid"),
            *("unknown_tool", "invalid_cursor", "changed_since", "refused", "turn_in_progress", "turn_undone"),
            *("nothing_to_undo", "nothing_to_redo", "a_new_code"),
        ],
    )
    def test_a_failure_is_worded_without_the_sentence_of_the_tool(self, code: str) -> None:
        failure = {"code": code, "error": "Call again with search_todos.", "phrase": "the 40th", "name": "Work"}
        sentence = describe_failure(failure)

        assert sentence.endswith(".")
        assert not any(word in sentence for word in ("search_todos", "Call again", "_", "the user"))

    def test_a_failure_names_the_words_that_were_not_understood(self) -> None:
        assert "“the 40th”" in describe_failure({"code": "unreadable_date", "phrase": "the 40th"})
        assert "“Work”" in describe_failure({"code": "unknown_project", "name": "Work"})

    def test_items_that_fail_do_not_hide_those_that_succeed(self) -> None:
        items = [{"ok": True, "todo": todo("milk")}, {"ok": False, "code": "todo_not_found", "error": "No such id."}]
        lines = describe_results([NamedResult("complete_todos", {"results": items})]).splitlines()

        assert lines == ["Completed “milk”.", "That todo does not exist any more, or it is in the trash."]
