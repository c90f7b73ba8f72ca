"""Exceptions that no route handles."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from tests.core.databases import run
from todo_core.web.middleware.unexpected_errors import UnexpectedErrors


async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


class TestUnexpectedErrors:
    def test_a_write_to_a_connection_that_the_client_has_closed_is_not_logged(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def receive() -> Message:
            raise NotImplementedError

        async def send(_message: Message) -> None:
            raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")

        run(UnexpectedErrors(answer)({"type": "http", "state": {"request_id": "7"}}, receive, send))

        assert not caplog.records
