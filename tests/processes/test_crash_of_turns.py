"""A turn whose process crashes or freezes at any point is complete and exists once after a repeated request.

A turn changes only the database. So a crash makes a difference only before and after each COMMIT, and these are the
points for a crash. The first process kills itself at the first point, the second at the second, until one completes
its request. A frozen process keeps its locks, so a freeze is tested after every statement.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from itertools import count
from queue import SimpleQueue
from threading import Event, Lock

import httpx2
import pytest

from tests import serving
from tests.accounts import problem, sign_up
from tests.model_replies import ReceivedRequest, Reply
from tests.processes.crashing_app import ForkServer, fork_server
from tests.processes.turn_scenarios import (
    TIDIED,
    UNDONE,
    Approval,
    ApprovalRepeatedByItsChat,
    Chat,
    Client,
    Scenario,
    Undo,
    UndoByRoute,
    assert_ended,
    reply_to,
)
from tests.room import ROOM_SECONDS
from tests.scripted_model import ScriptedModel
from tests.serving import OnPort

FORK_SERVERS = 2
MAX_POINTS = 400
POINT_IN_FIRST_STEP = 7
LOCK_WAIT_SECONDS = 0.2


@pytest.fixture(scope="module")
def service(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnPort]:
    """Process of the service that never crashes, for all requests except those that are interrupted."""
    with serving.on_port(environment, folder=str(tmp_path_factory.mktemp("service"))) as service:
        yield service


@pytest.fixture(scope="module")
def fork_servers(environment: dict[str, str]) -> Iterator[list[ForkServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(fork_server(environment)) for _ in range(FORK_SERVERS)]


@pytest.fixture(autouse=True)
def _model(scripted: ScriptedModel) -> Iterator[None]:
    scripted.answer_with(reply_to)
    yield
    assert scripted.unexpected == []


@pytest.fixture
def new_client(service: OnPort, database_url: str) -> Iterator[Callable[[], Client]]:
    """Function that creates a user with three todos and returns a client of this user."""
    with ExitStack() as stack:

        def create() -> Client:
            account = sign_up(stack.enter_context(service.client()))
            for title in ("Milk", "Eggs", "Rubbish"):
                account.add(title)
            return Client(account, database_url)

        yield create


def count_points(fork_servers: list[ForkServer], attempt: Callable[[ForkServer, int], bool]) -> int:
    """Calls `attempt` with points 1, 2, ... in parallel until it returns False for a request without interruption.

    Returns the number of points at which a process was interrupted.
    """
    numbers, lock, over = count(1), Lock(), Event()
    reached: SimpleQueue[int] = SimpleQueue()

    def work(server: ForkServer) -> None:
        while not over.is_set():
            with lock:
                number = next(numbers)
            if number > MAX_POINTS or not attempt(server, number):
                over.set()
            else:
                reached.put(number)

    with ThreadPoolExecutor(len(fork_servers)) as threads:
        for future in [threads.submit(work, server) for server in fork_servers]:
            future.result()
    points = sorted(reached.get() for _ in range(reached.qsize()))
    assert points == list(range(1, len(points) + 1))
    return len(points)


class TestCrash:
    @pytest.mark.parametrize(
        ("scenario_type", "least"),
        [(Chat, 35), (Approval, 21), (ApprovalRepeatedByItsChat, 21), (Undo, 21), (UndoByRoute, 3)],
    )
    def test_after_a_crash_at_any_point_a_repeat_completes_the_turn_once(
        self,
        fork_servers: list[ForkServer],
        new_client: Callable[[], Client],
        scenario_type: Callable[[Client], Scenario],
        least: int,
    ) -> None:
        def crash_at(server: ForkServer, point: int) -> bool:
            client = new_client()
            scenario = scenario_type(client)
            process = server.start_process(point)
            try:
                response = scenario.send(process.url)
            except httpx2.TransportError:
                assert process.wait_for_event() == "crashed"
                has_crashed = True
            else:
                # A task beside the request may reach the point after the response.
                assert process.wait_for_event() in {"answered", "crashed"}
                assert response.status_code == 200, response.text
                has_crashed = False
            client.expire_lease()
            scenario.repeat()
            assert client.state == scenario.expected, f"The process crashed at point {point}."
            return has_crashed

        assert count_points(fork_servers, crash_at) >= least

    def test_a_crash_before_the_first_statement_has_no_effect(
        self, fork_servers: list[ForkServer], new_client: Callable[[], Client]
    ) -> None:
        scenario = Chat(client := new_client())
        process = fork_servers[0].start_process(MAX_POINTS)
        os.kill(process.id, signal.SIGKILL)
        assert process.wait_for_event() == "crashed"
        with pytest.raises(httpx2.TransportError):
            scenario.send(process.url)
        scenario.repeat()
        assert client.state == TIDIED

    def test_a_crashed_turn_can_be_repeated_after_its_lease(
        self, fork_servers: list[ForkServer], new_client: Callable[[], Client], environment: dict[str, str]
    ) -> None:
        client = new_client()
        process = fork_servers[0].start_process(POINT_IN_FIRST_STEP)
        with pytest.raises(httpx2.TransportError):
            client.chat(url=process.url)
        assert process.wait_for_event() == "crashed"
        crashed_at = time.monotonic()
        refused = client.chat()
        problem(refused, 409, "turn_in_progress")
        lease = float(environment["ASSISTANT_SECONDS"]) + 2
        assert 0 < int(refused.headers["retry-after"]) <= lease
        time.sleep(int(refused.headers["retry-after"]))
        Chat(client).repeat()
        assert time.monotonic() - crashed_at < lease + ROOM_SECONDS
        assert client.state == TIDIED


class TestFreeze:
    """A process pauses during its turn while a repeated request takes over the turn, and then continues."""

    def test_after_a_freeze_at_any_point_the_turn_is_complete_once(
        self, fork_servers: list[ForkServer], new_client: Callable[[], Client]
    ) -> None:
        def freeze_at(server: ForkServer, point: int) -> bool:
            client = new_client()
            scenario = Undo(client)
            process = server.start_process(point, signal.SIGSTOP)
            with ThreadPoolExecutor(2) as threads:
                late = threads.submit(scenario.send, process.url)
                has_frozen = process.wait_for_event() == "stopped"
                if has_frozen:
                    repeated = threads.submit(repeat_until_taken_over, client, scenario)
                    # The repeated request may wait for a lock of the frozen process, so the wait has a limit.
                    wait([repeated], timeout=LOCK_WAIT_SECONDS)
                    os.kill(process.id, signal.SIGCONT)
                    assert process.wait_for_event() == "answered"
                    assert_ended(repeated.result())
            if late.result().status_code == 409:
                problem(late.result(), 409, "turn_in_progress")
            else:
                assert_ended(late.result())
            assert client.state == UNDONE, f"The process froze at point {point}."
            return has_frozen

        assert count_points(fork_servers, freeze_at) >= 40

    def test_a_process_that_lost_its_turn_during_a_model_call_responds_409_without_effect(
        self, fork_servers: list[ForkServer], new_client: Callable[[], Client], scripted: ScriptedModel
    ) -> None:
        resumed = Event()
        scripted.answer_with(delay_first_reply(resumed))
        client = new_client()
        process = fork_servers[0].start_process(MAX_POINTS)
        with ThreadPoolExecutor(1) as threads:
            late = threads.submit(client.chat, url=process.url)
            scripted.wait_until(lambda: len(scripted.requests) == 1)
            client.expire_lease()
            Chat(client).repeat()
            resumed.set()
            problem(late.result(), 409, "turn_in_progress")
        assert process.wait_for_event() == "answered"
        assert client.state == TIDIED


class TestConcurrentRepeats:
    def test_a_repeat_during_the_turn_is_refused_without_effect(
        self, fork_servers: list[ForkServer], new_client: Callable[[], Client], scripted: ScriptedModel
    ) -> None:
        may_continue = Event()
        scripted.answer_with(delay_first_reply(may_continue))
        client = new_client()
        process = fork_servers[0].start_process(MAX_POINTS)
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(client.chat, url=process.url)
            scripted.wait_until(lambda: len(scripted.requests) == 1)
            before = client.state
            for _ in range(3):
                refused = client.chat()
                problem(refused, 409, "turn_in_progress")
                assert 0 < int(refused.headers["retry-after"]) <= 17  # the maximum duration of a turn, 15 s, plus 2 s
            assert client.state == before
            assert len(scripted.requests) == 1
            may_continue.set()
            turn = assert_ended(first.result(), "needs_approval")
        assert process.wait_for_event() == "answered"
        assert_ended(client.approve(turn["turn_id"]))
        assert client.state == TIDIED

    def test_a_repeated_approval_during_the_turn_is_refused_without_effect(
        self, fork_servers: list[ForkServer], new_client: Callable[[], Client], scripted: ScriptedModel
    ) -> None:
        client = new_client()
        scenario = Approval(client)
        may_continue = Event()
        scripted.answer_with(delay_first_reply(may_continue))
        process = fork_servers[0].start_process(MAX_POINTS)
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(scenario.send, process.url)
            scripted.wait_until(lambda: len(scripted.requests) == 1)
            refused = scenario.send()
            problem(refused, 409, "turn_in_progress")
            assert int(refused.headers["retry-after"]) > 0
            problem(client.chat(), 409, "turn_in_progress")
            may_continue.set()
            assert_ended(first.result())
        assert process.wait_for_event() == "answered"
        assert client.state == TIDIED


def repeat_until_taken_over(client: Client, scenario: Scenario) -> httpx2.Response:
    """Ends the turn's lease and repeats the request until the service takes over the turn, at most ROOM_SECONDS."""
    deadline = time.monotonic() + ROOM_SECONDS
    client.expire_lease()
    while (repeated := scenario.send()).status_code == 409 and time.monotonic() < deadline:
        time.sleep(0.1)
        client.expire_lease()
    return repeated


def delay_first_reply(event: Event) -> Callable[[ReceivedRequest], Reply]:
    numbers = count(1)

    def reply(request: ReceivedRequest) -> Reply:
        if next(numbers) == 1:
            event.wait(10)
        return reply_to(request)

    return reply
