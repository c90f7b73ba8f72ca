"""Metrics for Prometheus, on a port of their own. On Lambda, `todo_core.web.metrics` tells the same to CloudWatch."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from http import HTTPMethod
from typing import Final

from fastapi import FastAPI
from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics, start_http_server
from starlette.types import ASGIApp, Receive, Scope, Send

from todo_core.database.executor import Database
from todo_core.settings import InvalidSettings
from todo_core.web.requests import AnsweredRequest, Count
from todo_core.web.resources import resources_of

_METHODS: Final = frozenset(HTTPMethod)
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Seconds: from a request that needs no database to a turn of the assistant."""

# Each of ours would bring a second series with it, which nothing asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]

_REQUESTS: Final = Counter("todo_http_requests", "Requests answered.", ["method", "route", "status"])
_SECONDS: Final = Histogram(
    "todo_http_request_duration_seconds", "How long they took.", ["method", "route"], buckets=_BUCKETS
)
_IN_FLIGHT: Final = Gauge("todo_http_requests_in_flight", "Requests that are not answered yet.")
_POOL_SIZE: Final = Gauge("todo_database_pool_size", "Connections to the database that there may be.")
_CONNECTIONS: Final = Gauge("todo_database_connections", "Connections to the database.", ["state"])
COUNTERS: Final[Mapping[Count, Counter]] = {
    "ChatTurns": Counter("todo_chat_turns", "Turns of the assistant."),
    "ChatTokens": Counter("todo_chat_tokens", "Tokens that they took."),
    "ToolCalls": Counter("todo_chat_tool_calls", "Tool calls that the model asked for in them."),
}


def expose(app: FastAPI, port: int) -> None:
    """Counts what the app does, and answers at the port with it for as long as the app runs."""
    app.state.observers.append(count)
    app.add_middleware(InFlight)
    _watch(resources_of(app).database)
    serve = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _listening(port), serve(app):
            yield

    app.router.lifespan_context = lifespan


def count(request: AnsweredRequest) -> None:
    method = request.method if request.method in _METHODS else "other"
    requests, seconds = _series(method, request.route or "(no route)", request.status)
    requests.inc()
    seconds.observe(request.milliseconds / 1000)
    for name, amount in request.counts.items():
        COUNTERS[name].inc(amount)


@cache
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    # Looked up by the library, they would take as long as being counted.
    return _REQUESTS.labels(method, route, status), _SECONDS.labels(method, route)


class InFlight:
    """Counts requests while they last."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with _IN_FLIGHT.track_inprogress():
            await self.app(scope, receive, send)


def _watch(database: Database) -> None:
    """The database is asked at each scrape."""
    _POOL_SIZE.set_function(lambda: database.pool_use.size)
    _CONNECTIONS.labels("in_use").set_function(lambda: database.pool_use.in_use)
    _CONNECTIONS.labels("idle").set_function(lambda: database.pool_use.idle)


@asynccontextmanager
async def _listening(port: int) -> AsyncIterator[None]:
    """Answers in a thread, because a scrape takes milliseconds for which no request should wait."""
    try:
        server, thread = start_http_server(port)
    except OSError as error:
        raise InvalidSettings(f"METRICS_PORT: nothing can listen on {port}: {error.strerror}.") from None
    try:
        yield
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        thread.join()
