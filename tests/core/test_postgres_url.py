"""Every form of a URL that a provider hands out, and what it asks of TLS, tried on a server that speaks it."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

import pytest
from anyio.from_thread import start_blocking_portal

from functions.migrate.app import upgrade
from tests import postgres
from todo_core.database import postgres_url
from todo_core.database.statements import Statement
from todo_core.errors import DatabaseUnavailable
from todo_core.settings import Settings

HOST = "ep-cool-darkness-a1b2c3d4.us-east-2.aws.neon.tech"
POOLER = "ep-cool-darkness-a1b2c3d4-pooler.us-east-2.aws.neon.tech"
URL = f"postgresql://alex:AbC123dEf@{POOLER}/neondb?sslmode=require&channel_binding=require"
JDBC = f"jdbc:postgresql://{POOLER}/neondb?user=alex&password=AbC123dEf&sslmode=require&channelBinding=require"
PASSWORD = "c0ffee"

FORMS = [
    URL,
    f"  {URL}\n",
    URL.replace("postgresql://", "postgres://"),
    URL.replace("postgresql://", "postgresql+asyncpg://"),
    URL.replace("postgresql://", "postgresql+psycopg://"),
    f"'{URL}'",
    f'"{URL}"',
    f"psql '{URL}'",
    f"psql {URL}",
    f'psql "{URL}"',
    f"DATABASE_URL='{URL}'",
    f'DATABASE_URL="{URL}"',
    f"DATABASE_URL={URL}",
    f'export DATABASE_URL="{URL}"',
    f"DATABASE_URL = '{URL}'",
    JDBC,
    f'DATABASE_URL="{JDBC}"',
]


@dataclass(frozen=True)
class Target:
    """What a driver makes of a URL."""

    user: str | None
    password: str | None
    host: str | None
    port: int | None
    database: str
    sslmode: str | None


def target(url: str) -> Target:
    parts = urlsplit(postgres_url.parse(url).dsn)
    assert parts.scheme == "postgresql"
    query = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    return Target(
        user=unquote(parts.username) if parts.username else query.get("user"),
        password=unquote(parts.password) if parts.password else query.get("password"),
        host=parts.hostname or query.get("host"),
        port=parts.port,
        database=unquote(parts.path.lstrip("/")),
        sslmode=query.get("sslmode"),
    )


class TestForms:
    @pytest.mark.parametrize("form", FORMS)
    def test_every_form_that_is_handed_out_names_the_same_database(self, form: str) -> None:
        assert target(form) == Target("alex", "AbC123dEf", POOLER, None, "neondb", "verify-full")

    @pytest.mark.parametrize("form", FORMS)
    def test_every_form_asks_for_the_same_proof(self, form: str) -> None:
        assert postgres_url.parse(form).verified_by_system_roots

    @pytest.mark.parametrize("form", FORMS)
    def test_every_form_has_the_same_place(self, form: str) -> None:
        assert postgres_url.parse(form).display_name == f"neondb at {POOLER}"

    def test_a_percent_encoded_password_stays_what_it_is(self) -> None:
        assert target("postgresql://al%40ex:p%40ss%3A%2Fw%23rd%25@localhost/todos").password == "p@ss:/w#rd%"
        assert target("postgresql://al%40ex:p%40ss@localhost/todos").user == "al@ex"

    def test_a_percent_encoded_password_in_the_query_stays_what_it_is(self) -> None:
        assert (
            target("jdbc:postgresql://localhost/todos?user=alex&password=p%40ss%26w%23rd%25").password == "p@ss&w#rd%"
        )

    def test_a_port_is_kept(self) -> None:
        assert target("postgresql://alex@localhost:6543/todos").port == 6543

    def test_an_ipv6_host_is_kept(self) -> None:
        url = "postgresql://alex@[2001:db8::1]:6543/todos"
        assert (target(url).host, target(url).port) == ("2001:db8::1", 6543)
        assert postgres_url.parse(url).display_name == "todos at 2001:db8::1"

    def test_a_socket_is_kept(self) -> None:
        url = "postgresql://alex@/todos?host=/var/run/postgresql"
        assert target(url).host == "/var/run/postgresql"
        assert postgres_url.parse(url).display_name == "todos at /var/run/postgresql"

    def test_without_a_database_name_the_driver_decides(self) -> None:
        assert target("postgresql://alex@localhost").database == ""
        assert postgres_url.parse("postgresql://alex@localhost").display_name == "the default database at localhost"

    def test_neons_endpoint_option_is_kept(self) -> None:
        url = f"postgresql://alex@{HOST}/neondb?options=endpoint%3Dep-cool-darkness-a1b2c3d4"
        query = parse_qs(urlsplit(postgres_url.parse(url).dsn).query)
        assert query == {"options": ["endpoint=ep-cool-darkness-a1b2c3d4"]}


class TestPooled:
    @pytest.mark.parametrize(
        "host", [POOLER, POOLER.upper(), "ep-cool-darkness-a1b2c3d4-pooler.c-2.eu-central-1.aws.neon.tech"]
    )
    def test_a_pooler_is_known_by_its_name(self, host: str) -> None:
        assert postgres_url.parse(f"postgresql://alex@{host}/neondb").pooled

    @pytest.mark.parametrize("host", [HOST, "localhost", "db.my-pooler.example.com", "my-pooler-db.example.com"])
    def test_any_other_host_is_not_one(self, host: str) -> None:
        assert not postgres_url.parse(f"postgresql://alex@{host}/neondb").pooled

    @pytest.mark.parametrize("host", ["localhost:6432", POOLER])
    def test_a_pooler_is_known_by_what_prisma_calls_it(self, host: str) -> None:
        url = postgres_url.parse(f"postgresql://alex@{host}/neondb?pgbouncer=true")
        assert url.pooled
        assert "pgbouncer" not in url.dsn

    def test_what_prisma_denies_is_none(self) -> None:
        assert not postgres_url.parse("postgresql://alex@localhost/neondb?pgbouncer=false").pooled


class TestServer:
    @pytest.mark.parametrize(
        ("url", "server"),
        [
            ("postgresql://alex@db.example.com/todos", "db.example.com:5432"),
            ("postgresql://alex@DB.example.com:5432/todos?sslmode=require", "db.example.com:5432"),
            ("postgresql://alex@db.example.com:6432/todos", "db.example.com:6432"),
            ("postgresql://alex@/todos?host=/run/postgresql&port=5433", "/run/postgresql:5433"),
            ("postgresql:///todos", "localhost:5432"),
        ],
    )
    def test_it_is_host_and_port(self, url: str, server: str) -> None:
        assert postgres_url.parse(url).server == server


class TestRefusal:
    @pytest.mark.parametrize(
        "url",
        [
            "",
            " ",
            "postgresql",
            "postgresql:todos",
            f"mysql://alex:{PASSWORD}@localhost/todos",
            f"sqlite+aiosqlite:///{PASSWORD}.db",
            f"jdbc:mysql://localhost/todos?password={PASSWORD}",
            f"alex:{PASSWORD}@localhost/todos",
            f"postgresql:/alex:{PASSWORD}@localhost/todos",
            f"http://alex:{PASSWORD}@localhost/todos",
            f"psql -h localhost -U alex -W {PASSWORD}",
            f"postgresql://alex:{PASSWORD}@[::1/todos",
            f"postgresql://alex:{PASSWORD}@exa\u2100mple.com/todos",
            f"postgresql://alex:{PASSWORD}@localhost:port/todos",
            f"postgresql://alex:{PASSWORD}@localhost:99999/todos",
            f"postgresql://alex:{PASSWORD}\0@localhost/todos",
            f"postgresql://alex:{PASSWORD}%00@localhost/todos",
            f"postgresql://alex:{PASSWORD}@localhost/todos?sslmode={PASSWORD}",
            f"postgresql://alex:{PASSWORD}@localhost/todos?channel_binding={PASSWORD}",
        ],
    )
    def test_what_cannot_be_used_is_refused_without_being_repeated(self, url: str) -> None:
        with pytest.raises(ValueError, match=r"^it[s ]") as refused:
            postgres_url.parse(url)
        assert PASSWORD not in str(refused.value)
        assert refused.value.__cause__ is None


class TestPlace:
    @pytest.mark.parametrize("between", ["/", "?", "#", "@", ":", "//", "/@", "%"])
    def test_a_password_that_is_not_encoded_is_not_taken_for_the_place(self, between: str) -> None:
        url = f"postgresql://alex:123{between}{PASSWORD}@localhost/todos"
        try:
            told = postgres_url.parse(url).display_name
        except ValueError as refused:
            told = str(refused)
        assert PASSWORD not in told

    @pytest.mark.parametrize(
        "url",
        [
            f"postgresql://{PASSWORD}:{PASSWORD}@localhost/todos",
            f"jdbc:postgresql://localhost/todos?user={PASSWORD}&password={PASSWORD}",
        ],
    )
    def test_it_never_holds_credentials(self, url: str) -> None:
        assert postgres_url.parse(url).display_name == "todos at localhost"

    def test_the_repr_does_not_hold_the_password(self) -> None:
        assert PASSWORD not in repr(postgres_url.parse(f"postgresql://alex:{PASSWORD}@localhost/todos"))


class TestTls:
    @pytest.mark.parametrize("sslmode", ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"])
    def test_required_channel_binding_becomes_full_verification(self, sslmode: str) -> None:
        url = f"postgresql://alex@localhost/todos?sslmode={sslmode}&channel_binding=require"
        assert target(url).sslmode == "verify-full"
        assert postgres_url.parse(url).verified_by_system_roots

    @pytest.mark.parametrize("sslmode", ["disable", "allow", "prefer", "require", "verify-ca"])
    @pytest.mark.parametrize("binding", ["", "&channel_binding=prefer", "&channel_binding=disable"])
    def test_any_other_mode_stays_as_it_is(self, sslmode: str, binding: str) -> None:
        url = f"postgresql://alex@localhost/todos?sslmode={sslmode}{binding}"
        assert target(url).sslmode == sslmode
        assert postgres_url.parse(url).ssl is None

    @pytest.mark.parametrize("asked", ["sslmode=verify-full", "channel_binding=require"])
    @pytest.mark.parametrize("roots", ["", "&sslrootcert="])
    def test_full_verification_without_roots_takes_the_systems(self, asked: str, roots: str) -> None:
        url = postgres_url.parse(f"postgresql://alex@localhost/todos?{asked}{roots}")
        assert "sslrootcert" not in url.dsn
        assert url.ssl is not None
        assert url.ssl.check_hostname
        assert url.ssl.verify_mode is ssl.CERT_REQUIRED

    @pytest.mark.parametrize("sslmode", ["", "&sslmode=require", "&sslmode=verify-ca"])
    def test_system_roots_mean_full_verification(self, sslmode: str) -> None:
        url = f"postgresql://alex@localhost/todos?sslrootcert=system{sslmode}"
        assert target(url).sslmode == "verify-full"
        assert postgres_url.parse(url).verified_by_system_roots

    @pytest.mark.parametrize("asked", ["sslmode=verify-full", "channel_binding=require"])
    def test_roots_that_are_named_are_kept(self, asked: str) -> None:
        url = postgres_url.parse(f"postgresql://alex@localhost/todos?{asked}&sslrootcert=/etc/roots.pem")
        query = parse_qs(urlsplit(url.dsn).query)
        assert query == {"sslmode": ["verify-full"], "sslrootcert": ["/etc/roots.pem"]}
        assert url.ssl is None

    @pytest.mark.parametrize("name", ["channel_binding", "channelBinding", "CHANNEL_BINDING"])
    def test_channel_binding_is_known_in_every_spelling(self, name: str) -> None:
        assert target(f"postgresql://alex@localhost/todos?{name}=require").sslmode == "verify-full"

    def test_what_sqlalchemy_calls_ssl_is_the_mode(self) -> None:
        assert target(f"postgresql+asyncpg://alex@{HOST}/neondb?ssl=require").sslmode == "require"


ONE = Statement("SELECT 1")


@dataclass
class TlsFront:
    """Speaks TLS with the client and plain PostgreSQL with the server behind it, as Neon's proxy does."""

    server_url: str
    context: ssl.SSLContext | None
    """None refuses TLS, as a server does that has none."""
    names_asked_for: list[str] = field(default_factory=list)
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
        self.names_asked_for.append(name or "")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await self._accept(reader, writer):
                await self._forward(reader, writer)
        except (OSError, EOFError):
            pass  # the client has turned away, which is for the test to see
        finally:
            writer.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await reader.readexactly(8)  # an SSLRequest, which always comes first here
        writer.write(b"S" if self.context else b"N")
        if self.context is None:
            self.connections += len(await reader.read(1))  # whoever goes on has accepted plain text
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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def other_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("other-certificate"))


def make_certificate(folder: Path) -> Path:
    """A certificate for localhost that vouches for itself, with its key in the same file."""
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


@pytest.fixture
def server(server_url: str, certificate: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TlsFront]:
    """A server with a certificate that nobody vouches for as yet."""
    monkeypatch.setenv("HOME", str(tmp_path))  # a ~/.postgresql/root.crt is not for the tests
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with front(server_url, context) as running:
        yield running


@pytest.fixture
def trusted_server(server: TlsFront, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> TlsFront:
    """The same, with this machine's root certificates vouching for it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return server


@pytest.fixture
def plain_server(server_url: str) -> Iterator[TlsFront]:
    """A server without TLS."""
    with front(server_url, None) as running:
        yield running


def answer(url: str) -> object:
    """What the service gets from the database of this URL."""
    return postgres.service_gets(url, ONE)


def assert_refused(url: str, why: str) -> None:
    with pytest.raises(DatabaseUnavailable) as refused:
        answer(url)
    assert isinstance(refused.value.__cause__, ssl.SSLCertVerificationError)
    assert why in str(refused.value.__cause__)


FULL = [{"channel_binding": "require", "sslmode": "require"}, {"sslmode": "verify-full"}, {"sslrootcert": "system"}]


class TestAgainstAServer:
    """The connection that a URL leads to, as the service makes it."""

    @pytest.mark.parametrize("query", FULL, ids=urlencode)
    def test_a_certificate_that_the_system_vouches_for_is_accepted(
        self, trusted_server: TlsFront, query: dict[str, str]
    ) -> None:
        assert answer(trusted_server.url(**query)) == 1
        assert trusted_server.names_asked_for == ["localhost"]

    @pytest.mark.parametrize("query", FULL, ids=urlencode)
    def test_a_certificate_that_nobody_vouches_for_is_refused(self, server: TlsFront, query: dict[str, str]) -> None:
        assert_refused(server.url(**query), "self-signed")
        assert server.connections == 0

    @pytest.mark.parametrize("query", FULL, ids=urlencode)
    def test_a_certificate_for_another_name_is_refused(self, trusted_server: TlsFront, query: dict[str, str]) -> None:
        assert_refused(trusted_server.url("127.0.0.1", **query), "mismatch")
        assert trusted_server.connections == 0

    @pytest.mark.parametrize("asked", [{"channel_binding": "require"}, {"sslmode": "verify-full"}], ids=urlencode)
    def test_the_roots_that_the_url_names_count(
        self, server: TlsFront, certificate: Path, asked: dict[str, str]
    ) -> None:
        assert answer(server.url(**asked, sslrootcert=str(certificate))) == 1
        assert_refused(server.url("127.0.0.1", **asked, sslrootcert=str(certificate)), "mismatch")

    def test_the_roots_that_the_url_names_count_alone(self, trusted_server: TlsFront, other_certificate: Path) -> None:
        assert_refused(trusted_server.url(channel_binding="require", sslrootcert=str(other_certificate)), "self-signed")

    def test_mode_require_encrypts_and_asks_for_no_proof(self, server: TlsFront) -> None:
        assert answer(server.url("127.0.0.1", sslmode="require")) == 1
        assert server.connections == 1

    def test_mode_require_with_named_roots_asks_for_their_word(
        self, server: TlsFront, certificate: Path, other_certificate: Path
    ) -> None:
        assert answer(server.url("127.0.0.1", sslmode="require", sslrootcert=str(certificate))) == 1
        assert_refused(server.url(sslmode="require", sslrootcert=str(other_certificate)), "self-signed")

    @pytest.mark.parametrize("query", [*FULL, {"sslmode": "require"}], ids=urlencode)
    def test_a_server_without_tls_is_refused(self, plain_server: TlsFront, query: dict[str, str]) -> None:
        with pytest.raises(DatabaseUnavailable):
            answer(plain_server.url(**query))
        assert plain_server.connections == 0

    def test_migrations_ask_for_the_same_proof(self, trusted_server: TlsFront) -> None:
        url = trusted_server.url("127.0.0.1", channel_binding="require")
        with pytest.raises(DatabaseUnavailable, match="mismatch"):
            upgrade(Settings(database={"url": url}))
        assert trusted_server.connections == 0

    @pytest.mark.parametrize(
        "query", [{"connect_timeout": "10"}, {"pgbouncer": "true", "pool_timeout": "15"}], ids=urlencode
    )
    def test_what_is_meant_for_other_drivers_does_no_harm(self, server: TlsFront, query: dict[str, str]) -> None:
        assert answer(server.url(sslmode="require", **query)) == 1
