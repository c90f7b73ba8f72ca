"""Requests that clients seldom send: raw URLs, chunked bodies, bodies of any bytes."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import unquote

import httpx2

from tests.accounts import TODOS, Account, problem
from todo_core.settings import Settings

JSON = "application/json"
MAX_BODY_BYTES: int = Settings.model_fields["max_body_bytes"].default


class Chunks(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A request body in chunks, which httpx2 sends without a Content-Length. Serves both kinds of transport."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


class RawUrl(httpx2.URL):
    """A URL whose path and query httpx2 sends exactly as given, without normalisation."""

    def __init__(self, url: httpx2.URL, target: bytes) -> None:
        super().__init__(url)
        self._target = target

    @property
    def raw_path(self) -> bytes:
        return self._target

    @property
    def path(self) -> str:
        return unquote(self._target.partition(b"?")[0].decode("ascii"))

    @property
    def query(self) -> bytes:
        return self._target.partition(b"?")[2]


def send_raw_get(account: Account, target: str) -> httpx2.Response:
    """Sends a GET with `target` as its exact path and query, even where httpx2 would normalise or refuse them."""
    request = account.client.build_request("GET", "/")
    request.url = RawUrl(request.url, target.encode("ascii"))
    return account.client.send(request)


def send(
    account: Account, content: bytes, *, media_type: str | None = JSON, method: str = "POST", url: str = TODOS
) -> httpx2.Response:
    headers = {} if media_type is None else {"Content-Type": media_type}
    return account.client.request(method, url, content=content, headers=headers)


def send_chunked(account: Account, *chunks: bytes, path: str = TODOS) -> httpx2.Response:
    """Sends a POST with `Transfer-Encoding: chunked`."""
    request = account.client.build_request("POST", path, content=iter(chunks), headers={"Content-Type": JSON})
    request.stream = Chunks(*chunks)
    assert "content-length" not in request.headers
    return account.client.send(request)


def errors_of(response: httpx2.Response) -> dict[str, str]:
    """Returns the error codes by field of a response with status 422. Asserts that each error has a message."""
    errors = problem(response, 422, "validation_failed")["errors"]
    assert errors
    for error in errors:
        assert set(error) == {"field", "message", "code"}
        assert len(error["message"]) > len("Invalid")
        assert re.fullmatch(r"[a-z][a-z0-9_]*", error["code"])
    return {error["field"]: error["code"] for error in errors}


def assert_refused(response: httpx2.Response, codes: dict[int, str]) -> None:
    """Asserts that the response has one of these statuses and its code: they depend on the layer that refuses."""
    assert response.status_code in codes, response.text
    problem(response, response.status_code, codes[response.status_code])


def fields_named(account: Account, body: object, *, method: str = "POST", url: str = TODOS) -> list[str]:
    """Sends a body as JSON. Returns the names of the invalid fields in the 422 response."""
    return list(errors_of(send(account, json.dumps(body).encode(), method=method, url=url)))


def todo_of_size(size: int) -> bytes:
    """Returns the JSON of a todo, exactly `size` bytes long. The length of the title is its only fault."""
    frame = b'{"title": "%s"}'
    return frame % (b"a" * (size - len(frame) + 2))
