"""Pages of lists are bounded in bytes: with long texts they have fewer items than `limit`, and a link to the rest."""

from typing import Any
from uuid import UUID

import httpx2
import pytest

from tests import postgres
from tests.accounts import CHAT, TODOS, Account, problem

MAX_BYTES = 1024 * 1024
LONGEST = "🚲" * 16_384
LONGEST_WITH_ESCAPES = '"' * 16_384
COUNT = 40
"""Todos with descriptions of 64 KB each: 2.6 MB."""

ADD_TODOS = """
    INSERT INTO todos (id, user_id, title, description, "order")
    SELECT gen_random_uuid(), $1, 'Read ' || n, $2, n FROM generate_series(1, $3::int) AS n
"""
CHANGE_TODOS = "UPDATE todos SET title = 'Read again', description = description || $2 WHERE user_id = $1"
ADD_TURNS = """
    WITH conversation AS (
        INSERT INTO conversations (id, user_id, title) VALUES (gen_random_uuid(), $1, 'Long') RETURNING id, user_id
    )
    INSERT INTO turns (id, user_id, conversation_id, message_id, reply_id, request_digest, message, timezone, model,
        status, response)
    SELECT gen_random_uuid(), user_id, id, gen_random_uuid(), gen_random_uuid(), '', 'Message ' || n, 'UTC', 'commands',
        'done', $2
    FROM conversation, generate_series(1, $3::int) AS n
"""

type Json = dict[str, Any]


def read_pages(account: Account, url: str) -> list[list[Json]]:
    """Returns the items of all pages of a list. Asserts that each page is short enough for every surface."""
    pages: list[list[Json]] = []
    while url:
        page = account.client.get(url)
        assert page.status_code == 200, page.text
        assert len(page.content) < MAX_BYTES
        pages.append(page.json())
        assert pages[-1]
        url = page.links.get("next", {}).get("url", "")
    return pages


@pytest.mark.parametrize("description", [LONGEST, LONGEST_WITH_ESCAPES])
@pytest.mark.parametrize("query", ["sort=order", "sort=title", "sort=-due", "q=read", "q=read&sort=-created_at"])
def test_a_list_has_every_todo_once(ada: Account, database_url: str, query: str, description: str) -> None:
    postgres.query(database_url, ADD_TODOS, UUID(ada.user["id"]), description, COUNT)

    pages = read_pages(ada, f"{TODOS}?limit=200&{query}")

    titles = [todo["title"] for page in pages for todo in page]
    assert sorted(titles) == sorted(f"Read {n}" for n in range(1, COUNT + 1))
    assert {todo["description"] for page in pages for todo in page} == {description}
    assert len(pages) == (6 if description == LONGEST else 2)


@pytest.mark.parametrize("added", ["!", ""])
def test_the_change_log_has_every_change_once(ada: Account, database_url: str, added: str) -> None:
    user_id = UUID(ada.user["id"])
    postgres.query(database_url, ADD_TODOS, user_id, LONGEST[:-1], 10)
    postgres.query(database_url, CHANGE_TODOS, user_id, added)

    pages = read_pages(ada, f"{TODOS}/changes?limit=200")

    changes = [change for page in pages for change in page]
    assert [change["seq"] for change in changes] == list(range(1, 21))
    assert {change["after"]["description"] for change in changes[10:]} == {LONGEST[:-1] + added}
    assert {change["before"]["description"] for change in changes[10:]} == {LONGEST[:-1]}
    assert len(pages) > 2


def test_the_history_has_every_message_once(ada: Account, database_url: str) -> None:
    postgres.query(database_url, ADD_TURNS, UUID(ada.user["id"]), LONGEST, COUNT)

    pages = read_pages(ada, f"{CHAT}/history?limit=200")

    messages = [message["content"] for page in pages for message in page]
    assert sorted(message for message in messages if message != LONGEST) == sorted(
        f"Message {n}" for n in range(1, COUNT + 1)
    )
    assert messages.count(LONGEST) == COUNT
    assert len(pages) > 2


def test_a_message_that_fills_a_page_alone_does_not_end_the_history(ada: Account, database_url: str) -> None:
    postgres.query(database_url, ADD_TURNS, UUID(ada.user["id"]), "x" * 600_000, 3)

    pages = read_pages(ada, f"{CHAT}/history?limit=200")

    assert sum(map(len, pages)) == 6
    assert len(pages) > 2


def test_a_batch_that_would_return_too_much_changes_nothing(ada: Account, database_url: str) -> None:
    postgres.query(database_url, ADD_TODOS, UUID(ada.user["id"]), LONGEST, COUNT)
    todos = [todo for page in read_pages(ada, f"{TODOS}?limit=200") for todo in page]

    def complete(todos: list[Json]) -> httpx2.Response:
        operations = [{"op": "update", "id": todo["id"], "changes": {"completed": True}} for todo in todos]
        return ada.client.post(f"{TODOS}/batch", json={"operations": operations})

    assert "Nothing was changed" in problem(complete(todos), 413, "batch_too_large")["detail"]
    assert ada.titles(completed="true") == []
    assert complete(todos[:30]).status_code == 200
    assert len(read_pages(ada, f"{TODOS}?limit=200&completed=true")) > 2


def test_short_texts_fill_a_page(ada: Account, database_url: str) -> None:
    postgres.query(database_url, ADD_TODOS, UUID(ada.user["id"]), "Short", 201)

    assert [len(page) for page in read_pages(ada, f"{TODOS}?limit=200")] == [200, 1]
