"""An app on the user's machine that connects by the OAuth client of the `mcp` package, unchanged."""

from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import anyio
import httpx2
from anyio import to_thread
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider, TokenStorage
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp_types import CallToolResult
from pydantic import AnyUrl

from tests.listening import QuietHandler, listening
from tests.oauth.publishing import Published
from tests.room import ROOM_SECONDS

_CALLBACK: Final = "/callback"
_EXPIRED: Final = 1.0
"""A moment in 1970, at which a token ended."""

type Use[Result] = Callable[[Client], Awaitable[Result]]


class Refused(Exception):
    """The user said no. `answer` is what the service sent to the app."""

    def __init__(self, answer: dict[str, str]) -> None:
        super().__init__(answer)
        self.answer = answer


class Memory(TokenStorage):
    """Keeps the client's id and its tokens."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@dataclass
class App:
    """The app knows the URL of `/mcp` only. It gets the answers of the user's browser at `callback`.

    `opened` has the URLs that the app opens in the browser, `requests` its requests with their status.
    """

    url: str
    callback: str
    answers: SimpleQueue[dict[str, str]]
    published: Published | None
    threads: ThreadPoolExecutor
    opened: SimpleQueue[str] = field(default_factory=SimpleQueue)
    requests: list[tuple[str, str, int]] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)

    def __post_init__(self) -> None:
        # An app that publishes its metadata gets any free port at its redirect URI there (RFC 8252, section 7.3).
        self.provider = OAuthClientProvider(
            self.url,
            OAuthClientMetadata(
                client_name="Planner", redirect_uris=[AnyUrl(self.callback)], token_endpoint_auth_method="none"
            ),
            self.memory,
            redirect_handler=self._open,
            callback_handler=self._wait_for_answer,
            client_metadata_url=self.published.url if self.published else None,
        )

    @property
    def tokens(self) -> OAuthToken:
        assert self.memory.tokens
        return self.memory.tokens

    def restore(self, tokens: OAuthToken) -> None:
        """Lets the app use these tokens, as one does that lost the newer ones. Their access token has ended."""
        self.provider.context.current_tokens = tokens
        self.provider.context.token_expiry_time = _EXPIRED

    def start[Result](self, use: Use[Result]) -> Future[Result]:
        """Connects in another thread, calls `use`, and disconnects."""
        return self.threads.submit(anyio.run, self._connect, use)

    async def _connect[Result](self, use: Use[Result]) -> Result:
        async with (
            httpx2.AsyncClient(
                auth=self.provider, timeout=ROOM_SECONDS, event_hooks={"response": [self._note]}
            ) as http,
            Client(streamable_http_client(self.url, http_client=http)) as client,
        ):
            return await use(client)

    async def _note(self, response: httpx2.Response) -> None:
        request = response.request
        self.requests.append((request.method, request.url.path, response.status_code))

    async def _open(self, url: str) -> None:
        self.opened.put(url)

    async def _wait_for_answer(self) -> AuthorizationCodeResult:
        answer = await to_thread.run_sync(lambda: self.answers.get(timeout=ROOM_SECONDS))
        if "code" not in answer:
            raise Refused(answer)
        return AuthorizationCodeResult.model_validate(answer)


@contextmanager
def running(url: str, published: Published | None) -> Iterator[App]:
    answers = SimpleQueue[dict[str, str]]()

    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 - the base class calls it by this name
            url = urlsplit(self.path)
            # Chromium asks for an icon, too.
            if url.path == _CALLBACK:
                answers.put(dict(parse_qsl(url.query)))
            content = b"<!doctype html><title>Planner</title><p>You can close this window."
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with listening(Handler) as address, ThreadPoolExecutor(1) as threads:
        try:
            yield App(url, f"{address}{_CALLBACK}", answers, published, threads)
        finally:
            # An app that still waits for its user ends.
            answers.put({})


async def list_tools(client: Client) -> list[str]:
    return [tool.name for tool in (await client.list_tools()).tools]


async def add_bread(client: Client) -> CallToolResult:
    return await client.call_tool("add_todos", {"todos": [{"title": "Bread"}]})
