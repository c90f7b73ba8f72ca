"""The service that `docker compose up` starts, as docs/deploy-container.md describes."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from tests import serving
from tests.accounts import TODOS, Account, sign_in, sign_up

ROOT = Path(__file__).parents[2]
KEY = "kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A"


@dataclass(frozen=True)
class Project:
    """Service started from compose.yaml as a separate Compose project, with its own volumes and network."""

    name: str
    port: int
    image: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def compose(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        settings = {"IMAGE": self.image, "ADDRESS": f"127.0.0.1:{self.port}", "SECRET_KEY": KEY, **variables}
        return subprocess.run(
            ("docker", "compose", "--project-name", self.name, "--env-file", os.devnull, *arguments),
            cwd=ROOT,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )

    def up(self) -> None:
        started = self.compose("up", "--detach", "--wait", "--no-build")
        assert started.returncode == 0, started.stderr + self.compose("logs").stdout


@pytest.fixture(scope="module")
def project(image: str) -> Iterator[Project]:
    project = Project(f"todo-test-{uuid4().hex[:8]}", serving.free_port(), image)
    project.up()
    yield project
    project.compose("down", "--volumes")


def test_it_serves_on_a_migrated_database(project: Project) -> None:
    assert httpx2.get(f"{project.url}/health/ready", timeout=60).status_code == 200
    with httpx2.Client(base_url=project.url, timeout=60) as client:
        sign_up(client).add("Buy milk")


def test_todos_survive_down_and_up(project: Project) -> None:
    with httpx2.Client(base_url=project.url, timeout=60) as client:
        ada = sign_up(client)
        ada.add("Buy milk")
        assert project.compose("down").returncode == 0
        project.up()

        assert sign_in(client, ada.email).status_code == 200
        assert Account(client, ada.user).titles() == ["Buy milk"]
        assert client.get(TODOS).status_code == 200


@pytest.mark.parametrize("service", ["app", "migration"])
def test_containers_are_read_only_without_capabilities(project: Project, service: str) -> None:
    found = project.compose("ps", "--all", "--format={{.ID}}", service).stdout.split()
    template = "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}"
    inspected = subprocess.run(
        ("docker", "inspect", f"--format={template}", *found), capture_output=True, text=True, check=True
    )
    assert inspected.stdout == "true [ALL] [no-new-privileges:true]\n"


def test_a_missing_key_is_explained_with_a_command(project: Project) -> None:
    refused = project.compose("config", SECRET_KEY="")

    assert refused.returncode != 0
    assert 'create one with: echo "SECRET_KEY=$(openssl rand -base64 48)" >> .env' in refused.stderr
