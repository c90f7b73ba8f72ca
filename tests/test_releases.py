"""The version of the project: its copies, the changelog, the record of releases, and the tool that sets it."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ROOT: Final = Path(__file__).parents[1]
PROJECTS: Final = ("pyproject.toml", *(f"layers/{name}/pyproject.toml" for name in ("core", "assistant", "delivery")))
PACKAGES: Final = ("todo-backend", "todo-core", "todo-assistant", "todo-delivery")
STATED: Final = {"0.2.0": "0.1.0"}
"""The version in the files of a release, where it is another: 0.2.0 was tagged afterwards."""
HEADING: Final = re.compile(r"(?m)^## (\S+)(?: - (\d{4}-\d{2}-\d{2}))?$")
CHANGELOG: Final = "# Changelog\n\n## Unreleased\n\n- New.\n\n## {version} - 2026-11-29\n\n- Old.\n"


def read_project(name: str, root: Path = ROOT) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((root / name).read_text())["project"]
    return project


def list_versions(root: Path = ROOT) -> dict[str, str]:
    """Returns the version that each file of the project states."""
    chart = yaml.safe_load((root / "k8s/todo-web-app/Chart.yaml").read_text())
    dockerfile = re.search(r"(?m)^ARG VERSION=(.*)$", (root / "Dockerfile").read_text())
    return {
        **{name: read_project(name, root)["version"] for name in PROJECTS},
        "chart": chart["version"],
        "application of the chart": chart["appVersion"],
        "image": dockerfile[1] if dockerfile else "",
    }


def list_releases() -> list[dict[str, Any]]:
    releases: list[dict[str, Any]] = tomllib.loads((ROOT / "releases.toml").read_text())["release"]
    return releases


VERSION: Final[str] = read_project("pyproject.toml")["version"]


class TestVersion:
    def test_all_files_state_the_same(self) -> None:
        assert set(list_versions().values()) == {VERSION}

    def test_the_installed_packages_and_the_api_have_it(self) -> None:
        document = json.loads((ROOT / "functions/meta/openapi.json").read_text())

        assert {version(package) for package in PACKAGES} == {VERSION}
        assert document["info"]["version"] == VERSION


class TestRecord:
    def test_the_changelog_has_a_section_for_each_version(self) -> None:
        unreleased, *headings = HEADING.findall((ROOT / "CHANGELOG.md").read_text())

        assert unreleased == ("Unreleased", "")
        assert headings[0][0] == VERSION
        recorded = [(release["version"], release["date"].isoformat()) for release in list_releases()]
        # A release is recorded by the commit after its own.
        assert recorded in (headings, headings[1:])

    def test_each_recorded_commit_has_its_version_and_schema(self) -> None:
        def read(release: dict[str, Any], path: str) -> str:
            shown = subprocess.run(
                ("git", "show", f"{release['commit']}:{path}"), cwd=ROOT, capture_output=True, text=True, check=False
            )
            if "invalid object name" in shown.stderr:
                pytest.skip("The clone is shallow.")
            return shown.stdout

        for release in list_releases():
            stated = STATED.get(release["version"], release["version"])
            assert f'\nversion = "{stated}"\n' in read(release, "pyproject.toml")
            migrations = read(release, "migrations/versions")
            assert max(re.findall(r"(?m)^(\d{4})_.*\.py$", migrations)) == release["schema"]


class TestTool:
    @pytest.fixture
    def project(self, tmp_path: Path) -> Path:
        """A copy of the files that contain the version, with a changelog of one unreleased change."""
        for name in (*PROJECTS, "k8s/todo-web-app/Chart.yaml", "Dockerfile", "tools/release.py"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
        (tmp_path / "CHANGELOG.md").write_text(CHANGELOG.format(version=VERSION))
        return tmp_path

    def release(self, project: Path, new: str) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, project / "tools/release.py", new)
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_it_sets_the_version_everywhere_and_heads_the_changes(self, project: Path) -> None:
        ended = self.release(project, "99.0.0")

        assert ended.returncode == 0, ended.stderr
        assert set(list_versions(project).values()) == {"99.0.0"}
        (unreleased, _), (new, date), (old, _) = HEADING.findall((project / "CHANGELOG.md").read_text())
        assert (unreleased, new, old) == ("Unreleased", "99.0.0", VERSION)
        assert (
            (project / "CHANGELOG.md")
            .read_text()
            .startswith(f"# Changelog\n\n## Unreleased\n\n## 99.0.0 - {date}\n\n- New.\n")
        )

    @pytest.mark.parametrize(
        ("new", "sentence"),
        [
            (VERSION, f"{VERSION} is not higher than {VERSION}, the present version."),
            ("0.0.9", f"0.0.9 is not higher than {VERSION}, the present version."),
            ("v2", "'v2' is no version such as 1.2.0."),
        ],
    )
    def test_it_refuses_other_versions(self, project: Path, new: str, sentence: str) -> None:
        ended = self.release(project, new)

        assert (ended.returncode, ended.stderr.strip()) == (1, sentence)
        assert set(list_versions(project).values()) == {VERSION}

    def test_it_refuses_a_release_without_changes(self, project: Path) -> None:
        (project / "CHANGELOG.md").write_text(CHANGELOG.format(version=VERSION).replace("- New.\n\n", ""))

        ended = self.release(project, "99.0.0")

        assert (ended.returncode, ended.stderr.strip()) == (1, 'CHANGELOG.md has no changes under "## Unreleased".')
        assert set(list_versions(project).values()) == {VERSION}
