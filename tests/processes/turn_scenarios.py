"""Turns that crash tests interrupt: scripted model replies, requests of the client, and expected rows."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2

from tests import postgres
from tests.accounts import Account, problem
from tests.model_replies import Call, Json, ReceivedRequest, Reply, Say, ToolCalls, unfence

CHAT = "/api/v1/chat"

TIDY = "Tidy up."
COMPLETE = "Buy of the milk: done."
UNDO = "Undo that."

EXPIRE = "UPDATE turns SET leased_until = now() WHERE user_id = $1 AND leased_until IS NOT NULL"
TODOS = """
    SELECT title, completed, deleted_at IS NOT NULL, version FROM todos WHERE user_id = $1 ORDER BY title
"""
CHANGES = """
    SELECT changes.seq, op, coalesce(after, before)->>'title', actor, turns.message
    FROM changes LEFT JOIN turns ON turns.id = changes.turn_id WHERE changes.user_id = $1 ORDER BY changes.seq
"""
TURNS = """
    SELECT message, status, stopped_by, response, undone_at IS NOT NULL, lease IS NULL AND leased_until IS NULL,
        (SELECT count(*) FROM rounds WHERE turn_id = turns.id)
    FROM turns WHERE user_id = $1 ORDER BY id
"""
TOOL_CALLS = """
    SELECT message, round, position, call_id, name, ok FROM tool_calls JOIN turns ON turns.id = turn_id
    WHERE user_id = $1 ORDER BY turns.id, round, position
"""
USAGE = "SELECT sum(turns)::int, sum(tokens)::int FROM assistant_usage WHERE user_id = $1"


def parse_request(request: ReceivedRequest) -> tuple[str, int, dict[str, str]]:
    """Returns the last user message, the number of later messages with tool calls, and ids by title of todos.

    The ids are those in the results of these tool calls.
    """
    messages = request.messages
    start = max(index for index, message in enumerate(messages) if message["role"] == "user")
    steps = 0
    ids: dict[str, str] = {}
    for message in messages[start:]:
        if message.get("tool_calls"):
            steps += 1
        elif message["role"] == "tool":
            ids |= {todo["title"]: todo["id"] for todo in unfence(message["content"]).get("todos", [])}
    return messages[start]["content"], steps, ids


def reply_to(request: ReceivedRequest) -> Reply:
    """Returns the scripted reply of the model. Equal requests get equal replies, so a turn can be repeated."""
    message, steps, ids = parse_request(request)
    scripts: dict[str, list[Callable[[], Reply]]] = {
        TIDY: [
            lambda: Call("search_todos", {}, id="found"),
            lambda: ToolCalls(
                Call("add_todos", {"todos": [{"title": "Bread"}, {"title": "Butter"}]}, id="added"),
                Call("complete_todos", {"ids": [ids["Milk"]]}, id="completed"),
            ),
            lambda: ToolCalls(
                Call("delete_todos", {"ids": [ids["Rubbish"]]}, id="deleted"),
                Call("update_todos", {"changes": [{"id": ids["Eggs"], "title": "Six eggs"}]}, id="renamed"),
            ),
            lambda: Call("add_todos", {"todos": [{"title": "Cheese"}]}, id="added again"),
            lambda: Say("Tidied up."),
        ],
        COMPLETE: [
            lambda: Call("search_todos", {"text": "milk"}, id="found"),
            lambda: Call("complete_todos", {"ids": [ids["Milk"]]}, id="completed"),
            lambda: Say("Completed."),
        ],
        UNDO: [lambda: Call("undo_last_turn", {}, id="undone"), lambda: Say("Undone.")],
    }
    return scripts[message][steps]()


@dataclass(frozen=True)
class DatabaseState:
    """Rows of a user that a turn may write: todos, change log, turns, tool calls, and usage."""

    todos: list[tuple[Any, ...]]
    changes: list[tuple[Any, ...]]
    turns: list[tuple[Any, ...]]
    tool_calls: list[tuple[Any, ...]]
    usage: list[tuple[Any, ...]]

    @classmethod
    def of(cls, database_url: str, account: Account) -> "DatabaseState":
        statements = TODOS, CHANGES, TURNS, TOOL_CALLS, USAGE

        async def fetch() -> list[list[tuple[Any, ...]]]:
            connection = await postgres.connect(database_url)
            try:
                found = [await connection.fetch(statement, UUID(account.user["id"])) for statement in statements]
            finally:
                await connection.close()
            return [[tuple(row) for row in rows] for rows in found]

        return cls(*asyncio.run(fetch()))


TIDIED = DatabaseState(
    todos=[
        ("Bread", False, False, 1),
        ("Butter", False, False, 1),
        ("Cheese", False, False, 1),
        ("Milk", True, False, 2),
        ("Rubbish", False, True, 2),
        ("Six eggs", False, False, 2),
    ],
    changes=[
        (1, "create", "Milk", "user", None),
        (2, "create", "Eggs", "user", None),
        (3, "create", "Rubbish", "user", None),
        (4, "create", "Bread", "assistant", TIDY),
        (5, "create", "Butter", "assistant", TIDY),
        (6, "complete", "Milk", "assistant", TIDY),
        (7, "update", "Six eggs", "assistant", TIDY),
        (8, "delete", "Rubbish", "assistant", TIDY),
        (9, "create", "Cheese", "assistant", TIDY),
    ],
    turns=[(TIDY, "done", None, "Tidied up.", False, True, 5)],
    tool_calls=[
        (TIDY, 1, 1, "found", "search_todos", True),
        (TIDY, 2, 1, "added", "add_todos", True),
        (TIDY, 2, 2, "completed", "complete_todos", True),
        (TIDY, 3, 1, "deleted", "delete_todos", True),
        (TIDY, 3, 2, "renamed", "update_todos", True),
        (TIDY, 4, 1, "added again", "add_todos", True),
    ],
    usage=[(1, 5 * 18)],
)
UNDONE = DatabaseState(
    todos=[("Eggs", False, False, 1), ("Milk", False, False, 3), ("Rubbish", False, False, 1)],
    changes=[
        *TIDIED.changes[:3],
        (4, "complete", "Milk", "assistant", COMPLETE),
        (5, "reopen", "Milk", "assistant", UNDO),
    ],
    turns=[
        (COMPLETE, "done", None, "Completed.", True, True, 3),
        (UNDO, "done", None, "Undone.", False, True, 2),
    ],
    tool_calls=[
        (COMPLETE, 1, 1, "found", "search_todos", True),
        (COMPLETE, 2, 1, "completed", "complete_todos", True),
        (UNDO, 1, 1, "undone", "undo_last_turn", True),
    ],
    usage=[(2, 5 * 18)],
)


UNDONE_BY_ROUTE = DatabaseState(
    todos=UNDONE.todos,
    changes=[*UNDONE.changes[:4], (5, "reopen", "Milk", "user", None)],
    turns=UNDONE.turns[:1],
    tool_calls=UNDONE.tool_calls[:2],
    usage=[(1, 3 * 18)],
)


@dataclass(frozen=True)
class Client:
    """Client of one user. A repeated chat message has the same idempotency key, so the turn is not started again."""

    account: Account
    database_url: str

    def chat(
        self, message: str = TIDY, *, url: str = "", conversation_id: str | None = None, timeout: float = 30
    ) -> httpx2.Response:
        return self.account.client.post(
            f"{url}{CHAT}",
            json={"message": message, "conversation_id": conversation_id},
            headers={"Idempotency-Key": message.replace(" ", "-")},
            timeout=timeout,
        )

    def approve(self, turn_id: str, *, url: str = "") -> httpx2.Response:
        return self.account.client.post(f"{url}{CHAT}/turns/{turn_id}/approval", json={"approve": True})

    def expire_lease(self) -> None:
        """Ends the leases of the user's turns in the database, so that a test need not wait for their end."""
        postgres.query(self.database_url, EXPIRE, UUID(self.account.user["id"]))

    @property
    def state(self) -> DatabaseState:
        return DatabaseState.of(self.database_url, self.account)


def assert_ended(response: httpx2.Response, status: str = "done") -> Json:
    """Asserts that a response contains a turn with this status. Returns the turn."""
    assert response.status_code == 200, response.text
    turn: Json = response.json()
    assert turn["status"] == status, turn
    return turn


class Chat:
    """Scenario in which the process is interrupted in the chat request that starts a turn."""

    expected = TIDIED

    def __init__(self, client: Client) -> None:
        self._client = client

    def send(self, url: str = "") -> httpx2.Response:
        return self._client.chat(url=url)

    def repeat(self) -> None:
        turn = assert_ended(self._client.chat(), "needs_approval")
        assert_ended(self._client.approve(turn["turn_id"]))


class Approval:
    """Scenario in which the process is interrupted in the approval request, which continues a turn."""

    expected = TIDIED

    def __init__(self, client: Client) -> None:
        self._client = client
        self._turn_id: str = assert_ended(client.chat(), "needs_approval")["turn_id"]

    def send(self, url: str = "") -> httpx2.Response:
        return self._client.approve(self._turn_id, url=url)

    def repeat(self) -> None:
        repeated = self.send()
        if repeated.status_code == 409:
            # The approval was complete and only its response was lost, so the repeated approval is refused.
            problem(repeated, 409, "nothing_to_approve")
        else:
            assert_ended(repeated)
        response = self._client.chat()
        assert_ended(response)
        assert response.headers["idempotent-replayed"] == "true"


class ApprovalRepeatedByItsChat(Approval):
    """Scenario of an interrupted approval, after which the client repeats the chat request."""

    def repeat(self) -> None:
        turn = self._client.chat().json()
        if turn["status"] == "needs_approval":
            # The crash came before the approval was stored, so the client sends the approval again.
            assert_ended(self.send())
        assert_ended(self._client.chat())


class Undo:
    """Scenario in which the process is interrupted in a chat request that lets the assistant undo an earlier turn."""

    expected = UNDONE

    def __init__(self, client: Client) -> None:
        self._client = client
        self._conversation_id: str = assert_ended(client.chat(COMPLETE))["conversation_id"]

    def send(self, url: str = "") -> httpx2.Response:
        return self._client.chat(UNDO, url=url, conversation_id=self._conversation_id)

    def repeat(self) -> None:
        assert_ended(self.send())


class UndoByRoute:
    """Scenario in which the process is interrupted in a request to the undo route of an earlier turn."""

    expected = UNDONE_BY_ROUTE

    def __init__(self, client: Client) -> None:
        self._client = client
        self._turn_id: str = assert_ended(client.chat(COMPLETE))["turn_id"]

    def send(self, url: str = "") -> httpx2.Response:
        return self._client.account.client.post(f"{url}{CHAT}/turns/{self._turn_id}/undo")

    def repeat(self) -> None:
        repeated = self.send()
        if repeated.status_code == 409:
            # The undo was complete and only its response was lost, so the repeated undo is refused.
            problem(repeated, 409, "turn_undone")
        else:
            assert [todo["title"] for todo in repeated.json()["undone"]] == ["Milk"]


type Scenario = Chat | Approval | Undo | UndoByRoute
