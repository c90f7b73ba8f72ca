"""Turns that wait for a slow model delay no other request and hold no database connection."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial

import httpx2
import pytest

from tests import postgres, serving
from tests.accounts import Account
from tests.model_replies import Call, Hang, ReceivedRequest, Reply, Say, Slow
from tests.scripted_model import ScriptedModel
from tests.serving import OnPort, wait_until

CHAT = "/api/v1/chat"
CHATS = 20
POOL_SIZE = 2
PROMPTLY = 1.0
"""Maximum seconds for a list of todos while the model is slow, with a reserve for a busy machine."""

CONNECTIONS = """
    SELECT state FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'todo-backend'
"""
LEASES = "SELECT FROM turns WHERE lease IS NOT NULL OR leased_until IS NOT NULL"


@pytest.fixture(scope="module")
def url(server_url: str) -> Iterator[str]:
    """URL of a separate database, so that the connections in this database belong to this module only."""
    with postgres.database(server_url) as url:
        yield url


@pytest.fixture(scope="module")
def service(environment: dict[str, str], url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnPort]:
    settings = {
        "DATABASE_URL": url,
        "DATABASE_POOL_SIZE": str(POOL_SIZE),
        "ASSISTANT_SECONDS": "60",
        "ASSISTANT_TURNS_AT_ONCE": str(CHATS),
        # Each turn reserves its tokens for as long as it runs.
        "ASSISTANT_DAILY_TOKENS": "10000000",
    }
    with serving.on_port(environment | settings, folder=str(tmp_path_factory.mktemp("service"))) as service:
        yield service


def send_chat(client: httpx2.Client, key: int) -> httpx2.Response:
    return client.post(
        CHAT,
        json={"message": "Hello"},
        headers={"Idempotency-Key": str(key)},
    )


def open_event_stream(stack: ExitStack, account: Account, service: OnPort, key: int) -> httpx2.Response:
    """Starts a turn with a new client. Returns the open response, which streams the events of the turn."""
    client = stack.enter_context(service.client())
    asked = client.stream(
        "POST",
        CHAT,
        json={"message": "Hello"},
        headers={"Idempotency-Key": str(key), "Accept": "text/event-stream"} | account.bearer,
    )
    response = stack.enter_context(asked)
    assert response.status_code == 200
    return response


def require_prompt_lists(account: Account) -> None:
    for _ in range(CHATS):
        started = time.monotonic()
        assert account.titles() == ["Buy milk"]
        assert time.monotonic() - started < PROMPTLY


def require_idle_connections(url: str) -> None:
    """Asserts that all database connections of the service are idle within a second."""
    wait_until(lambda: {row["state"] for row in postgres.query(url, CONNECTIONS)} <= {"idle"}, seconds=1)
    assert len(postgres.query(url, CONNECTIONS)) <= POOL_SIZE


def adds(adding: Call, request: ReceivedRequest) -> Reply:
    return Say("Added.") if request.messages[-1]["role"] == "tool" else adding


@contextmanager
def chats_that_hang(ada: Account, service: OnPort, scripted: ScriptedModel) -> Iterator[None]:
    """Runs 20 chats that wait for the model during the block, and then disconnects their clients.

    Waits at the end until the service has cancelled all model calls.
    """
    scripted.play(*[Hang()] * CHATS)
    with ExitStack() as stack:
        for key in range(CHATS):
            open_event_stream(stack, ada, service, key)
        scripted.wait_until(lambda: len(scripted.requests) == CHATS)
        yield
    scripted.wait_until(lambda: scripted.abandoned == CHATS)


class TestSlowModel:
    def test_it_delays_no_list_and_holds_no_connection(
        self, ada: Account, service: OnPort, url: str, scripted: ScriptedModel
    ) -> None:
        scripted.play(*[Slow(Say("At last."), 2)] * CHATS)
        with ThreadPoolExecutor(CHATS) as threads, ExitStack() as stack:
            clients = [stack.enter_context(service.client()) for _ in range(CHATS)]
            for client in clients:
                client.headers.update(ada.bearer)
            responses = [threads.submit(send_chat, client, key) for key, client in enumerate(clients)]
            scripted.wait_until(lambda: len(scripted.requests) == CHATS)
            require_idle_connections(url)
            require_prompt_lists(ada)
            turns = [response.result() for response in responses]
        assert {turn.status_code for turn in turns} == {200}
        assert {turn.json()["status"] for turn in turns} == {"done"}

    def test_hanging_calls_delay_no_list(
        self, ada: Account, service: OnPort, url: str, scripted: ScriptedModel
    ) -> None:
        with chats_that_hang(ada, service, scripted):
            require_idle_connections(url)
            require_prompt_lists(ada)


class TestDisconnectedClients:
    def test_a_disconnect_cancels_the_model_call_and_the_turn_can_continue_at_once(
        self, ada: Account, service: OnPort, url: str, scripted: ScriptedModel
    ) -> None:
        with chats_that_hang(ada, service, scripted):
            assert scripted.abandoned == 0
        wait_until(lambda: not postgres.query(url, LEASES))
        require_idle_connections(url)
        scripted.play(*[Say("At last.")] * CHATS)
        for key in range(CHATS):
            resumed = send_chat(ada.client, key)
            assert resumed.status_code == 200, resumed.text
            assert (resumed.json()["status"], resumed.json()["response"]) == ("done", "At last.")
        assert (scripted.left, scripted.unexpected) == (0, [])

    def test_a_disconnect_between_steps_keeps_the_completed_tool_calls(
        self, ada: Account, service: OnPort, url: str, scripted: ScriptedModel
    ) -> None:
        scripted.play(Call("add_todos", {"todos": [{"title": "Bread"}]}), Hang())
        with ExitStack() as stack:
            open_event_stream(stack, ada, service, key=1)
            scripted.wait_until(lambda: len(scripted.requests) == 2)
        scripted.wait_until(lambda: scripted.abandoned == 1)
        wait_until(lambda: not postgres.query(url, LEASES))
        require_idle_connections(url)
        scripted.play(Say("Added."))
        resumed = send_chat(ada.client, key=1).json()
        assert (resumed["status"], resumed["response"]) == ("done", "Added.")
        assert [call["name"] for call in resumed["tool_calls"]] == ["add_todos"]
        assert ada.titles() == ["Buy milk", "Bread"]

    def test_a_disconnect_during_a_tool_call_leaves_no_open_transaction(
        self, ada: Account, service: OnPort, url: str, scripted: ScriptedModel
    ) -> None:
        for key in range(10):
            adding = Call("add_todos", {"todos": [{"title": f"{key} {number}"} for number in range(50)]})
            scripted.answer_with(partial(adds, adding))
            with ExitStack() as stack:
                open_event_stream(stack, ada, service, key)
                scripted.wait_until(lambda: len(scripted.requests) >= 1)
                # Each attempt disconnects 5 ms later than the one before, to reach other points of the transaction.
                time.sleep(key / 200)
            wait_until(lambda: not postgres.query(url, LEASES))
            require_idle_connections(url)
            resumed = send_chat(ada.client, key)
            assert resumed.status_code == 200, resumed.text
            assert resumed.json()["status"] == "done"
            added = [title for title in ada.titles(limit=200, q=str(key)) if title.startswith(f"{key} ")]
            assert len(added) == 50
