"""Checks of a request's head, the part before its body: the sizes of target and headers, and the header Host."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from starlette.types import Scope

from todo_core.errors import ServiceError
from todo_core.web.requests import is_probe

MAX_HEAD_BYTES: Final = 32 * 1024
MAX_HEADERS: Final = 128
"""The most header lines, because 32 KB of the shortest lines would take a megabyte as Python objects."""
_MAX_TARGET_BYTES: Final = 16 * 1024
"""The longest path and query together."""

_HOST: Final = re.compile(
    r"(?P<host>[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_.])?|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?", re.IGNORECASE
)
_MAX_HOST_BYTES: Final = 300


class MalformedRequest(ServiceError):
    status = 400
    code = "malformed_request"
    title = "Malformed request"
    detail = "The request is not valid HTTP."


class UnknownHost(ServiceError):
    status = 400
    code = "unknown_host"
    title = "Unknown host"
    detail = "The header Host names no host of this service; its operator lists them in ALLOWED_HOSTS."


class TargetTooLong(ServiceError):
    status = 414
    code = "target_too_long"
    title = "URL too long"
    detail = f"Path and query have more than {_MAX_TARGET_BYTES} bytes together; send a shorter URL."


class HeadersTooLarge(ServiceError):
    status = 431
    code = "headers_too_large"
    title = "Headers too large"
    detail = f"The headers have more than {MAX_HEAD_BYTES} bytes or {MAX_HEADERS} lines together; send fewer of them."


HEAD_ERRORS: Final = (UnknownHost, TargetTooLong, HeadersTooLarge)


class HeadChecks:
    """Checks the heads of requests against fixed sizes and the names that may stand in the header Host.

    Without names, any host is allowed. The name `*.example.com` allows all hosts below example.com.
    """

    def __init__(self, allowed_hosts: Sequence[str]) -> None:
        self._names = frozenset(name for name in allowed_hosts if not name.startswith("*"))
        self._suffixes = tuple(name[1:] for name in allowed_hosts if name.startswith("*"))
        self._allows_any = not allowed_hosts

    def find_fault(self, scope: Scope) -> ServiceError | None:
        """Returns the error of a head that is refused, or None. Reads the headers once, which every request pays."""
        size, hosts = 0, []
        for name, value in scope["headers"]:
            size += len(name) + len(value)
            if name == b"host":
                hosts.append(value)
        if size > MAX_HEAD_BYTES or len(scope["headers"]) > MAX_HEADERS:
            return HeadersTooLarge()
        if len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"]) > _MAX_TARGET_BYTES:
            return TargetTooLong()
        return None if self._allows(hosts, scope) else UnknownHost()

    def _allows(self, hosts: list[bytes], scope: Scope) -> bool:
        if len(hosts) != 1:
            # HTTP/1.0 has no Host. Simple health checks use it.
            return not hosts and scope["http_version"] == "1.0" and (self._allows_any or is_probe(scope))
        name = _find_name(hosts[0]) if len(hosts[0]) <= _MAX_HOST_BYTES else None
        if name is None or self._allows_any:
            return name is not None
        # Orchestrators probe a process by its own address, which is no name of the service.
        return name in self._names or name.endswith(self._suffixes) or is_probe(scope)


@lru_cache(maxsize=256)
def _find_name(host: bytes) -> str | None:
    """Returns the name of a Host header in lower case, without the port. None if the header is not a valid host."""
    match = _HOST.fullmatch(host.decode("latin-1"))
    return match["host"].lower().rstrip(".") if match else None
