"""Parses PostgreSQL URLs in the forms that providers show, without weakening their security settings."""

import re
import ssl
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from todo_core.secret_values import SecretValue

_SCHEMES: Final = {"postgres", "postgresql"}
_CHANNEL_BINDING: Final = {"disable", "prefer", "require"}
_SSL_MODES: Final = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
_LOCAL_HOSTS: Final = {"localhost", "127.0.0.1", "::1", "host.docker.internal"}
_PARAMETERS_OF_OTHER_DRIVERS: Final = {"connect_timeout", "connection_limit", "pool_timeout", "socket_timeout"}
"""Parameters for the client side of libpq and Prisma, which are removed from the URL.

asyncpg would send them to the server, which does not know them.
"""


class PostgresUrl(SecretValue, frozen=True):
    """A URL for asyncpg. `display_name` names database and host without credentials, for logs and messages."""

    dsn: str
    display_name: str
    user: str | None
    """The role that connects. None if the URL names none."""
    server: str
    """Host and port."""
    pooled: bool
    """True if the URL leads to a transaction pooler.

    Recognized by the host name of Neon's poolers (`...-pooler.`) or by Prisma's parameter `pgbouncer=true`.
    """
    verified_by_system_roots: bool
    """True if the server's certificate is checked against its host name and this machine's root certificates."""

    @property
    def ssl(self) -> ssl.SSLContext | None:
        """The TLS context for asyncpg; None if asyncpg is to derive TLS from the `sslmode` inside the URL."""
        return ssl.create_default_context() if self.verified_by_system_roots else None


def parse(text: str) -> PostgresUrl:
    """Parses a PostgreSQL URL in any form that Neon's console shows.

    The text may be a URL, a psql command with a URL, or a line of a .env file. Quotes around the URL are removed. The
    schemes of SQLAlchemy (`postgresql+asyncpg://`) and JDBC (`jdbc:postgresql://`) are accepted too.

    `channel_binding=require` protects from a man in the middle. asyncpg cannot bind SCRAM to the TLS channel, so TLS
    must protect instead. The server's certificate and host name are then verified, against `sslrootcert` or the
    system's root certificates.

    Raises ValueError. Its message never contains the URL, which may hold a password.
    """
    bare = re.sub(r"^(psql\s+|(export\s+)?\w+\s*=\s*)", "", text.strip()).strip("'\" ")
    parts = _split(bare.removeprefix("jdbc:"))
    query = _query(parts)
    _refuse_placeholders(parts)
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
        display_name=f"{parts.path.lstrip('/') or 'the default database'} at {host}",
        user=unquote(parts.username or "") or query.get("user"),
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
        # The message of urlsplit is dropped, because it may quote the part with the password.
        raise ValueError("it is not a URL whose password and port can be told apart") from None
    scheme = parts.scheme.partition("+")[0]
    if scheme not in _SCHEMES or not url.startswith(f"{parts.scheme}://"):
        raise ValueError("it must begin with postgresql://")
    if "@" in parts.path or parts.fragment:
        raise ValueError("the special characters of its password must be percent-encoded")
    return parts


def _refuse_placeholders(parts: SplitResult) -> None:
    """Refuses the placeholders of documentation: three dots as a name, and `user:password` on another machine.

    Raises ValueError.
    """
    host = parts.hostname or ""
    if ".." in host or "..." in {parts.username, parts.password, parts.path.lstrip("/")}:
        raise ValueError("it holds ... in place of a name; paste the whole URL of your database")
    if (parts.username, parts.password) == ("user", "password") and host not in _LOCAL_HOSTS:
        raise ValueError("user:password is a placeholder; write the role and the password of your database")


def _query(parts: SplitResult) -> dict[str, str]:
    query = {_snake_case(name): value for name, value in parse_qsl(parts.query, keep_blank_values=True)}
    if "ssl" in query:
        query.setdefault("sslmode", query["ssl"])  # SQLAlchemy URLs for asyncpg call sslmode `ssl`
    if query.get("sslmode", "prefer") not in _SSL_MODES:
        raise ValueError(f"its sslmode must be one of {', '.join(sorted(_SSL_MODES))}")
    if query.get("sslrootcert") == "":
        del query["sslrootcert"]  # like libpq, which treats an empty sslrootcert as unset
    if query.get("channel_binding", "prefer") not in _CHANNEL_BINDING:
        raise ValueError("its channel_binding must be disable, prefer or require")
    return {name: value for name, value in query.items() if name not in _PARAMETERS_OF_OTHER_DRIVERS | {"ssl"}}


def _snake_case(name: str) -> str:
    """Converts JDBC's parameter names to those of libpq, such as channelBinding to channel_binding."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
