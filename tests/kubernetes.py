"""Installs the chart in the cluster of kubectl and helm on PATH (KUBECONFIG).

The cluster must have the image. Two addresses are detected, unless the environment sets them:
- `CLUSTER_ADDRESS` is the host of the node ports.
- `CLUSTER_HOST` is the address of this machine for pods.
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
_NODE_NETWORKS: Final = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
"""Private networks. Requests through a node port have the node's address, which is in one of them."""
_API_PODS: Final = f"app.kubernetes.io/instance={NAME},app.kubernetes.io/component=api"

type Values = dict[str, Any]


def run(*command: str, seconds: float = 300) -> str:
    """Returns the output of a command. Raises AssertionError with its output when it fails."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    assert ended.returncode == 0, f"{' '.join(command)}:\n{ended.stdout}{ended.stderr}"
    return ended.stdout.strip()


@dataclass
class Release:
    """Release of the chart in its own namespace."""

    namespace: str
    image: str
    this_machine: str
    """Address of this machine for pods."""
    address: str
    """Host of the node ports."""
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
        """Installs the chart with its own database."""
        database = {"postgresql": {"enabled": True, "persistence": {"enabled": False}}}
        self.values = self._values(settings) | database
        try:
            self._apply("install", "--create-namespace")
        except AssertionError as error:
            raise AssertionError(f"{error}\n\n{self._diagnosis()}") from None
        self.address = self._find_address()

    def use_external_database(self, settings: Mapping[str, str]) -> None:
        """Upgrades the release to the database of the settings, without the chart's own."""
        self.values = self._values(settings)
        self.upgrade()

    def upgrade(self, *settings: str, timeout: str = "4m") -> None:
        """Changes settings (`name=value`) and waits until new pods have replaced the old ones."""
        self._apply("upgrade", *(part for setting in settings for part in ("--set-string", setting)), timeout=timeout)

    def pods(self) -> set[str]:
        """Returns the names of the API pods that are not stopping."""
        found = [pod["metadata"] for pod in self.get("pods", "--selector", _API_PODS)["items"]]
        return {metadata["name"] for metadata in found if "deletionTimestamp" not in metadata}

    def wait_until_gone(self, pods: set[str]) -> None:
        for pod in pods:
            self.kubectl("wait", "--for=delete", f"pod/{pod}", "--timeout=120s")

    def wait_until_complete(self) -> None:
        """Waits until all pods of the deployment are ready."""
        self.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=120s")

    def _values(self, settings: Mapping[str, str]) -> Values:
        repository, _, tag = self.image.rpartition(":")
        model = urlsplit(settings["OPENAI_BASE_URL"])
        for_pods = {
            **settings,
            "OPENAI_BASE_URL": model._replace(netloc=f"{self.this_machine}:{model.port}").geturl(),
            "FORWARDED_ALLOW_IPS": _NODE_NETWORKS,
        }
        return {
            "image": {"repository": repository, "tag": tag},
            "secrets": {name: value for name, value in for_pods.items() if name in _SECRETS},
            "settings": {name: _as_number(value) for name, value in for_pods.items() if name not in _SECRETS},
        }

    def _apply(self, command: str, *options: str, timeout: str = "4m") -> None:
        # A file, so the list of processes shows no secrets.
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(self.values, file)
            file.flush()
            self.helm(command, str(CHART), "--values", file.name, *options, "--wait", "--timeout", timeout)

    def _find_address(self) -> str:
        """Returns the host of the node ports. Some clusters open them on 127.0.0.1 only."""
        for address in (self.address, "127.0.0.1"):
            with suppress(httpx2.HTTPError):
                httpx2.get(
                    f"http://{address}:{_NODE_PORT}/health", timeout=5, verify=serving.ANY_CERTIFICATE
                ).raise_for_status()
                return address
        raise AssertionError(f"Nothing answers at {self.url}. Set CLUSTER_ADDRESS to the host of the node ports.")

    def _diagnosis(self) -> str:
        """Returns pods, jobs, events and logs of a release that did not start."""
        commands = (("get", "pods,jobs"), ("get", "events"), ("logs", "--selector", _API_PODS, "--tail", "50"))
        outputs = []
        for arguments in commands:
            with suppress(AssertionError):
                outputs.append(self.kubectl(*arguments))
        return "\n\n".join(outputs)


@contextmanager
def release(image: str, settings: Mapping[str, str]) -> Iterator[Release]:
    """Installs the chart, and deletes its namespace at the end of the block."""
    node = _address_of_node()
    address, host = os.environ.get("CLUSTER_ADDRESS", node), os.environ.get("CLUSTER_HOST", _this_machine(node))
    release = Release(f"todo-test-{uuid4().hex[:8]}", image, this_machine=host, address=address)
    try:
        release.install(settings)
        yield release
    finally:
        run("kubectl", "delete", "namespace", release.namespace, "--ignore-not-found")


def _as_number(value: str) -> str | int:
    """Converts decimal strings: the chart calculates with some settings."""
    return int(value) if value.isdecimal() else value


def _address_of_node() -> str:
    (node, *_) = json.loads(run("kubectl", "get", "nodes", "--output", "json"))["items"]
    return next(str(address["address"]) for address in node["status"]["addresses"] if address["type"] == "InternalIP")


def _this_machine(node: str) -> str:
    """Returns the source address of connections from this machine to the node."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((node, 9))
        address: str = probe.getsockname()[0]
        return address


@dataclass(frozen=True)
class OnCluster:
    """Surface of a release at its node port. The service trusts the forwarded headers of the node's network."""

    release: Release
    name: str = "cluster"

    def client(self, *, scheme: str = "http", address: str | None = None) -> httpx2.Client:
        headers = serving.forwarded_headers(scheme, address)
        return httpx2.Client(base_url=self.release.url, headers=headers, timeout=30, verify=serving.ANY_CERTIFICATE)
