"""Routes that are imported at the first request answer as other routes do."""

import subprocess
import sys

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from todo_core.web.lazy_routes import LazyRoutes

MODULE = "tests.core.web.rare_routes"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    frequent = APIRouter()

    @frequent.get("/rarely")
    async def read() -> str:
        return "frequent"

    lazy = APIRouter(routes=[LazyRoutes(MODULE, "/rare")])
    return TestClient(FastAPI(routes=[*frequent.routes, *lazy.routes]))


@pytest.mark.parametrize("path", ["/rarely", "/elsewhere", "/"])
def test_a_request_for_another_path_does_not_import_the_module(client: TestClient, path: str) -> None:
    client.get(path)
    assert MODULE not in sys.modules


def test_the_first_request_is_answered_like_the_next_ones(client: TestClient) -> None:
    for name in ("ada", "bob"):
        assert client.get(f"/rare/{name}").json() == {"name": name}


def test_routes_of_one_path_are_told_apart_by_their_method(client: TestClient) -> None:
    assert client.delete("/rare/ada").status_code == 204


def test_another_method_is_refused(client: TestClient) -> None:
    refused = client.put("/rare/ada")
    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET"


@pytest.mark.parametrize("path", ["/rare", "/rare/ada/more"])
def test_a_path_below_without_a_route_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_function_of_accounts_starts_without_its_rare_routes() -> None:
    program = "import sys, functions.auth.app; print([name for name in sys.modules if name.endswith('.routes')])"
    imported = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert imported.stdout.strip() == "['functions.auth.routes']"
