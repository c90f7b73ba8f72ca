"""Starts a gateway on each surface, which sends each request of a client to a new process."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2
import pytest

from tests import engine, postgres
from tests.accounts import Newcomers
from tests.conftest import SECRET_KEY
from tests.listening import listening
from tests.mcp.gateway import (
    FreshProcesses,
    GatewayHandler,
    StartProcess,
    start_container,
    start_function,
    start_process,
)
from tests.relay import relayed
from tests.surfaces.api_tokens import add_token

SURFACES: Final = ("uvicorn", "emulator")


@dataclass(frozen=True)
class Gateway:
    """The URL of `/mcp`, an API token of a new account, and the processes behind it."""

    surface: str
    url: str
    token: str
    processes: FreshProcesses


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "gateway" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--surface") or SURFACES
        metafunc.parametrize("gateway", chosen, indirect=True)


@pytest.fixture
def settings(environment: dict[str, str], server_url: str) -> Iterator[dict[str, str]]:
    with postgres.database(server_url) as database:
        yield {**environment, "DATABASE_URL": database}


@pytest.fixture
def token(settings: Mapping[str, str]) -> str:
    with httpx2.Client(base_url="http://localhost") as client:
        account = Newcomers(settings["DATABASE_URL"], SECRET_KEY).sign_in(client)
    header = add_token(settings["DATABASE_URL"], account, ["todos:read", "todos:write"])["Authorization"]
    return header.removeprefix("Bearer ")


@pytest.fixture
def gateway(request: pytest.FixtureRequest, settings: dict[str, str], token: str, tmp_path: Path) -> Iterator[Gateway]:
    class Handler(GatewayHandler):
        pass

    with ExitStack() as stack:
        url = stack.enter_context(listening(Handler)).replace("127.0.0.1", "localhost")
        own = {**settings, "PUBLIC_URL": url}
        start: StartProcess
        match request.param:
            case "container":
                database = stack.enter_context(relayed(own["DATABASE_URL"], host=engine.HOST))
                image = request.getfixturevalue("image")
                start = start_container(engine.settings_for_containers(own, database), image)
            case "emulator":
                build, runtime = request.getfixturevalue("build"), request.getfixturevalue("runtime")
                start = start_function(own, build, runtime)
            case _:
                start = start_process(own, tmp_path)
        Handler.processes = stack.enter_context(FreshProcesses(start))
        yield Gateway(request.param, f"{url}/mcp", token, Handler.processes)
