"""An HTTP server on which each scripted provider answers the requests below its own path."""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

type Json = dict[str, Any]
type Answer = Callable[[HttpRequest], HttpResponse]


@dataclass(frozen=True)
class HttpRequest:
    """A request with a JSON body. `path` has no query and not the path of the provider. Names of headers are lower."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Json

    @property
    def is_streamed(self) -> bool:
        return self.body.get("stream") is True


@dataclass(frozen=True)
class HttpResponse:
    """A response. `pieces` are the chunks of its body, each sent alone. With `is_cut`, the connection then breaks."""

    pieces: tuple[bytes, ...]
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False


def json_response(body: object, status: int = 200, **headers: str) -> HttpResponse:
    """Returns a response with a JSON body. An underscore in the name of a header stands for a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse((json.dumps(body, ensure_ascii=False).encode(),), status, headers=named)


def text_response(text: str, status: int = 200, content_type: str = "text/plain") -> HttpResponse:
    return HttpResponse((text.encode(),), status, content_type)


class ProviderServer:
    """Server on a free port. Runs each answer in the thread of its connection."""

    def __init__(self, url: str, answers: dict[str, Answer]) -> None:
        self._url = url
        self._answers = answers

    def mount(self, name: str, answer: Answer) -> str:
        """Lets `answer` answer all requests below a path named `name`. Returns the URL of this path."""
        self._answers[name] = answer
        return f"{self._url}/{name}"


@contextmanager
def provider_server() -> Iterator[ProviderServer]:
    """Runs a server without providers until the end of the block."""
    answers: dict[str, Answer] = {}

    class Handler(_Handler):
        answer_by_name = answers

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield ProviderServer(f"http://127.0.0.1:{server.server_port}", answers)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    answer_by_name: Mapping[str, Answer]

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        _, name, path = url.path.split("/", 2)
        content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {key.lower(): value for key, value in self.headers.items()}
        request = HttpRequest(f"/{path}", dict(parse_qsl(url.query)), headers, json.loads(content))
        with suppress(ConnectionError):
            self._send(self.answer_by_name[name](request))

    def _send(self, response: HttpResponse) -> None:
        self.send_response(response.status)
        for header, value in {"Content-Type": response.content_type, **response.headers}.items():
            self.send_header(header, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in response.pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        if response.is_cut:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_args: object) -> None:
        """Logs nothing: a failed test shows the faults that its provider found."""


def compress(response: HttpResponse) -> HttpResponse:
    """Returns the response with its body compressed by gzip, sent as one piece."""
    body = gzip.compress(b"".join(response.pieces))
    return HttpResponse(
        (body,), response.status, response.content_type, {**response.headers, "Content-Encoding": "gzip"}
    )
