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
    """A body without a Content-Length, for synchronous and asynchronous transports."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


class RawUrl(httpx2.URL):
    """A URL whose path and query are sent without normalisation."""

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
    """Sends a GET for a path and query that a client would normalise or refuse."""
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
    """Returns the error codes of a 422 by field. Asserts that each has a message."""
    errors = problem(response, 422, "validation_failed")["errors"]
    assert errors
    for error in errors:
        assert set(error) == {"field", "message", "code"}
        assert len(error["message"]) > len("Invalid")
        assert re.fullmatch(r"[a-z][a-z0-9_]*", error["code"])
    return {error["field"]: error["code"] for error in errors}


def assert_refused(response: httpx2.Response, codes: dict[int, str]) -> None:
    """Asserts that the response is one of these problems: which layer refuses the request may differ."""
    assert response.status_code in codes, response.text
    problem(response, response.status_code, codes[response.status_code])


def fields_named(account: Account, body: object, *, method: str = "POST", url: str = TODOS) -> list[str]:
    """Returns the fields that the 422 for this body names."""
    return list(errors_of(send(account, json.dumps(body).encode(), method=method, url=url)))


def todo_of_size(size: int) -> bytes:
    """Returns the JSON of a todo of `size` bytes, valid except for the length of its title."""
    frame = b'{"title": "%s"}'
    return frame % (b"a" * (size - len(frame) + 2))
