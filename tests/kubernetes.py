"""The chart in a cluster: whichever one kubectl and helm on PATH speak to (KUBECONFIG).

Its engine has the image already. Where node ports answer, and what this machine is called in pods, is found out, unless
the environment says so:
- `CLUSTER_ADDRESS` is the host at which node ports answer.
- `CLUSTER_HOST` is this machine as pods reach it.
"""

import json
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2

from tests import serving
from tests.deploy import template

CHART: Final = template.ROOT / "k8s/todo-web-app"
NAME: Final = "todo-app"
NODE_PORT: Final = 30800
DATABASE: Final = f"{NAME}-postgresql"
_SECRETS: Final = {"SECRET_KEY", "OPENAI_API_KEY"}
_WAY_TO_DATABASE: Final = Path(__file__).parent / "cluster/database.yaml"
_SERVING: Final = f"app.kubernetes.io/instance={NAME},app.kubernetes.io/component=api"


def run(*command: str, content: str | None = None, seconds: float = 300) -> str:
    """What the command prints. Raises AssertionError with what it said when it fails."""
    ended = subprocess.run(command, input=content, capture_output=True, text=True, check=False, timeout=seconds)
    assert ended.returncode == 0, f"{' '.join(command)}:\n{ended.stdout}{ended.stderr}"
    return ended.stdout.strip()


@dataclass(frozen=True)
class Release:
    """The chart, installed with its own database in a namespace of its own."""

    namespace: str
    address: str
    values: Path

    @property
    def url(self) -> str:
        return f"http://{self.address}:{NODE_PORT}"

    @property
    def revision(self) -> int:
        (release,) = json.loads(run("helm", "list", "--namespace", self.namespace, "--output", "json"))
        return int(release["revision"])

    def kubectl(self, *arguments: str, content: str | None = None) -> str:
        return run("kubectl", "--namespace", self.namespace, *arguments, content=content)

    def get(self, *arguments: str) -> dict[str, Any]:
        found = json.loads(self.kubectl("get", *arguments, "--output", "json"))
        return dict(found)

    def helm(self, command: str, *arguments: str) -> str:
        return run("helm", command, NAME, *arguments, "--namespace", self.namespace)

    def install(self) -> None:
        values = ("--values", str(self.values), "--create-namespace")
        try:
            self.helm("install", str(CHART), *values, "--wait", "--timeout", "4m")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.diagnosis()}") from None

    def upgrade(self, *settings: str, timeout: str = "4m") -> None:
        """Changes settings, each a `name=value`, and waits until the new pods have taken the place of the old."""
        changes = [part for setting in settings for part in ("--set-string", setting)]
        self.helm("upgrade", str(CHART), "--values", str(self.values), *changes, "--wait", "--timeout", timeout)

    def pods(self) -> set[str]:
        """The names of those that serve, and of those that have been told to stop."""
        return {pod["metadata"]["name"] for pod in self.get("pods", "--selector", _SERVING)["items"]}

    def wait_until_gone(self, pods: set[str]) -> None:
        for pod in pods:
            self.kubectl("wait", "--for=delete", f"pod/{pod}", "--timeout=120s")

    def wait_until_whole(self) -> None:
        """As many pods are ready as there ought to be."""
        self.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=120s")

    def database_url(self) -> str:
        """The database as this machine reaches it."""
        service = self.get("service", f"{DATABASE}-tests")
        (port,) = service["spec"]["ports"]
        password = self.kubectl(
            *("get", "secret", DATABASE, "--output", "go-template={{.data.password | base64decode}}"),
        )
        return f"postgresql://todo:{password}@{self.address}:{port['nodePort']}/todo"

    def diagnosis(self) -> str:
        """What the cluster knows of a release that did not come up."""
        asked = (("get", "pods,jobs"), ("get", "events"), ("logs", "--selector", _SERVING, "--tail", "50"))
        said = []
        for arguments in asked:
            with suppress(AssertionError):
                said.append(self.kubectl(*arguments))
        return "\n\n".join(said)


@contextmanager
def release(image: str, settings: Mapping[str, str]) -> Iterator[Release]:
    """Installs the chart with the settings, and takes everything away in the end."""
    node = _address_of_node()
    repository, _, tag = image.rpartition(":")
    model = urlsplit(settings["OPENAI_BASE_URL"])
    settings = {
        **settings,
        "OPENAI_BASE_URL": model._replace(netloc=f"{_this_machine(node)}:{model.port}").geturl(),
        "FORWARDED_ALLOW_IPS": "*",
    }
    values = {
        "image": {"repository": repository, "tag": tag},
        "secrets": {name: value for name, value in settings.items() if name in _SECRETS},
        "settings": {name: _number_of(value) for name, value in settings.items() if name not in _SECRETS},
        "postgresql": {"enabled": True, "persistence": {"enabled": False}},
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "values.json"
        file.write_text(json.dumps(values))
        installed = Release(f"todo-test-{uuid4().hex[:8]}", os.environ.get("CLUSTER_ADDRESS", node), file)
        try:
            installed.install()
            installed.kubectl("apply", "--filename", str(_WAY_TO_DATABASE))
            yield _where_it_answers(installed)
        finally:
            run("kubectl", "delete", "namespace", installed.namespace, "--ignore-not-found")


def _number_of(value: str) -> str | float:
    """A number where it is one: the chart counts with some of them."""
    with suppress(ValueError):
        return int(value)
    return value


def _address_of_node() -> str:
    (node, *_) = json.loads(run("kubectl", "get", "nodes", "--output", "json"))["items"]
    return next(one["address"] for one in node["status"]["addresses"] if one["type"] == "InternalIP")


def _this_machine(node: str) -> str:
    """The address from which this machine speaks to the node, which pods can answer to."""
    if named := os.environ.get("CLUSTER_HOST"):
        return named
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((node, 9))
        address: str = probe.getsockname()[0]
        return address


def _where_it_answers(installed: Release) -> Release:
    """Some clusters open their node ports on this machine only."""
    for address in (installed.address, "127.0.0.1"):
        with suppress(httpx2.HTTPError):
            httpx2.get(f"http://{address}:{NODE_PORT}/health", timeout=5, verify=False).raise_for_status()
            return Release(installed.namespace, address, installed.values)
    raise AssertionError(f"Nothing answers at {installed.url}. Set CLUSTER_ADDRESS to where node ports answer.")


@dataclass(frozen=True)
class OnCluster:
    """The release through its node port, which trusts what this machine says of the client."""

    release: Release
    name: str = "cluster"

    def client(self, *, scheme: str = "http", address: str | None = None) -> httpx2.Client:
        headers = serving.forwarded(scheme, address)
        return httpx2.Client(base_url=self.release.url, headers=headers, timeout=30, verify=False)
