"""Exactly the functions that a deployment changes get a new version, by SAM's own translator.

The alias `live` points to a version. A deployment that publishes no version succeeds, but the old code stays in use.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.deploy import artifacts, template
from tests.deploy.translation import Deployment, Stack, translate

DOCUMENTATION: Final = template.ROOT / "docs/deploy-aws.md"
FUNCTIONS: Final = frozenset(
    f"{group}Function" for group in ("Auth", "Todos", "Chat", "Mcp", "Reminders", "Webhooks", "Oauth", "Web", "Meta")
)
"""Functions that serve requests. The others have no alias, so an invocation always runs the newest code."""
OAUTH: Final = frozenset({"OauthFunction"})
ASSISTANT: Final = frozenset({"ChatFunction", "McpFunction"})
NONE: Final = frozenset[str]()

NEW_VERSIONS_BY_ARTIFACT: Final = {
    **{name: frozenset({name}) for name in sorted(FUNCTIONS)},
    "MigrateFunction": NONE,
    "PurgeFunction": NONE,
    "DeliverFunction": NONE,
    "AccountsFunction": NONE,
    "DependenciesLayer": FUNCTIONS,
    "CoreLayer": FUNCTIONS,
    "DeliveryLayer": OAUTH,
    "AssistantLayer": ASSISTANT,
    "MigrationLayer": NONE,
}
IN_FUNCTIONS: Final = {
    "SettingsSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:new-a1b2c3",
    "SettingsGeneration": "2",
    "CorsOrigins": "https://app.example.com",
    "OpenaiBaseUrl": "https://models.example.com/v1",
    "OpenaiModel": "other",
    "MailFrom": "Todos <todos@example.com>",
    "PublicUrl": "https://todos.example.com",
    "FrontendUrl": "https://app.example.com",
    "VapidSubject": "mailto:admin@example.com",
    "WebPage": "off",
    "DomainName": "api.example.com",
    "Architecture": "x86_64",
    "SnapStart": "PublishedVersions",
    "LogLevel": "DEBUG",
    "SubnetIds": "subnet-1,subnet-2",
    "SecurityGroupIds": "sg-1",
}
"""New values of parameters that are part of each function's properties."""
BESIDE_FUNCTIONS: Final = {
    "SettingsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/1",
    "ChatConcurrency": "50",
    "LogRetentionDays": "7",
    "AlarmTopicArn": "arn:aws:sns:eu-central-1:123456789012:alarms",
    "ManyRequests": "1000",
    "MonthlyBudget": "20",
    "BudgetEmail": "ada@example.com",
    "Rollout": "Canary10Percent10Minutes",
    "RequestsPerSecond": "7",
    "AuthRequestsPerSecond": "7",
    "ChatRequestsPerSecond": "7",
    "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/1",
    "HostedZoneId": "Z1",
}
"""New values of parameters of other resources."""
PARAMETERS: Final = IN_FUNCTIONS | BESIDE_FUNCTIONS
NEW_MIGRATION: Final = Deployment(artifacts={"CoreLayer": "new", "MigrateFunction": "new"})
"""A migration is a file of MigrateFunction, and the core layer has the number of the newest one."""


def changes(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


def new_versions(before: Stack, after: Stack) -> set[str]:
    return changes(before.published(), after.published())


def versioned_properties(stack: Stack) -> dict[str, Any]:
    """Returns the properties of the functions with an alias. Their concurrency is left out, as in a version."""
    functions = stack.of_type("AWS::Lambda::Function")
    return {
        name: {key: value for key, value in functions[name].items() if key != "ReservedConcurrentExecutions"}
        for name in FUNCTIONS
    }


@pytest.fixture(scope="module")
def stacks() -> dict[str, Stack]:
    """The first deployment, and one for each artifact and parameter that changes."""
    deployments = {
        "first": Deployment(),
        "first again": Deployment(),
        "migration": NEW_MIGRATION,
        "everything": Deployment(parameters=PARAMETERS),
        **{name: Deployment(artifacts={name: "new"}) for name in NEW_VERSIONS_BY_ARTIFACT},
        **{name: Deployment(parameters={name: value}) for name, value in PARAMETERS.items()},
    }
    return dict(zip(deployments, translate(deployments.values()), strict=True))


@pytest.fixture(scope="module")
def first(stacks: dict[str, Stack]) -> Stack:
    return stacks["first"]


class TestNewVersions:
    def test_each_function_that_serves_requests_has_an_alias(self, first: Stack) -> None:
        assert first.published().keys() == FUNCTIONS

    def test_the_same_deployment_again_publishes_nothing(self, first: Stack, stacks: dict[str, Stack]) -> None:
        assert new_versions(first, stacks["first again"]) == NONE

    @pytest.mark.parametrize("artifact", NEW_VERSIONS_BY_ARTIFACT)
    def test_new_code_publishes_the_functions_that_contain_it(
        self, first: Stack, stacks: dict[str, Stack], artifact: str
    ) -> None:
        assert new_versions(first, stacks[artifact]) == NEW_VERSIONS_BY_ARTIFACT[artifact]

    @pytest.mark.parametrize("parameter", IN_FUNCTIONS)
    def test_a_parameter_of_functions_publishes_all(
        self, first: Stack, stacks: dict[str, Stack], parameter: str
    ) -> None:
        assert new_versions(first, stacks[parameter]) == FUNCTIONS

    @pytest.mark.parametrize("parameter", BESIDE_FUNCTIONS)
    def test_other_parameters_publish_nothing(self, first: Stack, stacks: dict[str, Stack], parameter: str) -> None:
        assert new_versions(first, stacks[parameter]) == NONE

    @pytest.mark.parametrize("change", [*NEW_VERSIONS_BY_ARTIFACT, *PARAMETERS, "migration"])
    def test_a_version_is_new_if_and_only_if_its_function_changed(
        self, first: Stack, stacks: dict[str, Stack], change: str
    ) -> None:
        """Lambda refuses a second version of an unchanged function, which would fail the deployment."""
        changed = changes(versioned_properties(first), versioned_properties(stacks[change]))

        assert new_versions(first, stacks[change]) == changed

    def test_all_artifacts_and_parameters_are_covered(self) -> None:
        layers = template.resources("AWS::Serverless::LayerVersion")

        assert NEW_VERSIONS_BY_ARTIFACT.keys() == template.functions().keys() | layers.keys()
        assert PARAMETERS.keys() == template.load()["Parameters"].keys()

    def test_the_documentation_says_the_same(self) -> None:
        table = re.findall(r"^\| (`[A-Z].*?) \| .* \| (yes )?\|$", DOCUMENTATION.read_text(), re.MULTILINE)
        documented = {name: bool(yes) for names, yes in table for name in re.findall("`([A-Za-z]+)`", names)}

        assert documented == dict.fromkeys(IN_FUNCTIONS, True) | dict.fromkeys(BESIDE_FUNCTIONS, False)


class TestMigration:
    @pytest.mark.parametrize("change", ["migration", "CoreLayer", "SettingsGeneration", "SettingsSecretArn"])
    def test_it_runs_for_a_new_schema_and_for_a_new_database(
        self, first: Stack, stacks: dict[str, Stack], change: str
    ) -> None:
        assert changes(*(stack.of_type("Custom::DatabaseSchema") for stack in (first, stacks[change])))

    def test_a_new_migration_publishes_all_functions(self, first: Stack, stacks: dict[str, Stack]) -> None:
        assert new_versions(first, stacks["migration"]) == FUNCTIONS

    def test_each_version_waits_for_the_migration(self, first: Stack) -> None:
        for version in first.of_type("AWS::Lambda::Version").values():
            assert version["Description"] == {"Fn::GetAtt": ["DatabaseSchema", "SettingsHash"]}

    def test_the_migration_has_the_settings_and_code_of_the_deployment(self, first: Stack) -> None:
        (schema,) = first.of_type("Custom::DatabaseSchema").values()
        assert schema["ServiceToken"] == {"Fn::GetAtt": ["MigrateFunction", "Arn"]}


@pytest.fixture(scope="module")
def gradual(stacks: dict[str, Stack]) -> Stack:
    return stacks["Rollout"]


class TestRollout:
    def test_by_default_there_is_no_code_deploy(self, first: Stack) -> None:
        assert not first.of_type("AWS::CodeDeploy::DeploymentGroup")

    def test_a_canary_moves_each_alias_of_a_function_that_serves_requests(self, gradual: Stack) -> None:
        groups = gradual.of_type("AWS::CodeDeploy::DeploymentGroup")

        assert groups.keys() == {f"{name}DeploymentGroup" for name in FUNCTIONS}
        for group in groups.values():
            assert "Canary10Percent10Minutes" in json.dumps(group["DeploymentConfigName"])
            assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]

    def test_its_alarms_exist(self, gradual: Stack) -> None:
        names = [alarm["AlarmName"] for alarm in gradual.of_type("AWS::CloudWatch::Alarm").values()]

        for group in gradual.of_type("AWS::CodeDeploy::DeploymentGroup").values():
            watched = [alarm["Name"] for alarm in group["AlarmConfiguration"]["Alarms"]]
            assert len(watched) == 3
            assert all(name in names for name in watched)


class TestEverything:
    def test_the_template_with_all_options_passes_cfn_lint(self, stacks: dict[str, Stack], tmp_path: Path) -> None:
        """cfn-lint refuses circular dependencies too, for example of an alias and an alarm that its rollout watches."""
        translated = tmp_path / "template.json"
        translated.write_text(stacks["everything"].to_json())

        # The translator has used Rollout, so nothing refers to the parameter and its mapping any more.
        ended = subprocess.run(
            (artifacts.TOOLS / "bin/cfn-lint", "--ignore-checks", "W2001", "W7001", "--", translated),
            capture_output=True,
            text=True,
            check=False,
        )

        assert ended.returncode == 0, ended.stdout
