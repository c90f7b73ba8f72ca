"""The parameters of a deployment: defaults, those of the environment in samconfig.toml, and the deployer's own file."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from tests.deploy import artifacts, template

ENVIRONMENTS: Final = ("dev", "prod")
SECRET: Final = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:todo/settings-a1b2c3"
MERGE: Final = """
import json, sys
from samcli.cli.types import CfnParameterOverridesType
print(json.dumps(CfnParameterOverridesType().convert(json.loads(sys.argv[1]), None, None)))
"""
"""Script that merges the option --parameter-overrides by the SAM CLI's own code."""


def samconfig(environment: str) -> dict[str, Any]:
    config: dict[str, Any] = tomllib.loads((template.ROOT / "samconfig.toml").read_text())[environment]
    return config


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tools").mkdir()
    shutil.copy(template.PATH, tmp_path)
    shutil.copy(template.ROOT / "tools/architecture.sh", tmp_path / "tools")
    return tmp_path


def check(project: Path, environment: str = "prod") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, template.ROOT / "tools/deploy_parameters.py", environment),
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )


def merge(project: Path, environment: str) -> dict[str, str]:
    """Returns the parameters that `sam deploy` gives CloudFormation."""
    overrides = samconfig(environment)["deploy"]["parameters"]["parameter_overrides"]
    ended = subprocess.run(
        (artifacts.TOOLS / "bin/python", "-c", MERGE, json.dumps(overrides)),
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    merged: dict[str, str] = json.loads(ended.stdout)
    return merged


class TestEnvironments:
    def test_their_stacks_have_different_names(self) -> None:
        names = {samconfig(environment)["global"]["parameters"]["stack_name"] for environment in ENVIRONMENTS}
        assert len(names) == len(ENVIRONMENTS)

    @pytest.mark.parametrize("environment", ENVIRONMENTS)
    def test_a_deployment_gives_all_parameters(self, project: Path, environment: str) -> None:
        """CloudFormation would keep the last value of a parameter that is not given."""
        (project / f"parameters.{environment}.yaml").write_text(f"SettingsSecretArn: {SECRET}\n")
        assert check(project, environment).returncode == 0

        merged = merge(project, environment)

        assert merged.keys() == template.load()["Parameters"].keys()
        assert merged["SettingsSecretArn"] == SECRET
        assert merged["RequestsPerSecond"] == "100"

    @pytest.mark.parametrize("environment", ENVIRONMENTS)
    def test_the_deployers_file_has_precedence(self, project: Path, environment: str) -> None:
        own = "LogRetentionDays: 7\nRollout: Linear10PercentEvery1Minute\nCorsOrigins: [https://a.example, https://b.example]\n"
        (project / f"parameters.{environment}.yaml").write_text(f"SettingsSecretArn: {SECRET}\n{own}")
        assert check(project, environment).returncode == 0

        merged = merge(project, environment)

        assert merged["LogRetentionDays"] == "7"
        assert merged["Rollout"] == "Linear10PercentEvery1Minute"
        assert merged["CorsOrigins"] == "https://a.example,https://b.example"

    def test_production_moves_its_aliases_gradually(self, project: Path) -> None:
        (project / "parameters.prod.yaml").write_text(f"SettingsSecretArn: {SECRET}\n")
        assert check(project).returncode == 0

        assert merge(project, "prod")["Rollout"] == "Canary10Percent10Minutes"


class TestFile:
    def test_a_missing_file_is_refused_with_the_command_that_makes_it(self, project: Path) -> None:
        ended = check(project)

        assert ended.returncode == 1
        assert "parameters.prod.yaml is missing" in ended.stderr
        assert "echo 'SettingsSecretArn: arn:aws:secretsmanager:...' > parameters.prod.yaml" in ended.stderr

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ("LogLevel: INFO", "lacks SettingsSecretArn"),
            (f"SettingsSecretArn: {SECRET}\nLogLvl: INFO", "has no parameter LogLvl"),
            ("SettingsSecretArn", "must consist of lines"),
            ("", "must consist of lines"),
        ],
    )
    def test_a_wrong_file_is_refused_with_the_reason(self, project: Path, content: str, reason: str) -> None:
        """The SAM CLI ignores unknown names without a word."""
        (project / "parameters.prod.yaml").write_text(content)

        ended = check(project)

        assert ended.returncode == 1
        assert reason in ended.stderr
        assert not (project / ".aws-sam").exists()


class TestArchitecture:
    @pytest.mark.parametrize(
        ("own", "expected"),
        [("", "arm64"), ("Architecture: x86_64\n", "x86_64"), ('Architecture: "x86_64" # Intel\n', "x86_64")],
    )
    def test_the_build_has_the_architecture_of_the_deployment(self, project: Path, own: str, expected: str) -> None:
        (project / "parameters.prod.yaml").write_text(f"SettingsSecretArn: {SECRET}\n{own}")

        printed = subprocess.check_output(
            (project / "tools/architecture.sh",), env={"CONFIG_ENV": "prod", "PATH": "/usr/bin:/bin"}, text=True
        )

        assert printed == f"{expected}\n"
