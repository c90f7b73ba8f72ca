"""Runs an app as an AWS Lambda function behind an API Gateway HTTP API."""

import os
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES
from mangum.types import LambdaContext, LambdaEvent

from todo_core import logs
from todo_core.logs import log
from todo_core.web.metrics import CloudWatchMetrics
from todo_core.web.problems import MEDIA_TYPE
from todo_core.web.resources import get_resources

_DELIVER_FUNCTION: Final = "DELIVER_FUNCTION"
"""The variable with the name of the Lambda function that delivers messages."""
_CALL_SECONDS: Final = 2


class LambdaHandler:
    """Answers the invocations of a Lambda process, one at a time, and writes the metrics of each for CloudWatch."""

    def __init__(self, app: FastAPI) -> None:
        app.state.observers.append(CloudWatchMetrics().emit)
        # The app's lifespan is off, because Mangum would start and stop it with each invocation.
        self._serve: Final = Mangum(app, lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, MEDIA_TYPE])
        self._outbox: Final = get_resources(app).outbox
        self._cold_start = True

    def __call__(self, event: LambdaEvent, context: LambdaContext) -> dict[str, Any]:
        logs.correlate(
            correlation_id=event["requestContext"]["requestId"],
            function_request_id=context.aws_request_id,
            cold_start=self._cold_start,
        )
        self._cold_start = False
        response = self._serve(event, context)
        if response["statusCode"] == HTTPStatus.NO_CONTENT:
            # Mangum declares JSON for each response without a media type.
            response.get("headers", {}).pop("content-type", None)
        if self._outbox.take_call():
            _invoke_delivery()
        return response


def _invoke_delivery() -> None:
    """Asks Lambda to run the function that delivers messages, and does not wait for the run.

    Without it, the schedule of that function delivers them within a minute.
    """
    name = os.environ.get(_DELIVER_FUNCTION)
    if not name:
        return
    try:
        _make_client().invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    except Exception as error:  # noqa: BLE001 - of botocore; the request itself has succeeded
        log.warning("The delivery could not be invoked: %s", type(error).__name__)


@cache
def _make_client() -> Any:
    """Returns a client of Lambda's API. The library belongs to Lambda's image, and takes a while to load."""
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    limits = Config(connect_timeout=_CALL_SECONDS, read_timeout=_CALL_SECONDS, retries={"total_max_attempts": 1})
    return boto3.client("lambda", config=limits)
