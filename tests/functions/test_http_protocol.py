"""The limits of the HTTP protocol: large, slow and malformed requests on connections of their own."""

import asyncio
import json
import resource
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any, cast

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from functions import groups
from functions.http_protocol import BoundedProtocol
from tests import serving
from tests.raw_connections import Connection, Server, serve
from todo_core.web.app import create_app
from todo_core.web.request_heads import MAX_HEAD_BYTES

LOGIN = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


class Impatient(BoundedProtocol):
    request_seconds = 0.6
    write_seconds = 0.6


class Narrow(BoundedProtocol):
    max_connections = 20


def make_app() -> FastAPI:
    app = create_app(*groups.load_routers("auth", "meta"))

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(1.5)
        return "done"

    @app.post("/headers")
    async def headers(request: Request) -> dict[str, str]:
        await request.body()
        return dict(request.headers)

    @app.get("/late-parts")
    async def late_parts() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            await asyncio.sleep(1)
            yield b"part"

        return StreamingResponse(parts())

    @app.get("/large")
    async def large() -> Response:
        return Response(b"x" * 20_000_000)

    return app


@pytest.fixture(scope="module")
def app(environment: dict[str, str]) -> FastAPI:
    assert environment
    return make_app()


@pytest.fixture(scope="module")
def _server(app: FastAPI) -> Iterator[Server]:
    with serve(app, BoundedProtocol) as server:
        yield server


@pytest.fixture
def connection(_server: Server) -> Connection:
    return _server.connect()


@pytest.fixture(scope="module")
def impatient(app: FastAPI) -> Iterator[Server]:
    """A server that gives a request 0.6 seconds."""
    with serve(app, Impatient) as server:
        yield server


class TestLargeHeads:
    def test_headers_of_more_than_32_kb_are_refused(self, connection: Connection) -> None:
        connection.send(b"GET /health HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n")

        assert connection.read_problem() == (431, "headers_too_large")

    def test_headers_of_32_kb_are_accepted(self, connection: Connection) -> None:
        connection.send(b"GET /health HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * (MAX_HEAD_BYTES - 100) + b"\r\n\r\n")

        assert connection.read_response()[0] == 200

    @pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nX-A: ", b"GET / HTTP/1.1\r\nX", b"", b"GET"])
    def test_an_endless_head_is_refused_before_its_end(self, connection: Connection, start: bytes) -> None:
        connection.send(start)
        filler = b"\r\n" if not start else b"a"
        for _ in range(7):
            connection.send(filler * (8192 // len(filler)))

        status, code = connection.read_problem()
        assert (status, code) in {(431, "headers_too_large"), (400, "malformed_request")}
        assert connection.is_closed()

    def test_headers_of_many_lines_are_refused_before_their_end(self, connection: Connection) -> None:
        connection.send(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a:b\r\n" * 1000)

        assert connection.read_problem() == (431, "headers_too_large")

    def test_an_endless_chunk_header_is_refused(self, connection: Connection) -> None:
        connection.send(LOGIN + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"a" * 50_000)

        assert connection.read_problem() == (431, "headers_too_large")

    def test_endless_trailers_are_refused(self, connection: Connection) -> None:
        connection.send(LOGIN + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: " + b"a" * 50_000)

        assert connection.read_problem() == (431, "headers_too_large")

    def test_trailers_are_no_headers_of_the_request(self, connection: Connection) -> None:
        connection.send(b"POST /headers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.send(b"1\r\na\r\n0\r\nAuthorization: Bearer x\r\n\r\n")

        assert set(json.loads(connection.read_response()[2])) == {"host", "transfer-encoding"}

    def test_the_answer_arrives_while_the_client_still_sends(self, connection: Connection) -> None:
        connection.send(b"GET / HTTP/1.1\r\nX-A: ")
        for _ in range(100):
            connection.send(b"a" * 65536)

        assert connection.read_problem() == (431, "headers_too_large")


class TestMalformedRequests:
    @pytest.mark.parametrize(
        "request_",
        [
            b"nonsense\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /health HTTP/1.1\r\nHo st: x\r\n\r\n",
            b"GET /health HTTP/1.1\r\nX-A: \x00\r\n\r\n",
            LOGIN + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
            LOGIN + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            LOGIN + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
            LOGIN + b"Content-Length: -1\r\n\r\n",
            LOGIN + b"Content-Length: 0x10\r\n\r\n",
            LOGIN + b"Transfer-Encoding: gzip\r\n\r\n",
            LOGIN + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
            LOGIN + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n",
        ],
    )
    def test_a_malformed_request_is_a_problem_document(self, connection: Connection, request_: bytes) -> None:
        connection.send(request_)

        assert connection.read_problem() == (400, "malformed_request")
        assert connection.is_closed()

    def test_the_response_before_a_malformed_request_is_complete(self, connection: Connection) -> None:
        connection.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n")

        status, headers, body = connection.read_response()
        assert (status, headers["connection"], body) == (200, "close", b'"done"')
        assert connection.is_closed()

    def test_an_offer_of_another_protocol_is_ignored(self, connection: Connection) -> None:
        connection.send(
            b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
        )

        assert connection.read_response()[0] == 200

    def test_a_web_socket_is_no_way_around_the_limits(self, connection: Connection) -> None:
        connection.send(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")

        assert connection.read_response()[0] == 200


class TestUnusualTargets:
    @pytest.mark.parametrize("target", [b"//", b"//health", b"/%00", b"/health%00", b"/%2F%2e%2e/health", b"/health/*"])
    def test_a_path_without_a_route_is_not_found(self, connection: Connection, target: bytes) -> None:
        connection.send(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % target)

        assert connection.read_problem() == (404, "route_not_found")

    @pytest.mark.parametrize("target", [b"http://x/health", b"HTTP://x:80/health?a=b", b"https://other.example/health"])
    def test_an_absolute_url_counts_by_its_path(self, connection: Connection, target: bytes) -> None:
        connection.send(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % target)

        assert connection.read_response()[0] == 200

    @pytest.mark.parametrize("target", [b"*", b"http:", b"http://", b"x:443", b"?", b"", b"health"])
    @pytest.mark.parametrize("method", [b"OPTIONS", b"GET", b"CONNECT"])
    def test_a_target_without_a_path_is_refused(self, connection: Connection, method: bytes, target: bytes) -> None:
        connection.send(b"%s %s HTTP/1.1\r\nHost: x\r\n\r\n" % (method, target))

        assert connection.read_problem() in {(400, "malformed_request"), (404, "route_not_found")}

    @pytest.mark.parametrize("method", [b"TRACE", b"OPTIONS", b"PUT", b"PROPFIND"])
    def test_a_method_that_no_route_has_is_refused(self, connection: Connection, method: bytes) -> None:
        connection.send(b"%s /health HTTP/1.1\r\nHost: x\r\n\r\n" % method)

        assert connection.read_problem() == (405, "method_not_allowed")


class TestSlowRequests:
    @pytest.mark.parametrize("start", [b"", b"\r\n", b"GET", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nX-A: b"])
    def test_an_incomplete_head_is_closed(self, impatient: Server, start: bytes) -> None:
        connection = impatient.connect()
        connection.send(start)

        assert connection.is_closed()

    @pytest.mark.parametrize("rest", [b"Content-Length: 5\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"])
    def test_an_incomplete_body_is_a_408(self, impatient: Server, rest: bytes) -> None:
        connection = impatient.connect()
        connection.send(LOGIN + rest)

        assert connection.read_problem() == (408, "request_incomplete")
        assert connection.is_closed()

    def test_a_request_on_an_open_connection_has_the_time_of_its_own(self, impatient: Server) -> None:
        connection = impatient.connect()
        connection.send(HEALTH)
        assert connection.read_response()[0] == 200

        connection.send(HEALTH[:-4])
        assert connection.is_closed()

    def test_blank_lines_do_not_keep_a_connection_open(self, impatient: Server) -> None:
        connection = impatient.connect()
        connection.send(HEALTH)
        assert connection.read_response()[0] == 200

        connection.send(b"\r\n")
        assert connection.is_closed()

    def test_an_answered_request_whose_body_never_ends_is_closed(self, impatient: Server) -> None:
        connection = impatient.connect()
        connection.send(b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")

        assert connection.read_response()[0] == 200
        assert connection.is_closed()

    def test_a_complete_request_may_be_answered_later(self, impatient: Server) -> None:
        connection = impatient.connect()
        connection.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")

        assert connection.read_response()[2] == b'"done"'
        connection.send(HEALTH)
        assert connection.read_response()[0] == 200

    def test_an_incomplete_request_does_not_cut_off_the_response_before_it(self, impatient: Server) -> None:
        connection = impatient.connect()
        connection.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET / HT")

        assert connection.read_response()[2] == b'"done"'
        assert connection.is_closed()


class TestSlowReaders:
    def test_a_client_that_reads_nothing_is_disconnected(self, impatient: Server) -> None:
        connection = impatient.connect()
        connection.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        threading.Event().wait(2.5)  # the time in which the client reads nothing

        assert connection.read_until_closed() < 20_000_000


class TestManyConnections:
    def test_waiting_connections_make_room_for_new_ones(self, app: FastAPI) -> None:
        with serve(app, Narrow) as server:
            unfinished = [server.connect() for _ in range(40)]
            for connection in unfinished[-5:]:
                connection.send(HEALTH)

            assert [connection.read_response()[0] for connection in unfinished[-5:]] == [200] * 5
            serving.wait_until(lambda: sum(connection.has_ended() for connection in unfinished) >= 20)

    def test_a_process_that_may_open_few_files_keeps_fewer_connections(self) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

        found = subprocess.run(
            (sys.executable, "-c", "from functions import http_protocol; print(http_protocol.find_max_connections())"),
            preexec_fn=partial(resource.setrlimit, resource.RLIMIT_NOFILE, (600, hard)),
            capture_output=True,
            text=True,
            check=True,
        )

        assert int(found.stdout) == 300


class CountedTransport:
    """A transport that counts its writes."""

    writes = 0

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        if name in {"write", "writelines"}:
            CountedTransport.writes += 1
        return getattr(self._transport, name)


class Counted(BoundedProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn declares it
        super().connection_made(cast("asyncio.Transport", CountedTransport(transport)))


class TestWrites:
    def test_head_and_body_are_one_write(self, app: FastAPI) -> None:
        with serve(app, Counted) as server:
            connection, before = server.connect(), CountedTransport.writes
            for number in range(1, 6):
                connection.send(HEALTH)
                status, _, body = connection.read_response()
                assert (status, json.loads(body)) == (200, {"status": "ok"})
                assert CountedTransport.writes - before == number

    def test_the_head_of_a_stream_does_not_wait_for_its_first_part(self, connection: Connection) -> None:
        connection.send(b"GET /late-parts HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.receive().endswith(b"\r\n\r\n")
        assert connection.receive().startswith(b"4\r\npart\r\n")
