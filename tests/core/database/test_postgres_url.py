"""Parsing of PostgreSQL URLs in the forms that providers show, and the resulting TLS settings."""

import ssl
from dataclasses import dataclass
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import pytest

from todo_core.database import postgres_url

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
    """The user, host, database and other values that a driver reads from a PostgreSQL URL."""

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
    def test_every_form_names_the_same_database(self, form: str) -> None:
        assert target(form) == Target("alex", "AbC123dEf", POOLER, None, "neondb", "verify-full")

    @pytest.mark.parametrize("form", FORMS)
    def test_every_form_verifies_the_certificate(self, form: str) -> None:
        assert postgres_url.parse(form).verified_by_system_roots

    @pytest.mark.parametrize("form", FORMS)
    def test_every_form_has_the_same_display_name(self, form: str) -> None:
        assert postgres_url.parse(form).display_name == f"neondb at {POOLER}"

    def test_a_percent_encoded_password_is_kept(self) -> None:
        assert target("postgresql://al%40ex:p%40ss%3A%2Fw%23rd%25@localhost/todos").password == "p@ss:/w#rd%"
        assert target("postgresql://al%40ex:p%40ss@localhost/todos").user == "al@ex"

    def test_a_percent_encoded_password_in_the_query_is_kept(self) -> None:
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
    def test_a_pooler_is_recognized_by_its_host_name(self, host: str) -> None:
        assert postgres_url.parse(f"postgresql://alex@{host}/neondb").pooled

    @pytest.mark.parametrize("host", [HOST, "localhost", "db.my-pooler.example.com", "my-pooler-db.example.com"])
    def test_any_other_host_is_not_a_pooler(self, host: str) -> None:
        assert not postgres_url.parse(f"postgresql://alex@{host}/neondb").pooled

    @pytest.mark.parametrize("host", ["localhost:6432", POOLER])
    def test_a_pooler_is_recognized_by_prismas_parameter(self, host: str) -> None:
        url = postgres_url.parse(f"postgresql://alex@{host}/neondb?pgbouncer=true")
        assert url.pooled
        assert "pgbouncer" not in url.dsn

    def test_prismas_parameter_may_be_false(self) -> None:
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
    def test_server_is_host_and_port(self, url: str, server: str) -> None:
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
    def test_an_invalid_url_is_refused_without_its_text_in_the_error(self, url: str) -> None:
        with pytest.raises(ValueError, match=r"^it[s ]") as refused:
            postgres_url.parse(url)
        assert PASSWORD not in str(refused.value)
        assert refused.value.__cause__ is None


class TestPlaceholders:
    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://...",
            "postgresql://...-pooler....neon.tech/...?sslmode=require&channel_binding=require",
            "postgresql://....neon.tech/todo",
            "postgresql://alex:...@db.example.com/todo",
            "postgresql://...:c0ffee@db.example.com/todo",
            "postgresql://alex:c0ffee@db.example.com/...",
            "postgresql://user:password@host/database",
            "postgresql://user:password@db.example.com/todo?sslmode=require",
        ],
    )
    def test_a_url_of_the_documentation_is_refused(self, url: str) -> None:
        with pytest.raises(ValueError, match=r"it holds \.\.\. in place of a name|is a placeholder"):
            postgres_url.parse(url)

    @pytest.mark.parametrize("host", ["localhost:5433", "127.0.0.1", "[::1]", "host.docker.internal"])
    def test_a_database_of_this_machine_may_have_such_a_role(self, host: str) -> None:
        assert postgres_url.parse(f"postgresql://user:password@{host}/todo").user == "user"

    def test_dots_in_a_password_are_no_placeholder(self) -> None:
        assert postgres_url.parse("postgresql://alex:c0...ffee@db.example.com/todo").user == "alex"


class TestUser:
    @pytest.mark.parametrize(
        ("url", "user"),
        [
            ("postgresql://todo%20app:c0ffee@db.example.com/todo", "todo app"),
            ("jdbc:postgresql://db.example.com/todo?user=alex", "alex"),
            ("postgresql://db.example.com/todo", None),
        ],
    )
    def test_it_is_the_role_that_connects(self, url: str, user: str | None) -> None:
        assert postgres_url.parse(url).user == user


class TestDisplayName:
    @pytest.mark.parametrize("between", ["/", "?", "#", "@", ":", "//", "/@", "%"])
    def test_a_password_that_is_not_encoded_is_not_shown(self, between: str) -> None:
        url = f"postgresql://alex:123{between}{PASSWORD}@localhost/todos"
        try:
            shown = postgres_url.parse(url).display_name
        except ValueError as refused:
            shown = str(refused)
        assert PASSWORD not in shown

    @pytest.mark.parametrize(
        "url",
        [
            f"postgresql://{PASSWORD}:{PASSWORD}@localhost/todos",
            f"jdbc:postgresql://localhost/todos?user={PASSWORD}&password={PASSWORD}",
        ],
    )
    def test_it_never_contains_credentials(self, url: str) -> None:
        assert postgres_url.parse(url).display_name == "todos at localhost"

    def test_the_repr_does_not_contain_the_password(self) -> None:
        assert PASSWORD not in repr(postgres_url.parse(f"postgresql://alex:{PASSWORD}@localhost/todos"))


class TestTls:
    @pytest.mark.parametrize("sslmode", ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"])
    def test_required_channel_binding_becomes_full_verification(self, sslmode: str) -> None:
        url = f"postgresql://alex@localhost/todos?sslmode={sslmode}&channel_binding=require"
        assert target(url).sslmode == "verify-full"
        assert postgres_url.parse(url).verified_by_system_roots

    @pytest.mark.parametrize("sslmode", ["disable", "allow", "prefer", "require", "verify-ca"])
    @pytest.mark.parametrize("binding", ["", "&channel_binding=prefer", "&channel_binding=disable"])
    def test_any_other_sslmode_is_kept(self, sslmode: str, binding: str) -> None:
        url = f"postgresql://alex@localhost/todos?sslmode={sslmode}{binding}"
        assert target(url).sslmode == sslmode
        assert postgres_url.parse(url).ssl is None

    @pytest.mark.parametrize("verification", ["sslmode=verify-full", "channel_binding=require"])
    @pytest.mark.parametrize("roots", ["", "&sslrootcert="])
    def test_full_verification_without_roots_uses_the_system_roots(self, verification: str, roots: str) -> None:
        url = postgres_url.parse(f"postgresql://alex@localhost/todos?{verification}{roots}")
        assert "sslrootcert" not in url.dsn
        assert url.ssl is not None
        assert url.ssl.check_hostname
        assert url.ssl.verify_mode is ssl.CERT_REQUIRED

    @pytest.mark.parametrize("sslmode", ["", "&sslmode=require", "&sslmode=verify-ca"])
    def test_system_roots_mean_full_verification(self, sslmode: str) -> None:
        url = f"postgresql://alex@localhost/todos?sslrootcert=system{sslmode}"
        assert target(url).sslmode == "verify-full"
        assert postgres_url.parse(url).verified_by_system_roots

    @pytest.mark.parametrize("verification", ["sslmode=verify-full", "channel_binding=require"])
    def test_named_roots_are_kept(self, verification: str) -> None:
        url = postgres_url.parse(f"postgresql://alex@localhost/todos?{verification}&sslrootcert=/etc/roots.pem")
        query = parse_qs(urlsplit(url.dsn).query)
        assert query == {"sslmode": ["verify-full"], "sslrootcert": ["/etc/roots.pem"]}
        assert url.ssl is None

    @pytest.mark.parametrize("name", ["channel_binding", "channelBinding", "CHANNEL_BINDING"])
    def test_channel_binding_is_recognized_in_every_spelling(self, name: str) -> None:
        assert target(f"postgresql://alex@localhost/todos?{name}=require").sslmode == "verify-full"

    def test_sqlalchemys_parameter_ssl_is_the_sslmode(self) -> None:
        assert target(f"postgresql+asyncpg://alex@{HOST}/neondb?ssl=require").sslmode == "require"
