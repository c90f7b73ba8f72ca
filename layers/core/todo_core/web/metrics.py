"""Metrics for CloudWatch, which reads them from a Lambda function's log: one line of EMF (JSON) per request.

Per route: Requests, Errors (status 5xx), Latency in milliseconds, and the counts that the route reports.
The environment variables POWERTOOLS_METRICS_NAMESPACE and POWERTOOLS_SERVICE_NAME set their namespace and service.
"""

import os
from http import HTTPStatus

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from todo_core.web.requests import AnsweredRequest


class CloudWatchMetrics:
    """Writes the metrics of answered requests to standard output, from which CloudWatch reads them."""

    def __init__(self) -> None:
        self._namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "TodoBackend")
        self._service = os.environ.get("POWERTOOLS_SERVICE_NAME", "todo-backend")

    def emit(self, request: AnsweredRequest) -> None:
        """Writes the metrics of one request, as one line, to standard output."""
        metrics = EphemeralMetrics(namespace=self._namespace, service=self._service)
        metrics.add_dimension("route", f"{request.method} {request.route or '(no route)'}")
        metrics.add_metric("Requests", MetricUnit.Count, 1)
        metrics.add_metric("Errors", MetricUnit.Count, int(request.status >= HTTPStatus.INTERNAL_SERVER_ERROR))
        metrics.add_metric("Latency", MetricUnit.Milliseconds, round(request.milliseconds, 1))
        for name, count in request.counts.items():
            metrics.add_metric(name, MetricUnit.Count, count)
        metrics.add_metadata("request_id", request.request_id)
        metrics.flush_metrics()
