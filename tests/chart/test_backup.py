"""Backups of the database that the chart installs: their schedule, their volume, and the template of a restore."""

from typing import Final

import pytest

from tests.chart.rendering import Manifest, Release

DATABASE: Final = "todo-app-postgresql"


def job_pod(release: Release, name: str) -> Manifest:
    """Returns the specification of a CronJob's pod."""
    return release.pod_specs()[name]


def values_of(container: Manifest) -> dict[str, str | None]:
    return {variable["name"]: variable.get("value") for variable in container["env"]}


class TestBackup:
    def test_it_runs_on_its_schedule_and_never_twice_at_once(self) -> None:
        job = Release("full", "postgresql.backup.schedule=5 4 * * *").manifest("CronJob", "todo-app-backup")
        assert job["spec"]["schedule"] == "5 4 * * *"
        assert job["spec"]["concurrencyPolicy"] == "Forbid"

    def test_it_keeps_a_number_of_backups(self) -> None:
        (container,) = job_pod(Release("full", "postgresql.backup.keep=3"), "todo-app-backup")["containers"]
        assert container["command"] == ["bash", "/scripts/backup.sh", "/backups", "3"]

    def test_it_uses_the_programs_and_the_address_of_the_database(self) -> None:
        release = Release("full")
        (container,) = job_pod(release, "todo-app-backup")["containers"]
        (database,) = release.manifest("StatefulSet", DATABASE)["spec"]["template"]["spec"]["containers"]
        assert container["image"] == database["image"]
        given = values_of(container)
        assert (given["PGHOST"], given["PGUSER"], given["PGDATABASE"]) == (DATABASE, "todo", "todo")

    def test_the_network_policies_let_it_reach_the_database(self) -> None:
        release = Release("full")
        labels = release.manifest("CronJob", "todo-app-backup")["spec"]["jobTemplate"]["spec"]["template"]["metadata"]
        (rule,) = release.manifest("NetworkPolicy", DATABASE)["spec"]["ingress"]
        (source,) = rule["from"]
        assert source["podSelector"]["matchLabels"].items() <= labels["labels"].items()

    @pytest.mark.parametrize("values", ["default", "minimal"])
    def test_without_the_database_of_the_chart_there_are_no_backups(self, values: str) -> None:
        release = Release(values, "postgresql.backup.enabled=true")
        assert set(release.by_name("CronJob")) <= {"todo-app-purge"}
        assert release.by_name("PersistentVolumeClaim") == {}


class TestVolume:
    def test_the_chart_creates_a_volume_that_outlives_the_release(self) -> None:
        release = Release("full", "postgresql.backup.persistence.storageClass=slow")
        claim = release.manifest("PersistentVolumeClaim", "todo-app-backup")
        # helm deletes no hook at the end of the release, and none before its creation if another policy is given.
        assert claim["metadata"]["annotations"] == {
            "helm.sh/hook": "pre-install,pre-upgrade",
            "helm.sh/hook-delete-policy": "hook-failed",
        }
        assert claim["spec"]["storageClassName"] == "slow"
        assert claim["metadata"]["labels"]["app.kubernetes.io/component"] == "backup"

    def test_another_volume_can_be_used(self) -> None:
        release = Release("full", "postgresql.backup.volume.nfs.server=nas", "postgresql.backup.volume.nfs.path=/todo")
        assert release.by_name("PersistentVolumeClaim") == {}
        for name in ("todo-app-backup", "todo-app-restore"):
            volumes = job_pod(release, name)["volumes"]
            assert {"name": "backups", "nfs": {"server": "nas", "path": "/todo"}} in volumes


class TestRestore:
    def test_it_never_runs_by_itself(self) -> None:
        specification = Release("full").manifest("CronJob", "todo-app-restore")["spec"]
        assert specification["suspend"] is True
        assert specification["jobTemplate"]["spec"]["backoffLimit"] == 0

    def test_it_replaces_the_database_by_the_newest_backup_and_migrates_it(self) -> None:
        release = Release("full")
        pod = job_pod(release, "todo-app-restore")
        (restore,), (migration,) = pod["initContainers"], pod["containers"]
        assert restore["command"] == ["bash", "/scripts/restore.sh", "/backups/$(BACKUP)", "$(PGDATABASE)"]
        assert values_of(restore)["BACKUP"] == ""
        assert migration["command"] == ["python", "-m", "functions.migrate"]
        assert migration["env"] == release.api_container["env"]

    def test_it_mounts_the_volume_and_the_scripts_of_the_backups(self) -> None:
        release = Release("full")
        backup, restore = (job_pod(release, name) for name in ("todo-app-backup", "todo-app-restore"))
        assert backup["volumes"] == restore["volumes"]
        assert backup["containers"][0]["volumeMounts"] == restore["initContainers"][0]["volumeMounts"]
        scripts = release.manifest("ConfigMap", "todo-app-backup")["data"]
        assert set(scripts) == {"backup.sh", "restore.sh"}
        assert all(script.startswith("#!/usr/bin/env bash\n") for script in scripts.values())
