"""Objects for the Prometheus operator and Grafana, which the chart installs on request."""

import json
from typing import Final

import yaml

from tests.chart.rendering import CHART, Release, render_error

MONITORING: Final = CHART / "files/monitoring"


class TestOperator:
    def test_by_default_nothing_is_installed(self) -> None:
        release = Release("full")

        assert release.by_name("PodMonitor") == release.by_name("PrometheusRule") == {}
        assert "todo-app-dashboard" not in release.by_name("ConfigMap")

    def test_the_monitor_selects_the_pods_of_the_api_and_their_port(self) -> None:
        release = Release("default", "monitoring.operator=true", "monitoring.labels.release=stack")
        monitor = release.manifest("PodMonitor")

        assert monitor["metadata"]["labels"]["release"] == "stack"
        assert monitor["spec"]["selector"]["matchLabels"].items() <= release.api_pod["metadata"]["labels"].items()
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        assert endpoint["port"] in {port["name"] for port in release.api_container["ports"]}

    def test_the_alerts_are_those_of_the_file(self) -> None:
        rule = Release("default", "monitoring.operator=true").manifest("PrometheusRule")

        assert rule["spec"] == yaml.safe_load((MONITORING / "alerts.yaml").read_text())

    def test_without_metrics_it_is_refused(self) -> None:
        error = render_error("minimal", "monitoring.operator=true")

        assert "monitoring.operator needs the metrics. Set settings.METRICS_PORT" in error


class TestDashboard:
    def test_it_is_the_file_with_the_label_of_grafanas_sidecar(self) -> None:
        dashboard = Release("default", "monitoring.dashboard=true").manifest("ConfigMap", "todo-app-dashboard")

        assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert json.loads(dashboard["data"]["todo-backend.json"]) == json.loads(
            (MONITORING / "dashboard.json").read_text()
        )
