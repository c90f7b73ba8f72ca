"""Failures of providers: error bodies, and answers that break off."""

import json
from dataclasses import replace
from http import HTTPStatus

from tests.dialects.provider import Interruption
from tests.dialects.provider_server import HttpResponse, Json, json_response, text_response


def answers(response: HttpResponse) -> Interruption:
    """Sends this response in place of the answer."""
    return lambda _: response


def fails(status: int, body: object = None, **headers: str) -> Interruption:
    """Sends an error status. The default body is that of OpenAI with the phrase of the status."""
    if body is None:
        phrase = HTTPStatus(status).phrase if status in HTTPStatus else "Overloaded"
        body = {"error": {"message": phrase, "type": "server_error", "param": None, "code": None}}
    return answers(text_response(body, status) if isinstance(body, str) else json_response(body, status, **headers))


def shows_page(status: int) -> Interruption:
    return answers(text_response("<!DOCTYPE html><html><h1>Just a moment...</h1></html>", status, "text/html"))


def breaks_off(pieces: int) -> Interruption:
    """Breaks the connection after this number of pieces. A negative number counts from the end."""

    def interrupt(response: HttpResponse) -> HttpResponse:
        return replace(response, pieces=response.pieces[:pieces], is_cut=True)

    return interrupt


def breaks_off_at(fraction: float) -> Interruption:
    """Breaks the connection in the middle of the body, which is cut at this fraction of its bytes."""

    def interrupt(response: HttpResponse) -> HttpResponse:
        body = b"".join(response.pieces)
        return replace(response, pieces=(body[: int(len(body) * fraction)],), is_cut=True)

    return interrupt


def errs_in_stream(error: Json, *, after: int = 3, event: str | None = None) -> Interruption:
    """Sends an error as an event after some events of a stream, or as the whole body of a response."""

    def interrupt(response: HttpResponse) -> HttpResponse:
        if "event-stream" not in response.content_type:
            return json_response(error)
        name = f"event: {event}\n" if event else ""
        last = f"{name}data: {json.dumps(error)}\n\n".encode()
        return replace(response, pieces=(*response.pieces[:after], last))

    return interrupt
