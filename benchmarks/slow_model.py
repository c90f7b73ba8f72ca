"""Language model server that delays each response by a fixed time."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread

from client import HOST

_RESPONSE = json.dumps(
    {
        "id": "chatcmpl-slow",
        "object": "chat.completion",
        "created": 0,
        "model": "slow",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
).encode()


class SlowModel:
    """Slow model at `url`. `waiting_calls` counts the calls without a response."""

    def __init__(self, seconds: float) -> None:
        self.url = ""
        self.seconds = seconds
        self.waiting_calls = 0
        self._changed = Condition()

    def wait(self) -> None:
        self._add(1)
        time.sleep(self.seconds)
        self._add(-1)

    def wait_until(self, holds: Callable[[int], bool], *, seconds: float = 30) -> None:
        """Waits until the number of waiting calls meets a condition. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: holds(self.waiting_calls), timeout=seconds):
                raise TimeoutError(f"{self.waiting_calls} calls are waiting.")

    def _add(self, number: int) -> None:
        with self._changed:
            self.waiting_calls += number
            self._changed.notify_all()


@contextmanager
def slow_model(seconds: float) -> Iterator[SlowModel]:
    """Runs a model server that waits `seconds` before each response, until the end of the block."""
    model = SlowModel(seconds)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            model.wait()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(_RESPONSE)))
            self.end_headers()
            self.wfile.write(_RESPONSE)

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    model.url = f"http://{HOST}:{server.server_address[1]}/v1"
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
