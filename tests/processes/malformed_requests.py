"""Raw HTTP requests, from nearly valid to random bytes. A seed makes them the same in each run."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Final

from tests.accounts import AUTH, CHAT, PROJECTS, TODOS, UNKNOWN_TODO
from tests.processes.malformed_bodies import BODIES, frame, random_body

ROUTES: Final = (
    *(f"POST {AUTH}/{call}" for call in ("login", "register", "password")),
    *(f"POST {path}" for path in (TODOS, f"{TODOS}/batch", PROJECTS, CHAT)),
    *(f"PATCH {path}" for path in (UNKNOWN_TODO, f"{AUTH}/me")),
    *(
        f"GET {path}"
        for path in (TODOS, f"{TODOS}/changes", UNKNOWN_TODO, f"{AUTH}/me", "/openapi.json", "/docs", "/health")
    ),
    "GET /docs/assets/swagger-ui.css",
    f"DELETE {TODOS}",
)

_METHODS: Final = (
    b"PUT",
    b"HEAD",
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    b"get",
    b"PRI",
    b"G\x00T",
    b"",
    b"\xff",
    b"A" * 9000,
)
_TARGETS: Final = (
    b"*",
    b"",
    b"/",
    b"//",
    b"/../../etc/passwd",
    b"/%2e%2e/%2e%2e",
    b"/%00",
    b"/\x00",
    b"/%ff%fe",
    b"/%",
    b"/%zz",
    b"/\xff",
    b"http://evil.example/api/v1/todos",
    b"http://[::1",
    b"evil.example:80",
    b"/api/v1/todos#x",
    b"/" + b"a" * 70_000,
    b"/api/v1/todos/%00",
    b"/api/v1/todos/\xc3\xa9",
    b"/api/v1/todos//",
    b"/api/v1/todos/" + b"%41" * 3_000,
)
_QUERIES: Final = (
    b"limit=" + b"9" * 5_000,
    b"limit=-1",
    b"limit=1e3",
    b"since=" + b"9" * 30,
    b"cursor=%00",
    b"cursor=" + b"A" * 9_000,
    b"q=%00",
    b"q=%ff",
    b"q=\xff",
    b"q=" + b"%28" * 2_000,
    b"tag=x&" * 3_000,
    b"&" * 5_000,
    b"=",
    b"%",
    b"due_before=0000-00-00",
    b"sort=-order;drop",
    b"due_after=9999-12-31T23:59:60Z",
    b"trashed=\x00",
    b"priority[]=x",
    b"updated_since=10000-01-01",
)
_VALUES: Final = (
    b"",
    b" ",
    b",",
    b";",
    b"\x00",
    b"\xff\xfe",
    b"a" * 9_000,
    b"a" * 40_000,
    b"\xc3\xa9",
    b"9" * 5_000,
    b"-1",
    b"*",
    b'"',
    b'"1", W/"2", *',
    b"W/",
    b"bytes=0-0,-1,5-",
    b"bytes=9-1",
    b"bytes=" + b"0-," * 3_000,
    b"gzip;q=0",
    b"gzip;q=x, br;q=9",
    b"\t",
    b"a\rb",
    b"(" * 500,
    b"=?utf-8?b?AA==?=",
    b"Bearer",
    b"Bearer  ",
    b"Basic \xff",
    b"Digest x",
    b"null",
    b"about:blank",
    b"session_token=x; session_token=y",
    b"session_token=" + b"e" * 9_000,
    b'="',
    b"text/html;q=0.5,*/*;q=",
    b"http://[::1]:99999",
    b"127.0.0.1, unknown, [::1]:5, " * 200,
    b"for=_x;proto=\xff",
    b"application/json; charset=utf-16",
    b"multipart/form-data",
    b"application/x-www-form-urlencoded; charset=\xff",
    b"multipart/form-data; boundary=x",
    b"application/json; charset=nonsense",
    b"localhost:99999999",
    b"[::1",
    b"a b",
    b"evil.example:x",
    b"xn--\xff",
    b"100-continue",
    b"websocket",
    b"h2c",
    b"chunked, gzip",
)
_NAMES: Final = (
    b"Host",
    b"Range",
    b"If-Range",
    b"Accept",
    b"Accept-Encoding",
    b"Accept-Language",
    b"If-Match",
    b"If-None-Match",
    b"Cookie",
    b"Authorization",
    b"Content-Type",
    b"Content-Encoding",
    b"Idempotency-Key",
    b"X-Request-ID",
    b"X-Forwarded-For",
    b"Origin",
    b"X-Forwarded-Proto",
    b"X-Forwarded-Host",
    b"Forwarded",
    b"Sec-Fetch-Site",
    b"Expect",
    b"Upgrade",
    b"Connection",
    b"TE",
    b"Via",
    b"Access-Control-Request-Method",
    b"Access-Control-Request-Headers",
    b"Sec-WebSocket-Key",
    b"Last-Event-ID",
    b"Date",
    b"Transfer-Encoding",
    b"Content-Length",
)
_FRAMING: Final = (b"Transfer-Encoding", b"Content-Length")
_INVALID_NAMES: Final = (
    b"X Y",
    b"",
    b"\xff",
    b"a" * 9_000,
    b" Folded",
    b"No\x00Name",
)


@dataclass(frozen=True)
class RawRequest:
    """Bytes to send. `is_complete` is true if a server must answer them without waiting for more bytes."""

    content: bytes
    is_complete: bool
    is_head: bool = False


def generate(token: str, *, seed: int) -> Iterator[RawRequest]:
    """Yields each body on each route that takes one, then random requests without end."""
    chance = Random(seed)  # noqa: S311 - repeatable on purpose
    authorization = f"Authorization: Bearer {token}".encode()
    with_body = [route for route in ROUTES if not route.startswith(("GET", "DELETE"))]
    for route, body in product(with_body, BODIES):
        is_form = body.startswith(b"username=")
        media_type = b"application/x-www-form-urlencoded" if is_form else b"application/json"
        headers = [b"Host: x", authorization, b"Content-Type: " + media_type, b"Content-Length: %d" % len(body)]
        yield RawRequest(_join(f"{route} HTTP/1.1".encode(), headers, body), is_complete=True)
    while True:
        yield _random_request(chance, authorization)


def _random_request(chance: Random, authorization: bytes) -> RawRequest:
    method, _, target = chance.choice(ROUTES).encode().partition(b" ")
    line = _request_line(chance, method, target)
    headers, body, is_framed = frame(chance, random_body(chance)) if method != b"GET" else ([], b"", True)
    headers += [b"Host: x", b"Content-Type: application/json"]
    if chance.random() < 0.8:
        headers.append(authorization)
    odd = [_odd_header(chance) for _ in range(chance.choice([0, 1, 1, 2, 5]))]
    chance.shuffle(headers := headers + odd)
    if chance.random() < 0.02:
        headers += [b"X-%d: y" % number for number in range(3_000)]
    content = _join(line, headers, body)
    # A header about the length of the body may announce more bytes than follow.
    is_complete = is_framed and not any(header.startswith(_FRAMING) for header in odd)
    change = chance.randrange(20)
    if change == 0:
        return RawRequest(content[: chance.randrange(len(content))], is_complete=False)
    if change == 1:
        return RawRequest(
            content.replace(b"\r\n", chance.choice([b"\n", b"\r", b"\r\n\r\n", b"\x00"])), is_complete=False
        )
    if change == 2:
        return RawRequest(content * chance.randrange(2, 6), is_complete=False)
    if change == 3:
        return RawRequest(chance.randbytes(chance.choice([1, 100, 5_000])), is_complete=False)
    return RawRequest(content, is_complete, is_head=line.startswith(b"HEAD"))


def _request_line(chance: Random, method: bytes, target: bytes) -> bytes:
    choice = chance.randrange(20)
    if choice == 0:
        return b"%b %b HTTP/1.1" % (chance.choice(_METHODS), target)
    if choice == 1:
        return b"%b %b HTTP/1.1" % (method, chance.choice(_TARGETS))
    if choice < 6:
        return b"%b %b?%b HTTP/1.1" % (method, target, chance.choice(_QUERIES))
    if choice == 6:
        version = chance.choice(
            [b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.1 x", b"http/1.1", b"", b"HTTP/" + b"1" * 500]
        )
        return b"%b %b %b" % (method, target, version)
    return b"%b %b HTTP/1.1" % (method, target)


def _odd_header(chance: Random) -> bytes:
    name, separator = chance.choice(_NAMES), b": "
    if chance.random() < 0.1:
        name, separator = chance.choice(_INVALID_NAMES), chance.choice([b": ", b":", b" : ", b"", b":\x00"])
    return name + separator + chance.choice(_VALUES)


def _join(line: bytes, headers: list[bytes], body: bytes) -> bytes:
    return b"\r\n".join([line, *headers, b"", body])
