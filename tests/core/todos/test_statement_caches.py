"""Statements that clients can vary are cached within a bound."""

import random
from collections.abc import Iterator
from importlib import import_module
from inspect import signature
from pkgutil import walk_packages
from types import ModuleType
from typing import get_args

import functions
import todo_assistant
import todo_core
import todo_delivery
from todo_core.todos import due_lists, lists, queries
from todo_core.todos.filters import Filters, ListSort
from todo_core.todos.model import TodoUpdate

SHAPES = 40_000
MAX_STATEMENTS = 256
MAX_CACHED_BYTES = 3_000_000

UNBOUNDED = {
    "todo_core.accounts.export._find_json_columns": "tables of the schema",
    "todo_core.accounts.export_queries.build_page_statement": "tables of the schema",
    "todo_core.accounts.operations._build_update": "2 columns",
    "todo_core.todos.projects._select_page": "a flag",
    "todo_core.todos.projects._update_columns": "3 columns and a flag",
    "todo_core.todos.queries.delete": "a flag",
    "todo_core.todos.queries.restore": "a flag",
    "todo_core.accounts.token_texts._pattern": "prefixes of tokens",
    "todo_core.web.middleware.request_scope.list_common_headers": "cache policies and schemes",
    "todo_core.web.scopes.find_scopes": "operations",
    "todo_core.reminders.push_keys._derive": "the key of the settings",
    "todo_delivery.push.encryption._load_key": "the key of the settings",
    "todo_delivery.webhooks.requests._make_client": "a flag",
    "functions.todos.listing.list_sorted_by": "sort orders",
    "todo_assistant.phrases.languages.lexicon.load_lexicon": "languages",
    "todo_assistant.phrases.languages.replies._ordinals": "languages",
    "todo_assistant.phrases.languages.replies._folded_list": "languages",
    "todo_assistant.commands.languages.patterns.edge_words": "languages",
    "todo_assistant.commands.languages.patterns.known_words": "languages",
    "todo_assistant.commands.languages.patterns.load_sentences": "languages",
}
"""Caches with arguments and without a bound, each with the kind of its keys. No client can add keys."""


def make_random_filters(choose: random.Random) -> Filters:
    """Returns the names of filters that a client may combine. Their values play no role in a statement."""
    names = ("completed", "priority", "tags", "q", "project_id", "parent_id", "due_from", "due_until", "trashed")
    chosen = {name: "any" for name in names if choose.random() < 0.5}
    chosen |= choose.choice(({}, {"overdue": "any"}, {"not_overdue": "any"}))
    return Filters(**chosen)  # type: ignore[arg-type]


def test_lists_of_every_shape_keep_few_statements() -> None:
    choose = random.Random(15)  # noqa: S311 - a repeatable choice
    lists.select_page.cache_clear()
    kept: dict[str, int] = {}

    for _ in range(SHAPES):
        filters = make_random_filters(choose)
        sort = choose.choice(get_args(ListSort)) if "q" not in filters.conditions else "relevance"
        start = choose.choice(("start", "after_todo"))
        statement = lists.select_page(frozenset(filters.conditions), sort, start=start, by_bytes=choose.random() < 0.5)
        kept[statement.sql] = len(statement.sql)

    assert len(kept) > 10 * MAX_STATEMENTS
    assert lists.select_page.cache_info().currsize <= MAX_STATEMENTS
    assert MAX_STATEMENTS * max(kept.values()) < MAX_CACHED_BYTES


def test_lists_by_due_date_keep_few_statements() -> None:
    choose = random.Random(15)  # noqa: S311 - a repeatable choice
    due_lists.select_page.cache_clear()
    sizes = []

    for _ in range(2_000):
        conditions = frozenset(make_random_filters(choose).conditions)
        start = choose.choice(("start", "after_due", "after_undated"))
        descending, by_bytes = choose.random() < 0.5, choose.random() < 0.5
        statement = due_lists.select_page(conditions, descending=descending, start=start, by_bytes=by_bytes)
        sizes.append(len(statement.sql))

    assert due_lists.select_page.cache_info().currsize * max(sizes) < MAX_CACHED_BYTES


def test_changes_of_every_set_of_fields_keep_few_statements() -> None:
    choose = random.Random(15)  # noqa: S311 - a repeatable choice
    queries.update_columns.cache_clear()
    queries.complete_or_read.cache_clear()

    for _ in range(2_000):
        columns = frozenset(name for name in TodoUpdate.model_fields if choose.random() < 0.5)
        queries.update_columns(columns, checked=False)
        queries.complete_or_read(columns | {"completed"}, checked=False)

    for statements in (queries.update_columns, queries.complete_or_read):
        assert statements.cache_info().currsize <= MAX_STATEMENTS


def find_modules(*packages: ModuleType) -> Iterator[ModuleType]:
    """Yields the modules of the packages, without those that make an app or run a command when they are imported."""
    for package in packages:
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.rpartition(".")[2] not in {"app", "main", "__main__"}:
                yield import_module(module.name)


def test_a_cache_without_a_bound_has_keys_that_no_client_chooses() -> None:
    unbounded = {
        f"{module.__name__}.{name}"
        for module in find_modules(functions, todo_assistant, todo_delivery, todo_core)
        for name, value in vars(module).items()
        if hasattr(value, "cache_parameters")
        and value.__module__ == module.__name__
        and value.cache_parameters()["maxsize"] is None
        and signature(value).parameters
    }

    assert unbounded == UNBOUNDED.keys()
