"""The middleware that refuses requests while the process works on too many."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo_core.clients import current_client
from todo_core.errors import RateLimited, TooBusy
from todo_core.web.refusals import Refusals
from todo_core.web.requests import is_probe
from todo_core.workload import Work, Workload, current_work

_WITHOUT_BODY: Final = {"GET", "HEAD"}


class OverloadLimit:
    """Answers 503 at once while the process works on too many requests. Health checks always pass.

    A request does not count while it waits for its body, or while its client reads a part.
    """

    def __init__(self, app: ASGIApp, workload: Workload, refusals: Refusals) -> None:
        self.app = app
        self._refusals = refusals
        self._workload = workload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = current_client.get()
        if client is None or is_probe(scope):
            await self.app(scope, receive, send)
            return
        try:
            work = await self._workload.begin(client, is_costly=scope["state"]["request_cost"] > 1)
        except (RateLimited, TooBusy) as error:
            await self._refusals.refuse(error, scope, receive, send)
            return
        current_work.set(work)
        if scope["method"] not in _WITHOUT_BODY:
            receive = _pause_until_complete(receive, work)
        try:
            await self.app(scope, receive, send)
        finally:
            work.end()


def _pause_until_complete(receive: Receive, work: Work) -> Receive:
    """Returns a `receive` that pauses the work while the rest of the body has not arrived.

    Later calls wait for the end of the connection, beside the work on the response.
    """
    is_complete = False

    async def receive_body() -> Message:
        nonlocal is_complete
        if is_complete:
            return await receive()
        work.pause()
        try:
            message = await receive()
        finally:
            work.resume()
        is_complete = not message.get("more_body", False)
        return message

    return receive_body
