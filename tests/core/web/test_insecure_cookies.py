"""A login over http in production: its cookie is not secure, which the log says once."""

import logging

import pytest
from fastapi import FastAPI, Request, Response

from todo_core.settings import Settings, nest_variables
from todo_core.web.app import create_app
from todo_core.web.identity import set_cookie, warn_of_insecure_cookies

PRODUCTION = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": "postgresql://ada:c0ffee@127.0.0.1:1/todos",
    "SECRET_KEY": "kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A",
}


def set_cookies(scheme: str, **settings: str) -> None:
    app: FastAPI = create_app(settings=Settings(**nest_variables(PRODUCTION | settings)))
    for _ in range(2):
        request = Request(
            {"type": "http", "scheme": scheme, "path": "/", "headers": [], "server": ("x", 1), "app": app}
        )
        set_cookie(Response(), request, "name", "value", seconds=60)


class TestWarning:
    @pytest.fixture
    def warnings(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The warnings in the log."""
        warn_of_insecure_cookies.cache_clear()
        found: list[str] = []
        monkeypatch.setattr(logging.Logger, "warning", lambda _logger, text, *_arguments: found.append(text))
        return found

    def test_a_cookie_over_http_is_logged_once(self, warnings: list[str]) -> None:
        set_cookies("http")
        (warning,) = warnings
        assert "FORWARDED_ALLOW_IPS" in warning
        assert "SESSION_COOKIE" in warning

    def test_a_cookie_over_https_is_not_logged(self, warnings: list[str]) -> None:
        set_cookies("https")
        assert warnings == []

    @pytest.mark.parametrize("setting", ["lax", "secure"])
    def test_a_deliberate_setting_is_not_logged(self, warnings: list[str], setting: str) -> None:
        set_cookies("http", SESSION_COOKIE=setting)
        assert warnings == []

    def test_in_development_nothing_is_logged(self, warnings: list[str]) -> None:
        set_cookies("http", ENVIRONMENT="development")
        assert warnings == []
