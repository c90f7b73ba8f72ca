"""Streams of changes from a process: what they send, when they end, and what they cost."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import psutil
import pytest
from live_streams import Stream, open_streams

from tests import postgres, serving
from tests.accounts import AUTH, TODOS, Account, Newcomers, problem, sign_up
from tests.conftest import SECRET_KEY
from tests.room import ROOM_SECONDS
from tests.service import Service
from tests.serving import OnPort, wait_until
from tests.streams import ACCEPT_EVENTS, Event, changes_in, insert_todos, parse_events

CHANGES = f"{TODOS}/changes"
STREAMS = 500
MAX_CONNECTIONS = 2
MAX_MEGABYTES = 60
PROPAGATIONS = int(os.environ.get("LIVE_PROPAGATIONS", "100"))
"""The measured changes. 1,000 in the full run: `make test SUITE=live`."""
CHANGES_THROUGH_RESTARTS = int(os.environ.get("LIVE_CHANGES", "3000"))
"""The changes of the test with restarts. 100,000 in the full run."""
MAX_PROPAGATION_SECONDS = 1.0
CONNECTIONS = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'todo-backend%'
"""


@pytest.fixture(scope="module")
def url(server_url: str) -> Iterator[str]:
    """URL of a separate database, so that the connections in this database belong to this module only."""
    with postgres.database(server_url) as url:
        yield url


@pytest.fixture(scope="module")
def service(environment: dict[str, str], url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnPort]:
    settings = {**environment, "DATABASE_URL": url, "DATABASE_URL_UNPOOLED": "", "DATABASE_POOL_SIZE": "1"}
    with serving.on_port(settings, folder=str(tmp_path_factory.mktemp("service"))) as service:
        yield service


@pytest.fixture
def accounts(url: str) -> Newcomers:
    return Newcomers(url, SECRET_KEY)


@contextmanager
def stream_of(account: Account, since: int = 0, **headers: str) -> Iterator[Iterator[Event]]:
    """Yields the events of a stream on a connection of its own."""
    accepted = ACCEPT_EVENTS | account.bearer | {name.replace("_", "-"): value for name, value in headers.items()}
    with (
        httpx2.Client(base_url=account.client.base_url, timeout=ROOM_SECONDS) as client,
        client.stream("GET", CHANGES, params={"since": since}, headers=accepted) as response,
    ):
        assert response.status_code == 200, response.read()
        yield parse_events(response.iter_lines())


def open_streams_of(stack: ExitStack, account: Account) -> None:
    """Opens ten streams of a user until the end of the stack."""
    for _ in range(10):
        events = stack.enter_context(stream_of(account))
        next(events)
        # Without a reference, the iterator would close the connection.
        stack.callback(events.__iter__)


def count_connections(url: str) -> int:
    [row] = postgres.query(url, CONNECTIONS)
    return int(row["count"])


def read_to_the_end(connection: socket.socket) -> bytes:
    """Returns what a connection had still to deliver, whether it was closed or reset."""
    received = b""
    with suppress(ConnectionError):
        while chunk := connection.recv(1024 * 1024):
            received += chunk
    return received


class TestChanges:
    def test_it_sends_what_there_is_and_then_each_change(self, ada: Account) -> None:
        with stream_of(ada) as events:
            assert next(events).retry == 2000
            assert next(events).id == 1
            todo = ada.add("More")
            event = next(events)
            assert (event.id, event.name, event.data["after"]) == (2, "change", todo)
            project = ada.add_project()
            assert next(events).data["after"] == project
            assert ada.client.get(CHANGES, params={"since": 1}).json()[0] == event.data

    def test_it_begins_after_since_or_the_last_event_id(self, ada: Account, url: str) -> None:
        insert_todos(url, ada.user["id"], 5)
        with stream_of(ada, since=4) as events:
            assert [next(changes_in(events)).id for _ in range(2)] == [5, 6]
        with stream_of(ada, since=1, Last_Event_ID="5") as events:
            assert next(changes_in(events)).id == 6

    def test_it_sends_many_changes_in_order(self, ada: Account, url: str) -> None:
        with stream_of(ada, since=1) as events:
            insert_todos(url, ada.user["id"], 1000)
            assert [next(changes_in(events)).id for _ in range(1000)] == list(range(2, 1002))

    def test_it_sends_no_changes_of_others(self, ada: Account, service: OnPort) -> None:
        with service.client() as client, stream_of(ada, since=1) as events:
            sign_up(client).add("Bob's")
            ada.add("Ada's")
            event = next(changes_in(events))
            assert (event.id, event.data["after"]["title"]) == (2, "Ada's")

    def test_proxies_are_asked_not_to_buffer(self, ada: Account) -> None:
        with ada.client.stream("GET", CHANGES, headers=ACCEPT_EVENTS) as response:
            assert response.headers["x-accel-buffering"] == "no"
            assert "accept" in response.headers["vary"].lower()


class TestEnd:
    def test_a_comment_comes_every_15_seconds_and_a_session_that_ends_ends_it(self, ada: Account) -> None:
        with stream_of(ada, since=1) as events:
            next(events)
            began = time.monotonic()
            assert next(events).comment == "heartbeat"
            assert time.monotonic() - began < 16
            [session] = ada.client.get(f"{AUTH}/sessions").json()
            ada.client.delete(f"{AUTH}/sessions/{session['id']}")
            ended = time.monotonic()
            *_, error, retry = events
            assert time.monotonic() - ended < 16
            assert (error.name, error.data["code"]) == ("error", "not_authenticated")
            assert retry.retry is not None

    def test_an_api_token_that_is_revoked_ends_it(self, ada: Account) -> None:
        created = ada.client.post(f"{AUTH}/tokens", json={"name": "Watch", "scopes": ["todos:read"]}).json()
        headers = {"Authorization": f"Bearer {created['token']}"}
        with stream_of(ada, since=1, **headers) as events:
            next(events)
            ada.client.delete(f"{AUTH}/tokens/{created['id']}")
            *_, error, _retry = events
            assert error.data["code"] == "not_authenticated"

    def test_a_client_that_goes_makes_room_for_another(self, ada: Account) -> None:
        with ExitStack() as stack:
            open_streams_of(stack, ada)
            refused = ada.client.get(CHANGES, headers=ACCEPT_EVENTS)
            problem(refused, 429, "too_many_streams")
            assert refused.headers["retry-after"] == "5"
            ada.add("Other requests pass")

        def is_accepted() -> bool:
            with ada.client.stream("GET", CHANGES, headers=ACCEPT_EVENTS) as response:
                return response.status_code == 200

        wait_until(is_accepted)

    def test_a_client_that_reads_nothing_is_cut_off(self, ada: Account, url: str) -> None:
        lengthen = "UPDATE todos SET description = repeat('milk ', 3200), title = title || '!' WHERE user_id = $1"
        insert_todos(url, ada.user["id"], 100)
        address = urlsplit(str(ada.client.base_url))
        with socket.socket() as unread:
            # Before the connection, so that the kernel does not take megabytes for the client.
            unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            unread.connect((address.hostname, address.port))
            head = {"Host": address.netloc, **ACCEPT_EVENTS, **ada.bearer}
            lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
            unread.sendall(f"GET {CHANGES} HTTP/1.1\r\n{lines}\r\n".encode())
            for _ in range(3):
                postgres.query(url, lengthen, UUID(ada.user["id"]))
            # The limit of 20 seconds for a chunk, or the limit of 30 seconds of the server.
            unread.settimeout(ROOM_SECONDS)
            time.sleep(25)  # the client is slow: this is what the test is about
            assert not read_to_the_end(unread).endswith(b"0\r\n\r\n")


class TestStop:
    @pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
    @pytest.mark.parametrize("drain_seconds", ["0", "1"])
    def test_streams_and_waits_end_cleanly_and_the_process_stops(
        self, environment: dict[str, str], tmp_path: Path, stop: signal.Signals, drain_seconds: str
    ) -> None:
        settings = {**environment, "DRAIN_SECONDS": drain_seconds}
        with serving.on_port(settings, folder=str(tmp_path)) as service, service.client() as client:
            ada = sign_up(client)
            with stream_of(ada) as events:
                next(events)
                service.process.send_signal(stop)
                *_, last = events
                assert last.fields == {"retry"}
                assert last.retry is not None
                assert 1000 <= last.retry <= 4000
            assert service.process.wait(ROOM_SECONDS) in {0, -stop}


class TestCost:
    def test_500_streams_hold_two_connections_and_60_megabytes(
        self, service: OnPort, url: str, accounts: Newcomers
    ) -> None:
        with service.client() as client:
            first = accounts.sign_in(client).bearer
            # Each sign-in replaces the cookie of the client.
            people = [(person.user["id"], person.bearer) for person in (accounts.sign_in(client) for _ in range(50))]
            tokens = [bearer for _, bearer in people for _ in range(STREAMS // 50)]
            process = psutil.Process(service.process.pid)

            async def scenario() -> float:
                warm = await open_streams(service.url, [first] * 10)
                for stream in warm:
                    await stream.close()
                before = process.memory_info().rss
                streams = await open_streams(service.url, tokens)
                connections = [await asyncio.to_thread(count_connections, url)]
                memory = process.memory_info().rss - before
                await asyncio.to_thread(insert_todos, url, people[-1][0])
                changes = [await stream.read_change() for stream in streams[-10:]]
                assert [change["seq"] for change in changes] == [1] * 10
                connections.append(await asyncio.to_thread(count_connections, url))
                assert max(connections) <= MAX_CONNECTIONS
                for stream in streams:
                    await stream.close()
                return memory / 1e6

            assert asyncio.run(scenario()) < MAX_MEGABYTES

    def test_waiting_streams_leave_the_process_free_for_requests(self, service: OnPort, accounts: Newcomers) -> None:
        with service.client() as client, ExitStack() as stack:
            for _ in range(12):
                open_streams_of(stack, accounts.sign_in(client))
            other = accounts.sign_in(client)
            for _ in range(20):
                other.add()


class TestPropagation:
    def test_a_change_arrives_within_a_second(self, ada: Account, service: OnPort) -> None:
        async def scenario() -> list[float]:
            stream = await Stream.open(service.url, ada.bearer, since=1)
            delays = []
            async with httpx2.AsyncClient(base_url=service.url, headers=ada.bearer) as client:
                for number in range(PROPAGATIONS):
                    began = time.monotonic()
                    writing = asyncio.create_task(client.post(TODOS, json={"title": str(number)}))
                    change = await stream.read_change()
                    delays.append(time.monotonic() - began)
                    assert change["after"]["title"] == str(number)
                    assert (await writing).status_code == 201
            await stream.close()
            return delays

        delays = sorted(asyncio.run(scenario()))
        assert delays[int(len(delays) * 0.99)] < MAX_PROPAGATION_SECONDS


class TestRestarts:
    def test_no_change_is_missed_while_database_and_service_are_killed(
        self, environment: dict[str, str], tmp_path: Path
    ) -> None:
        database = postgres.Server(tmp_path)
        try:
            postgres.run(database.url(), "CREATE DATABASE todo")
            url = database.url(database="todo")
            settings = {**environment, "DATABASE_URL": url, "DATABASE_URL_UNPOOLED": "", "DATA_FOLDER": str(tmp_path)}
            service = Service(settings, tmp_path / "log")
            service.start()
            try:
                with httpx2.Client(base_url=service.url, timeout=ROOM_SECONDS) as client:
                    ada = sign_up(client)
                seen = asyncio.run(_follow_through_restarts(service, database, url, ada))
            finally:
                service.kill()
        finally:
            database.stop()
        assert seen == list(range(1, CHANGES_THROUGH_RESTARTS + 1))


async def _follow_through_restarts(service: Service, database: postgres.Server, url: str, ada: Account) -> list[int]:
    """Returns the numbers of the changes that a client got which connects again after each end."""
    seen: list[int] = []
    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(_write(url, ada))
        tasks.create_task(_inject(service, database, writer))
        while len(seen) < CHANGES_THROUGH_RESTARTS:
            try:
                stream = await Stream.open(service.url, ada.bearer, since=seen[-1] if seen else 0)
            except (OSError, EOFError):
                await asyncio.sleep(0.1)
                continue
            try:
                while len(seen) < CHANGES_THROUGH_RESTARTS:
                    seen.append((await stream.read_change())["seq"])
            except (OSError, EOFError):
                continue
            finally:
                await stream.close()
    return seen


async def _write(url: str, ada: Account) -> None:
    """Makes all changes in transactions of some todos, and repeats those that fail."""
    select = "SELECT last_seq FROM account_usage WHERE user_id = $1"
    while True:
        try:
            [row] = await asyncio.to_thread(postgres.query, url, select, UUID(ada.user["id"]))
            left = CHANGES_THROUGH_RESTARTS - row["last_seq"]
            if left <= 0:
                return
            await asyncio.to_thread(insert_todos, url, ada.user["id"], min(left, 5))
        except Exception:  # noqa: BLE001 - the database is being killed, with any error of the driver
            await asyncio.sleep(0.1)


async def _inject(service: Service, database: postgres.Server, writer: "asyncio.Task[None]") -> None:
    """Kills the database, the listener's connection and the service in turn, while the writer writes."""
    kill_listener = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'todo-backend-listener'"""
    rounds = 0
    while not writer.done() or rounds == 0:
        rounds += 1
        await asyncio.sleep(1)
        await asyncio.to_thread(postgres.run, database.url(), kill_listener)
        await asyncio.sleep(1)
        await asyncio.to_thread(database.kill)
        await asyncio.to_thread(database.restart)
        await asyncio.sleep(1)
        await asyncio.to_thread(service.kill)
        await asyncio.to_thread(service.start)
