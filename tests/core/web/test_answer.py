"""The answer to a request whose client goes away."""

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from tests.core.databases import run
from todo_core.web.middleware.answer import Answer

START: Message = {"type": "http.response.start", "status": 200, "headers": []}


def make_answer(message: str) -> Answer:
    """Returns an answer whose server raises a RuntimeError with this message."""

    async def send(_message: Message) -> None:
        raise RuntimeError(message)

    return Answer({"state": {}}, send, (), is_bodiless=False)


class TestSend:
    def test_a_write_to_a_connection_that_the_client_has_closed_is_a_disconnect(self) -> None:
        answer = make_answer("unable to perform operation on <TCPTransport closed=True>; the handler is closed")
        with pytest.raises(ClientDisconnect):
            run(answer.send(dict(START)))

    def test_another_error_of_the_server_stays(self) -> None:
        with pytest.raises(RuntimeError, match="no event loop"):
            run(make_answer("no event loop").send(dict(START)))
