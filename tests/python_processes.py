"""Runs Python commands in a process of their own, as a container or a deployment does."""

import os
import subprocess
import sys
from pathlib import Path

from todo_core.settings import VARIABLES


def environment_without_settings() -> dict[str, str]:
    """Returns the environment of this process without the variables that are settings of the service."""
    return {name: value for name, value in os.environ.items() if name.upper() not in VARIABLES}


def run_python(*arguments: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs `python` with these arguments in a folder and returns the completed process.

    The process has only these settings of the service, and none from the environment of the tests.
    """
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**environment_without_settings(), **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
