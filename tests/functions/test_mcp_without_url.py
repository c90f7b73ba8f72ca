"""`/mcp` of a service in production that does not know its own URL: it refuses as others do, without the metadata."""

from collections.abc import Iterator
from typing import Final

import httpx2
import pytest

from functions.mcp.routes import router
from tests.accounts import problem
from tests.conftest import SECRET_KEY
from tests.mcp_client import ACCEPT, MCP, request
from tests.serving import in_process
from todo_core.settings import Settings
from todo_core.web.app import create_app

HEADERS: Final = {"Accept": ACCEPT, "Host": "todo.example.com"}


@pytest.fixture
def client(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx2.Client]:
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    production = {"environment": "production", "secret_key": SECRET_KEY, "database": {"url": database_url}}
    app = create_app(router, settings=Settings.model_validate(production))
    with in_process(app) as service, service.client() as client:
        yield client


def test_a_request_without_a_token_is_a_plain_401(client: httpx2.Client) -> None:
    refused = client.post(MCP, json=request("tools/list"), headers=HEADERS)

    problem(refused, 401, "not_authenticated")
    assert refused.headers["www-authenticate"] == 'Bearer realm="todo-backend"'


def test_no_origin_is_its_own(client: httpx2.Client) -> None:
    refused = client.post(MCP, json=request("tools/list"), headers={**HEADERS, "Origin": "https://todo.example.com"})

    problem(refused, 403, "cross_origin")
