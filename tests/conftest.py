"""One database for the whole run, and the settings under which every surface serves from it."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling, Scheduling

from tests import kubernetes, postgres
from tests.deploy import artifacts
from tests.deploy.artifacts import ARCHITECTURE, Build
from tests.kubernetes import Release
from tests.postgres import Pooler
from tests.scripted_model import ScriptedModel, scripted_model
from todo_core.settings import InvalidSettings, Settings

FRONT_END = "https://app.example.com"
SECRET_KEY = "the-key-that-signs-in-all-of-the-tests-0123456789"
RETIRED_KEY = "the-key-that-signed-before-the-tests-9876543210"

POOLER = pytest.StashKey[Pooler]()

_NEEDED = {"browser": "--browser", "cluster": "--image", "container": "--image", "neon": "--pooler"}
"""Folders of tests, each with the option that it needs."""

_LONGEST = ("tests/test_schemathesis.py", "tests/functions/", "tests/chart/")
"""Tests that take the longest, in the order in which they start."""

# A developer's own .env is not for the tests.
Settings.model_config["env_file"] = None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--surface",
        action="append",
        metavar="NAME",
        help="run tests/surfaces over this way of serving (repeatable): app, uvicorn, lambda, emulator, sam, container,"
        " cluster",
    )
    parser.addoption(
        "--one-example",
        action="store_true",
        help="over surfaces other than app, run each test with the first of its parameters only",
    )
    parser.addoption(
        "--image", metavar="NAME", help="run tests/container and tests/cluster too: this image is the one to run"
    )
    parser.addoption("--browser", metavar="PATH", help="run tests/browser too: where Chromium is")
    parser.addoption(
        "--pooler",
        action="store_true",
        help="run on the server behind DATABASE_URL (pooled) and DATABASE_URL_UNPOOLED (direct), and tests/neon too",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Leaves the processes that tests start unmeasured: most run the same lines, and would take twice as long."""
    if hasattr(config, "workerinput"):
        for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
            del os.environ[name]
    if config.getoption("--pooler"):
        try:
            config.stash[POOLER] = Pooler.of_environment()
        except InvalidSettings as error:
            raise pytest.UsageError(str(error)) from None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves out what needs more than this machine has by itself."""
    needed = _NEEDED.get(collection_path.name)
    return True if needed and not config.getoption(needed) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Starts the longest tests first, so that the other processes have work until these end."""

    def rank(item: pytest.Item) -> int:
        return next((rank for rank, path in enumerate(_LONGEST) if item.nodeid.startswith(path)), len(_LONGEST))

    items.sort(key=rank)


class SharedFixtures(LoadScopeScheduling):
    """Keeps in one process what shares fixtures that take long: all tests of a surface that is served, or of a file."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        surface = re.search(r"[\[-](uvicorn|lambda|emulator|container)[\]-]", test)
        return surface[1] if surface and file.startswith("tests/surfaces/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    return SharedFixtures(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.fixture(scope="session")
def pooler(pytestconfig: pytest.Config) -> Pooler | None:
    """The pooler that all tests of this run go through, if there is one."""
    return pytestconfig.stash.get(POOLER, None)


@pytest.fixture(scope="session")
def server_url(pooler: Pooler | None) -> Iterator[str]:
    if pooler:
        yield pooler.direct
        return
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def direct_url(server_url: str) -> Iterator[str]:
    """The way to the database of this run that migrations take."""
    with postgres.database(server_url) as url:
        yield url


@pytest.fixture(scope="session")
def database_url(direct_url: str, pooler: Pooler | None) -> str:
    """The way that the service takes."""
    return postgres.beside(pooler.pooled, postgres.name_of(direct_url)) if pooler else direct_url


@pytest.fixture(scope="session")
def scripted(pytestconfig: pytest.Config) -> Iterator[ScriptedModel]:
    """The language model of every surface."""
    in_containers = pytestconfig.getoption("--image") or "sam" in (pytestconfig.getoption("--surface") or ())
    with scripted_model("0.0.0.0" if in_containers else "127.0.0.1") as model:  # noqa: S104 - they come by a bridge
        yield model


@pytest.fixture(scope="session")
def environment(
    database_url: str, direct_url: str, scripted: ScriptedModel, pooler: Pooler | None, pytestconfig: pytest.Config
) -> Iterator[dict[str, str]]:
    """The environment of the service, set in this process too before the first import of an app."""
    variables = {
        "DATABASE_URL": database_url,
        "SECRET_KEY": f"{SECRET_KEY},{RETIRED_KEY}",
        "CORS_ORIGINS": FRONT_END,
        "OPENAI_API_KEY": scripted.key,
        "OPENAI_BASE_URL": scripted.url,
        "OPENAI_MODEL": "scripted",
        "ASSISTANT_SECONDS": "5",
        "BCRYPT_ROUNDS": "4",
        "FAILED_LOGINS_PER_ACCOUNT": "5",
        "FAILED_LOGINS_PER_ADDRESS": "12",
        "REGISTRATIONS_PER_ADDRESS": "8",
    }
    if pooler or pytestconfig.getoption("--image"):
        # Far away, a turn of 25 calls takes longer than beside an embedded server.
        variables |= {"ASSISTANT_SECONDS": "10"}
    if pooler:
        variables |= {"DATABASE_URL_UNPOOLED": direct_url}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield variables


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> None:
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)


@pytest.fixture(scope="session")
def image(pytestconfig: pytest.Config) -> str:
    """The image to run, which has been built before."""
    name = pytestconfig.getoption("--image")
    assert name, "This needs --image."
    return str(name)


@pytest.fixture(scope="session")
def release(image: str, environment: dict[str, str]) -> Iterator[Release]:
    """The chart in a cluster, with its own database, and with time for a turn in a pod that has just started."""
    others = {name: value for name, value in environment.items() if name != "DATABASE_URL"}
    with kubernetes.release(image, others | {"ASSISTANT_SECONDS": "60"}) as release:
        yield release


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all processes of this run."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def build(shared_folder: Path) -> Build:
    """The functions and layers for the processor of this machine."""
    return artifacts.build(ARCHITECTURE, shared_folder)


@pytest.fixture(scope="session")
def runtime(shared_folder: Path) -> Path:
    """The packages of Lambda's own image."""
    return artifacts.runtime(shared_folder)
