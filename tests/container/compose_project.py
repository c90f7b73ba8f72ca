"""The service as `docker compose` runs it, in a folder that has compose.yaml, its files and an own `.env`."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from tests import serving

ROOT: Final = Path(__file__).parents[2]
FILES: Final = (
    "compose.yaml",
    "Caddyfile",
    "tools/daily.sh",
    *(f"k8s/todo-web-app/files/{name}.sh" for name in ("backup", "restore")),
)
KEY: Final = "kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A"
IMAGES: Final = ("POSTGRES_IMAGE", "CADDY_IMAGE")
"""Variables that name the images beside the service's. The environment may set them."""


@dataclass(frozen=True)
class Project:
    """A Compose project with its own folder, containers, volumes and network. `port` is that of the API."""

    folder: Path
    name: str
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def compose(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        # Variables of the environment would take precedence over .env.
        kept = {
            name: text
            for name, text in os.environ.items()
            if name in IMAGES or name.startswith(("DOCKER", "PATH", "HOME"))
        }
        return subprocess.run(
            ("docker", "compose", "--project-name", self.name, *arguments),
            cwd=self.folder,
            env=kept,
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, *arguments: str) -> str:
        """Runs a command of Compose that must succeed, and returns its output."""
        done = self.compose(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def up(self, *arguments: str) -> None:
        started = self.compose(*arguments, "up", "--detach", "--wait", "--no-build")
        assert started.returncode == 0, started.stderr + self.compose("logs").stdout

    def set(self, **variables: str) -> None:
        """Adds lines to `.env`. The last line of a name counts."""
        with (self.folder / ".env").open("a") as settings:
            settings.writelines(f"{name}={text}\n" for name, text in variables.items())


@contextmanager
def project(folder: Path, image: str, **variables: str) -> Iterator[Project]:
    """Yields a project that is not started, whose `.env` has these variables. Removes it with its data afterwards."""
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    made = Project(folder, f"todo-test-{uuid4().hex[:8]}", serving.free_port())
    made.set(IMAGE=image, ADDRESS=f"127.0.0.1:{made.port}", SECRET_KEY=KEY, **variables)
    try:
        yield made
    finally:
        made.compose("--profile", "*", "down", "--volumes", "--remove-orphans")
