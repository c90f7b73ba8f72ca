"""The lines of the log: `write` and `logging` write the same ones."""

import io
import json
import logging
from typing import Any

import pytest

from todo_core import logs
from todo_core.settings import Settings

FIELDS = {"request_id": "mine", "status": 200, "milliseconds": 1.2, "problem": None}


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Returns what the log of a service in production writes."""
    for name in ("handlers", "propagate", "level"):
        monkeypatch.setattr(logs.log, name, getattr(logs.log, name))
    monkeypatch.setenv("ENVIRONMENT", "development")
    stream = io.StringIO()
    logs.configure(Settings(), stream=stream)
    return stream


def lines(output: io.StringIO) -> list[dict[str, Any]]:
    return [{**json.loads(line), "timestamp": None} for line in output.getvalue().splitlines()]


class TestWrite:
    def test_a_line_is_that_of_logging(self, output: io.StringIO) -> None:
        logs.write(logging.INFO, "GET /health 200 1.2 ms", FIELDS)
        logs.log.info("GET /health 200 1.2 ms", extra=FIELDS)
        written, logged = output.getvalue().splitlines()
        assert list(json.loads(written)) == list(json.loads(logged))
        assert len(json.loads(written)["timestamp"]) == len(json.loads(logged)["timestamp"])
        assert lines(output)[0] == lines(output)[1]

    def test_a_line_of_an_invocation_has_its_ids(self, output: io.StringIO) -> None:
        logs.correlate(function_request_id="theirs")
        logs.write(logging.INFO, "GET /health 200 1.2 ms", FIELDS)
        assert lines(output)[0]["function_request_id"] == "theirs"

    def test_a_line_below_the_log_level_is_not_written(self, output: io.StringIO) -> None:
        logs.write(logging.DEBUG, "GET /health 200 1.2 ms", FIELDS)
        assert not output.getvalue()

    def test_a_full_disk_fails_no_request(
        self, output: io.StringIO, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def fail(_text: str) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(output, "write", fail)
        logs.write(logging.INFO, "GET /health 200 1.2 ms", FIELDS)
        assert "No space left on device" in capsys.readouterr().err
