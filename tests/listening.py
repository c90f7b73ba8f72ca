"""Small HTTP server on 127.0.0.1 that tests use in place of a remote service."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.certificates import Certificate


class QuietHandler(BaseHTTPRequestHandler):
    """Base class of HTTP handlers that does not log requests."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class has this name
        pass


@contextmanager
def listening(
    handler: type[QuietHandler], certificate: Certificate | None = None, *, address: str = "127.0.0.1"
) -> Iterator[str]:
    """Runs an HTTP server with a handler until the end of the block. Yields its URL.

    Serves over TLS if a certificate is given. Containers reach the address 0.0.0.0 only.
    """
    with ThreadingHTTPServer((address, 0), handler) as server:
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate.chain, certificate.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
