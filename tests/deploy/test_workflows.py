"""The workflows of .github: linters accept them, and they run the targets that exist."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.deploy import template

FOLDER: Final = template.ROOT / ".github/workflows"
MAKEFILE: Final = (template.ROOT / "Makefile").read_text()
EXPRESSION: Final = re.compile(r"\$\{\{.*?\}\}")


def load(name: str) -> dict[str, Any]:
    workflow: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return workflow


def list_steps() -> list[dict[str, Any]]:
    jobs = [job for path in FOLDER.iterdir() for job in load(path.name)["jobs"].values()]
    return [step for job in jobs for step in job.get("steps", ())]


def run_step(name: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the commands of a step of release.yml, as the forge does."""
    (commands,) = (step["run"] for step in list_steps() if step.get("name") == name)
    return subprocess.run(
        ("bash", "-e", "-c", commands),
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.lint
class TestLinters:
    def run(self, program: str, *arguments: str) -> None:
        command = (str(Path(sys.executable).with_name(program)), *arguments, *map(str, FOLDER.iterdir()))
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stdout + found.stderr

    def test_they_match_the_schema(self) -> None:
        self.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows")

    def test_zizmor_finds_no_weakness(self) -> None:
        self.run("zizmor", "--offline", "--quiet")


class TestCommands:
    def test_each_make_target_exists(self) -> None:
        runs = "\n".join(step["run"] for step in list_steps() if "run" in step)
        targets = set(re.findall(r"make (?:--silent )?([a-z./]+)", runs))

        assert {"check", "test", "image"} <= targets
        assert all(re.search(rf"(?m)^{re.escape(target)}:", MAKEFILE) for target in targets)

    def test_they_run_the_suites_of_the_script_for_other_forges(self) -> None:
        script = (template.ROOT / ".ci/run").read_text()
        suites = load("ci.yml")["jobs"]["test"]["strategy"]["matrix"]["suite"]

        # One job after the other has no time for the coverage (record 0018).
        assert set(suites) - {"coverage"} == {"main", *re.findall(r"(?m)^make test SUITE=(\w+)$", script)}

    def test_commands_contain_no_expressions(self) -> None:
        """An expression in a command would run text that others may choose, such as the name of a branch."""
        assert [step["run"] for step in list_steps() if EXPRESSION.search(step.get("run", ""))] == []


class TestRelease:
    STEP: Final = "Read the version, which the tag must have"

    @pytest.fixture
    def version(self) -> str:
        found = re.search(r'(?m)^version = "(.+)"$', (template.ROOT / "pyproject.toml").read_text())
        assert found
        return found[1]

    def test_the_tag_must_be_the_version(self, version: str, tmp_path: Path) -> None:
        output = tmp_path / "environment"
        variables = {"GITHUB_ENV": str(output)}

        assert run_step(self.STEP, template.ROOT, GITHUB_REF_NAME=f"v{version}", **variables).returncode == 0
        assert output.read_text() == f"VERSION={version}\n"
        assert run_step(self.STEP, template.ROOT, GITHUB_REF_NAME="v99.0.0", **variables).returncode == 1

    def test_the_notes_are_the_section_of_the_version(self, tmp_path: Path) -> None:
        (tmp_path / "CHANGELOG.md").write_text(
            "# C\n\n## 1.1.0 - 2030-01-02\n\n- New.\n\n## 1.0.0 - 2030-01-01\n\n- Old.\n"
        )

        written = run_step("Write the changes of the version", tmp_path, VERSION="1.1.0")

        assert written.returncode == 0, written.stderr
        assert (tmp_path / "dist/changes.md").read_text().strip() == "- New."
        (tmp_path / "dist/changes.md").unlink()
        (tmp_path / "dist").rmdir()
        assert run_step("Write the changes of the version", tmp_path, VERSION="2.0.0").returncode == 1
