"""Metrics for CloudWatch, which reads them from a Lambda function's log: one line of EMF (JSON) per invocation.

Per route: Requests, Errors (status 5xx), Latency in milliseconds, and the counts that the route reports.
Of the outbox: messages delivered, failed attempts, messages that died, those that wait, and the age of the oldest.
Of reminders: those that fired, those of them that were late, messages sent, and the delay of the next one.
Of webhooks: changes delivered, failed attempts, webhooks that were switched off, and those that fail.
The environment variables POWERTOOLS_METRICS_NAMESPACE and POWERTOOLS_SERVICE_NAME set their namespace and service.
"""

import os
from http import HTTPStatus

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from todo_core.outbox.outbox import Outbox
from todo_core.web.requests import AnsweredRequest
from todo_core.webhooks.figures import WebhookFigures


def _begin_metrics() -> EphemeralMetrics:
    return EphemeralMetrics(
        namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "TodoBackend"),
        service=os.environ.get("POWERTOOLS_SERVICE_NAME", "todo-backend"),
    )


def emit_outbox_metrics(outbox: Outbox) -> None:
    """Writes the metrics of a delivery, as one line, to standard output."""
    counts, backlog = outbox.counts, outbox.backlog
    metrics = _begin_metrics()
    metrics.add_metric("OutboxDelivered", MetricUnit.Count, counts.delivered)
    metrics.add_metric("OutboxFailed", MetricUnit.Count, counts.failed)
    metrics.add_metric("OutboxDied", MetricUnit.Count, counts.died)
    metrics.add_metric("OutboxWaiting", MetricUnit.Count, backlog.waiting)
    metrics.add_metric("OutboxOldestSeconds", MetricUnit.Seconds, round(backlog.oldest_seconds))
    metrics.add_metric("RemindersFired", MetricUnit.Count, counts.reminders)
    metrics.add_metric("RemindersLate", MetricUnit.Count, counts.late_reminders)
    metrics.add_metric("RemindersSent", MetricUnit.Count, counts.reminders_sent)
    metrics.add_metric("RemindersOverdueSeconds", MetricUnit.Seconds, round(backlog.overdue_seconds))
    metrics.flush_metrics()


def emit_webhook_metrics(figures: WebhookFigures) -> None:
    """Writes the metrics of webhooks, as one line, to standard output."""
    metrics = _begin_metrics()
    metrics.add_metric("WebhooksDelivered", MetricUnit.Count, figures.delivered)
    metrics.add_metric("WebhooksFailed", MetricUnit.Count, figures.failed)
    metrics.add_metric("WebhooksSwitchedOff", MetricUnit.Count, figures.switched_off)
    metrics.add_metric("WebhooksFailing", MetricUnit.Count, figures.backlog.failing)
    metrics.flush_metrics()


class CloudWatchMetrics:
    """Writes the metrics of answered requests to standard output, from which CloudWatch reads them."""

    def emit(self, request: AnsweredRequest) -> None:
        """Writes the metrics of one request, as one line, to standard output."""
        metrics = _begin_metrics()
        metrics.add_dimension("route", f"{request.method} {request.route or '(no route)'}")
        metrics.add_metric("Requests", MetricUnit.Count, 1)
        metrics.add_metric("Errors", MetricUnit.Count, int(request.status >= HTTPStatus.INTERNAL_SERVER_ERROR))
        metrics.add_metric("Latency", MetricUnit.Milliseconds, round(request.milliseconds, 1))
        for name, count in request.counts.items():
            metrics.add_metric(name, MetricUnit.Count, count)
        metrics.add_metadata("request_id", request.request_id)
        metrics.flush_metrics()
