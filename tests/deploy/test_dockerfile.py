"""Checks of Dockerfile and .dockerignore that build no image. tests/container tests the built image."""

import subprocess
import sys
from pathlib import Path

from tests.deploy import template

DOCKERFILE = template.ROOT / "Dockerfile"


def test_hadolint_passes() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    found = subprocess.run((hadolint, "--no-color", DOCKERFILE), capture_output=True, text=True, check=False)

    assert (found.returncode, found.stdout) == (0, "")


def test_it_needs_no_external_frontend() -> None:
    assert "syntax=" not in DOCKERFILE.read_text()


def test_the_build_context_is_an_allowlist_without_secrets() -> None:
    """The file .dockerignore excludes all but listed paths, so that no .env or .git is copied into an image."""
    first, *others = [
        line for line in (template.ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")
    ]
    assert first == "*"
    assert {line for line in others if line.startswith("!")} == {
        "!functions",
        "!layers",
        "!migrations",
        "!tools/artifact.py",
        "!tools/sbom.sh",
        "!locks/build.txt",
        "!locks/service.txt",
    }
