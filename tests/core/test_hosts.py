"""The settings that list web origins and hosts."""

import pytest

from tests.core.variables import Environment


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    return Environment(monkeypatch)


class TestCorsOrigins:
    def test_development_allows_local_front_ends(self, environment: Environment) -> None:
        assert environment.load().allowed_origins == ("http://localhost:3000", "http://localhost:5173")

    def test_origins_are_separated_by_commas(self, environment: Environment) -> None:
        settings = environment.load(CORS_ORIGINS="https://app.example.com,http://localhost:8080")
        assert settings.allowed_origins == ("https://app.example.com", "http://localhost:8080")

    @pytest.mark.parametrize(
        "origin",
        [
            " https://app.example.com ",
            "https://app.example.com/",
            "HTTPS://App.Example.COM",
            "https://app.example.com,",
        ],
    )
    def test_spaces_case_and_a_trailing_slash_are_ignored(self, environment: Environment, origin: str) -> None:
        assert environment.load(CORS_ORIGINS=origin).allowed_origins == ("https://app.example.com",)

    @pytest.mark.parametrize(
        ("origin", "expected"),
        [("https://app.example.com:443", "https://app.example.com"), ("http://localhost:80", "http://localhost")],
    )
    def test_a_default_port_is_removed(self, environment: Environment, origin: str, expected: str) -> None:
        assert environment.load(CORS_ORIGINS=origin).allowed_origins == (expected,)

    @pytest.mark.parametrize(
        "entry",
        [
            "*",
            "app.example.com",
            "localhost:3000",
            "https://",
            "https://app.example.com/path",
            "https://app.example.com?query",
            "https://app.example.com#fragment",
            "https://*.example.com",
            "https://ada:hunter2@app.example.com",
            "https://app example.com",
            "https://app.example.com:99999",
            "https://:443",
            "https://[::1",
            "https://app.example\u2100.com",
            "ftp://app.example.com",
            "javascript:alert(1)",
        ],
    )
    def test_an_invalid_origin_is_refused_and_not_repeated(self, environment: Environment, entry: str) -> None:
        sentence = environment.load_error(CORS_ORIGINS=f"https://fine.example.com,{entry}")
        assert sentence == "CORS_ORIGINS: must list origins such as https://app.example.com."

    def test_set_origins_replace_those_of_development(self, environment: Environment) -> None:
        settings = environment.load(CORS_ORIGINS="https://app.example.com")
        assert settings.allowed_origins == ("https://app.example.com",)


class TestAllowedHosts:
    def test_any_host_is_allowed_by_default(self, environment: Environment) -> None:
        assert environment.load().allowed_hosts is None

    def test_hosts_are_separated_by_commas_and_in_lower_case(self, environment: Environment) -> None:
        settings = environment.load(ALLOWED_HOSTS=" API.example.com, *.Example.org,127.0.0.1 ,[::1]")
        assert settings.allowed_hosts == ("api.example.com", "*.example.org", "127.0.0.1", "[::1]")

    @pytest.mark.parametrize(
        "host",
        ["*", "*.", "a.*.com", "https://api.example.com", "api.example.com:8000", "a b", "a/b", "é", "::1", "a" * 300],
    )
    def test_other_text_is_refused_and_not_repeated(self, environment: Environment, host: str) -> None:
        sentence = environment.load_error(ALLOWED_HOSTS=host)
        assert sentence == "ALLOWED_HOSTS: must list hosts without ports, such as api.example.com or *.example.com."


class TestHeaderNames:
    def test_names_are_separated_by_commas(self, environment: Environment) -> None:
        assert environment.load(CORS_HEADERS="X-Trace-Id, x-team").cors_headers == ("X-Trace-Id", "x-team")

    @pytest.mark.parametrize("entry", ["*", "X Trace", "X-Trace:1", "x\ny"])
    def test_other_text_is_refused(self, environment: Environment, entry: str) -> None:
        sentence = environment.load_error(CORS_HEADERS=f"X-Fine,{entry}")
        assert sentence == "CORS_HEADERS: must list names of headers such as X-Trace-Id."
