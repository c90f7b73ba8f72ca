"""Logging: JSON lines for machines, readable lines in a developer's terminal.

Logged are facts about requests. Passwords, tokens, cookies and the text of todos are never handed to a logger,
and of an unexpected exception only its type and its place, because its message may quote them.
"""

import logging
import os
import sys
import sysconfig
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from todo_core.settings import Settings

_SERVICE: Final = "todo-backend"
_CODE_OF_OTHERS: Final = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))

log: Final = logging.getLogger(_SERVICE)


def configure(settings: Settings) -> None:
    """Sends the log to standard output, and silences other lines per request in favour of ours."""
    handler = logging.StreamHandler(sys.stdout)
    if sys.stdout.isatty() and not settings.in_production:
        handler.setFormatter(_ForPeople("%(asctime)s %(message)s", "%H:%M:%S"))
    else:
        handler.setFormatter(
            LambdaPowertoolsFormatter(
                json_serializer=_to_json, service=_SERVICE, location=None, utc=True, use_rfc3339=True
            )
        )
    # Each line would otherwise look up the thread, the process and the asyncio task, which say nothing here.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.logAsyncioTasks = False  # type: ignore[attr-defined] # since Python 3.12; typeshed does not know it
    log.handlers = [handler]
    log.propagate = False
    log.setLevel(settings.log_level)

    logging.getLogger("mangum").setLevel(logging.WARNING)  # it has a line of its own for each request
    uvicorns = logging.getLogger("uvicorn.access")
    uvicorns.handlers.clear()
    uvicorns.propagate = False
    logging.getLogger("uvicorn.error").filters = [_StartAndStop()]


def correlate(**keys: object) -> None:
    """Adds the keys to every line from now on, until they are given anew: on Lambda what an invocation is known by."""
    for handler in log.handlers:
        if isinstance(handler.formatter, LambdaPowertoolsFormatter):
            handler.formatter.append_keys(**keys)


def _to_json(record: object) -> str:
    line: bytes = msgspec.json.encode(record)
    return line.decode()


class _ForPeople(logging.Formatter):
    """Says after the message what `place_of` an error tells, in brief: its type and the line of ours it came from."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        match getattr(record, "error", None):
            case [*frames, kind]:
                return f"{line}: {kind.removeprefix('builtins.')} at {_innermost_of_ours(frames)}"
            case _:
                return line


def _innermost_of_ours(frames: Sequence[str]) -> str:
    # A frame of compiled code has no absolute path.
    ours = [frame for frame in frames if Path(frame).is_absolute() and not frame.startswith(_CODE_OF_OTHERS)]
    innermost = next(reversed(ours or frames), "an unknown place")
    return innermost.removeprefix(f"{Path.cwd()}{os.sep}")


class _StartAndStop(logging.Filter):
    """Starlette hands a start that failed to uvicorn as a traceback in text. Of an error of ours its sentence is
    enough, and a stop that was cut short by a second Ctrl-C is none.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        *before, last = record.getMessage().rstrip().splitlines() or [""]
        if before and last.startswith("todo_core."):
            record.msg, record.args = last.partition(": ")[2], ()
        return not (before and last.endswith("CancelledError"))


def place_of(error: BaseException) -> list[str]:
    """The type of an exception and the lines it came through, innermost last, without any message or value."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return [*lines, f"{type(error).__module__}.{type(error).__qualname__}"]
