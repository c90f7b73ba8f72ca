"""Runs an app as an AWS Lambda function behind an API Gateway HTTP API."""

from typing import Any, Final

from fastapi import FastAPI
from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES
from mangum.types import LambdaContext, LambdaEvent

from todo_core import logs
from todo_core.web.metrics import CloudWatchMetrics
from todo_core.web.problems import MEDIA_TYPE


class LambdaHandler:
    """Answers the invocations of a Lambda process, one at a time, and writes the metrics of each for CloudWatch."""

    def __init__(self, app: FastAPI) -> None:
        app.state.observers.append(CloudWatchMetrics().emit)
        # The app's lifespan is off, because Mangum would start and stop it with each invocation.
        self._serve: Final = Mangum(app, lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, MEDIA_TYPE])
        self._cold_start = True

    def __call__(self, event: LambdaEvent, context: LambdaContext) -> dict[str, Any]:
        logs.correlate(
            correlation_id=event["requestContext"]["requestId"],
            function_request_id=context.aws_request_id,
            cold_start=self._cold_start,
        )
        self._cold_start = False
        return self._serve(event, context)
