"""Installs the Helm chart in the cluster that KUBECONFIG selects, with kubectl and helm from PATH.

The cluster must have the container image. Two addresses are detected, unless the environment sets them:
- `CLUSTER_ADDRESS` is the host on which the cluster opens node ports.
- `CLUSTER_HOST` is the address under which pods reach this machine.
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
import yaml

from tests import serving
from tests.deploy import template
from tests.room import ROOM_SECONDS
from tests.service_client import ServiceClient

CHART: Final = template.ROOT / "k8s/todo-web-app"
NAME: Final = "todo-app"
DATABASE: Final = f"{NAME}-postgresql"
_SECRETS: Final = frozenset(yaml.safe_load((CHART / "values.yaml").read_text())["secrets"])
_NODE_NETWORKS: Final = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
"""Private networks, one of which contains the node's address.

Requests through a node port come from this address, so the service trusts its forwarded headers.
"""
_API_PODS: Final = f"app.kubernetes.io/instance={NAME},app.kubernetes.io/component=api"

type Values = dict[str, Any]


def run(*command: str, seconds: float = 300) -> str:
    """Runs a command and returns its output. Raises AssertionError with the output if the command fails."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    assert ended.returncode == 0, f"{' '.join(command)}:\n{ended.stdout}{ended.stderr}"
    return ended.stdout.strip()


@dataclass
class Release:
    """Helm release of the chart in a namespace of its own."""

    namespace: str
    image: str
    this_machine: str
    """Address under which pods reach this machine."""
    address: str
    """Host on which the cluster opens node ports."""
    server_side: bool = True
    """helm 4 applies manifests on the server by default, helm 3 on the client."""
    node_port: int = 30800
    values: Values = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.node_port}"

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

    def install(self, settings: Mapping[str, str], **values: object) -> None:
        """Installs the chart together with the PostgreSQL that the chart contains, without persistent storage."""
        database = {"postgresql": {"enabled": True, "persistence": {"enabled": False}}}
        self.values = self._values(settings) | database | values
        try:
            self._apply("install", "--create-namespace")
        except AssertionError as error:
            raise AssertionError(f"{error}\n\n{self._diagnosis()}") from None

    def use_external_database(self, settings: Mapping[str, str]) -> None:
        """Upgrades the release to the database in these settings and removes the PostgreSQL of the chart.

        Waits until the pods are gone that used it, because they answer until the nodes have learned that they stop.
        """
        before = self.pods()
        self.values = self._values(settings)
        self.upgrade()
        self.wait_until_gone(before)

    def upgrade(self, *settings: str, timeout: str = "4m") -> None:
        """Upgrades the release with additional chart values (`name=value`) and waits until the new pods are ready."""
        self._apply("upgrade", *(part for setting in settings for part in ("--set-string", setting)), timeout=timeout)

    def pods(self) -> set[str]:
        """Returns the names of the API pods that are not stopping."""
        found = [pod["metadata"] for pod in self.get("pods", "--selector", _API_PODS)["items"]]
        return {metadata["name"] for metadata in found if "deletionTimestamp" not in metadata}

    def wait_until_gone(self, pods: set[str]) -> None:
        for pod in pods:
            self.kubectl("wait", "--for=delete", f"pod/{pod}", "--timeout=120s")

    def wait_until_complete(self) -> None:
        """Waits until the rollout of the API's deployment is complete, at most 120 seconds."""
        self.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=120s")

    def _values(self, settings: Mapping[str, str]) -> Values:
        repository, _, tag = self.image.rpartition(":")
        model = urlsplit(settings["OPENAI_BASE_URL"])
        for_pods = {
            **settings,
            "OPENAI_BASE_URL": model._replace(netloc=f"{self.this_machine}:{model.port}").geturl(),
            "MAIL_URL": settings["MAIL_URL"].replace("localhost", self.this_machine),
            "FORWARDED_ALLOW_IPS": _NODE_NETWORKS,
        }
        return {
            "image": {"repository": repository, "tag": tag},
            "secrets": {name: value for name, value in for_pods.items() if name in _SECRETS},
            "settings": {name: _as_number(value) for name, value in for_pods.items() if name not in _SECRETS},
        }

    def _apply(self, command: str, *options: str, timeout: str = "4m") -> None:
        # Helm reads the values from a file, so the list of processes shows no secrets.
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(self.values, file)
            file.flush()
            way = f"--server-side={str(self.server_side).lower()}"
            self.helm(command, str(CHART), "--values", file.name, *options, way, "--wait", "--timeout", timeout)

    def find_address(self) -> str:
        """Returns the host at which the service answers on its node port.

        Tries 127.0.0.1 too, because some clusters open node ports only there.
        """
        for address in (self.address, "127.0.0.1"):
            with suppress(httpx2.HTTPError):
                httpx2.get(
                    f"http://{address}:{self.node_port}/health", timeout=5, verify=serving.ANY_CERTIFICATE
                ).raise_for_status()
                return address
        raise AssertionError(f"Nothing answers at {self.url}. Set CLUSTER_ADDRESS to the host of the node ports.")

    def _diagnosis(self) -> str:
        """Returns pods, jobs, events and logs of the release, to explain why its installation failed."""
        commands = (("get", "pods,jobs"), ("get", "events"), ("logs", "--selector", _API_PODS, "--tail", "50"))
        outputs = []
        for arguments in commands:
            with suppress(AssertionError):
                outputs.append(self.kubectl(*arguments))
        return "\n\n".join(outputs)


@contextmanager
def release(image: str, settings: Mapping[str, str]) -> Iterator[Release]:
    """Installs the chart in a new namespace until the end of the block."""
    with in_new_namespace(image) as release:
        release.install(settings)
        release.address = release.find_address()
        yield release


@contextmanager
def in_new_namespace(image: str, *, server_side: bool = True) -> Iterator[Release]:
    """Yields a release that is not installed yet, and deletes its namespace at the end of the block."""
    node = _address_of_node()
    address, host = os.environ.get("CLUSTER_ADDRESS", node), os.environ.get("CLUSTER_HOST", _this_machine(node))
    release = Release(f"todo-test-{uuid4().hex[:8]}", image, host, address, server_side)
    try:
        yield release
    finally:
        run("kubectl", "delete", "namespace", release.namespace, "--ignore-not-found")


def _as_number(value: str) -> str | int:
    """Converts a decimal string to a number, because the chart calculates with some settings."""
    return int(value) if value.isdecimal() else value


def _address_of_node() -> str:
    (node, *_) = json.loads(run("kubectl", "get", "nodes", "--output", "json"))["items"]
    return next(str(address["address"]) for address in node["status"]["addresses"] if address["type"] == "InternalIP")


def _this_machine(node: str) -> str:
    """Returns this machine's own address in connections to the node, under which pods can reach this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((node, 9))
        address: str = probe.getsockname()[0]
        return address


@dataclass(frozen=True)
class OnCluster:
    """Surface that sends requests to a release's node port. The service trusts forwarded headers from the node."""

    release: Release
    name: str = "cluster"

    def client(self, *, scheme: str = "http", address: str | None = None) -> httpx2.Client:
        headers = serving.forwarded_headers(scheme, address)
        return ServiceClient(
            base_url=self.release.url, headers=headers, timeout=ROOM_SECONDS, verify=serving.ANY_CERTIFICATE
        )
