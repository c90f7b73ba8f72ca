"""The body of an error response is read up to a bound: an endpoint may never end it."""

import asyncio
from contextlib import suppress

import pytest

from todo_assistant.models.endpoint import Endpoint
from todo_assistant.models.provider_errors import ProviderError
from todo_core.settings import AzureOpenAISettings, OpenAISettings

_HEAD = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\nNo such field. "
_PIECE = b"x" * 65_536
_MOST_PIECES = 2_000


class EndlessError:
    """Answers with an error of up to 128 MB, as far as the client reads it. `sent` counts its bytes."""

    sent = 0

    async def __call__(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_HEAD)
        with suppress(ConnectionError):
            for _ in range(_MOST_PIECES):
                writer.write(_PIECE)
                await writer.drain()
                self.sent += len(_PIECE)
        writer.close()


async def ask(answer: EndlessError) -> ProviderError:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        settings = OpenAISettings.model_validate({"api_key": "key", "base_url": url})
        endpoint = Endpoint(settings, AzureOpenAISettings())
        try:
            with pytest.raises(ProviderError) as raised:
                async with endpoint.send({"model": "x", "messages": []}):
                    pass
        finally:
            await endpoint.close()
        server.close_clients()
        return raised.value


def test_an_error_without_an_end_is_read_up_to_a_bound() -> None:
    answer = EndlessError()
    error = asyncio.run(ask(answer))
    assert 0 < answer.sent < 32 * 1024 * 1024
    assert (error.status, error.fault) == (400, "refused")
    assert len(error.text) == 20_000
    assert error.describe().startswith("HTTP 400: No such field.")
