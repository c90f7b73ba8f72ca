"""Request bodies that are invalid, too large or unusual, and the ways in which HTTP sends a body."""

import gzip
import json
from random import Random
from typing import Final

_DIGITS: Final = b"9" * 5000
"""A number that Python refuses to convert to an integer."""
_DEEP: Final = 50_000

BODIES: Final[tuple[bytes, ...]] = (
    b"",
    b"{}",
    b"[]",
    b"null",
    b'{"title": "Milk"}',
    b'{"email": "ada@example.com", "password": "correct horse battery staple"}',
    b'{"message": "add milk"}',
    b'{"operations": [{"op": "create", "todo": {"title": "Milk"}}]}',
    b'{"title": ' + _DIGITS + b"}",
    b'{"email": ' + _DIGITS + b', "password": -' + _DIGITS + b"}",
    b'{"title": "Milk", "order": ' + _DIGITS + b"." + _DIGITS + b"e" + _DIGITS + b"}",
    b'{"title": "Milk", "order": 1e999, "priority": -0, "completed": NaN}',
    b"[" * _DEEP + b"]" * _DEEP,
    b'{"title":' * _DEEP + b"1" + b"}" * _DEEP,
    b'{"title": "\\u0000"}',
    b'{"title": "\\ud800", "email": "\\udfff", "message": "\\ud800"}',
    b'{"title": "\x00"}',
    b'{"title": "\xff\xfe", "email": "\xc3\x28"}',
    b'\xef\xbb\xbf{"title": "Milk"}',
    '{"title": "Milk"}'.encode("utf-16"),
    '{"email": "ada@example.com", "password": "correct horse"}'.encode("utf-32"),
    gzip.compress(b'{"title": "Milk"}'),
    b'{"title": "Milk", "title": 1, "title": null}',
    b'{"title": "Mil',
    b'{"title": "' + "\U0001f95b".encode() * 20_000 + b'"}',
    b'{"operations": [' + b'{"op": "delete", "id": "x"},' * 5_000 + b"{}]}",
    b"username=ada%40example.com&password=%00%ff%zz",
    b"username=ada@example.com&password=\xff\xfe",
    b"username=" + b"a" * 100_000 + b"&password=" + b"&" * 1_000,
    b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nada\r\n--x--\r\n',
    b"\x00" * 1_000,
)

_CHUNKED: Final = b"Transfer-Encoding: chunked"


def frame(chance: Random, body: bytes) -> tuple[list[bytes], bytes, bool]:
    """Returns headers and bytes of a body as a client may send them, and True if HTTP allows this form."""
    choice = chance.randrange(20)
    if choice < 12:
        return [b"Content-Length: %d" % len(body)], body, True
    if choice < 16:
        return [_CHUNKED], _chunks(chance, body), True
    if choice == 16:
        return [_CHUNKED], _broken_chunks(chance, body), False
    if choice == 17:
        return [b"Content-Length: %d" % len(body), _CHUNKED], _chunks(chance, body), False
    if choice == 18:
        length = chance.choice([b"-1", b"+5", b"1_0", b"0x5", b"5.0", b"", b" ", b"\xb2", b"9" * 400, b"5, 6", b"5;5"])
        return [b"Content-Length: " + length], body, False
    lengths = (len(body), len(body) + chance.choice([-1, 1, 1000]))
    return [b"Content-Length: %d" % length for length in lengths[chance.randrange(2) :]], body, False


def _chunks(chance: Random, body: bytes) -> bytes:
    size = chance.choice([1, 7, 1000, 70_000])
    parts = [body[start : start + size] for start in range(0, min(len(body), 200 * size), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def _broken_chunks(chance: Random, body: bytes) -> bytes:
    size = chance.choice([b"-1", b"", b"zz", b"F" * 20, b"5;" + b"x" * 70_000, b"5 5", b"\x00", b"0x5", b"1_0"])
    trailer = chance.choice(
        [b"0\r\n\r\n", b"0\r\nContent-Length: 5\r\n\r\n", b"0\r\n" + b"X: y\r\n" * 5_000 + b"\r\n", b""]
    )
    return size + b"\r\n" + body[:1000] + b"\r\n" + trailer


def random_json(chance: Random, depth: int = 0) -> object:
    """Returns a random value for JSON, with values at the edges of types."""
    choice = chance.randrange(9 if depth < 4 else 7)
    if choice < 7:
        edges: list[object] = [
            None,
            True,
            -1,
            2**63,
            1e308,
            "",
            "\u0000",
            "a" * 600,
            "2030-13-40",
            "é\u0301",
            "\u202ex",
        ]
        return chance.choice(edges)
    if choice == 7:
        return [random_json(chance, depth + 1) for _ in range(chance.randrange(4))]
    names = [
        "title",
        "email",
        "password",
        "message",
        "due_at",
        "tags",
        "operations",
        "op",
        "order",
        "recurrence",
        "\u0000",
    ]
    return {chance.choice(names): random_json(chance, depth + 1) for _ in range(chance.randrange(5))}


def random_body(chance: Random) -> bytes:
    choice = chance.randrange(4)
    if choice == 0:
        return json.dumps({"title": "Milk", "email": "a@b.example", "x": random_json(chance)}).encode()
    if choice == 1:
        return json.dumps(random_json(chance)).encode()
    body = bytearray(chance.choice(BODIES)[:5_000])
    if choice == 2 and body:
        for _ in range(chance.randrange(1, 5)):
            body[chance.randrange(len(body))] = chance.randrange(256)
    return bytes(body)
