"""A server in a thread with the HTTP protocol of the service, and connections that send any bytes."""

import json
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from fastapi import FastAPI

from functions.http_protocol import BoundedProtocol
from tests import serving
from tests.room import ROOM_SECONDS


class Connection:
    """A TCP connection to the server, on which a test sends any bytes."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=ROOM_SECONDS)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self) -> bytes:
        """Returns the bytes that arrive next, as many as there are at once."""
        return self._socket.recv(65_536)

    def read_head(self) -> tuple[int, dict[str, str]]:
        """Returns status and headers of the next response."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self._socket.recv(1)
            assert byte, f"The connection was closed after {head!r}."
            head += byte
        first, *lines = head.decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        return int(first.split(" ")[1]), headers

    def read_response(self) -> tuple[int, dict[str, str], bytes]:
        """Returns status, headers and body of the next response."""
        status, headers = self.read_head()
        size, body = int(headers.get("content-length", 0)), b""
        while len(body) < size:
            body += self._socket.recv(size - len(body))
        return status, headers, body

    def read_problem(self) -> tuple[int, str]:
        """Returns status and code of the next response, a problem document with the headers of every response."""
        status, headers, body = self.read_response()
        problem: dict[str, Any] = json.loads(body)
        assert headers["content-type"] == "application/problem+json"
        assert headers["x-request-id"] == problem["request_id"]
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert problem["status"] == status
        return status, problem["code"]

    def read_until_closed(self) -> int:
        """Reads until the server closes the connection, and returns the number of bytes. Raises TimeoutError."""
        received = 0
        with suppress(ConnectionResetError):
            while part := self._socket.recv(1_000_000):
                received += len(part)
        return received

    def is_closed(self) -> bool:
        """Waits until the server closes the connection, without a byte. Raises TimeoutError."""
        return self.read_until_closed() == 0

    def has_ended(self) -> bool:
        """Returns True if the server has closed the connection or sent anything."""
        return bool(select.select([self._socket], [], [], 0)[0])

    def close(self) -> None:
        self._socket.close()


class Server:
    def __init__(self, port: int) -> None:
        self._port = port
        self._opened: list[Connection] = []

    def connect(self) -> Connection:
        self._opened.append(Connection(self._port))
        return self._opened[-1]

    def close(self) -> None:
        for connection in self._opened:
            connection.close()


@contextmanager
def serve(app: FastAPI, protocol: type[BoundedProtocol] = BoundedProtocol) -> Iterator[Server]:
    """Serves the app in a thread. At the end of the block, stops the server and closes the connections to it."""
    port = serving.free_port()
    config = uvicorn.Config(app, port=port, http=protocol, log_level="critical", server_header=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    found = Server(port)
    try:
        serving.wait_until(lambda: server.started)
        yield found
    finally:
        found.close()
        server.should_exit = True
        thread.join(20)
