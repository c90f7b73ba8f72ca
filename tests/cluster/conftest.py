import pytest

from tests.cluster.load import Load

LOADS = pytest.StashKey[list[Load]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LOADS] = []


@pytest.fixture
def load(pytestconfig: pytest.Config) -> Load:
    """Load test whose summary pytest prints at the end of the test run."""
    load = Load()
    pytestconfig.stash[LOADS].append(load)
    return load


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for load in config.stash[LOADS]:
        terminalreporter.section("requests under load")
        terminalreporter.write_line(load.summary())
