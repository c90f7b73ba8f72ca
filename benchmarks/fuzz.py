"""Random requests to all routes, valid and invalid, made from the OpenAPI document of the service."""

import http.client
import json
import random
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import uuid4

import httpx2
from client import HOST
from servers import Server

_OMITTED: Final = {"logout", "close_account", "end_session", "export_me"}
"""Operations that end the session of the fuzz, after which all requests were refused alike, and the slow export."""
_TIMEOUT_SECONDS: Final = 30
_STREAM: Final = "/todos/changes"
"""The path whose responses last on if the client accepts events."""
_METHODS: Final = ("GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "HEAD")
_ALPHABETS: Final = (string.ascii_lowercase + " ", string.printable, "äöüßéç—🚲日本", "".join(map(chr, range(256))))
_TEXTS: Final = ["".join(random.Random(1).choices(alphabet, k=40_000)) for alphabet in _ALPHABETS]  # noqa: S311
"""Long random texts, of which each random text is a part."""


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    parameters: Sequence[str]
    """The names of the query parameters."""
    example: Any
    """A valid body, or None."""


def load_operations(server: Server) -> list[Operation]:
    document = httpx2.get(f"{server.url}/openapi.json").raise_for_status().json()
    schemas = document["components"]["schemas"]
    return [
        Operation(
            method.upper(),
            path,
            [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"],
            _find_example(operation, schemas),
        )
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if not any(operation["operationId"].startswith(name) for name in _OMITTED)
    ]


def _find_example(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    schema = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    return next(iter(schema.get("examples", ())), None)


class Fuzzer:
    """Sends random requests on one keep-alive connection. The same seed makes the same requests."""

    def __init__(self, server: Server, operations: Sequence[Operation], token: str, seed: int) -> None:
        self._server = server
        self._operations = operations
        self._token = token
        self._choose = random.Random(seed)  # noqa: S311 - repeatable
        self._known_ids: list[str] = [str(uuid4())]

    def run(self, count: int) -> Counter[int]:
        """Sends requests and returns how often each status was answered. Status 0 is a connection that was closed."""
        statuses: Counter[int] = Counter()
        connection = self._connect()
        for _ in range(count):
            method, target, headers, body = self._make_request()
            try:
                connection.request(method, target, body, headers)
                response = connection.getresponse()
                content = response.read()
            except (http.client.HTTPException, OSError):
                statuses[0] += 1
                connection.close()
                connection = self._connect()
                continue
            statuses[response.status] += 1
            self._learn_id(response.status, content)
        connection.close()
        return statuses

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(HOST, self._server.port, timeout=_TIMEOUT_SECONDS)

    def _learn_id(self, status: int, content: bytes) -> None:
        if status == http.client.CREATED and content.startswith(b'{"id":"'):
            self._known_ids = [*self._known_ids[-20:], content[7:43].decode()]

    def _make_request(self) -> tuple[str, str, dict[str, str], bytes | None]:
        choose = self._choose
        operation = choose.choice(self._operations)
        method = choose.choice(_METHODS) if _one_in(20, choose) else operation.method
        path = "/".join(
            quote(self._make_id(), safe="") if part.startswith("{") else part for part in operation.path.split("/")
        )
        names = [name for name in operation.parameters if _one_in(5, choose)]
        if _one_in(20, choose):
            names.append(_make_text(choose, 20))
        query = urlencode([(name, self._make_parameter()) for name in names])
        headers = {"Content-Type": self._make_header() if _one_in(10, choose) else "application/json"}
        if not _one_in(10, choose):
            headers["Authorization"] = f"Bearer {self._make_header() if _one_in(10, choose) else self._token}"
        for name in ("If-Match", "If-None-Match", "Idempotency-Key", "X-Request-ID", "Accept", "Accept-Encoding"):
            if _one_in(10, choose):
                headers[name] = self._make_header()
        if path.endswith(_STREAM):
            headers.pop("Accept", None)  # the stream would not end
        body = self._make_body(operation.example) if method in {"POST", "PATCH", "PUT"} else None
        return method, f"{path}?{query}" if query else path, headers, body

    def _make_id(self) -> str:
        choose = self._choose
        return choose.choice([choose.choice(self._known_ids), str(uuid4()), _make_text(choose, 50) or "0"])

    def _make_parameter(self) -> str:
        choose = self._choose
        values = ("true", "1", "200", "-1", "2030-01-01", "none", "high", "title", "-due", "milk", "a" * 5_000)
        return choose.choice([*values, self._make_id(), _make_text(choose, 200)])

    def _make_header(self) -> str:
        choose = self._choose
        values = ("gzip;q=0", "text/event-stream", '"1"', "*", "application/json; charset=" + _make_word(choose))
        return choose.choice([*values, _make_word(choose), "x" * choose.randrange(5_000)])

    def _make_body(self, example: Any) -> bytes:
        choose = self._choose
        match choose.choices(("changed", "example", "random", "no JSON"), weights=(50, 20, 25, 5)):
            case ["changed"]:
                return json.dumps(_change(example, choose)).encode()
            case ["example"]:
                return json.dumps(example).encode()
            case ["random"]:
                return json.dumps(_make_value(choose, 3)).encode()
        return choose.choice([choose.randbytes(choose.randrange(50_000)), b"[" * 50_000, b'{"a":' * 1_000, b""])


def _one_in(number: int, choose: random.Random) -> bool:
    return choose.randrange(number) == 0


def _change(value: Any, choose: random.Random) -> Any:
    """Returns a valid body with some of its values replaced, and some fields left out or added."""
    if isinstance(value, dict):
        kept = {name: _change(each, choose) for name, each in value.items() if not _one_in(10, choose)}
        return kept | ({_make_word(choose): _make_value(choose, 1)} if _one_in(10, choose) else {})
    if isinstance(value, list):
        return [_change(each, choose) for each in value for _ in range(choose.choice((1, 1, 1, 0, 2, 40)))]
    return _make_value(choose, 2) if _one_in(3, choose) else value


def _make_value(choose: random.Random, depth: int) -> Any:
    if depth and _one_in(4, choose):
        return [_make_value(choose, depth - 1) for _ in range(choose.randrange(5))]
    if depth and _one_in(4, choose):
        return {_make_word(choose): _make_value(choose, depth - 1) for _ in range(choose.randrange(5))}
    constants = (None, True, False, 0, -1, 2**31, 2**63, 10**400, 1e300, "\x00", "🚲" * 16_384)
    return choose.choice([*constants, _make_text(choose, 100), _make_text(choose, 100), _make_text(choose, 20_000)])


def _make_text(choose: random.Random, max_characters: int) -> str:
    text = choose.choice(_TEXTS)
    start = choose.randrange(len(text))
    return text[start : start + choose.randrange(max_characters)]


def _make_word(choose: random.Random) -> str:
    return "".join(choose.choices(string.ascii_letters + string.digits + "-_", k=choose.randrange(1, 30)))
