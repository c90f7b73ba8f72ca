"""Refusals: answers of limits to requests that no route sees. A refusal must cost much less than the request."""

import asyncio
from collections import Counter
from typing import Final

from starlette.types import Receive, Scope, Send

from todo_core.errors import ServiceError
from todo_core.logs import log
from todo_core.web.problems import make_problem_response

_LOG_INTERVAL_SECONDS: Final = 1.0

_counts: Final = Counter[str]()
"""The refusals since the last line in the log, by the code of the error."""


async def refuse(error: ServiceError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the error, and marks the request as refused."""
    scope["state"]["refusal"] = error.code
    await make_problem_response(error, scope["state"]["request_id"])(scope, receive, send)


def log_refusal(code: str) -> None:
    """Counts a refusal. The log gets one line for all refusals of a second."""
    if not _counts:
        asyncio.get_running_loop().call_later(_LOG_INTERVAL_SECONDS, _log_counts)
    _counts[code] += 1


def _log_counts() -> None:
    log.warning("%d requests refused", _counts.total(), extra={"refusals": dict(_counts)})
    _counts.clear()
