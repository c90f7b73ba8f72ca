"""The URL of the service in links: never made from a header Host that was not checked."""

from typing import Any

import pytest
from fastapi import FastAPI, Request

from tests.conftest import SECRET_KEY
from todo_core.settings import Settings
from todo_core.web.app import create_app
from todo_core.web.public_url import PublicUrlNotConfigured, build_url, find_public_url

PRODUCTION: dict[str, Any] = {
    "environment": "production",
    "secret_key": SECRET_KEY,
    "database": {"url": "postgresql://localhost/none"},
}


@pytest.fixture(autouse=True)
def _no_public_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUBLIC_URL", raising=False)


def ask(host: str, **options: Any) -> str:
    """Returns the URL that the service finds for a request with this header Host."""
    return find_public_url(make_request(host, **options))


def link(host: str, **options: Any) -> str:
    """Returns the URL of a path in the response to such a request."""
    return build_url(make_request(host, **options), "/api/v1/todos")


def make_request(host: str, *, event: dict[str, Any] | None = None, root: str = "", **settings: Any) -> Request:
    app: FastAPI = create_app(settings=Settings.model_validate(settings))
    scope: dict[str, Any] = {
        "type": "http",
        "app": app,
        "scheme": "https",
        "root_path": root,
        "headers": [(b"host", host.encode())],
    }
    if event is not None:
        scope["aws.event"] = event
    return Request(scope)


class TestSetting:
    @pytest.mark.parametrize("host", ["todo.example.com", "evil.example.com", "localhost"])
    def test_the_setting_comes_first(self, host: str) -> None:
        mail = {"public_url": "https://todo.example.com/app/"}

        assert ask(host, mail=mail, **PRODUCTION) == "https://todo.example.com/app"


class TestHost:
    def test_an_allowed_host_is_taken_with_its_port(self) -> None:
        asked = ask("API.example.com:8443", allowed_hosts="api.example.com", **PRODUCTION)

        assert asked == "https://api.example.com:8443"

    def test_any_host_is_no_url_in_production(self) -> None:
        for host in ("evil.example.com", "localhost", "localhost.evil.example.com"):
            with pytest.raises(PublicUrlNotConfigured):
                ask(host, **PRODUCTION)

    @pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:9000", "[::1]", "[::1]:8000"])
    def test_this_machine_is_taken_in_development(self, host: str) -> None:
        assert ask(host) == f"https://{host}"

    @pytest.mark.parametrize("host", ["evil.example.com", "evil.example.com:8000", "localhost.example.com", ""])
    def test_other_hosts_get_the_local_url_in_development(self, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PORT", "8000")

        assert ask(host) == "http://localhost:8000"


class TestGateway:
    def test_the_gateway_names_its_domain(self) -> None:
        event = {"requestContext": {"domainName": "abc.execute-api.eu-central-1.amazonaws.com"}}

        asked = ask("evil.example.com", event=event, root="/prod", **PRODUCTION)

        assert asked == "https://abc.execute-api.eu-central-1.amazonaws.com/prod"

    def test_without_a_domain_there_is_no_url(self) -> None:
        with pytest.raises(PublicUrlNotConfigured):
            ask("evil.example.com", event={"requestContext": {}}, **PRODUCTION)


class TestLinks:
    def test_they_are_below_the_setting(self) -> None:
        mail = {"public_url": "https://todo.example.com/app"}

        assert (
            link("evil.example.com", mail=mail, root="/app", **PRODUCTION)
            == "https://todo.example.com/app/api/v1/todos"
        )

    def test_they_have_a_checked_host_and_the_stage(self) -> None:
        event = {"requestContext": {"domainName": "abc.example.com"}}

        assert link("evil.example.com", event=event, root="/prod", **PRODUCTION) == (
            "https://abc.example.com/prod/api/v1/todos"
        )

    def test_they_have_no_host_that_was_not_checked(self) -> None:
        assert link("evil.example.com") == "/api/v1/todos"
        assert link("evil.example.com", root="/app", **PRODUCTION) == "/app/api/v1/todos"
