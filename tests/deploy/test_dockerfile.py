"""The Dockerfile, as far as can be told without building it: tests/container has the rest."""

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.deploy import template

DOCKERFILE = template.ROOT / "Dockerfile"


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    found = subprocess.run((hadolint, "--no-color", DOCKERFILE), capture_output=True, text=True, check=False)

    assert (found.returncode, found.stdout) == (0, "")


def test_it_names_the_version_of_the_project() -> None:
    project = tomllib.loads((template.ROOT / "pyproject.toml").read_text())["project"]

    assert f"\nARG VERSION={project['version']}\n" in DOCKERFILE.read_text()


def test_it_needs_no_frontend_from_elsewhere() -> None:
    assert "syntax=" not in DOCKERFILE.read_text()


def test_nothing_secret_or_unneeded_is_sent_to_the_builder() -> None:
    """What is not named is left out, so that no .env or .git can get into an image."""
    first, *others = [
        line for line in (template.ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")
    ]
    assert first == "*"
    assert {line for line in others if line.startswith("!")} == {
        "!functions",
        "!layers",
        "!migrations",
        "!tools/artifact.py",
        "!locks/service.txt",
        "!locks/uv.txt",
    }
