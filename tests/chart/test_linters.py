"""Linters accept the chart and its manifests, and each supported version of Kubernetes gets fitting API versions."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.chart import rendering
from tests.chart.rendering import CHART, NEWEST, SHIPPED_VALUES, TESTED_VALUES, Release, render, render_error
from tests.deploy import template

TOOLS: Final = template.ROOT / ".tools"

EXPECTED_FAILURES: Final = {"minimal": {"CKV2_K8S_6"}}
"""Checkov checks that must fail, keyed by values file. CKV2_K8S_6 fails because `minimal` disables network policies."""

ALL_VALUES: Final = (*TESTED_VALUES, *SHIPPED_VALUES)

every_values = pytest.mark.parametrize("values", ALL_VALUES)


def run(*command: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=template.ROOT, capture_output=True, text=True, check=False)


def write_manifests(folder: Path, kubernetes: str = NEWEST) -> Path:
    """Renders the chart with each values file and writes the manifests to one file each. Returns the folder.

    Each release has its own name. Otherwise checkov would apply the network policy of one release to the pods of all.
    """
    for values in ALL_VALUES:
        manifests = render(values, kubernetes=kubernetes).replace("todo-app", f"todo-{values}")
        (folder / f"{values}.yaml").write_text(manifests)
    return folder


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Passed, failed and skipped checkov checks, keyed by values file. One run suffices, as checkov starts slowly."""
    folder = write_manifests(tmp_path_factory.mktemp("checkov"))
    ended = run(
        *(TOOLS / "checkov/bin/checkov", "--directory", folder, "--framework", "kubernetes", "--skip-download"),
        *("--output", "json"),
    )
    found: dict[str, Any] = json.loads(ended.stdout)["results"]
    return {
        values: {
            kind: [check for check in found[kind] if Path(check["file_path"]).stem == values]
            for kind in ("passed_checks", "failed_checks", "skipped_checks")
        }
        for values in ALL_VALUES
    }


def validate(kubernetes: str, *files: Path) -> list[str]:
    """Validates manifests with kubernetes-validate. Returns the lines it prints: one for each valid manifest."""
    ended = run(TOOLS / "chart/bin/kubernetes-validate", "--strict", "--kubernetes-version", kubernetes, *files)
    return ended.stdout.splitlines()


class TestLinters:
    @every_values
    def test_helm_lint_passes(self, values: str) -> None:
        linted = rendering.helm("lint", "--strict", CHART, *rendering.options(values))
        assert linted.returncode == 0, linted.stdout
        assert "[WARNING]" not in linted.stdout

    @pytest.mark.parametrize("kubernetes", ["1.25", NEWEST])
    def test_all_manifests_match_the_schemas_of_kubernetes(self, kubernetes: str, tmp_path: Path) -> None:
        lines = validate(kubernetes, *write_manifests(tmp_path, kubernetes).iterdir())
        assert {line.split()[0] for line in lines} == {"INFO"}, lines
        assert len(lines) == sum(len(Release(values, kubernetes=kubernetes).manifests) for values in ALL_VALUES)

    @every_values
    def test_manifests_for_an_old_cluster_differ_in_api_versions_only(self, values: str) -> None:
        def without_versions(kubernetes: str) -> list[str]:
            # Sets the password, because helm would generate a different one in each rendering.
            release = Release(values, "postgresql.password=given", kubernetes=kubernetes)
            return sorted(json.dumps({**manifest, "apiVersion": ""}) for manifest in release.manifests)

        assert without_versions("1.20") == without_versions("1.25")

    @every_values
    def test_checkov_passes_and_skipped_checks_have_a_reason(self, values: str, findings: dict[str, Any]) -> None:
        found = {check["check_id"] for check in findings[values]["failed_checks"]}
        waived = findings[values]["skipped_checks"]

        assert len(findings[values]["passed_checks"]) > 200
        assert found == EXPECTED_FAILURES.get(values, set())
        assert waived
        assert all(len(check["check_result"]["suppress_comment"]) > 20 for check in waived)


class TestVersions:
    def test_newest_is_the_newest_version_that_the_validator_knows(self) -> None:
        help_text = run(TOOLS / "chart/bin/kubernetes-validate", "--help").stdout
        assert f"Defaults to {NEWEST}." in help_text

    @pytest.mark.parametrize(
        ("kubernetes", "budget", "autoscaler"),
        [
            ("1.20", "policy/v1beta1", "autoscaling/v2beta2"),
            ("1.21", "policy/v1", "autoscaling/v2beta2"),
            ("1.23", "policy/v1", "autoscaling/v2"),
        ],
    )
    def test_each_cluster_version_gets_api_versions_that_it_supports(
        self, kubernetes: str, budget: str, autoscaler: str
    ) -> None:
        release = Release("full", kubernetes=kubernetes)
        assert release.manifest("PodDisruptionBudget")["apiVersion"] == budget
        assert release.manifest("HorizontalPodAutoscaler")["apiVersion"] == autoscaler
        assert release.manifest("Ingress")["apiVersion"] == "networking.k8s.io/v1"
        assert {job["apiVersion"] for job in release.by_name("Job").values()} == {"batch/v1"}

    def test_an_unsupported_cluster_is_refused(self) -> None:
        assert "requires kubeVersion: >=1.20.0-0" in render_error("default", kubernetes="1.19")

    def test_version_suffixes_of_managed_clusters_are_accepted(self) -> None:
        budget = Release("default", kubernetes="v1.20.15-eks-1234567").manifest("PodDisruptionBudget")
        assert budget["apiVersion"] == "policy/v1beta1"
