"""Plans searches of todos: the arguments of the search tool for a filter, and all pages of its results."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import JsonValue

from todo_assistant.commands.grammar.commands import Filter
from todo_assistant.commands.matching import TitleMatcher, write_search
from todo_assistant.commands.planner.plans import Answer, Plan, PlanEnded, call
from todo_assistant.commands.related import RelatedMatcher
from todo_assistant.commands.results import TodoView
from todo_assistant.commands.wording.todos import quote

type SearchArguments = dict[str, JsonValue]

MAX_CHANGED_TODOS: Final = 500
"""The most todos that one command changes."""
_MAX_CANDIDATES: Final = 200
"""The most todos that are compared with the words of a title."""
_DETAILED_PAGE: Final = 50
"""The most todos of a page with all their fields. The todos of a larger page have only id and title."""
_LARGE_PAGE: Final = 200
_GERUND: Final = re.compile(r"\w{3}ing\b", re.IGNORECASE)
_MAX_GERUND_CHARACTERS: Final = 200
"""Longest words that are compared by their verbs. The comparison with 200 titles takes about 10 ms."""


@dataclass(frozen=True, slots=True)
class Found:
    """The todos of a search, bounded in number, and the number of all todos that fit."""

    todos: Sequence[TodoView]
    total: int


@dataclass(frozen=True, slots=True)
class Matches:
    """The todos whose titles fit words, and if there are none, those that may be meant."""

    fitting: Sequence[TodoView]
    near: Sequence[TodoView] = ()


def search_arguments(selected: Filter, parent_id: str | None = None) -> SearchArguments:
    """Returns the arguments of the search tool for a filter, without its text and its state."""
    arguments: dict[str, Any] = {
        "tags": list(selected.tags),
        "priority": selected.priority,
        "overdue": selected.overdue,
        "undated": selected.undated,
        "due_from": selected.due,
        "due_to": selected.due,
        "completed_from": selected.completed_on,
        "completed_to": selected.completed_on,
        "project": selected.project,
        "parent_id": parent_id,
        "trashed": selected.trashed,
    }
    return {name: value for name, value in arguments.items() if value}


def find_pages(arguments: SearchArguments, *, page: int = _LARGE_PAGE, most: int = MAX_CHANGED_TODOS) -> Plan[Found]:
    """Searches page by page until there is no further page or `most` todos are found."""
    todos: list[TodoView] = []
    cursor: JsonValue = None
    while True:
        result = yield from call("search_todos", arguments | {"limit": page} | ({"cursor": cursor} if cursor else {}))
        todos += result.todos
        cursor = result.result.get("next")
        if not cursor or len(todos) >= most:
            return Found(todos[:most], max(int(result.result.get("total", 0)), len(todos)))


def match_title(words: str, arguments: SearchArguments, states: Sequence[bool | None]) -> Plan[Matches]:
    """Finds the todos whose titles fit the words: those of the first state that has any.

    If none fits, near todos have the words in their descriptions, longer words, or typing mistakes. Near is also
    `water` for `watering`.
    """
    matcher = TitleMatcher(words)
    near: list[TodoView] = []
    for completed in states:
        found = yield from find_pages(
            _with_state(arguments, completed) | {"text": write_search(words)}, page=_DETAILED_PAGE, most=_MAX_CANDIDATES
        )
        if fitting := choose_fitting(matcher, found.todos):
            return Matches(fitting)
        near += found.todos
    if near and matcher.has_long_word:
        return Matches([], near)
    found = yield from find_pages(_with_state(arguments, states[0]), most=_MAX_CANDIDATES)
    if fitting := choose_fitting(matcher, found.todos):
        return Matches(fitting)
    near = [todo for todo in found.todos if matcher.is_near(todo["title"])]
    return Matches([], near or _find_gerunds(words, found.todos))


def _find_gerunds(words: str, todos: Sequence[TodoView]) -> list[TodoView]:
    """Returns the todos whose titles have the verb of a gerund: `water the plants` for `watering the plants`."""
    if len(words) > _MAX_GERUND_CHARACTERS or _GERUND.search(words) is None:
        return []
    matcher = RelatedMatcher(words, words)
    return [todo for todo in todos if matcher.fits(todo["title"])]


def find_related(line: str, subject: str) -> Plan[list[TodoView]]:
    """Finds open todos whose titles are a part of a line, or which have all words of its subject.

    Of more than 200 open todos, those beyond are found by the subject alone.
    """
    found = yield from find_pages({"completed": False}, most=_MAX_CANDIDATES)
    matcher = RelatedMatcher(line, subject)
    related = [todo for todo in found.todos if matcher.fits(todo["title"])]
    if related or not subject or found.total <= _MAX_CANDIDATES:
        return related
    return list((yield from match_title(subject, {}, [False])).fitting)


def choose_fitting(matcher: TitleMatcher, todos: Sequence[TodoView]) -> list[TodoView]:
    """Returns the todos whose titles equal the words, or else those whose titles contain all words."""
    equal = [todo for todo in todos if matcher.is_equal(todo["title"])]
    return equal or [todo for todo in todos if matcher.fits(todo["title"])]


def find_parent_id(words: str | None) -> Plan[str | None]:
    """Returns the id of the only open todo that fits the words. Ends the plan if there is not exactly one."""
    if words is None:
        return None
    matches = yield from match_title(words, {}, [False])
    if len(matches.fitting) != 1:
        number = "several open todos fit" if matches.fitting else "no open todo fits"
        raise PlanEnded(Answer(f"I cannot tell which todo you mean: {number} {quote(words)}."))
    return str(matches.fitting[0]["id"])


def find_mistyped(words: str, arguments: SearchArguments) -> Plan[list[TodoView]]:
    """Finds the todos whose titles fit the words by beginnings of words or after typing mistakes."""
    matcher = TitleMatcher(words)
    found = yield from find_pages(arguments, most=_MAX_CANDIDATES)
    return [todo for todo in found.todos if matcher.is_near(todo["title"])]


def _with_state(arguments: SearchArguments, completed: bool | None) -> SearchArguments:  # noqa: FBT001 - a value to search for
    return arguments if completed is None else arguments | {"completed": completed}
