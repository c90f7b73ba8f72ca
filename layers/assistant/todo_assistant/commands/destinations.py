"""Adds the projects and finds the parents into which a command puts its todos."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue

from todo_assistant.commands.grammar.commands import MoveTo, NewTodo
from todo_assistant.commands.results import NamedResult
from todo_assistant.commands.wording import describe_result
from todo_assistant.models.messages import Completion, ToolCallRequest


def call_tool(name: str, arguments: dict[str, JsonValue]) -> Completion:
    """Returns a completion that requests one tool call from the agent."""
    return Completion(calls=[ToolCallRequest("", name, json.dumps(arguments))])


class Destinations:
    """Plans the tool calls that add a command's missing projects and find its parents, before its own calls.

    `results` are all tool results of the turn in the order of the calls: those of the destinations come first.
    """

    def __init__(self, results: Sequence[NamedResult]) -> None:
        self.remaining_results = list(results)
        """The results that `prepare` has not read. Once it returns None, they belong to the command's own calls."""
        self.notices: list[str] = []
        """Sentences that report added projects to the user. The final answer begins with them."""
        self._parents: dict[str, dict[str, Any] | None] = {}

    def prepare(self, todos: Sequence[NewTodo | MoveTo]) -> Completion | None:
        """Returns the next tool call for the destinations, or an answer to the user if a project cannot be added.

        Returns None once all projects exist and all parents were searched for, found or not.
        """
        projects = list(dict.fromkeys(todo.project for todo in todos if todo.project))
        parents = list(dict.fromkeys(todo.parent for todo in todos if todo.parent))
        return (self._add_missing_projects(projects) if projects else None) or self._find_parents(parents)

    def parent_id(self, words: str | None) -> str | None:
        """Returns the id of the parent that `prepare` found for these words, or None."""
        parent = self._parents[words] if words else None
        return parent["id"] if parent else None

    def _add_missing_projects(self, names: Sequence[str]) -> Completion | None:
        if not self.remaining_results:
            return call_tool("list_projects", {})
        listed = self.remaining_results.pop(0).result["projects"]
        existing = {project["name"].casefold() for project in listed}
        missing: list[JsonValue] = [name for name in names if name.casefold() not in existing]
        if not missing:
            return None
        if not self.remaining_results:
            return call_tool("add_projects", {"names": missing})
        added = self.remaining_results.pop(0)
        self.notices.append(describe_result(added))
        are_all_added = bool(added.result.get("results")) and all(item["ok"] for item in added.result["results"])
        return None if are_all_added else Completion(describe_result(added))

    def _find_parents(self, parents: Sequence[str]) -> Completion | None:
        for words in parents:
            if not self.remaining_results:
                return call_tool("search_todos", {"text": words, "completed": False})
            self._parents[words] = _choose_parent(words, self.remaining_results.pop(0).result.get("todos", []))
        return None


def _choose_parent(words: str, found: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Returns the found todo whose title equals the words, or the only one whose title begins with them, or None.

    Upper and lower case count as equal.
    """
    exact = [todo for todo in found if todo["title"].casefold() == words.casefold()]
    beginning = [todo for todo in found if todo["title"].casefold().startswith(words.casefold())]
    return exact[0] if exact else beginning[0] if len(beginning) == 1 else None
