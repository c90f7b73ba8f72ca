"""Serves metrics to Prometheus on their own port. On Lambda, `todo_core.web.metrics` reports requests to CloudWatch."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from http import HTTPMethod
from typing import Any, Final

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
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Receive, Scope, Send

from todo_core.errors import InvalidSettings
from todo_core.web import openapi
from todo_core.web.requests import AnsweredRequest, Count
from todo_core.web.resources import Resources, get_resources

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
    registry.register(ProcessState(get_resources(app)))
    app.state.observers.append(RequestMetrics(registry).count)
    in_flight = Gauge("todo_http_requests_in_flight", "Requests not answered yet.", registry=registry)
    app.add_middleware(InFlight, gauge=in_flight)
    serve = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with _listening(host, port, registry), serve(app) as state:
            yield state or {}

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
        self._problems = Counter("todo_problems", "Errors answered, by their code.", ["code"], registry=registry)
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
        if request.problem is not None:
            self._problems.labels(request.problem).inc()
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


class ProcessState(Collector):
    """Metrics of the process at the time of the scrape: its version, and how much of its resources is in use."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def collect(self) -> Iterator[Metric]:
        build = GaugeMetricFamily("todo_build_info", "Always 1; the label has the version.", labels=["version"])
        build.add_metric([openapi.VERSION], 1)
        yield build
        yield from self._collect_database()
        workload, logins = self._resources.workload, self._resources.password_checks.hasher.queue
        yield GaugeMetricFamily("todo_requests_working", "Requests that do not wait for others.", workload.count)
        yield GaugeMetricFamily("todo_password_checks_waiting", "Password checks in the queue.", logins.waiting)
        yield GaugeMetricFamily("todo_password_checks_waiting_limit", "Length of the queue.", logins.max_waiting)
        live = self._resources.live
        yield GaugeMetricFamily("todo_streams", "Streams, and requests that wait for a change.", live.count)
        yield GaugeMetricFamily("todo_listening", "1 while changes are notified to the process.", live.is_listening)
        yield from self._collect_outbox()
        yield from self._collect_webhooks()

    def _collect_outbox(self) -> Iterator[Metric]:
        """Returns what this process delivered, and what all processes had left when this one looked last."""
        counts, backlog = self._resources.outbox.counts, self._resources.outbox.backlog
        yield CounterMetricFamily("todo_outbox_delivered", "Messages delivered.", counts.delivered)
        yield CounterMetricFamily("todo_outbox_failed", "Attempts that failed.", counts.failed)
        yield CounterMetricFamily("todo_outbox_died", "Messages that are not tried again.", counts.died)
        yield GaugeMetricFamily("todo_outbox_waiting", "Messages that are not delivered yet.", backlog.waiting)
        yield GaugeMetricFamily("todo_outbox_oldest_seconds", "Age of the oldest of them.", backlog.oldest_seconds)
        yield GaugeMetricFamily("todo_outbox_dead", "Messages that are dead.", backlog.dead)
        yield CounterMetricFamily("todo_reminders_fired", "Reminders that fired.", counts.reminders)
        yield CounterMetricFamily("todo_reminders_late", "Reminders that fired late.", counts.late_reminders)
        yield CounterMetricFamily("todo_reminders_sent", "Messages of reminders delivered.", counts.reminders_sent)
        yield GaugeMetricFamily(
            "todo_reminders_overdue_seconds", "Time by which the next reminder is late.", backlog.overdue_seconds
        )

    def _collect_webhooks(self) -> Iterator[Metric]:
        """Returns what this process sent to webhooks, and those that failed when it looked last."""
        figures = self._resources.webhook_figures
        yield CounterMetricFamily("todo_webhooks_delivered", "Changes delivered to webhooks.", figures.delivered)
        yield CounterMetricFamily("todo_webhooks_failed", "Attempts to deliver changes that failed.", figures.failed)
        yield CounterMetricFamily("todo_webhooks_switched_off", "Webhooks that failed too long.", figures.switched_off)
        yield GaugeMetricFamily("todo_webhooks_failing", "Webhooks that wait for a retry.", figures.backlog.failing)

    def _collect_database(self) -> Iterator[Metric]:
        use = self._resources.database.pool_use
        yield GaugeMetricFamily("todo_database_pool_size", "Largest number of connections to the database.", use.size)
        connections = GaugeMetricFamily("todo_database_connections", "Connections to the database.", labels=["state"])
        connections.add_metric(["in_use"], use.in_use)
        connections.add_metric(["idle"], use.idle)
        yield connections
        yield GaugeMetricFamily("todo_database_waiting", "Tasks that wait for a connection.", use.waiting)
        yield CounterMetricFamily("todo_database_uses", "Statements and transactions.", use.uses)
        yield CounterMetricFamily("todo_database_use_seconds", "Time of statements and transactions.", use.use_seconds)


@asynccontextmanager
async def _listening(host: str, port: int, registry: CollectorRegistry) -> AsyncIterator[None]:
    """Serves the metrics on a host and port during the block, in a thread of its own.

    In the event loop, collecting the metrics would delay requests by milliseconds. The host `::` means all addresses,
    also those of IPv4, and only those if the kernel has no IPv6. Raises InvalidSettings when the process cannot listen
    on the port, for example because another process does.
    """
    if host == "::" and not socket.has_dualstack_ipv6():
        host = "0.0.0.0"  # noqa: S104 - the deployer chose all addresses
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
