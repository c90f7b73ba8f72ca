"""A process may die at any point of a turn: who repeats the request gets one turn, whole and once.

Everything that a turn leaves behind is in the database. So the points at which its death makes a difference are those
before and after each COMMIT, and each is tried: a process kills itself at the first, another one at the second, until
one lives to answer. The same goes for processes that only seem to be dead, between any two statements.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from queue import SimpleQueue
from threading import Event, Lock
from typing import Any
from uuid import UUID

import httpx2
import pytest

from tests import postgres, serving
from tests.accounts import Account, problem, sign_up
from tests.model_replies import Call, Json, ReceivedRequest, Reply, Say, ToolCalls
from tests.processes.crashing_app import Nursery, nursery
from tests.scripted_model import ScriptedModel
from tests.serving import OnPort
from todo_assistant.models.prompt import unfence

CHAT = "/api/v1/chat"
SIDE_BY_SIDE = 2
MOST_POINTS = 400
IN_THE_FIRST_ROUND = 7
PATIENCE = 0.2

TIDY = "Tidy up."
COMPLETE = "Buy of the milk: done."
UNDO = "Undo that."

EXPIRE = "UPDATE turns SET leased_until = now() WHERE user_id = $1 AND leased_until IS NOT NULL"
TODOS_LEFT = """
    SELECT title, completed, deleted_at IS NOT NULL, version FROM todos WHERE user_id = $1 ORDER BY title
"""
CHANGES_LEFT = """
    SELECT changes.seq, op, coalesce(after, before)->>'title', actor, turns.message
    FROM changes LEFT JOIN turns ON turns.id = changes.turn_id WHERE changes.user_id = $1 ORDER BY changes.seq
"""
TURNS_LEFT = """
    SELECT message, status, stopped_by, response, undone_at IS NOT NULL, lease IS NULL AND leased_until IS NULL,
        (SELECT count(*) FROM rounds WHERE turn_id = turns.id)
    FROM turns WHERE user_id = $1 ORDER BY id
"""
CALLS_LEFT = """
    SELECT message, round, position, call_id, name, ok FROM tool_calls JOIN turns ON turns.id = turn_id
    WHERE user_id = $1 ORDER BY turns.id, round, position
"""
SPENT = "SELECT sum(turns)::int, sum(tokens)::int FROM assistant_usage WHERE user_id = $1"


def called(request: ReceivedRequest) -> tuple[str, int, dict[str, str]]:
    """What the user said last, how many rounds of calls have followed, and the ids of the todos that were found."""
    messages = request.messages
    start = max(at for at, message in enumerate(messages) if message["role"] == "user")
    rounds = 0
    ids: dict[str, str] = {}
    for message in messages[start:]:
        if message.get("tool_calls"):
            rounds += 1
        elif message["role"] == "tool":
            ids |= {todo["title"]: todo["id"] for todo in unfence(message["content"]).get("todos", [])}
    return messages[start]["content"], rounds, ids


def reply_to(request: ReceivedRequest) -> Reply:
    """The same to the same messages, whoever asks and however often."""
    message, rounds, ids = called(request)
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
    return scripts[message][rounds]()


@dataclass(frozen=True)
class Left:
    """Everything that a user has in the database afterwards."""

    todos: list[tuple[Any, ...]]
    changes: list[tuple[Any, ...]]
    turns: list[tuple[Any, ...]]
    calls: list[tuple[Any, ...]]
    spent: list[tuple[Any, ...]]

    @classmethod
    def of(cls, database_url: str, account: Account) -> "Left":
        statements = TODOS_LEFT, CHANGES_LEFT, TURNS_LEFT, CALLS_LEFT, SPENT

        async def fetch() -> list[list[tuple[Any, ...]]]:
            connection = await postgres.connect(database_url)
            try:
                found = [await connection.fetch(statement, UUID(account.user["id"])) for statement in statements]
            finally:
                await connection.close()
            return [[tuple(row) for row in rows] for rows in found]

        return cls(*asyncio.run(fetch()))


TIDIED = Left(
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
    calls=[
        (TIDY, 1, 1, "found", "search_todos", True),
        (TIDY, 2, 1, "added", "add_todos", True),
        (TIDY, 2, 2, "completed", "complete_todos", True),
        (TIDY, 3, 1, "deleted", "delete_todos", True),
        (TIDY, 3, 2, "renamed", "update_todos", True),
        (TIDY, 4, 1, "added again", "add_todos", True),
    ],
    spent=[(1, 5 * 18)],
)
UNDONE = Left(
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
    calls=[
        (COMPLETE, 1, 1, "found", "search_todos", True),
        (COMPLETE, 2, 1, "completed", "complete_todos", True),
        (UNDO, 1, 1, "undone", "undo_last_turn", True),
    ],
    spent=[(2, 5 * 18)],
)


UNDONE_BY_ROUTE = Left(
    todos=UNDONE.todos,
    changes=[*UNDONE.changes[:4], (5, "reopen", "Milk", "user", None)],
    turns=UNDONE.turns[:1],
    calls=UNDONE.calls[:2],
    spent=[(1, 3 * 18)],
)


@dataclass(frozen=True)
class Client:
    """One user's client, which repeats what was not answered."""

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
        """The time of the dead process is over: to wait for that proves nothing more."""
        postgres.query(self.database_url, EXPIRE, UUID(self.account.user["id"]))

    @property
    def left(self) -> Left:
        return Left.of(self.database_url, self.account)


def ended(response: httpx2.Response, status: str = "done") -> Json:
    """Asserts that the turn ended so, and gives it."""
    assert response.status_code == 200, response.text
    turn: Json = response.json()
    assert turn["status"] == status, turn
    return turn


class Chat:
    """The process dies in the request that begins the turn."""

    leaves = TIDIED

    def __init__(self, client: Client) -> None:
        self._client = client

    def send(self, url: str = "") -> httpx2.Response:
        return self._client.chat(url=url)

    def repeat(self) -> None:
        turn = ended(self._client.chat(), "needs_approval")
        ended(self._client.approve(turn["turn_id"]))


class Approval:
    """The process dies while it goes on with a turn that was approved."""

    leaves = TIDIED

    def __init__(self, client: Client) -> None:
        self._client = client
        self._turn_id: str = ended(client.chat(), "needs_approval")["turn_id"]

    def send(self, url: str = "") -> httpx2.Response:
        return self._client.approve(self._turn_id, url=url)

    def repeat(self) -> None:
        repeated = self.send()
        if repeated.status_code == 409:
            # Only the answer was lost. An approval counts once; the request behind it answers what became of it.
            problem(repeated, 409, "nothing_to_approve")
        else:
            ended(repeated)
        answered = self._client.chat()
        ended(answered)
        assert answered.headers["idempotent-replayed"] == "true"


class ApprovalRepeatedByItsChat(Approval):
    """The same, but the client repeats the request that began the turn, and not the approval."""

    def repeat(self) -> None:
        turn = self._client.chat().json()
        if turn["status"] == "needs_approval":
            # The approval had not arrived.
            ended(self.send())
        ended(self._client.chat())


class Undo:
    """The process dies while the assistant takes back an earlier turn."""

    leaves = UNDONE

    def __init__(self, client: Client) -> None:
        self._client = client
        self._conversation_id: str = ended(client.chat(COMPLETE))["conversation_id"]

    def send(self, url: str = "") -> httpx2.Response:
        return self._client.chat(UNDO, url=url, conversation_id=self._conversation_id)

    def repeat(self) -> None:
        ended(self.send())


class UndoByRoute:
    """The process dies while the user takes back an earlier turn."""

    leaves = UNDONE_BY_ROUTE

    def __init__(self, client: Client) -> None:
        self._client = client
        self._turn_id: str = ended(client.chat(COMPLETE))["turn_id"]

    def send(self, url: str = "") -> httpx2.Response:
        return self._client.account.client.post(f"{url}{CHAT}/turns/{self._turn_id}/undo")

    def repeat(self) -> None:
        repeated = self.send()
        if repeated.status_code == 409:
            # Only the answer was lost.
            problem(repeated, 409, "turn_undone")
        else:
            assert [todo["title"] for todo in repeated.json()["undone"]] == ["Milk"]


type Stage = Chat | Approval | Undo | UndoByRoute


@pytest.fixture(scope="module")
def service(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnPort]:
    """The process that lives, and serves whatever is repeated."""
    with serving.on_port(environment, folder=str(tmp_path_factory.mktemp("service"))) as service:
        yield service


@pytest.fixture(scope="module")
def nurseries(environment: dict[str, str]) -> Iterator[list[Nursery]]:
    with ExitStack() as stack:
        yield [stack.enter_context(nursery(environment)) for _ in range(SIDE_BY_SIDE)]


@pytest.fixture(autouse=True)
def _model(scripted: ScriptedModel) -> Iterator[None]:
    scripted.answer_with(reply_to)
    yield
    assert scripted.unexpected == []


@pytest.fixture
def new_client(service: OnPort, database_url: str) -> Iterator[Callable[[], Client]]:
    """Makes clients of new users with three todos."""
    with ExitStack() as stack:

        def make() -> Client:
            account = sign_up(stack.enter_context(service.client()))
            for title in ("Milk", "Eggs", "Rubbish"):
                account.add(title)
            return Client(account, database_url)

        yield make


def at_every_point(nurseries: list[Nursery], attempt: Callable[[Nursery, int], bool]) -> int:
    """Attempts points 1, 2, ..., side by side, until one tells that nothing happened; gives how many did."""
    numbers, lock, over = count(1), Lock(), Event()
    happened: SimpleQueue[int] = SimpleQueue()

    def work(each: Nursery) -> None:
        while not over.is_set():
            with lock:
                number = next(numbers)
            if number > MOST_POINTS or not attempt(each, number):
                over.set()
            else:
                happened.put(number)

    with ThreadPoolExecutor(len(nurseries)) as threads:
        for done in [threads.submit(work, each) for each in nurseries]:
            done.result()
    points = sorted(happened.get() for _ in range(happened.qsize()))
    assert points == list(range(1, len(points) + 1))
    return len(points)


class TestDeath:
    @pytest.mark.parametrize(
        ("stage", "least"), [(Chat, 35), (Approval, 21), (ApprovalRepeatedByItsChat, 21), (Undo, 21), (UndoByRoute, 3)]
    )
    def test_at_any_point_leaves_one_turn_when_the_request_is_repeated(
        self,
        nurseries: list[Nursery],
        new_client: Callable[[], Client],
        stage: Callable[[Client], Stage],
        least: int,
    ) -> None:
        def dies_at(nursery: Nursery, point: int) -> bool:
            client = new_client()
            staged = stage(client)
            process = nursery.process(point)
            try:
                answered = staged.send(process.url)
            except httpx2.TransportError:
                assert process.event() == "died"
                died = True
            else:
                assert process.event() == "answered"
                assert answered.status_code == 200, answered.text
                died = False
            client.expire_lease()
            staged.repeat()
            assert client.left == staged.leaves, f"It died at point {point}."
            return died

        assert at_every_point(nurseries, dies_at) >= least

    def test_before_anything_was_asked_of_the_database_leaves_it_to_the_repeat(
        self, nurseries: list[Nursery], new_client: Callable[[], Client]
    ) -> None:
        staged = Chat(client := new_client())
        process = nurseries[0].process(MOST_POINTS)
        os.kill(process.id, signal.SIGKILL)
        assert process.event() == "died"
        with pytest.raises(httpx2.TransportError):
            staged.send(process.url)
        staged.repeat()
        assert client.left == TIDIED

    def test_keeps_others_out_for_no_longer_than_the_lease(
        self, nurseries: list[Nursery], new_client: Callable[[], Client], environment: dict[str, str]
    ) -> None:
        client = new_client()
        process = nurseries[0].process(IN_THE_FIRST_ROUND)
        with pytest.raises(httpx2.TransportError):
            client.chat(url=process.url)
        assert process.event() == "died"
        died = time.monotonic()
        refused = client.chat()
        problem(refused, 409, "turn_in_progress")
        lease = float(environment["ASSISTANT_SECONDS"]) + 2
        assert 0 < int(refused.headers["retry-after"]) <= lease
        time.sleep(int(refused.headers["retry-after"]))
        Chat(client).repeat()
        assert time.monotonic() - died < lease + 3
        assert client.left == TIDIED


class TestSeemingDeath:
    """A process that stops for so long that another one takes its turn over, and then wakes up."""

    def test_at_any_point_leaves_one_turn(self, nurseries: list[Nursery], new_client: Callable[[], Client]) -> None:
        def freezes_at(nursery: Nursery, point: int) -> bool:
            client = new_client()
            staged = Undo(client)
            process = nursery.process(point, signal.SIGSTOP)
            with ThreadPoolExecutor(2) as threads:
                late = threads.submit(staged.send, process.url)
                froze = process.event() == "stopped"
                if froze:
                    repeated = threads.submit(insist, client, staged)
                    # Unless it has to wait for what the other one has locked.
                    wait([repeated], timeout=PATIENCE)
                    os.kill(process.id, signal.SIGCONT)
                    assert process.event() == "answered"
                    ended(repeated.result())
            if late.result().status_code == 409:
                problem(late.result(), 409, "turn_in_progress")
            else:
                ended(late.result())
            assert client.left == UNDONE, f"It froze at point {point}."
            return froze

        assert at_every_point(nurseries, freezes_at) >= 40

    def test_while_the_model_thinks_ends_with_a_409_and_no_effect(
        self, nurseries: list[Nursery], new_client: Callable[[], Client], scripted: ScriptedModel
    ) -> None:
        awake = Event()
        scripted.answer_with(only_the_first_waits_for(awake))
        client = new_client()
        process = nurseries[0].process(MOST_POINTS)
        with ThreadPoolExecutor(1) as threads:
            late = threads.submit(client.chat, url=process.url)
            scripted.wait_until(lambda: len(scripted.requests) == 1)
            client.expire_lease()
            Chat(client).repeat()
            awake.set()
            problem(late.result(), 409, "turn_in_progress")
        assert process.event() == "answered"
        assert client.left == TIDIED


class TestLife:
    def test_a_repeat_while_the_turn_is_being_worked_on_is_refused_and_has_no_effect(
        self, nurseries: list[Nursery], new_client: Callable[[], Client], scripted: ScriptedModel
    ) -> None:
        goes_on = Event()
        scripted.answer_with(only_the_first_waits_for(goes_on))
        client = new_client()
        process = nurseries[0].process(MOST_POINTS)
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(client.chat, url=process.url)
            scripted.wait_until(lambda: len(scripted.requests) == 1)
            before = client.left
            for _ in range(3):
                refused = client.chat()
                problem(refused, 409, "turn_in_progress")
                assert 0 < int(refused.headers["retry-after"]) <= 7  # the seconds of a turn, and two
            assert client.left == before
            assert len(scripted.requests) == 1
            goes_on.set()
            turn = ended(first.result(), "needs_approval")
        assert process.event() == "answered"
        ended(client.approve(turn["turn_id"]))
        assert client.left == TIDIED

    def test_a_repeated_approval_while_it_is_being_worked_on_is_refused_and_has_no_effect(
        self, nurseries: list[Nursery], new_client: Callable[[], Client], scripted: ScriptedModel
    ) -> None:
        client = new_client()
        staged = Approval(client)
        goes_on = Event()
        scripted.answer_with(only_the_first_waits_for(goes_on))
        process = nurseries[0].process(MOST_POINTS)
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(staged.send, process.url)
            scripted.wait_until(lambda: len(scripted.requests) == 1)
            refused = staged.send()
            problem(refused, 409, "turn_in_progress")
            assert int(refused.headers["retry-after"]) > 0
            problem(client.chat(), 409, "turn_in_progress")
            goes_on.set()
            ended(first.result())
        assert process.event() == "answered"
        assert client.left == TIDIED


def insist(client: Client, staged: Stage) -> httpx2.Response:
    """Repeats for as long as the turn is said to be in progress, by a process that is given up each time."""
    deadline = time.monotonic() + 10
    client.expire_lease()
    while (repeated := staged.send()).status_code == 409 and time.monotonic() < deadline:
        time.sleep(0.1)
        client.expire_lease()
    return repeated


def only_the_first_waits_for(event: Event) -> Callable[[ReceivedRequest], Reply]:
    numbers = count(1)

    def reply(request: ReceivedRequest) -> Reply:
        if next(numbers) == 1:
            event.wait(10)
        return reply_to(request)

    return reply
