"""Kubernetes jobs of the chart: the database migration and the nightly purge."""

from typing import Final

from tests.chart.rendering import Release

HELM_TIMEOUT_SECONDS: Final = 300
"""The default of helm's option --timeout, for each hook."""

SECRETS: Final = {
    *("DATABASE_URL", "DATABASE_URL_UNPOOLED", "SECRET_KEY"),
    *("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "MAIL_URL", "VAPID_PRIVATE_KEY"),
}


class TestPurge:
    def test_the_purge_runs_on_its_schedule_and_never_twice_at_once(self) -> None:
        job = Release("default", "purge.schedule=5 4 * * *").manifest("CronJob", "todo-app-purge")
        assert job["spec"]["schedule"] == "5 4 * * *"
        assert job["spec"]["concurrencyPolicy"] == "Forbid"

    def test_the_purge_uses_the_image_and_settings_of_the_service(self) -> None:
        release = Release()
        job = release.manifest("CronJob", "todo-app-purge")["spec"]["jobTemplate"]
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert container["command"] == ["python", "-m", "functions.purge"]
        assert container["image"] == release.api_container["image"]
        assert container["envFrom"] == release.api_container["envFrom"]

    def test_the_purge_can_be_switched_off(self) -> None:
        assert not Release("default", "purge.enabled=false").by_name("CronJob")


class TestMigration:
    def test_the_migration_is_a_hook_before_installation_and_upgrade(self) -> None:
        job = Release().manifest("Job", "todo-app-migration")
        assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert container["command"] == ["python", "-m", "functions.migrate"]
        assert container["image"] == Release().api_container["image"]

    def test_the_secret_of_the_migration_is_created_before_it_and_deleted_after_it(self) -> None:
        release = Release()
        secret, job = release.manifest("Secret", "todo-app-migration"), release.manifest("Job", "todo-app-migration")
        of_secret, of_job = (manifest["metadata"]["annotations"] for manifest in (secret, job))
        assert of_secret["helm.sh/hook"] == of_job["helm.sh/hook"]
        assert int(of_secret["helm.sh/hook-weight"]) < int(of_job["helm.sh/hook-weight"])
        assert of_secret["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
        pod = job["spec"]["template"]["spec"]
        assert pod["containers"][0]["envFrom"] == [{"secretRef": {"name": "todo-app-migration"}}]
        assert "serviceAccountName" not in pod
        given = release.manifest("ConfigMap")["data"] | release.secret()
        read = release.secret("todo-app-migration")
        assert read.items() <= given.items()
        assert set(read) >= {"ENVIRONMENT", "DATABASE_URL", "SECRET_KEY"}

    def test_the_migration_reads_an_existing_secret(self) -> None:
        release = Release("minimal")
        pod = release.manifest("Job", "todo-app-migration")["spec"]["template"]["spec"]
        assert {"secretRef": {"name": "todo-secrets"}} in pod["containers"][0]["envFrom"]
        assert set(release.secret("todo-app-migration")) & SECRETS == set()

    def test_with_the_database_of_the_chart_the_migration_is_an_ordinary_job_that_waits(self) -> None:
        release = Release("full")
        (job,) = release.by_name("Job").values()
        assert not any(name.startswith("helm.sh/hook") for name in job["metadata"]["annotations"])
        pod = job["spec"]["template"]["spec"]
        (wait,) = pod["initContainers"]
        assert wait["command"][-1] == "todo-app-postgresql:5432"
        assert pod["containers"][0]["envFrom"] == release.api_container["envFrom"]
        assert pod["containers"][0]["env"] == release.api_container["env"]

    def test_the_migration_ends_before_helm_stops_waiting_for_it(self) -> None:
        for values in ("default", "full"):
            (job,) = Release(values).by_name("Job").values()
            assert job["spec"]["activeDeadlineSeconds"] == 240 < HELM_TIMEOUT_SECONDS

    def test_the_migration_gets_an_address_of_the_model_from_either_place(self) -> None:
        for place in ("secrets", "settings"):
            release = Release("default", f"{place}.OPENAI_BASE_URL=http://models/v1")
            assert release.secret("todo-app-migration")["OPENAI_BASE_URL"] == "http://models/v1"
