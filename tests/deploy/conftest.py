import os
from pathlib import Path

import pytest

from tests.deploy import artifacts
from tests.deploy.artifacts import Build


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all processes of this run."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def build(shared_folder: Path) -> Build:
    """The functions and layers for the processor of most machines that run the tests."""
    return artifacts.build("x86_64", shared_folder)


@pytest.fixture(scope="session")
def arm64_build(shared_folder: Path) -> Build:
    return artifacts.build("arm64", shared_folder)


@pytest.fixture(scope="session")
def runtime(shared_folder: Path) -> Path:
    """The packages of Lambda's own image."""
    return artifacts.runtime(shared_folder)
