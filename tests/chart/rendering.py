"""Renders the service's Helm chart to Kubernetes manifests."""

import base64
import subprocess
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploy import template

CHART: Final = template.ROOT / "k8s/todo-web-app"
HELM: Final = template.ROOT / ".tools/helm/bin/helm"
VALUES: Final = Path(__file__).parent / "values"
NEWEST: Final = "1.37"
KEY: Final = "secrets.SECRET_KEY=kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A"
TESTED_VALUES: Final = ("default", "minimal", "full")
"""Values files of the tests: required values only, all features off, all features on."""
SHIPPED_VALUES: Final = ("minikube", "production")
"""Values files in the folder of the chart."""

type Manifest = dict[str, Any]


def options(values: str) -> tuple[Path | str, ...]:
    """Returns helm's options for a values file, with the secret that the one for Minikube leaves to the user."""
    file = CHART / f"values-{values}.yaml" if values in SHIPPED_VALUES else VALUES / f"{values}.yaml"
    return ("--values", file, *(("--set", KEY) if values == "minikube" else ()))


def helm(*arguments: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run((HELM, *arguments), capture_output=True, text=True, check=False)


@cache
def render(values: str | None = "default", *settings: str, kubernetes: str = NEWEST) -> str:
    """Returns the chart's manifests as YAML. A setting is `name=value` and overrides the values file."""
    ended = _template(values, *settings, kubernetes=kubernetes)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def render_error(values: str | None, *settings: str, kubernetes: str = NEWEST) -> str:
    """Asserts that helm refuses to render the chart with these values. Returns the error that helm prints."""
    ended = _template(values, *settings, kubernetes=kubernetes)
    assert ended.returncode != 0
    assert ended.stdout == ""
    return ended.stderr


def _template(values: str | None, *settings: str, kubernetes: str) -> subprocess.CompletedProcess[str]:
    return helm(
        *("template", "todo-app", CHART, "--namespace", "todo", "--kube-version", kubernetes),
        *(options(values) if values else ()),
        *chain.from_iterable(("--set-literal" if "," in setting else "--set", setting) for setting in settings),
    )


class Release:
    """Kubernetes manifests that the chart renders for given values, parsed from YAML."""

    def __init__(self, values: str | None = "default", *settings: str, kubernetes: str = NEWEST) -> None:
        text = render(values, *settings, kubernetes=kubernetes)
        self.manifests: list[Manifest] = [manifest for manifest in yaml.safe_load_all(text) if manifest]

    def by_name(self, kind: str) -> dict[str, Manifest]:
        """Returns the manifests of one kind in a dictionary, keyed by their names."""
        return {manifest["metadata"]["name"]: manifest for manifest in self.manifests if manifest["kind"] == kind}

    def manifest(self, kind: str, name: str = "todo-app") -> Manifest:
        return self.by_name(kind)[name]

    def secret(self, name: str = "todo-app") -> dict[str, str]:
        """Returns the decoded data of a Secret."""
        data = self.manifest("Secret", name)["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    @property
    def api_pod(self) -> Manifest:
        """The pod template of the API's deployment."""
        template: Manifest = self.manifest("Deployment")["spec"]["template"]
        return template

    @property
    def api_container(self) -> Manifest:
        (container,) = self.api_pod["spec"]["containers"]
        return container  # type: ignore[no-any-return]

    def pod_specs(self) -> dict[str, Manifest]:
        """Returns the specifications of all pods, keyed by the name of the manifest that contains each."""
        templates = {
            manifest["metadata"]["name"]: manifest["spec"]["template"]["spec"]
            for manifest in self.manifests
            if manifest["kind"] in {"Deployment", "StatefulSet", "Job"}
        }
        scheduled = {
            name: job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
            for name, job in self.by_name("CronJob").items()
        }
        return templates | scheduled | {name: pod["spec"] for name, pod in self.by_name("Pod").items()}

    def containers(self) -> list[Manifest]:
        return [
            container
            for pod in self.pod_specs().values()
            for container in (*pod.get("initContainers", ()), *pod["containers"])
        ]
