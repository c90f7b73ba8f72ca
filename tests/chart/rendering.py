"""The chart, as helm renders it."""

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

type Manifest = dict[str, Any]


def values_file(name: str) -> Path:
    """One of default (what cannot be left out), minimal (all switched off) and full (all switched on)."""
    return VALUES / f"{name}.yaml"


def helm(*arguments: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run((HELM, *arguments), capture_output=True, text=True, check=False)


@cache
def rendered(values: str | None = "default", *settings: str, kubernetes: str = NEWEST) -> str:
    """The manifests as text. A setting is `name=value`, on top of the values."""
    ended = _template(values, *settings, kubernetes=kubernetes)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def refusal(values: str | None, *settings: str, kubernetes: str = NEWEST) -> str:
    """What is said of values that are refused."""
    ended = _template(values, *settings, kubernetes=kubernetes)
    assert ended.returncode != 0
    assert ended.stdout == ""
    return ended.stderr


def _template(values: str | None, *settings: str, kubernetes: str) -> subprocess.CompletedProcess[str]:
    return helm(
        *("template", "todo-app", CHART, "--namespace", "todo", "--kube-version", kubernetes),
        *(("--values", values_file(values)) if values else ()),
        *chain.from_iterable(("--set-literal" if "," in one else "--set", one) for one in settings),
    )


class Release:
    """The manifests of one rendering."""

    def __init__(self, values: str | None = "default", *settings: str, kubernetes: str = NEWEST) -> None:
        text = rendered(values, *settings, kubernetes=kubernetes)
        self.manifests: list[Manifest] = [one for one in yaml.safe_load_all(text) if one]

    def of(self, kind: str) -> dict[str, Manifest]:
        """All of a kind, by their names."""
        return {one["metadata"]["name"]: one for one in self.manifests if one["kind"] == kind}

    def one(self, kind: str, name: str = "todo-app") -> Manifest:
        return self.of(kind)[name]

    @property
    def api(self) -> Manifest:
        """The template of the pods that serve."""
        template: Manifest = self.one("Deployment")["spec"]["template"]
        return template

    @property
    def container(self) -> Manifest:
        (container,) = self.api["spec"]["containers"]
        return container  # type: ignore[no-any-return]

    def pods(self) -> dict[str, Manifest]:
        """What is specified of each pod, by the name of what makes it."""
        made = {
            one["metadata"]["name"]: one["spec"]["template"]["spec"]
            for one in self.manifests
            if one["kind"] in {"Deployment", "StatefulSet", "Job"}
        }
        scheduled = {
            name: job["spec"]["jobTemplate"]["spec"]["template"]["spec"] for name, job in self.of("CronJob").items()
        }
        return made | scheduled | {name: pod["spec"] for name, pod in self.of("Pod").items()}

    def containers(self) -> list[Manifest]:
        return [
            container
            for pod in self.pods().values()
            for container in (*pod.get("initContainers", ()), *pod["containers"])
        ]
