"""Refusals by the HTTP protocol, before a request becomes a task: the process works on as many requests as it may."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import pytest
from fastapi import FastAPI
from starlette.types import Lifespan

from functions import groups
from tests.raw_connections import Server, serve
from todo_core.clients import Client
from todo_core.limits import RequestLimits
from todo_core.settings import Settings, load
from todo_core.web.app import create_app
from todo_core.web.early_refusals import EARLY_REFUSALS, EarlyRefusals
from todo_core.web.middleware.draining import DRAIN, Drain
from todo_core.web.resources import get_resources

ORIGIN = "https://pages.example"
TODOS = b"/api/v1/todos"
PLACES = 8
RESERVE = 2


def request(method: bytes = b"GET", path: bytes = TODOS, *lines: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join((b"%s %s HTTP/1.1" % (method, path), b"Host: x", *lines, b"", body))


@asynccontextmanager
async def with_early_refusals(app: FastAPI) -> AsyncIterator[Mapping[str, EarlyRefusals | Drain]]:
    app.state.drain = Drain(0)
    yield {EARLY_REFUSALS: app.state.early_refusals, DRAIN: app.state.drain}


def make_app(lifespan: Lifespan[FastAPI] | None) -> FastAPI:
    limits = RequestLimits(requests_per_minute=100_000, requests_at_once=PLACES)
    settings: Settings = load().model_copy(update={"request_limits": limits, "cors_origins": (ORIGIN,)})
    app = create_app(*groups.load_routers("auth", "todos", "meta"), settings=settings, lifespan=lifespan)

    @app.get("/echo")
    async def echo() -> str:
        return "done"

    return app


@contextmanager
def full(app: FastAPI) -> Iterator[None]:
    """Takes all places of the process during the block."""
    workload = get_resources(app).workload
    clients = [Client("user", number) for number in range(PLACES + RESERVE)]
    for client in clients:
        workload.add(client, 1)
    yield
    for client in clients:
        workload.remove(client, 1)


@pytest.fixture(scope="module")
def app(environment: dict[str, str]) -> FastAPI:
    assert environment
    return make_app(with_early_refusals)


@pytest.fixture(scope="module")
def server(app: FastAPI) -> Iterator[Server]:
    with serve(app) as server:
        yield server


type Late = tuple[FastAPI, Server]


@pytest.fixture(scope="module")
def late(environment: dict[str, str]) -> Iterator[Late]:
    """An app without early refusals, and its server: the middleware refuses all requests."""
    assert environment
    app = make_app(None)
    with serve(app) as server:
        yield app, server


class TestAnswers:
    @pytest.mark.parametrize("path", [TODOS, b"/api/v1/auth/me", b"/echo"])
    @pytest.mark.parametrize("origin", [None, ORIGIN, "https://other.example"])
    def test_it_is_that_of_the_middleware_without_the_headers_of_the_rate_limit(
        self, app: FastAPI, server: Server, late: Late, path: bytes, origin: str | None
    ) -> None:
        sent = request(b"GET", path, b"X-Request-ID: one", *([b"Origin: %s" % origin.encode()] if origin else []))
        early_connection, late_connection = server.connect(), late[1].connect()
        with full(app), full(late[0]):
            early_connection.send(sent)
            late_connection.send(sent)
            status, headers, body = early_connection.read_response()
            late_status, late_headers, late_body = late_connection.read_response()

        assert "ratelimit" not in headers
        assert late_headers.pop("ratelimit")
        assert late_headers.pop("ratelimit-policy")
        for volatile in (headers, late_headers):
            del volatile["date"]
        assert (status, headers, body) == (late_status, late_headers, late_body)
        assert (status, json.loads(body)["code"], headers["retry-after"]) == (503, "too_busy", "1")

    def test_each_has_its_own_request_id(self, app: FastAPI, server: Server) -> None:
        connection = server.connect()
        with full(app):
            connection.send(request() * 2)
            problems = [connection.read_response() for _ in range(2)]

        ids = {headers["x-request-id"] for _, headers, _ in problems}
        assert len(ids) == 2
        assert ids == {json.loads(body)["request_id"] for _, _, body in problems}

    def test_the_answer_to_head_has_no_body(self, app: FastAPI, server: Server) -> None:
        connection = server.connect()
        with full(app):
            connection.send(request(b"HEAD") + request(b"GET", b"/health"))
            assert connection.read_head()[0] == 503
            assert connection.read_response()[0] == 200

    @pytest.mark.parametrize("line", [b"Connection: close", b"Connection: keep-alive"])
    def test_a_connection_is_closed_only_if_the_client_asks_for_it(
        self, app: FastAPI, server: Server, line: bytes
    ) -> None:
        connection = server.connect()
        with full(app):
            connection.send(request(b"GET", TODOS, line))
            headers = connection.read_response()[1]
            assert (headers.get("connection") == "close") == line.endswith(b"close")
        if line.endswith(b"close"):
            assert connection.is_closed()
        else:
            connection.send(request(b"GET", b"/echo"))
            assert connection.read_response()[0] == 200

    def test_each_closes_its_connection_while_the_process_drains(
        self, app: FastAPI, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = server.connect()
        with full(app):
            connection.send(request())
            assert "connection" not in connection.read_response()[1]
            monkeypatch.setattr(app.state.drain, "has_begun", True)
            connection.send(request())
            status, headers, _ = connection.read_response()
        assert (status, headers["connection"]) == (503, "close")
        assert connection.is_closed()


class TestRequests:
    @pytest.mark.parametrize(
        "sent",
        [
            request(b"GET", b"/health"),
            request(b"OPTIONS", TODOS, b"Origin: %s" % ORIGIN.encode(), b"Access-Control-Request-Method: POST"),
        ],
    )
    def test_health_checks_and_preflights_pass(self, app: FastAPI, server: Server, sent: bytes) -> None:
        connection = server.connect()
        with full(app):
            connection.send(sent)
            assert connection.read_response()[0] == 200

    def test_the_body_of_a_refused_request_is_no_request(self, app: FastAPI, server: Server) -> None:
        connection = server.connect()
        with full(app):
            connection.send(request(b"POST", TODOS, b"Content-Length: 20000"))
            assert connection.read_response()[0] == 503
            connection.send(b"x" * 20_000)
        connection.send(request(b"GET", b"/echo"))
        assert connection.read_response()[2] == b'"done"'

    def test_thousands_of_requests_in_one_piece_are_answered_in_order(self, app: FastAPI, server: Server) -> None:
        connection = server.connect()
        with full(app):
            connection.send(request(b"GET", b"/health") + request() * 2000 + request(b"GET", b"/health"))
            assert [connection.read_response()[0] for _ in range(2002)] == [200] + [503] * 2000 + [200]

    def test_many_connections_are_refused_at_once(self, app: FastAPI, server: Server) -> None:
        connections = [server.connect() for _ in range(300)]
        with full(app):
            for connection in connections:
                connection.send(request())
            assert {connection.read_response()[0] for connection in connections} == {503}

    def test_a_place_that_is_free_again_is_given_to_the_next_request(self, app: FastAPI, server: Server) -> None:
        connection = server.connect()
        with full(app):
            connection.send(request(b"GET", b"/echo"))
            assert connection.read_response()[0] == 503
        connection.send(request(b"GET", b"/echo"))
        assert connection.read_response()[0] == 200
