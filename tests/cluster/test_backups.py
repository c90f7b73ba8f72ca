"""Backup and restore of the database that the chart installs, as docs/deploy-kubernetes.md describes."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.accounts import Account, sign_up
from tests.kubernetes import DATABASE, NAME, OnCluster, Release

BACKUP: Final = f"{NAME}-backup"
API_PODS: Final = f"app.kubernetes.io/instance={NAME},app.kubernetes.io/component=api"


def has_storage_class(release: Release) -> bool:
    return bool(json.loads(release.kubectl("get", "storageclasses", "--output", "json"))["items"])


@pytest.fixture
def folder() -> Iterator[Path]:
    """Folder on this machine into which all users may write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


@contextmanager
def volume(release: Release, folder: Path) -> Iterator[None]:
    """Offers the folder as a volume until the end of the block, if the cluster does not create volumes itself."""
    if has_storage_class(release):
        yield
        return
    manifest = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": release.namespace},
        "spec": {
            "capacity": {"storage": "5Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": str(folder)},
            "claimRef": {"namespace": release.namespace, "name": BACKUP},
        },
    }
    file = folder / "volume.json"
    file.write_text(json.dumps(manifest))
    release.kubectl("apply", "--filename", str(file))
    yield
    release.kubectl("delete", "pvc", BACKUP)
    release.kubectl("delete", "pv", release.namespace)


@pytest.fixture
def with_backups(release: Release, folder: Path) -> Iterator[Release]:
    """The release with backups. The volume appears after the upgrade, which therefore must not wait for it."""
    values = release.values
    release.values = {**values, "postgresql": {**values["postgresql"], "backup": {"enabled": True, "keep": 1}}}
    release.upgrade()
    with volume(release, folder):
        yield release
        release.values = values
        release.upgrade()


def create_job(release: Release, name: str, cron_job: str) -> None:
    template = release.get("cronjob", cron_job)
    if template["apiVersion"] == "batch/v1":
        release.kubectl("create", "job", name, f"--from=cronjob/{cron_job}")
        return
    # Kubernetes 1.20 has CronJobs of an older version, from which a newer kubectl makes no Job.
    specification = template["spec"]["jobTemplate"]["spec"]
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": specification}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(job, file)
        file.flush()
        release.kubectl("create", "--filename", file.name)


def run_job(release: Release, name: str, cron_job: str, *, outcome: str = "complete") -> str:
    """Creates a Job from a CronJob, waits for its outcome, deletes the Job and returns its log."""
    create_job(release, name, cron_job)
    try:
        release.kubectl("wait", f"--for=condition={outcome}", f"job/{name}", "--timeout=120s")
    finally:
        # Ignores the error that the second container of a pod has not started when the first one has failed.
        log = release.kubectl("logs", f"job/{name}", "--all-containers", "--ignore-errors")
        release.kubectl("delete", "job", name)
    return log


def wreck(release: Release) -> None:
    """Drops a table of the running service."""
    release.kubectl("exec", f"{DATABASE}-0", "--", "psql", "--username=todo", "--command=DROP TABLE todos CASCADE")


def stop(release: Release) -> None:
    release.kubectl("scale", f"deployment/{NAME}", "--replicas=0")
    release.kubectl("wait", "--for=delete", "pod", "--selector", API_PODS, "--timeout=120s")


def start(release: Release) -> None:
    release.kubectl("scale", f"deployment/{NAME}", "--replicas=2")
    release.wait_until_complete()


class TestBackup:
    def test_after_a_restore_the_service_serves_what_was_there(self, with_backups: Release) -> None:
        with OnCluster(with_backups).client() as client:
            ada = sign_up(client)
            ada.add("Buy milk")
            assert "todo-" in run_job(with_backups, "backup", BACKUP)
            ada.add("Buy bread")
            wreck(with_backups)
            assert client.get("/api/v1/todos").status_code == 503

            stop(with_backups)
            run_job(with_backups, "restore", f"{NAME}-restore")
            start(with_backups)

            assert Account(client, ada.user).titles() == ["Buy milk"]
        # An upgrade after `kubectl scale` must not be a conflict of field owners.
        with_backups.upgrade("podAnnotations.restored=once")

    def test_a_restore_is_refused_while_the_service_runs(self, with_backups: Release) -> None:
        with OnCluster(with_backups).client() as client:
            ada = sign_up(client)
            run_job(with_backups, "backup", BACKUP)
            ada.add("Buy milk")
            assert "Stop the service" in run_job(with_backups, "restore", f"{NAME}-restore", outcome="failed")
            assert ada.titles() == ["Buy milk"]
