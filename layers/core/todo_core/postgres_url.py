"""Understands PostgreSQL URLs as providers hand them out, and never weakens what they ask for."""

import re
import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

_SCHEMES = {"postgres", "postgresql"}
_CHANNEL_BINDING = {"disable", "prefer", "require"}


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """A URL for asyncpg. `place` is fit for a log line: database and host, without the credentials."""

    dsn: str
    place: str
    pooled: bool
    """Whether the host is a transaction pooler by Neon's naming (`...-pooler...`)."""
    verified_by_system_roots: bool
    """Whether the server must show a certificate for its name that this machine's root certificates vouch for."""

    @property
    def ssl(self) -> ssl.SSLContext | None:
        """The TLS settings to connect with; None leaves them to the `sslmode` inside the URL."""
        return ssl.create_default_context() if self.verified_by_system_roots else None


def parse(text: str) -> PostgresUrl:
    """Reads a URL in any form that Neon's console shows: plain, quoted, as a psql command or as a .env line,
    with an SQLAlchemy or JDBC scheme.

    `channel_binding=require` asks for proof that nobody sits between client and server. asyncpg cannot bind
    SCRAM to the TLS channel, so the same proof is asked of TLS: the server's certificate is verified in full
    (against `sslrootcert`, or else the system's roots).

    Raises ValueError with a sentence that never repeats the URL.
    """
    bare = re.sub(r"^(psql\s+|(export\s+)?\w+\s*=\s*)", "", text.strip()).strip("'\" ")
    parts = _split(bare.removeprefix("jdbc:"))
    query = {_snake_case(name): value for name, value in parse_qsl(parts.query, keep_blank_values=True)}

    binding = query.pop("channel_binding", "prefer")
    if binding not in _CHANNEL_BINDING:
        raise ValueError("its channel_binding must be disable, prefer or require")
    roots = query.get("sslrootcert", "system")
    if binding == "require" or query.get("sslrootcert") == "system":
        query["sslmode"] = "verify-full"
    by_system_roots = query.get("sslmode") == "verify-full" and roots == "system"
    if by_system_roots:
        query.pop("sslrootcert", None)

    host = parts.hostname or query.get("host", "localhost")
    return PostgresUrl(
        dsn=f"postgresql://{parts.netloc}{parts.path}?{urlencode(query)}",
        place=f"{parts.path.lstrip('/') or 'the default database'} at {host}",
        pooled=host.partition(".")[0].endswith("-pooler"),
        verified_by_system_roots=by_system_roots,
    )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        # The message of urlsplit may quote the part with the password.
        raise ValueError("it is not a URL") from None
    if parts.scheme.partition("+")[0] not in _SCHEMES:
        raise ValueError("it must begin with postgresql://")
    return parts


def _snake_case(name: str) -> str:
    """JDBC writes channelBinding for libpq's channel_binding."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
