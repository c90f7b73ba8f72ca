"""An app as a Lambda function behind an API Gateway HTTP API."""

from fastapi import FastAPI
from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from todo_core.web.problems import MEDIA_TYPE


def handler_of(app: FastAPI) -> Mangum:
    """The handler. Without a lifespan, which would begin and end with each request there."""
    return Mangum(app, lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, MEDIA_TYPE])
