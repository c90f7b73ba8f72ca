"""TCP servers that answer with fixed bytes, for tests of requests to hosts that clients have chosen."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.certificates import Certificate

type Talk = Callable[[socket.socket], None]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class TcpServer:
    """A server on 127.0.0.1 with the bytes that it has received, one item for each connection."""

    port: int
    received: list[bytearray] = field(default_factory=list)


def read_request(connection: socket.socket, into: bytearray) -> None:
    """Reads a request with a header Content-Length."""
    while b"\r\n\r\n" not in into:
        chunk = connection.recv(65536)
        if not chunk:
            return
        into += chunk
    head, _, body = bytes(into).partition(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    missing = int(lines.get(b"content-length", b"0")) - len(body)
    while missing > 0:
        chunk = connection.recv(missing)
        if not chunk:
            return
        into += chunk
        missing -= len(chunk)


def answering(*parts: bytes, forever: bytes = b"", hangs: bool = False) -> Talk:
    """Returns what a server does after a request: it sends the parts, then `forever` without end, or it hangs."""

    def talk(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
        while forever:
            connection.sendall(forever)
        while hangs and connection.recv(65536):
            pass

    return talk


@contextmanager
def tcp_server(talk: Talk, certificate: Certificate | None = None, *, reads: bool = True) -> Iterator[TcpServer]:
    """Runs a server until the end of the block. With a certificate it speaks TLS."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certificate else None
    if tls and certificate:
        tls.load_cert_chain(certificate.chain, certificate.key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = TcpServer(listening.getsockname()[1])
        open_sockets: list[socket.socket] = []

        def serve(connection: socket.socket, received: bytearray) -> None:
            # The client may end the connection at any time.
            with suppress(OSError):
                stream = tls.wrap_socket(connection, server_side=True) if tls else connection
                open_sockets.append(stream)
                if reads:
                    read_request(stream, received)
                talk(stream)
                stream.close()

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                open_sockets.append(connection)
                server.received.append(bytearray())
                threading.Thread(target=serve, args=(connection, server.received[-1]), daemon=True).start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield server
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for connection in open_sockets:
                with suppress(OSError):
                    connection.close()
