"""Understands PostgreSQL URLs as providers hand them out, and never weakens what they ask for."""

import re
import ssl
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

_SCHEMES: Final = {"postgres", "postgresql"}
_CHANNEL_BINDING: Final = {"disable", "prefer", "require"}
_SSL_MODES: Final = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
_OF_OTHER_DRIVERS: Final = {"connect_timeout", "connection_limit", "pool_timeout", "socket_timeout"}
"""What libpq and Prisma read for themselves; asyncpg would hand it to the server as a setting of the session."""


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """A URL for asyncpg. `place` is fit for a log line: database and host, without the credentials."""

    dsn: str = field(repr=False)
    place: str
    server: str
    """Host and port: what tells one server, or one way to it, from another."""
    pooled: bool
    """Whether it leads through a transaction pooler, by Neon's naming of hosts (`...-pooler...`) or by Prisma's
    `pgbouncer=true`."""
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
    query = _query(parts)
    pooled = query.pop("pgbouncer", "").lower() == "true"

    roots = query.get("sslrootcert", "system")
    if query.pop("channel_binding", None) == "require" or query.get("sslrootcert") == "system":
        query["sslmode"] = "verify-full"
    by_system_roots = query.get("sslmode") == "verify-full" and roots == "system"
    if by_system_roots:
        query.pop("sslrootcert", None)

    host = parts.hostname or query.get("host", "localhost")
    return PostgresUrl(
        dsn=f"postgresql://{parts.netloc}{parts.path}?{urlencode(query)}",
        place=f"{parts.path.lstrip('/') or 'the default database'} at {host}",
        server=f"{host}:{parts.port or query.get('port', 5432)}",
        pooled=pooled or host.partition(".")[0].endswith("-pooler"),
        verified_by_system_roots=by_system_roots,
    )


def _split(url: str) -> SplitResult:
    if re.search(r"[\x00-\x1f\x7f]", unquote(url)):
        raise ValueError("it holds a control character")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # The message of urlsplit may quote the part with the password.
        raise ValueError("it is not a URL whose password and port can be told apart") from None
    scheme = parts.scheme.partition("+")[0]
    if scheme not in _SCHEMES or not url.startswith(f"{parts.scheme}://"):
        raise ValueError("it must begin with postgresql://")
    if "@" in parts.path or parts.fragment:
        raise ValueError("the special characters of its password must be percent-encoded")
    return parts


def _query(parts: SplitResult) -> dict[str, str]:
    query = {_snake_case(name): value for name, value in parse_qsl(parts.query, keep_blank_values=True)}
    if "ssl" in query:
        query.setdefault("sslmode", query["ssl"])  # SQLAlchemy's name for it
    if query.get("sslmode", "prefer") not in _SSL_MODES:
        raise ValueError(f"its sslmode must be one of {', '.join(sorted(_SSL_MODES))}")
    if query.get("sslrootcert") == "":
        del query["sslrootcert"]  # for libpq the same as none
    if query.get("channel_binding", "prefer") not in _CHANNEL_BINDING:
        raise ValueError("its channel_binding must be disable, prefer or require")
    return {name: value for name, value in query.items() if name not in _OF_OTHER_DRIVERS | {"ssl"}}


def _snake_case(name: str) -> str:
    """JDBC writes channelBinding for libpq's channel_binding."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
