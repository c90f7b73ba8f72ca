"""Metrics as CloudWatch reads them out of a Lambda function's log: EMF, one line per request.

By route: Requests, Errors (status 5xx) and Latency in milliseconds, and what the route counts beside them.
POWERTOOLS_METRICS_NAMESPACE and POWERTOOLS_SERVICE_NAME name where they appear.
"""

import os
from http import HTTPStatus
from typing import Final

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from todo_core.web.requests import AnsweredRequest

_NAMESPACE: Final = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "TodoBackend")
_SERVICE: Final = os.environ.get("POWERTOOLS_SERVICE_NAME", "todo-backend")


def emit(request: AnsweredRequest) -> None:
    """Writes the line of one request to standard output."""
    metrics = EphemeralMetrics(namespace=_NAMESPACE, service=_SERVICE)
    metrics.add_dimension("route", f"{request.method} {request.route or '(no route)'}")
    metrics.add_metric("Requests", MetricUnit.Count, 1)
    metrics.add_metric("Errors", MetricUnit.Count, int(request.status >= HTTPStatus.INTERNAL_SERVER_ERROR))
    metrics.add_metric("Latency", MetricUnit.Milliseconds, round(request.milliseconds, 1))
    for name, count in request.counts.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    metrics.add_metadata("request_id", request.request_id)
    metrics.flush_metrics()
