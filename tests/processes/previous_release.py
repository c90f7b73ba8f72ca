"""The code of the newest release, which serves on a schema of today."""

import os
import subprocess
import sys
import tarfile
import tomllib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from tests.python_processes import environment_without_settings

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Release:
    """The code of a release in a folder. Its processes use the packages of the tests' environment."""

    folder: Path
    version: str
    schema: str

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables with which Python imports the code of the release."""
        code = (self.folder, *sorted((self.folder / "layers").glob("*/")))
        return {**environment_without_settings(), "PYTHONPATH": os.pathsep.join(map(str, code))}

    def run(self, *arguments: str, **settings: str) -> str:
        """Runs `python` with these arguments on the code of the release, and returns its output."""
        ended = subprocess.run(
            (sys.executable, *arguments),
            cwd=self.folder,
            env=self.variables | settings,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout


def unpack_newest(folder: Path) -> Release:
    """Unpacks the code of the newest release in releases.toml.

    Fetches its commit if this clone has too little history. Raises CalledProcessError without the commit.
    """
    newest, *_ = tomllib.loads((ROOT / "releases.toml").read_text())["release"]
    commit = newest["commit"]
    if _git("cat-file", "-e", commit, check=False).returncode != 0:
        _git("fetch", "--quiet", "--depth", "1", "origin", commit)
    with tarfile.open(fileobj=BytesIO(_git("archive", commit).stdout)) as archive:
        archive.extractall(folder, filter="data")
    return Release(folder, newest["version"], newest["schema"])


def _git(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(("git", "-C", ROOT, *arguments), capture_output=True, check=check, timeout=120)
