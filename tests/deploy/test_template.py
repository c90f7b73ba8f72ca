"""The file template.yaml passes its linters and agrees with the code."""

import json
import re
import subprocess
from importlib import import_module
from itertools import chain, product
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from functions.groups import GROUPS, RouteGroup
from tests import serving
from tests.deploy import artifacts, template
from tests.settings_fields import FIELDS
from todo_core.outbox.leases import LEASE_SECONDS

CHECKOV: Final = template.ROOT / ".tools/checkov/bin/checkov"
SECRETS: Final = {
    *("DATABASE_URL", "DATABASE_URL_UNPOOLED", "SECRET_KEY"),
    *("OPENAI_API_KEY", "MAIL_URL", "VAPID_PRIVATE_KEY"),
}
NOT_SETTINGS: Final = {"SETTINGS_SECRET", "SETTINGS_GENERATION"}

type Route = tuple[str, str]
"""HTTP method and path."""


def run(*command: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=template.ROOT, env=artifacts.environment(), capture_output=True, text=True, check=False
    )


@pytest.mark.lint
class TestLinters:
    @pytest.mark.parametrize("command", [("sam", "validate", "--lint"), ("cfn-lint", "template.yaml")])
    def test_linters_pass(self, command: tuple[str, ...]) -> None:
        name, *arguments = command
        ended = run(artifacts.TOOLS / "bin" / name, *arguments)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def test_checkov_passes_and_skipped_checks_have_a_reason(self) -> None:
        ended = run(
            *(CHECKOV, "--file", "template.yaml", "--framework", "cloudformation", "--skip-download"),
            *("--output", "json"),
        )
        report = json.loads(ended.stdout)
        found = [(check["check_id"], check["resource"]) for check in report["results"]["failed_checks"]]
        waived = report["results"]["skipped_checks"]

        assert report["summary"]["passed"] > 0
        assert found == []
        assert all(len(check["check_result"]["suppress_comment"]) > 20 for check in waived)


def events() -> list[tuple[str, str, str]]:
    """Returns API Gateway's routes as function, method and path. The default route has the path `$default`."""
    return [
        (name, event["Properties"].get("Method", "ANY"), event["Properties"].get("Path", "$default"))
        for name, properties in template.functions().items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "HttpApi"
    ]


def function_for(method: str, path: str) -> str:
    """Returns the function that API Gateway selects: exact paths first, then greedy paths, then the default route.

    The greedy path `/todos/{proxy+}` also matches `/todos/`.
    """

    def fits(event: tuple[str, str, str]) -> bool:
        _, its_method, its_path = event
        pattern = re.escape(its_path).replace(r"\{proxy\+\}", ".*")
        return its_method in {"ANY", method} and (its_path == "$default" or bool(re.fullmatch(pattern, path)))

    def rank(event: tuple[str, str, str]) -> tuple[bool, bool, int]:
        _, its_method, its_path = event
        return its_path != "$default", "{" not in its_path, len(its_path) * 2 + (its_method != "ANY")

    return max(filter(fits, events()), key=rank)[0]


def routes(app: FastAPI) -> set[Route]:
    contexts = iter_route_contexts(serving.list_routes(app))
    return {(method, route.path or "") for route in contexts for method in route.methods or ()}


def routes_of(function: str) -> set[Route]:
    group = template.functions()[function]["Handler"].split(".")[1]
    return routes(serving.app_of(group))


def served_by() -> list[str]:
    return list(dict.fromkeys(name for name, _, _ in events()))


@pytest.mark.usefixtures("environment")
class TestRoutes:
    def test_the_functions_together_serve_all_routes_of_the_whole_app(self) -> None:
        reached = {
            (method, path)
            for function in served_by()
            for method, path in routes_of(function)
            if function_for(method, re.sub("{[^}]+}", "1", path)) == function
        }
        assert reached == routes(import_module("functions.main").app)
        assert len(reached) == sum(len(routes_of(function)) for function in served_by())

    def test_a_trailing_slash_selects_the_same_function(self) -> None:
        for method, path in chain.from_iterable(map(routes_of, served_by())):
            example = re.sub("{[^}]+}", "1", path).rstrip("/")
            assert function_for(method, f"{example}/") == function_for(method, example or "/")

    def test_preflights_and_unsupported_methods_reach_the_function_of_the_path(self) -> None:
        for (_, path), method in product(routes(import_module("functions.main").app), ("OPTIONS", "HEAD", "PUT")):
            example = re.sub("{[^}]+}", "1", path)
            assert function_for(method, example) == function_for("GET", example)

    def test_each_event_matches_a_route(self) -> None:
        for function, _, path in events():
            if path != "$default":
                prefix = path.removesuffix("{proxy+}")
                assert any(f"{route}/".startswith(prefix) for _, route in routes_of(function))

    @pytest.mark.parametrize("path", ["/pages", "/api", "/api/v1", "/api/v1/todosx", "/api/v2/todos", "/nothing/here"])
    def test_other_paths_reach_the_services_own_404(self, path: str) -> None:
        assert function_for("GET", path) == "MetaFunction"

    @pytest.mark.parametrize("group", GROUPS, ids=[group.name for group in GROUPS])
    def test_the_events_of_a_function_are_the_paths_of_its_group(self, group: RouteGroup) -> None:
        below = {f"{path}/{{proxy+}}" for path in group.paths if path != "/"}
        expected = {*group.paths, *below} or {"$default"}

        assert {path for function, _, path in events() if function == group.function_name} == expected

    def test_the_gateway_adds_no_cors_headers(self) -> None:
        (api,) = template.resources("AWS::Serverless::HttpApi").values()
        assert "CorsConfiguration" not in api


class TestMigration:
    def test_the_migration_runs_when_the_layer_with_the_schema_changes(self) -> None:
        (schema,) = template.resources("Custom::DatabaseSchema").values()
        assert schema["CoreLayer"] == {"Ref": "CoreLayer"}
        assert template.resources("AWS::Serverless::LayerVersion")["CoreLayer"]["ContentUri"] == "layers/"
        assert "CoreLayer" in template.layers_of("MigrateFunction")
        assert schema["ServiceToken"] == {"GetAtt": "MigrateFunction.Arn"}

    def test_the_migration_times_out_before_cloudformation(self) -> None:
        (schema,) = template.resources("Custom::DatabaseSchema").values()
        assert template.functions()["MigrateFunction"]["Timeout"] < schema["ServiceTimeout"] <= 900


class TestPurge:
    @pytest.fixture
    def purge(self) -> dict[str, Any]:
        return template.functions()["PurgeFunction"]

    def test_the_purge_runs_daily(self, purge: dict[str, Any]) -> None:
        (event,) = purge["Events"].values()
        assert event["Type"] == "ScheduleV2"
        assert re.fullmatch(r"cron\(\d+ \d+ \* \* \? \*\)", event["Properties"]["ScheduleExpression"])

    def test_the_purge_starts_after_the_migration(self) -> None:
        assert template.load()["Resources"]["PurgeFunction"]["DependsOn"] == "DatabaseSchema"

    def test_the_purge_has_at_least_a_minute(self, purge: dict[str, Any]) -> None:
        assert purge["Timeout"] >= 60


class TestDeliver:
    @pytest.fixture
    def deliver(self) -> dict[str, Any]:
        return template.functions()["DeliverFunction"]

    def test_it_runs_every_minute(self, deliver: dict[str, Any]) -> None:
        (event,) = deliver["Events"].values()
        assert (event["Type"], event["Properties"]["ScheduleExpression"]) == ("ScheduleV2", "rate(1 minute)")

    def test_it_starts_after_the_migration(self) -> None:
        assert template.load()["Resources"]["DeliverFunction"]["DependsOn"] == "DatabaseSchema"

    def test_a_run_has_time_for_several_attempts(self, deliver: dict[str, Any]) -> None:
        assert deliver["Timeout"] >= 2 * LEASE_SECONDS

    def test_requests_invoke_it_by_its_name(self, deliver: dict[str, Any]) -> None:
        variables = template.functions()["AuthFunction"]["Environment"]["Variables"]
        (policy,) = template.resources("AWS::IAM::Policy").values()
        (statement,) = policy["PolicyDocument"]["Statement"]

        assert variables["DELIVER_FUNCTION"] == deliver["FunctionName"]
        assert statement["Action"] == "lambda:InvokeFunction"
        assert statement["Resource"] == {"GetAtt": "DeliverFunction.Arn"}

    def test_its_links_lead_to_the_gateway_without_another_address(self, deliver: dict[str, Any]) -> None:
        condition, _, otherwise = deliver["Environment"]["Variables"]["PUBLIC_URL"]["If"]
        assert (condition, otherwise) == ("HasPublicUrl", {"GetAtt": "HttpApi.ApiEndpoint"})

    def test_an_alarm_watches_the_oldest_message(self) -> None:
        alarm = template.resources("AWS::CloudWatch::Alarm")["OutboxAlarm"]
        assert (alarm["MetricName"], alarm["Statistic"]) == ("OutboxOldestSeconds", "Maximum")

    def test_an_alarm_watches_the_next_reminder(self) -> None:
        alarm = template.resources("AWS::CloudWatch::Alarm")["RemindersAlarm"]
        assert (alarm["MetricName"], alarm["Statistic"]) == ("RemindersOverdueSeconds", "Maximum")


class TestAccounts:
    def test_nobody_outside_the_aws_account_can_invoke_it(self) -> None:
        accounts = template.functions()["AccountsFunction"]
        permissions = template.resources("AWS::Lambda::Permission")

        assert "Events" not in accounts
        assert "FunctionUrlConfig" not in accounts
        assert not permissions

    def test_it_starts_after_the_migration(self) -> None:
        assert template.load()["Resources"]["AccountsFunction"]["DependsOn"] == "DatabaseSchema"

    def test_it_has_more_time_than_closing_an_account_takes(self) -> None:
        assert template.functions()["AccountsFunction"]["Timeout"] > 60


class TestEnvironment:
    @pytest.fixture
    def variables(self) -> dict[str, Any]:
        variables: dict[str, Any] = template.load()["Globals"]["Function"]["Environment"]["Variables"]
        return variables

    def test_variables_of_secrets_are_declared_and_empty(self, variables: dict[str, Any]) -> None:
        assert {name: variables[name] for name in SECRETS} == dict.fromkeys(SECRETS, "")

    def test_all_variables_are_settings(self, variables: dict[str, Any]) -> None:
        unknown = {name for name in variables if name not in FIELDS} - NOT_SETTINGS
        assert {name.partition("_")[0] for name in unknown} == {"POWERTOOLS"}


class TestLimits:
    @pytest.fixture
    def limits(self) -> dict[str, dict[str, Any]]:
        """The parameters that limit each route of the gateway, by method and path."""
        (api,) = template.resources("AWS::Serverless::HttpApi").values()
        routes = [path if path == "$default" else f"{method} {path}" for _, method, path in events()]
        return {**dict.fromkeys(routes, api["DefaultRouteSettings"]), **api["RouteSettings"]}

    def test_only_routes_that_exist_have_limits_of_their_own(self, limits: dict[str, dict[str, Any]]) -> None:
        """CloudFormation refuses limits of an unknown route."""
        assert len(limits) == len(events())

    @pytest.mark.parametrize(
        ("path", "parameter"),
        [
            ("/api/v1/auth", "AuthRequestsPerSecond"),
            ("/account", "AuthRequestsPerSecond"),
            ("/api/v1/chat", "ChatRequestsPerSecond"),
            ("/api/v1/todos", "RequestsPerSecond"),
            ("$default", "RequestsPerSecond"),
        ],
    )
    def test_accounts_and_the_assistant_have_tighter_limits(
        self, limits: dict[str, dict[str, Any]], path: str, parameter: str
    ) -> None:
        found = [limit for route, limit in limits.items() if path in route]
        assert found
        for limit in found:
            assert limit == {name: {"Ref": parameter} for name in ("ThrottlingRateLimit", "ThrottlingBurstLimit")}
