"""The numbers and lists in docs/deploy-aws.md are those of template.yaml."""

import re
from typing import Any, Final

import pytest

from tests.deploy import template

PAGE: Final = (template.ROOT / "docs/deploy-aws.md").read_text()


def find_number(pattern: str) -> float:
    """Returns the number that the page contains at the only group of the pattern."""
    (found,) = re.findall(pattern, PAGE)
    return float(found)


def published_functions() -> dict[str, dict[str, Any]]:
    """Returns the functions that serve requests, which have an alias."""
    return {name: function for name, function in template.functions().items() if "AutoPublishAlias" in function}


def test_it_counts_the_functions() -> None:
    assert find_number(r"(\d+) Lambda functions") == len(template.functions())


def test_it_counts_the_routes_of_the_gateway() -> None:
    routes = [
        event
        for function in template.functions().values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "HttpApi"
    ]
    assert find_number(r"all (\d+) routes at once") == len(routes)


def test_the_roll_back_lists_the_functions_with_an_alias() -> None:
    (listed,) = re.findall(r"for name in ([\w ]+); do", PAGE)
    assert listed.split() == list(published_functions())


def test_functions_without_an_alias_are_named() -> None:
    (named,) = re.findall(r"(?m)^(`\w+Function`.*) have no alias", PAGE)
    assert set(re.findall(r"\w+Function", named)) == template.functions().keys() - published_functions().keys()


def test_the_memory_of_snapshots_is_that_of_the_functions_with_an_alias() -> None:
    default = template.load()["Globals"]["Function"]["MemorySize"]
    gigabytes = sum(function.get("MemorySize", default) for function in published_functions().values()) / 1024

    assert find_number(r"they have ([\d.]+) GB") == pytest.approx(gigabytes, abs=0.01)


def test_it_lists_the_alarms() -> None:
    alarms = template.resources("AWS::CloudWatch::Alarm").values()
    names = {alarm["AlarmName"]["Sub"].replace("${AWS::StackName}", "todo") for alarm in alarms}

    assert set(re.findall(r"(?m)^\| `(todo-[a-z-]+)` \|", PAGE)) == names


def test_it_counts_the_metrics_of_alarms() -> None:
    always = [alarm for name, alarm in template.resources("AWS::CloudWatch::Alarm").items() if name != "RequestsAlarm"]
    metrics = [metric for alarm in always for metric in alarm.get("Metrics", [alarm]) if "Expression" not in metric]

    assert find_number(r"(\d+) metrics × 0.10") == len(metrics)


def test_the_settings_of_sam_local_are_those_that_are_empty_in_the_template() -> None:
    variables = template.load()["Globals"]["Function"]["Environment"]["Variables"]
    (listed,) = re.findall(r"from the shell or `--env-vars`: ([^.]+)\.", PAGE)

    assert set(re.findall(r"`(\w+)`", listed)) == {name for name, value in variables.items() if value == ""}
