"""A real Prometheus, which scrapes a service and evaluates the alerts. `make` puts it into .tools/prometheus."""

import math
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
import yaml

from tests import serving
from tests.deploy import template
from tests.room import ROOM_SECONDS

FOLDER: Final = template.ROOT / ".tools/prometheus"
MONITORING: Final = template.ROOT / "k8s/todo-web-app/files/monitoring"
ALERTS: Final = MONITORING / "alerts.yaml"

installed: Final = pytest.mark.skipif(
    not (FOLDER / "promtool").exists(), reason="Prometheus is not installed (make .tools/prometheus/ready)."
)


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run((FOLDER / "promtool", *arguments), capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    url: str

    def query(self, expression: str) -> list[float]:
        """Returns the present values of an expression that are numbers."""
        answered = httpx2.get(f"{self.url}/api/v1/query", params={"query": expression}, timeout=ROOM_SECONDS)
        assert answered.status_code == 200, answered.text
        values = [float(series["value"][1]) for series in answered.json()["data"]["result"]]
        return [value for value in values if not math.isnan(value)]

    def list_rules(self) -> dict[str, dict[str, Any]]:
        """Returns all alert rules with their state, by name."""
        groups = httpx2.get(f"{self.url}/api/v1/rules", timeout=ROOM_SECONDS).json()["data"]["groups"]
        return {rule["name"]: rule for group in groups for rule in group["rules"]}


@contextmanager
def scraping(port: int, folder: Path) -> Iterator[Prometheus]:
    """Runs a Prometheus that scrapes a port of this machine and evaluates the alerts, both once a second."""
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ALERTS)],
        "scrape_configs": [{"job_name": "todo", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    own_port = serving.free_port()
    process = subprocess.Popen(
        (
            FOLDER / "prometheus",
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{own_port}",
            "--log.level=error",
        )
    )
    try:
        prometheus = Prometheus(f"http://127.0.0.1:{own_port}")
        serving.wait_until(lambda: _is_ready(prometheus))
        yield prometheus
    finally:
        process.terminate()
        process.wait(timeout=ROOM_SECONDS)


def _is_ready(prometheus: Prometheus) -> bool:
    try:
        return httpx2.get(f"{prometheus.url}/-/ready", timeout=5).status_code == 200
    except httpx2.HTTPError:
        return False
