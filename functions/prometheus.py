"""Serves metrics to Prometheus on their own port. On Lambda, `todo_core.web.metrics` reports requests to CloudWatch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from http import HTTPMethod
from typing import Final

from fastapi import FastAPI
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)
from starlette.types import ASGIApp, Receive, Scope, Send

from todo_core.database.executor import Database
from todo_core.errors import InvalidSettings
from todo_core.web.requests import AnsweredRequest, Count
from todo_core.web.resources import get_resources

_METHODS: Final = frozenset(HTTPMethod)
_BUCKETS_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Upper bounds of the duration buckets, from a request without a database query to a turn of the assistant."""


def expose(app: FastAPI, host: str, port: int) -> None:
    """Makes the app count its requests, and serve its metrics to Prometheus on a host and port while it runs."""
    # No chart reads the `_created` series, which the library would add to every counter and histogram.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    _watch_connections(registry, get_resources(app).database)
    app.state.observers.append(RequestMetrics(registry).count)
    in_flight = Gauge("todo_http_requests_in_flight", "Requests not answered yet.", registry=registry)
    app.add_middleware(InFlight, gauge=in_flight)
    serve = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _listening(host, port, registry), serve(app):
            yield

    app.router.lifespan_context = lifespan


class RequestMetrics:
    """Metrics of answered requests: number and duration, and the counts that routes report, such as tool calls."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "todo_http_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "todo_http_request_duration_seconds",
            "Time from the request to the end of its response.",
            ["method", "route"],
            buckets=_BUCKETS_SECONDS,
            registry=registry,
        )
        self.counters: Final[dict[Count, Counter]] = {
            "ChatTurns": Counter("todo_chat_turns", "Turns of the assistant.", registry=registry),
            "ChatTokens": Counter("todo_chat_tokens", "Tokens used in the turns.", registry=registry),
            "ToolCalls": Counter("todo_chat_tool_calls", "Tool calls of the model in the turns.", registry=registry),
        }
        # Cached, because the library takes as long to find a series as to add to its count.
        self._find_series = cache(self._series)

    def count(self, request: AnsweredRequest) -> None:
        # Counts unknown methods as `other`: clients may invent methods, and each would add a series.
        method = request.method if request.method in _METHODS else "other"
        requests, seconds = self._find_series(method, request.route or "(no route)", request.status)
        requests.inc()
        seconds.observe(request.milliseconds / 1000)
        for name, amount in request.counts.items():
            self.counters[name].inc(amount)

    def _series(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        return self._requests.labels(method, route, status), self._seconds.labels(method, route)


class InFlight:
    """Middleware that keeps the number of HTTP requests in progress in a gauge."""

    def __init__(self, app: ASGIApp, gauge: Gauge) -> None:
        self.app = app
        self._gauge = gauge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with self._gauge.track_inprogress():
            await self.app(scope, receive, send)


def _watch_connections(registry: CollectorRegistry, database: Database) -> None:
    """Adds gauges for the database connections. They read the connection pool each time Prometheus fetches metrics."""
    pool_size = Gauge("todo_database_pool_size", "Largest number of connections to the database.", registry=registry)
    pool_size.set_function(lambda: database.pool_use.size)
    connections = Gauge("todo_database_connections", "Connections to the database.", ["state"], registry=registry)
    connections.labels("in_use").set_function(lambda: database.pool_use.in_use)
    connections.labels("idle").set_function(lambda: database.pool_use.idle)


@asynccontextmanager
async def _listening(host: str, port: int, registry: CollectorRegistry) -> AsyncIterator[None]:
    """Serves the metrics on a host and port during the block, in a thread of its own.

    In the event loop, collecting the metrics would delay requests by milliseconds. Raises InvalidSettings when the
    process cannot listen on the port, for example because another process does.
    """
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise InvalidSettings(f"METRICS_PORT: nothing can listen on {host}:{port}: {error.strerror}.") from None
    try:
        yield
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        thread.join()
