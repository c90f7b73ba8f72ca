"""A proxy in front of PostgreSQL that accepts TLS connections, like Neon's proxy."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from anyio.from_thread import start_blocking_portal


@dataclass
class TlsFront:
    """Proxy that accepts TLS connections from clients and forwards them unencrypted to a PostgreSQL server."""

    server_url: str
    context: ssl.SSLContext | None
    """The TLS context with the proxy's certificate. With None the proxy refuses TLS, like a server without TLS."""
    requested_names: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def url(self, host: str = "localhost", **query: str) -> str:
        behind = urlsplit(self.server_url)
        credentials = behind.netloc.rpartition("@")[0]
        return f"postgresql://{credentials}@{host}:{self.port}{behind.path}?{urlencode(query)}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator["TlsFront"]:
        if self.context:
            self.context.sni_callback = self._note_name
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            yield self

    def _note_name(self, _socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        self.requested_names.append(name or "")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await self._accept(reader, writer):
                await self._forward(reader, writer)
        except (OSError, EOFError):
            pass  # expected when the client refuses the certificate; the test checks the client's error
        finally:
            writer.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await reader.readexactly(8)  # discards the SSLRequest, which a client sends first to request TLS
        writer.write(b"S" if self.context else b"N")
        if self.context is None:
            # A client that sends more after the refusal accepts an unencrypted connection, which is counted.
            self.connections += len(await reader.read(1))
            return False
        await writer.start_tls(self.context)
        return True

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        behind_reader, behind_writer = await self._connect()
        try:
            await asyncio.gather(_copy(reader, behind_writer), _copy(behind_reader, writer))
        finally:
            behind_writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self.server_url)
        host = parts.hostname or dict(parse_qsl(parts.query))["host"]
        port = parts.port or 5432
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    writer.close()


def make_certificate(folder: Path) -> Path:
    """Creates a self-signed certificate for localhost. Returns the file, which also contains the private key."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
            *("-addext", "keyUsage=critical,digitalSignature,keyCertSign"),
        ],
        check=True,
        capture_output=True,
    )
    certificate.write_text(certificate.read_text() + key.read_text())
    return certificate


@contextmanager
def front(server_url: str, context: ssl.SSLContext | None) -> Iterator[TlsFront]:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(TlsFront(server_url, context).running()) as running,
    ):
        yield running
