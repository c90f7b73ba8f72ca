"""Runs every test of this folder over every way of serving."""

from collections.abc import Iterator
from importlib import import_module

import httpx2
import pytest

from tests import serving
from tests.accounts import Account, sign_up
from tests.serving import Surface


@pytest.fixture(scope="session")
def app_surface(environment: dict[str, str]) -> Iterator[Surface]:
    assert environment
    with serving.in_process(import_module("functions.main").app) as surface:
        yield surface


@pytest.fixture(scope="session")
def uvicorn_surface(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surface]:
    folder = str(tmp_path_factory.mktemp("uvicorn"))
    with serving.on_port(environment, folder=folder) as surface:
        yield surface


@pytest.fixture(scope="session")
def lambda_surface(environment: dict[str, str]) -> Iterator[Surface]:
    assert environment
    yield serving.OnLambda()
    serving.close_functions()


@pytest.fixture(params=["app", "uvicorn", "lambda"])
def surface(request: pytest.FixtureRequest) -> Surface:
    found: Surface = request.getfixturevalue(f"{request.param}_surface")
    return found


@pytest.fixture
def client(surface: Surface) -> Iterator[httpx2.Client]:
    """A client that is not signed in."""
    with surface.client() as client:
        yield client


@pytest.fixture
def ada(surface: Surface) -> Iterator[Account]:
    """A new account, signed in by cookie."""
    with surface.client() as client:
        yield sign_up(client)


@pytest.fixture
def bob(surface: Surface) -> Iterator[Account]:
    """Another one."""
    with surface.client() as client:
        yield sign_up(client)
