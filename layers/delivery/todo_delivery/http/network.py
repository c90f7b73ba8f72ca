"""The guarded network: resolves a name once, checks all its addresses, and connects to one of these addresses.

A second look-up between check and connection could give another address (DNS rebinding), so there is none.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from httpcore2 import (
    SOCKET_OPTION,
    AnyIOBackend,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    ConnectError,
    ConnectTimeout,
)

from todo_core.public_addresses import is_public

_MAX_ADDRESSES: Final = 4
"""The number of addresses of a name to which a connection is tried."""
_CONNECT_SECONDS: Final = 3.0
"""Time for the connection to one address. It leaves time for the other addresses."""
_MAX_RESOLUTIONS: Final = 32

type Address = IPv4Address | IPv6Address
type Resolve = Callable[[str], Awaitable[Sequence[Address]]]
"""Returns the addresses of a name, best first. Raises OSError if it has none."""


class NotPublic(ConnectError):
    """The host has no address, or one that is not public.

    One error for both, because the difference would tell clients which names exist in the operator's network.
    """


class GuardedNetwork(AsyncNetworkBackend):
    """Opens connections to public addresses only; with `allow_private`, to all addresses."""

    def __init__(
        self, *, allow_private: bool, resolve: Resolve | None = None, network: AsyncNetworkBackend | None = None
    ) -> None:
        self._allow_private = allow_private
        self._resolve = resolve or resolve_by_system
        self._network = network or AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - the signature of the library
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Connects to the first address of the host that answers. Raises ConnectError and ConnectTimeout."""
        addresses = await self._find_addresses(host)
        for address in addresses[:-1]:
            try:
                return await self._network.connect_tcp(
                    str(address), port, _CONNECT_SECONDS, local_address, socket_options
                )
            except (ConnectError, ConnectTimeout):
                continue
        return await self._network.connect_tcp(
            str(addresses[-1]), port, _CONNECT_SECONDS, local_address, socket_options
        )

    async def _find_addresses(self, host: str) -> Sequence[Address]:
        """Returns the first addresses of the host. Raises NotPublic if any of all its addresses is not public."""
        try:
            addresses = await self._resolve(host)
        except (OSError, UnicodeError):
            raise NotPublic from None
        if not addresses or not (self._allow_private or all(map(is_public, addresses))):
            raise NotPublic
        return addresses[:_MAX_ADDRESSES]


class OneConnection(AsyncNetworkBackend):
    """Opens the connection of one request, and closes it in any case.

    The library leaves a connection open if it is cancelled during the handshake of TLS.
    """

    def __init__(self, network: AsyncNetworkBackend) -> None:
        self._network = network
        self._stream: AsyncNetworkStream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature of the library
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        self._stream = await self._network.connect_tcp(host, port, timeout, local_address, socket_options)
        return self._stream

    async def aclose(self) -> None:
        if self._stream is not None:
            await self._stream.aclose()


async def resolve_by_system(host: str) -> Sequence[Address]:
    """Returns the addresses of a host as the operating system finds them. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_resolving_threads(), _look_up, host)
    return list(dict.fromkeys(ip_address(sockaddr[0]) for *_, sockaddr in found))


def _look_up(host: str) -> list[tuple[object, object, object, object, tuple[str, ...]]]:
    return socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)  # type: ignore[return-value]


@cache
def _resolving_threads() -> ThreadPoolExecutor:
    """Returns threads of their own: a name server that does not answer must not hold those of other work."""
    return ThreadPoolExecutor(_MAX_RESOLUTIONS, thread_name_prefix="resolve")
