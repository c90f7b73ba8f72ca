"""Logging: JSON lines for machines, readable lines in a developer's terminal.

Passwords, tokens, cookies and the text of todos are never logged. The message of an unexpected exception may quote
them. Only the type and the stack of such an exception are therefore logged.
"""

import logging
import os
import sys
import sysconfig
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

import msgspec
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from todo_core.settings import Settings

_SERVICE: Final = "todo-backend"
_LIBRARY_FOLDERS: Final = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))

log: Final = logging.getLogger(_SERVICE)


def configure(settings: Settings, *, stream: TextIO | None = None) -> None:
    """Sends this service's log to a stream, turns off access logs, and shortens errors of a failed start.

    The stream is standard output by default.

    The access logs are those of uvicorn and mangum, the libraries that serve requests.
    """
    stream = stream or sys.stdout
    handler: logging.StreamHandler[TextIO]
    if stream.isatty() and not settings.in_production:
        handler = logging.StreamHandler(stream)
        handler.setFormatter(_ReadableFormatter("%(asctime)s %(message)s", "%H:%M:%S"))
    else:
        handler = _JsonHandler(stream)
    # Saves time per line: otherwise logging looks up thread, process, asyncio task and caller, which no line shows.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.logAsyncioTasks = False  # type: ignore[attr-defined] # since Python 3.12; typeshed does not know it
    logging._srcfile = None  # noqa: SLF001 - the way that Python's logging HOWTO documents
    log.handlers = [handler]
    log.propagate = False
    log.setLevel(settings.log_level)

    logging.getLogger("mangum").setLevel(logging.WARNING)  # at level INFO, mangum logs one line per request
    access_log = logging.getLogger("uvicorn.access")
    access_log.handlers.clear()
    access_log.propagate = False
    logging.getLogger("uvicorn.error").filters = [_ShortStartupErrors()]


def correlate(**keys: object) -> None:
    """Adds fields to all later JSON lines of the log. The Lambda handlers pass the ids of the current invocation."""
    for handler in log.handlers:
        if isinstance(handler, _JsonHandler):
            handler.json.append_keys(**keys)
            handler.has_plain_lines = False


def write(level: int, message: str, fields: Mapping[str, object]) -> None:
    """Logs a line as `log.log(level, message, extra=fields)` does, outside of Lambda in a quarter of the time."""
    if not log.isEnabledFor(level):
        return
    handler = log.handlers[0] if len(log.handlers) == 1 else None
    if not isinstance(handler, _JsonHandler) or not handler.write(level, message, fields):
        log.log(level, message, extra=fields)


def _to_json(record: object) -> str:
    line: bytes = msgspec.json.encode(record)
    return line.decode()


class _JsonHandler(logging.StreamHandler[TextIO]):
    """Writes the lines of Powertools to a stream. `has_plain_lines` is True while they need no ids of an invocation."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.json: Final = LambdaPowertoolsFormatter(
            json_serializer=_to_json, service=_SERVICE, location=None, utc=True, use_rfc3339=True
        )
        self.setFormatter(self.json)
        self.has_plain_lines = True

    def write(self, level: int, message: str, fields: Mapping[str, object]) -> bool:
        """Writes a line with the fields that are not None. Returns False if only `logging` can write the line."""
        if not self.has_plain_lines:
            return False
        line = {
            "level": logging.getLevelName(level),
            "message": message,
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "service": _SERVICE,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        try:
            self.stream.write(f"{_to_json(line | given)}\n")
            self.flush()
        except (OSError, ValueError):  # ValueError for a closed stream
            return False
        return True


class _ReadableFormatter(logging.Formatter):
    """Formats a line for a terminal, and appends the type and the place of the logged error.

    The place is the file and line of the innermost stack frame in this project's code.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        match getattr(record, "error", None):
            case [*frames, kind]:
                return f"{line}: {kind.removeprefix('builtins.')} at {_innermost_own_frame(frames)}"
            case _:
                return line


def _innermost_own_frame(frames: Sequence[str]) -> str:
    # A frame without an absolute path belongs to a compiled extension of a library, not to this project.
    own_frames = [frame for frame in frames if Path(frame).is_absolute() and not frame.startswith(_LIBRARY_FOLDERS)]
    innermost = next(reversed(own_frames or frames), "an unknown location")
    return innermost.removeprefix(f"{Path.cwd()}{os.sep}")


class _ShortStartupErrors(logging.Filter):
    """Shortens the tracebacks that Starlette logs as text when the start or the shutdown fails.

    A traceback that ends in an error of this project is replaced by the error's message. A traceback that ends in
    CancelledError is dropped: it comes from a second Ctrl-C during the shutdown.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        *before, last = record.getMessage().rstrip().splitlines() or [""]
        if before and last.startswith(("todo_core.", "functions.")):
            record.msg, record.args = last.partition(": ")[2], ()
        return not (before and last.endswith("CancelledError"))


def format_stack(error: BaseException) -> list[str]:
    """Returns the stack frames of an exception, innermost last, followed by its type.

    Leaves out the message and the values of variables, which may be secret.
    """
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return [*lines, f"{type(error).__module__}.{type(error).__qualname__}"]
