from pathlib import Path

import pytest

from tests.deploy import artifacts
from tests.deploy.artifacts import Build


@pytest.fixture(scope="session")
def arm64_build(shared_folder: Path) -> Build:
    return artifacts.build("arm64", shared_folder)
