"""The alarms and the dashboard of CloudWatch in template.yaml."""

import json
import re
from typing import Any, Final

import pytest

from tests.deploy import template

FREE_METRICS: Final = 50
"""Metrics of a dashboard that is free. One with more costs as much as all alarms together."""


class TestAlarms:
    @pytest.mark.parametrize("metric", ["Errors", "Throttles"])
    def test_alarms_watch_all_functions(self, metric: str) -> None:
        alarm = template.resources("AWS::CloudWatch::Alarm")[f"{metric}Alarm"]
        watched = {
            query["MetricStat"]["Metric"]["Dimensions"][0]["Value"]["Ref"]
            for query in alarm["Metrics"]
            if query.get("MetricStat", {}).get("Metric", {}).get("MetricName") == metric
        }
        assert watched == template.functions().keys()


class TestDashboard:
    @pytest.fixture
    def widgets(self) -> list[dict[str, Any]]:
        """The widgets, with names of resources instead of references. CloudFormation demands a body in JSON."""
        (dashboard,) = template.resources("AWS::CloudWatch::Dashboard").values()
        body = re.sub(r"\$\{([\w:]+)\}", r"\1", dashboard["DashboardBody"]["Sub"])
        widgets: list[dict[str, Any]] = json.loads(body)["widgets"]
        return widgets

    def test_each_widget_has_its_own_place(self, widgets: list[dict[str, Any]]) -> None:
        assert len({(widget["x"], widget["y"]) for widget in widgets}) == len(widgets)
        assert all(widget["x"] + widget["width"] <= 24 for widget in widgets)

    @pytest.mark.parametrize("metric", ["Duration", "Errors"])
    def test_it_shows_all_functions(self, widgets: list[dict[str, Any]], metric: str) -> None:
        metrics = [each for widget in widgets for each in widget["properties"]["metrics"]]
        shown = [each[3] for each in metrics if each[1:3] == [metric, "FunctionName"]]

        assert sorted(shown) == sorted(template.functions())

    def test_it_is_small_enough_to_be_free(self, widgets: list[dict[str, Any]]) -> None:
        assert sum(len(widget["properties"]["metrics"]) for widget in widgets) <= FREE_METRICS
