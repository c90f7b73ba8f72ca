"""The wheel of the service, installed outside the checkout."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.web.files import find_page
from tests import postgres
from tests.python_processes import run_python
from todo_core.schema.revision import HEAD_REVISION

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder into which the wheel is installed, without the packages that it needs."""
    folder = tmp_path_factory.mktemp("wheel")
    command = (UV, "pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", folder, ROOT)
    subprocess.run(command, check=True, timeout=300)
    return folder


@pytest.fixture
def empty_database(server_url: str) -> Iterator[str]:
    with postgres.database(server_url, migrated=False) as url:
        yield url


def test_it_contains_the_migrations(installed: Path) -> None:
    shipped = {path.name for path in (installed / "migrations/versions").iterdir() if path.suffix in {".py", ".sql"}}
    assert shipped == {path.name for path in (ROOT / "migrations/versions").iterdir() if path.is_file()}


def test_it_contains_the_page(installed: Path) -> None:
    shipped = {
        path.relative_to(installed / "functions/web/page") for path in (installed / "functions/web/page").rglob("*")
    }
    served = find_page(is_stable=False).files
    assert {Path(path) for path in served} <= shipped


def test_it_migrates_an_empty_database(installed: Path, empty_database: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": empty_database, "ENVIRONMENT": "production", "PYTHONPATH": str(installed)}
    migrated = run_python("-m", "functions.migrate", folder=tmp_path, **settings)
    found = run_python("-c", "from functions.migrate import app; print(app.__file__)", folder=tmp_path, **settings)

    assert migrated.returncode == 0, migrated.stderr
    assert f"from empty to {HEAD_REVISION}" in migrated.stdout
    assert found.stdout.startswith(str(installed))
