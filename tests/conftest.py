"""Command-line options of the tests, and fixtures for the database and the settings of the service."""

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling, Scheduling

from functions.deliver.app import run as deliver
from tests import kubernetes, postgres
from tests.deploy import artifacts
from tests.deploy.artifacts import ARCHITECTURE, Build
from tests.kubernetes import Release
from tests.mail_server import MailServer, mail_server
from tests.mailbox import SENDER, Mailbox
from tests.postgres import Pooler
from tests.scripted_model import ScriptedModel, scripted_model
from tests.service_client import PUBLIC_URL
from todo_core.errors import InvalidSettings
from todo_core.settings import VARIABLES, Settings, load

FRONT_END = "https://app.example.com"
SECRET_KEY = "the-key-that-signs-in-all-of-the-tests-0123456789"
RETIRED_KEY = "the-key-that-signed-before-the-tests-9876543210"

VAPID_PRIVATE_KEY = "c0rtoeFkBeZhTfYsyUe9zD4n6Vx2PqJmR8wL3GaKd5I"

HIGH_LIMITS = dict.fromkeys(("REQUESTS_PER_MINUTE", "REQUESTS_IN_FLIGHT", "REQUESTS_AT_ONCE"), "1000000")
"""Settings of limits that no test reaches. Tests of these limits start a service with low ones."""

POOLER = pytest.StashKey[Pooler]()

_REQUIRED_OPTIONS = {
    "browser": "--browser",
    "clients": "--javascript",
    "cluster": "--image",
    "container": "--image",
    "faults": "--faults",
    "front_ends": "--browser",
    "javascript": "--javascript",
    "mcp": "--javascript",
    "neon": "--pooler",
    "oauth": "--browser",
    "page": "--browser",
}
"""Folders of tests, each with the command-line option without which its tests are skipped."""

_LONGEST = ("tests/processes/test_reminders.py", "tests/test_schemathesis.py", "tests/functions/", "tests/chart/")
"""Path prefixes of the slowest tests, which run before all other tests and in this order."""

# Ignores a developer's .env file, whose settings would change the results of tests.
Settings.model_config["env_file"] = None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--surface",
        action="append",
        metavar="NAME",
        help="run tests/surfaces on this surface (repeatable): app, uvicorn, lambda, emulator, sam, container, cluster",
    )
    parser.addoption(
        "--one-example",
        nargs="?",
        choices=("others", "all"),
        const="others",
        help="run only the first parameter set of each test: on all surfaces, or (the default) on those other than app",
    )
    parser.addoption("--image", metavar="NAME", help="image of tests/container, cluster, front_ends, mcp, oauth, page")
    parser.addoption("--browser", metavar="PATH", help="also run tests/browser, front_ends, oauth and page, with it")
    parser.addoption(
        "--javascript", action="store_true", help="also run tests/clients, javascript and mcp, with node and npm"
    )
    parser.addoption("--faults", action="store_true", help="also run tests/faults, which take ten minutes")
    parser.addoption(
        "--pooler",
        action="store_true",
        help="use the server of DATABASE_URL (pooled) and DATABASE_URL_UNPOOLED (direct), and also run tests/neon",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Removes COVERAGE_* variables in xdist workers, as measuring the processes of tests would double their time."""
    if hasattr(config, "workerinput"):
        for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
            del os.environ[name]
    if config.getoption("--pooler"):
        try:
            config.stash[POOLER] = Pooler.of_environment()
        except InvalidSettings as error:
            raise pytest.UsageError(str(error)) from None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skips test folders whose option is not given, because their tests need more than a checkout, or long."""
    option = _REQUIRED_OPTIONS.get(collection_path.name)
    return True if option and not config.getoption(option) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts the slowest tests first, so that the other test processes have work until the slowest tests end."""

    def rank(item: pytest.Item) -> int:
        return next((rank for rank, path in enumerate(_LONGEST) if item.nodeid.startswith(path)), len(_LONGEST))

    items.sort(key=rank)


class SharedFixtures(LoadScopeScheduling):
    """Distributes tests to processes. Tests of one file, or of one server such as `uvicorn`, share slow fixtures.

    They run in one process, which then creates these fixtures once.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        surface = re.search(r"[\[-](uvicorn|lambda|emulator|container)[\]-]", test)
        return surface[1] if surface and file.startswith("tests/surfaces/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    return SharedFixtures(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.fixture(scope="session")
def pooler(pytestconfig: pytest.Config) -> Pooler | None:
    """Connection pooler through which the service reaches the database in this test run; None without `--pooler`."""
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
    """URL of the migrated test database without the pooler, which migrations bypass."""
    with postgres.database(server_url) as url:
        yield url


@pytest.fixture(scope="session")
def database_url(direct_url: str, pooler: Pooler | None) -> str:
    """URL of the test database that the service uses: through the pooler if the test run has one."""
    return postgres.beside(pooler.pooled, postgres.name_of(direct_url)) if pooler else direct_url


@pytest.fixture(scope="session")
def scripted(pytestconfig: pytest.Config) -> Iterator[ScriptedModel]:
    """Fake language model with scripted replies, which the service calls in this test run."""
    with scripted_model("0.0.0.0" if _has_containers(pytestconfig) else "127.0.0.1") as model:  # noqa: S104 - containers connect through a bridge network
        yield model


def _has_containers(config: pytest.Config) -> bool:
    return bool(config.getoption("--image")) or "sam" in (config.getoption("--surface") or ())


@pytest.fixture(scope="session")
def mails(pytestconfig: pytest.Config) -> Iterator[MailServer]:
    """Mail server to which the service sends in this test run."""
    with mail_server(host="0.0.0.0" if _has_containers(pytestconfig) else "localhost") as server:  # noqa: S104 - as above
        yield server


@pytest.fixture(scope="session")
def environment(
    database_url: str, direct_url: str, scripted: ScriptedModel, mails: MailServer, pooler: Pooler | None
) -> Iterator[dict[str, str]]:
    """Environment variables of the service. They are also set in this process, before it imports an app."""
    variables = {
        "DATABASE_URL": database_url,
        "SECRET_KEY": f"{SECRET_KEY},{RETIRED_KEY}",
        "CORS_ORIGINS": FRONT_END,
        "OPENAI_API_KEY": scripted.key,
        "OPENAI_BASE_URL": scripted.url,
        "OPENAI_MODEL": "scripted",
        "ASSISTANT_SECONDS": "15",
        "BCRYPT_ROUNDS": "4",
        "FAILED_LOGINS_PER_ACCOUNT": "5",
        "FAILED_LOGINS_PER_ADDRESS": "12",
        "LOGINS_PER_ACCOUNT": "40",
        "LOGINS_PER_ADDRESS": "60",
        "REGISTRATIONS_PER_ADDRESS": "8",
        "MAIL_URL": mails.url,
        "MAIL_FROM": SENDER,
        "PUBLIC_URL": PUBLIC_URL,
        "VAPID_PRIVATE_KEY": VAPID_PRIVATE_KEY,
        "VAPID_SUBJECT": "mailto:admin@example.com",
        **HIGH_LIMITS,
    }
    if pooler:
        variables |= {"DATABASE_URL_UNPOOLED": direct_url}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield variables


@pytest.fixture
def mailbox(mails: MailServer, environment: dict[str, str]) -> Mailbox:
    """Mailbox of the test run. It also delivers the outbox, because some surfaces have no loop that does."""
    assert environment
    return Mailbox(mails, lambda: deliver(load()))


@pytest.fixture(scope="session", autouse=True)
def _without_settings_of_the_shell() -> None:
    for name in VARIABLES:
        os.environ.pop(name, None)
    os.environ.update(HIGH_LIMITS)


@pytest.fixture(scope="session")
def image(pytestconfig: pytest.Config) -> str:
    """Name of the container image that the option `--image` names."""
    name = pytestconfig.getoption("--image")
    assert name, "This fixture needs --image."
    return str(name)


@pytest.fixture(scope="session")
def release(image: str, environment: dict[str, str]) -> Iterator[Release]:
    """Installed release of the chart with its own database. Turns may take 60 s, as the first one of a pod is slow."""
    others = {name: value for name, value in environment.items() if name != "DATABASE_URL"}
    with kubernetes.release(image, others | {"ASSISTANT_SECONDS": "60"}) as release:
        yield release


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Temporary folder that all processes of this test run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def build(shared_folder: Path) -> Build:
    """Lambda functions and layers, built for the processor architecture of this machine."""
    return artifacts.build(ARCHITECTURE, shared_folder)


@pytest.fixture(scope="session")
def runtime(shared_folder: Path) -> Path:
    """Folder with the Python packages that Lambda's Python image contains."""
    return artifacts.runtime(shared_folder)


@pytest.fixture
def service_log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    """Captures the service's log, which an app that another test has made does not propagate."""
    monkeypatch.setattr(logging.getLogger("todo-backend"), "propagate", True)
    caplog.set_level(logging.INFO, "todo-backend")
    return caplog
