"""The software bill of materials lists the packages that the build ships, with their versions and licences."""

import json
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

import pytest

from tests.deploy import template
from tests.deploy.artifacts import Build

SBOM: Final = template.ROOT / "tools/sbom.sh"
LICENCES: Final = template.ROOT / "tools/licences.py"


@pytest.fixture(scope="module")
def sbom(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sbom") / "sbom.cdx.json"
    subprocess.run((SBOM, sys.executable, file, *packages(build)), check=True)
    return file


def packages(build: Build) -> list[Path]:
    return [layer / "python" for layer in build.layers.values()]


def check_licences(file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run((sys.executable, LICENCES, file), capture_output=True, text=True, check=False)


def test_all_packages_of_the_layers_are_listed_with_their_versions(build: Build, sbom: Path) -> None:
    shipped = {(found.name, found.version) for folder in packages(build) for found in distributions(path=[str(folder)])}
    document = json.loads(sbom.read_text())

    assert document["bomFormat"] == "CycloneDX"
    assert {(component["name"], component["version"]) for component in document["components"]} == shipped
    assert {name for name, _ in shipped} > {
        "asyncpg",
        "fastapi",
        "openai",
        "todo-core",
        "todo-assistant",
        "todo-delivery",
    }


def test_their_licences_are_allowed(sbom: Path) -> None:
    checked = check_licences(sbom)

    assert checked.returncode == 0, checked.stderr
    assert "asyncpg" in checked.stdout


@pytest.mark.parametrize("licences", [[{"license": {"id": "AGPL-3.0-only"}}], []])
def test_another_licence_or_none_fails_the_check(tmp_path: Path, licences: list[dict[str, Any]]) -> None:
    component = {"name": "viral", "version": "1", "licenses": licences}
    file = tmp_path / "sbom.json"
    file.write_text(json.dumps({"components": [component]}))
    checked = check_licences(file)

    assert checked.returncode == 1
    assert ("AGPL-3.0-only" if licences else "no licence") in checked.stderr
