"""The chart installed in a cluster: pods, upgrades and secrets."""

import json
from collections.abc import Iterator

import pytest

from tests.kubernetes import DATABASE, Release


def pods(release: Release) -> list[str]:
    return sorted(release.pods())


class TestInstallation:
    def test_two_pods_are_ready(self, release: Release) -> None:
        deployment = release.get("deployment", "todo-app")["status"]
        assert (deployment["replicas"], deployment["readyReplicas"]) == (2, 2)

    def test_helm_test_passes(self, release: Release) -> None:
        assert "Succeeded" in release.helm("test", "--timeout", "2m")

    def test_metrics_are_at_the_annotated_port_and_path(self, release: Release) -> None:
        pod = release.get("pod", pods(release)[0])
        annotations = pod["metadata"]["annotations"]
        port, path = annotations["prometheus.io/port"], annotations["prometheus.io/path"]
        name = pod["metadata"]["name"]
        metrics = release.kubectl(
            "get", "--raw", f"/api/v1/namespaces/{release.namespace}/pods/{name}:{port}/proxy{path}"
        )
        assert "# TYPE" in metrics

    @pytest.mark.parametrize(
        ("attempt", "outcome"),
        [
            ("import os; print(os.getuid(), os.getgid())", "1001 1001"),
            ("open('/tmp/file', 'w').write('text'); print('written')", "written"),
            ("import pathlib; print(pathlib.Path('/var/run/secrets/kubernetes.io').exists())", "False"),
            (
                "import os; print([name for name in os.environ if name.endswith('_SERVICE_HOST')])",
                "['KUBERNETES_SERVICE_HOST']",
            ),
        ],
    )
    def test_a_pod_is_unprivileged_and_can_write_to_tmp_only(
        self, release: Release, attempt: str, outcome: str
    ) -> None:
        assert release.kubectl("exec", pods(release)[0], "--", "python", "-c", attempt) == outcome

    @pytest.mark.parametrize("file", ["/app/file", "/opt/venv/file", "/file"])
    def test_a_pod_cannot_write_to_its_image(self, release: Release, file: str) -> None:
        with pytest.raises(AssertionError, match="Read-only file system"):
            release.kubectl("exec", pods(release)[0], "--", "python", "-c", f"open({file!r}, 'w')")


class TestUpgrade:
    def test_an_upgrade_keeps_the_pod_and_the_password_of_the_database(self, release: Release) -> None:
        def kept() -> tuple[object, ...]:
            pod, secret = release.get("pod", f"{DATABASE}-0"), release.get("secret", DATABASE)
            return pod["metadata"]["uid"], secret["data"]

        before = kept()
        release.upgrade("podAnnotations.upgraded=once")
        assert kept() == before

    def test_a_changed_database_password_is_refused(self, release: Release) -> None:
        with pytest.raises(AssertionError, match="differs from the password of the existing database"):
            release.upgrade("postgresql.password=another")

    def test_the_migration_and_its_secret_are_deleted_after_an_upgrade(self, release: Release) -> None:
        release.upgrade("podAnnotations.upgraded=twice")
        names = release.kubectl("get", "jobs,secrets", "--output", "name").splitlines()
        assert [name for name in names if "migration" in name] == []

    def test_a_failed_migration_leaves_the_pods_unchanged(self, release: Release) -> None:
        before = release.pods()
        with pytest.raises(AssertionError, match="pre-upgrade hooks failed"):
            release.upgrade("image.tag=missing", timeout="20s")
        assert release.pods() == before
        release.upgrade()


class TestExistingSecret:
    @pytest.fixture
    def secret_name(self, release: Release) -> Iterator[str]:
        """Creates a Secret with the secrets of the release, which uses it until the test ends. Yields its name."""
        name, values = "todo-secrets", release.values
        secrets = (f"--from-literal={key}={value}" for key, value in values["secrets"].items())
        release.kubectl("create", "secret", "generic", name, *secrets)
        release.values = {**values, "secrets": {}, "existingSecret": name}
        yield name
        release.values = values
        release.upgrade()

    def test_a_changed_existing_secret_starts_new_pods(self, release: Release, secret_name: str) -> None:
        release.upgrade()
        before = release.pods()
        release.upgrade()
        assert release.pods() == before
        release.kubectl(
            "patch", "secret", secret_name, "--patch", json.dumps({"stringData": {"OPENAI_API_KEY": "other"}})
        )
        release.upgrade()
        release.wait_until_gone(before)
        assert release.pods().isdisjoint(before)
