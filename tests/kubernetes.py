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
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2

from tests import serving
from tests.deploy import template

CHART: Final = template.ROOT / "k8s/todo-web-app"
NAME: Final = "todo-app"
DATABASE: Final = f"{NAME}-postgresql"
_NODE_PORT: Final = 30800
_SECRETS: Final = {"DATABASE_URL", "SECRET_KEY", "OPENAI_API_KEY"}
_NODES: Final = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
"""The private networks, from one of which the node hands on what comes to its port."""
_SERVING: Final = f"app.kubernetes.io/instance={NAME},app.kubernetes.io/component=api"

type Values = dict[str, Any]


def run(*command: str, seconds: float = 300) -> str:
    """What the command prints. Raises AssertionError with what it said when it fails."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    assert ended.returncode == 0, f"{' '.join(command)}:\n{ended.stdout}{ended.stderr}"
    return ended.stdout.strip()


@dataclass
class Release:
    """The chart with an image, in a namespace of its own."""

    namespace: str
    image: str
    this_machine: str
    """As pods reach it."""
    address: str
    """Where node ports answer."""
    values: Values = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{self.address}:{_NODE_PORT}"

    @property
    def revision(self) -> int:
        (release,) = json.loads(run("helm", "list", "--namespace", self.namespace, "--output", "json"))
        return int(release["revision"])

    def kubectl(self, *arguments: str) -> str:
        return run("kubectl", "--namespace", self.namespace, *arguments)

    def get(self, *arguments: str) -> dict[str, Any]:
        found = json.loads(self.kubectl("get", *arguments, "--output", "json"))
        return dict(found)

    def helm(self, command: str, *arguments: str) -> str:
        return run("helm", command, NAME, *arguments, "--namespace", self.namespace)

    def install(self, settings: Mapping[str, str]) -> None:
        """With the database that the chart brings along."""
        database = {"postgresql": {"enabled": True, "persistence": {"enabled": False}}}
        self.values = self._values(settings) | database
        try:
            self._apply("install", "--create-namespace")
        except AssertionError as error:
            raise AssertionError(f"{error}\n\n{self._diagnosis()}") from None
        self.address = self._where_it_answers()

    def move(self, settings: Mapping[str, str]) -> None:
        """To the database that the settings name."""
        self.values = self._values(settings)
        self.upgrade()

    def upgrade(self, *settings: str, timeout: str = "4m") -> None:
        """Changes settings, each a `name=value`, and waits until the new pods have taken the place of the old."""
        self._apply("upgrade", *(part for setting in settings for part in ("--set-string", setting)), timeout=timeout)

    def pods(self) -> set[str]:
        """The names of those that serve, and have not been told to stop."""
        found = [pod["metadata"] for pod in self.get("pods", "--selector", _SERVING)["items"]]
        return {metadata["name"] for metadata in found if "deletionTimestamp" not in metadata}

    def wait_until_gone(self, pods: set[str]) -> None:
        for pod in pods:
            self.kubectl("wait", "--for=delete", f"pod/{pod}", "--timeout=120s")

    def wait_until_whole(self) -> None:
        """As many pods are ready as there ought to be."""
        self.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=120s")

    def _values(self, settings: Mapping[str, str]) -> Values:
        repository, _, tag = self.image.rpartition(":")
        model = urlsplit(settings["OPENAI_BASE_URL"])
        seen = {
            **settings,
            "OPENAI_BASE_URL": model._replace(netloc=f"{self.this_machine}:{model.port}").geturl(),
            "FORWARDED_ALLOW_IPS": _NODES,
        }
        return {
            "image": {"repository": repository, "tag": tag},
            "secrets": {name: value for name, value in seen.items() if name in _SECRETS},
            "settings": {name: _counted(value) for name, value in seen.items() if name not in _SECRETS},
        }

    def _apply(self, command: str, *options: str, timeout: str = "4m") -> None:
        # In a file, so that no secret is in the list of processes.
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(self.values, file)
            file.flush()
            self.helm(command, str(CHART), "--values", file.name, *options, "--wait", "--timeout", timeout)

    def _where_it_answers(self) -> str:
        """Some clusters open their node ports on this machine only."""
        for address in (self.address, "127.0.0.1"):
            with suppress(httpx2.HTTPError):
                httpx2.get(
                    f"http://{address}:{_NODE_PORT}/health", timeout=5, verify=serving.ANY_CERTIFICATE
                ).raise_for_status()
                return address
        raise AssertionError(f"Nothing answers at {self.url}. Set CLUSTER_ADDRESS to where node ports answer.")

    def _diagnosis(self) -> str:
        """What the cluster knows of a release that did not come up."""
        asked = (("get", "pods,jobs"), ("get", "events"), ("logs", "--selector", _SERVING, "--tail", "50"))
        said = []
        for arguments in asked:
            with suppress(AssertionError):
                said.append(self.kubectl(*arguments))
        return "\n\n".join(said)


@contextmanager
def release(image: str, settings: Mapping[str, str]) -> Iterator[Release]:
    """Installs the chart, and takes everything away in the end."""
    node = _address_of_node()
    address, host = os.environ.get("CLUSTER_ADDRESS", node), os.environ.get("CLUSTER_HOST", _this_machine(node))
    release = Release(f"todo-test-{uuid4().hex[:8]}", image, this_machine=host, address=address)
    try:
        release.install(settings)
        yield release
    finally:
        run("kubectl", "delete", "namespace", release.namespace, "--ignore-not-found")


def _counted(value: str) -> str | int:
    """The chart counts with some of the settings."""
    return int(value) if value.isdecimal() else value


def _address_of_node() -> str:
    (node, *_) = json.loads(run("kubectl", "get", "nodes", "--output", "json"))["items"]
    return next(str(one["address"]) for one in node["status"]["addresses"] if one["type"] == "InternalIP")


def _this_machine(node: str) -> str:
    """The address from which this machine speaks to the node."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((node, 9))
        address: str = probe.getsockname()[0]
        return address


@dataclass(frozen=True)
class OnCluster:
    """The release through its node port, which trusts what this machine says of the client."""

    release: Release
    name: str = "cluster"

    def client(self, *, scheme: str = "http", address: str | None = None) -> httpx2.Client:
        headers = serving.forwarded(scheme, address)
        return httpx2.Client(base_url=self.release.url, headers=headers, timeout=30, verify=serving.ANY_CERTIFICATE)
