"""Runs the receiver in JavaScript, and reads its log."""

import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.room import ROOM_SECONDS

FOLDER: Final = Path(__file__).parent


@dataclass
class JavaScriptReceiver:
    """A receiver in a process of its own. `log` has its requests, which it has verified."""

    process: subprocess.Popen[str]
    url: str = ""
    log: list[dict[str, Any]] = field(default_factory=list)
    _lines: queue.Queue[dict[str, Any]] = field(default_factory=queue.Queue)

    def read_lines(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put({"ended": True})

    def know(self, path: str, *secrets: str) -> None:
        """Sets the secrets that must verify the messages to a path. Returns when the receiver knows them."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"path": path, "secrets": secrets}) + "\n")
        self.process.stdin.flush()
        self._next(lambda line: line.get("known") == path)

    def wait_for_port(self) -> None:
        self.url = f"http://127.0.0.1:{self._next(lambda line: 'port' in line)['port']}"

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """Waits until the log has this number of requests. Returns the log."""
        while len(self.log) < count:
            self._next(lambda line: "id" in line)
        return self.log

    def _next(self, is_wanted: Any) -> dict[str, Any]:
        while True:
            line = self._lines.get(timeout=ROOM_SECONDS)
            assert "ended" not in line, (
                "The receiver ended. Run `make test SUITE=webhooks`, which installs its package."
            )
            if "id" in line:
                self.log.append(line)
            if is_wanted(line):
                return line


@contextmanager
def javascript_receiver() -> Iterator[JavaScriptReceiver]:
    """Runs `receiver.mjs` until the end of the block."""
    process = subprocess.Popen(
        ["node", "receiver.mjs"], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    subject = JavaScriptReceiver(process)
    reading = threading.Thread(target=subject.read_lines, daemon=True)
    reading.start()
    try:
        subject.wait_for_port()
        yield subject
    finally:
        process.kill()
        process.wait()
        reading.join()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()
