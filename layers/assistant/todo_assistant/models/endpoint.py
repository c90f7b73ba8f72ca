"""The HTTP endpoint of a language model: the only module that uses the openai library, imported on first use."""

import asyncio
import json
import math
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, cast
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from pydantic import JsonValue

from todo_assistant.models.provider_errors import ProviderError
from todo_assistant.models.refusals import Body
from todo_core.settings import AzureOpenAISettings, OpenAISettings

if TYPE_CHECKING:
    # At runtime openai is imported on first use: the import takes longer than all else in a cold start.
    import httpx2
    from openai import AsyncOpenAI
    from openai._response import AsyncAPIResponse

type Api = Literal["chat", "responses"]
type Event = dict[str, JsonValue] | None
"""One JSON object of a stream, or a whole response. None is the end marker `[DONE]`."""

_MAX_RESPONSE_BYTES: Final = 64 * 1024 * 1024
_MAX_EVENT_BYTES: Final = 16 * 1024 * 1024
_MAX_ERROR_BYTES: Final = 1024 * 1024
_MAX_PAUSE_SECONDS: Final = 24 * 60 * 60
_PATHS: Final = ("/chat/completions", "/responses")
_OPENAI_HOST: Final = "api.openai.com"
_AZURE_DOMAINS: Final = (".azure.com", ".azure-api.net")
_VERSIONS_OF_V1: Final = (None, "v1", "preview", "latest")
"""Azure's API versions that stand for the path /openai/v1, which needs no version."""


class Endpoint:
    """Sends requests to the endpoint that the settings name, without retries."""

    def __init__(self, openai: OpenAISettings, azure: AzureOpenAISettings) -> None:
        self._openai = openai
        self._azure = azure
        self._opened_client: AsyncOpenAI | None = None

    @property
    def api(self) -> Api:
        """The API that the settings choose: by default Responses at OpenAI itself, else Chat Completions."""
        if self._openai.api != "auto":
            return self._openai.api
        return "responses" if self.is_openai else "chat"

    @property
    def is_openai(self) -> bool:
        base_url = self._openai.base_url
        return self._azure.endpoint is None and (base_url is None or base_url.host == _OPENAI_HOST)

    @property
    def address(self) -> str:
        """The URL of the endpoint without user name, password and query."""
        url = self._azure.endpoint or self._openai.base_url
        if url is None:
            return f"https://{_OPENAI_HOST}/v1"
        return urlunsplit((url.scheme, f"{url.host}:{url.port}", (url.path or "").rstrip("/"), "", ""))

    @property
    def keys(self) -> list[str]:
        """The keys in the settings, which must never be logged."""
        return [key.get_secret_value() for key in (self._openai.api_key, self._azure.api_key) if key]

    async def prepare(self) -> None:
        """Imports the openai library in a thread: the import takes most of a second and would block the event loop."""
        if "openai" not in sys.modules:
            await asyncio.to_thread(import_module, "openai")

    async def close(self) -> None:
        if self._opened_client is not None:
            await self._opened_client.close()
            self._opened_client = None

    @asynccontextmanager
    async def send(self, body: Body) -> AsyncIterator[AsyncIterator[Event]]:
        """Sends a request and yields the events of the response; a response that is no stream is one event.

        Raises ProviderError, also while the events are read.
        """
        await self.prepare()
        import httpx2  # noqa: PLC0415 - imported with openai
        import openai  # noqa: PLC0415 - imported on first use

        try:
            async with self._request(body) as response:
                yield _read_events(response)
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            if isinstance(error.__cause__, ProviderError):
                raise error.__cause__ from None
            raise ProviderError(None, type(error).__name__) from error

    def _request(self, body: Body) -> Any:
        """Returns the request as a context manager. The library adds the URL, the key and further headers."""
        client, is_streamed = self._client, body.get("stream") is True
        # Given as extra_body, the fields are sent unchanged; as arguments the library would convert them one by one.
        if self.api == "chat":
            return client.chat.completions.with_streaming_response.create(
                model=body["model"], messages=(), stream=is_streamed, extra_body=body
            )
        return client.responses.with_streaming_response.create(stream=is_streamed, extra_body=body)

    @property
    def _client(self) -> "AsyncOpenAI":
        if self._opened_client is None:
            self._opened_client = _open_azure(self._azure) or _open(self._openai)
        return self._opened_client


def _open(settings: OpenAISettings) -> "AsyncOpenAI":
    from openai import AsyncOpenAI  # noqa: PLC0415 - imported on first use

    key = settings.api_key.get_secret_value() if settings.api_key else ""
    if settings.base_url is None:
        return AsyncOpenAI(
            api_key=key, base_url=f"https://{_OPENAI_HOST}/v1", max_retries=0, http_client=_open_http_client()
        )
    parts = urlsplit(str(settings.base_url))
    path = parts.path.rstrip("/")
    for suffix in _PATHS:
        path = path.removesuffix(suffix)
    return AsyncOpenAI(
        api_key=key,
        base_url=urlunsplit((parts.scheme, parts.netloc, path, "", "")),
        default_query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        # Azure reads keys from this header; it takes bearer tokens of Entra ID only, except at its newest URLs.
        default_headers={"api-key": key} if (parts.hostname or "").endswith(_AZURE_DOMAINS) else {},
        max_retries=0,
        http_client=_open_http_client(),
    )


def _open_azure(settings: AzureOpenAISettings) -> "AsyncOpenAI | None":
    """Returns a client for Azure OpenAI, or None without an Azure endpoint.

    Without an API version, the client uses the endpoint's path /openai/v1, which needs none.
    """
    if settings.endpoint is None or settings.api_key is None:
        return None
    from openai import AsyncAzureOpenAI, AsyncOpenAI  # noqa: PLC0415 - imported on first use

    url, key = str(settings.endpoint).rstrip("/"), settings.api_key.get_secret_value()
    if settings.api_version in _VERSIONS_OF_V1:
        base_url = f"{url.removesuffix('/openai/v1')}/openai/v1"
        return AsyncOpenAI(
            api_key=key,
            base_url=base_url,
            default_headers={"api-key": key},
            max_retries=0,
            http_client=_open_http_client(),
        )
    return AsyncAzureOpenAI(
        azure_endpoint=url,
        api_key=key,
        api_version=settings.api_version,
        max_retries=0,
        http_client=_open_http_client(),
    )


def _open_http_client() -> "httpx2.AsyncClient":
    from openai import DefaultAsyncHttpxClient  # noqa: PLC0415 - imported on first use

    return DefaultAsyncHttpxClient(event_hooks={"response": [_raise_for_error]})


async def _raise_for_error(response: "httpx2.Response") -> None:
    """Reads the beginning of an error response, of which the library would read all, and raises ProviderError.

    Does nothing with other responses.
    """
    if response.is_success or response.has_redirect_location:
        return
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > _MAX_ERROR_BYTES:
            break
    pause = _parse_retry_after(response.headers.get("retry-after", ""))
    raise ProviderError(response.status_code, _parse_error(bytes(content)), pause=pause)


async def _read_events(response: "AsyncAPIResponse[Any]") -> AsyncIterator[Event]:
    """Yields the JSON objects of a response. Raises ProviderError for an error document and for other content.

    Some endpoints answer a stream as one object, or an object as a stream, so the content decides.
    """
    is_stream = "event-stream" in response.headers.get("content-type", "")
    async for text in _read_stream_data(response) if is_stream else _read_whole(response):
        if text.startswith(b"[DONE]"):
            yield None
            continue
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ProviderError(None, _describe_content(response)) from error
        if not isinstance(document, dict):
            raise ProviderError(None, _describe_content(response))
        yield _require_no_error(document)


def _require_no_error(document: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Returns the document. Raises ProviderError if it is an error, which some endpoints send with status 200."""
    error = document.get("error")
    minimax_status = document.get("base_resp")
    if isinstance(minimax_status, dict) and minimax_status.get("status_code"):
        error = minimax_status
    if not error and document.get("type") != "error":
        return document
    code = str(error.get("code")) if isinstance(error, dict) else ""
    raise ProviderError(int(code) if re.fullmatch("[45][0-9][0-9]", code) else None, error or document)


async def _read_whole(response: "AsyncAPIResponse[Any]") -> AsyncIterator[bytes]:
    content = bytearray()
    async for chunk in response.iter_bytes():
        content += chunk
        if len(content) > _MAX_EVENT_BYTES:
            raise ProviderError(None, "The response is too large.")
    yield bytes(content)


async def _read_stream_data(response: "AsyncAPIResponse[Any]") -> AsyncIterator[bytes]:
    """Yields the data of each server-sent event. Also accepts JSON without the prefix `data:`, as errors often are."""
    data: list[bytes] = []
    async for line in _read_lines(response):
        if line.startswith((b"data:", b"{")):
            data.append(line.removeprefix(b"data:").strip())
        elif not line and data:
            yield b"\n".join(data)
            data = []
    if data:
        yield b"\n".join(data)


async def _read_lines(response: "AsyncAPIResponse[Any]") -> AsyncIterator[bytes]:
    """Yields the lines of a response. Raises ProviderError for a line of over 16 MiB, or over 64 MiB in all."""
    parts: list[bytes] = []
    size = total = 0
    async for chunk in response.iter_bytes():
        total += len(chunk)
        first, *others = chunk.split(b"\n")
        parts.append(first)
        size += len(first)
        for following in others:
            yield b"".join(parts).rstrip(b"\r")
            parts, size = [following], len(following)
        if size > _MAX_EVENT_BYTES or total > _MAX_RESPONSE_BYTES:
            raise ProviderError(None, "The response is too large.")
    yield b"".join(parts)


def _describe_content(response: "AsyncAPIResponse[Any]") -> str:
    kind = response.headers.get("content-type", "").partition(";")[0][:100] or "no content type"
    return f"The endpoint did not answer with a completion in JSON but with {kind}. Is its base URL right?"


def _parse_error(content: bytes) -> JsonValue:
    """Returns the JSON document of an error response, or its text."""
    try:
        return cast(JsonValue, json.loads(content))
    except (ValueError, RecursionError):
        return content.decode(errors="replace")


def _parse_retry_after(header: str) -> float | None:
    """Returns the seconds in a Retry-After header, at most a day. None if the header is empty, a date or not finite."""
    try:
        seconds = float(header)
    except ValueError:
        return None
    return min(max(seconds, 0), _MAX_PAUSE_SECONDS) if math.isfinite(seconds) else None
