"""The middleware that answers 500 to an unexpected exception."""

from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo_core.logs import format_stack, log
from todo_core.web.problems import InternalError, make_problem_response

_CLOSED_BY_CLIENT: Final = "the handler is closed"
"""Part of uvloop's message about a write to a connection that the client has closed."""


class ResponseCutOff(Exception):
    """The exception that replaces an unexpected exception after the response has begun, to hide its message."""


class UnexpectedErrors:
    """Answers 500 to an unexpected exception. A client that has gone away gets no answer, and is not logged.

    Runs inside the CORS middleware, so that pages of other origins can read the answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_and_note_start(message: Message) -> None:
            nonlocal started
            started = True
            try:
                await send(message)
            except RuntimeError as error:
                if _CLOSED_BY_CLIENT in str(error):
                    raise ClientDisconnect from None
                raise

        try:
            await self.app(scope, receive, send_and_note_start)
        except ClientDisconnect:
            return  # an answer would reach no client
        except Exception as error:  # noqa: BLE001 - every exception needs an answer
            request_id = scope["state"]["request_id"]
            log.error("Unexpected error", extra={"request_id": request_id, "error": format_stack(error)})
            if started:
                # Makes the server close the connection, so that the client notices the incomplete response. The server
                # logs this exception with its message; the original message may contain secrets.
                raise ResponseCutOff from None
            await make_problem_response(InternalError(), request_id)(scope, receive, send)
