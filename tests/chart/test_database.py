"""The PostgreSQL server that the chart installs if its values say so."""

import re

import pytest

from tests.chart.rendering import Release
from tests.settings_fields import FIELDS


class TestDatabase:
    def test_by_default_no_database_is_installed(self) -> None:
        assert Release().by_name("StatefulSet") == {}

    def test_the_fetch_with_service_the_url_of_the_database(self) -> None:
        release = Release("full")
        values = {variable["name"]: variable.get("value") for variable in release.api_container["env"]}
        assert values["DATABASE_URL"] == "postgresql://todo:$(POSTGRES_PASSWORD)@todo-app-postgresql:5432/todo"
        assert "todo-app-postgresql" in release.by_name("Service")

    def test_the_service_and_the_database_read_the_password_from_one_secret(self) -> None:
        release = Release("full")
        (database,) = release.manifest("StatefulSet", "todo-app-postgresql")["spec"]["template"]["spec"]["containers"]
        sources = [
            variable["valueFrom"]["secretKeyRef"]
            for container in (database, release.api_container)
            for variable in container["env"]
            if variable["name"] == "POSTGRES_PASSWORD"
        ]
        assert sources == [{"name": "todo-app-postgresql", "key": "password"}] * 2
        assert re.fullmatch(r"[A-Za-z0-9]{32}", release.secret("todo-app-postgresql")["password"])

    def test_a_password_can_be_set(self) -> None:
        release = Release("full", "postgresql.password=given")
        assert release.secret("todo-app-postgresql") == {"password": "given"}

    def test_the_password_is_kept_as_long_as_the_volume(self) -> None:
        for kept in (True, False):
            release = Release("full", f"postgresql.persistence.enabled={str(kept).lower()}")
            specification = release.manifest("StatefulSet", "todo-app-postgresql")["spec"]
            volumes = {volume["name"] for volume in specification["template"]["spec"]["volumes"]}
            annotations = release.manifest("Secret", "todo-app-postgresql")["metadata"].get("annotations", {})
            assert ("volumeClaimTemplates" in specification) is kept
            assert ("data" in volumes) is not kept
            assert (annotations.get("helm.sh/resource-policy") == "keep") is kept

    def test_an_upgrade_or_a_changed_setting_does_not_restart_the_database(self) -> None:
        before, after = Release("full"), Release("full", "settings.LOG_LEVEL=INFO", "podLabels.team=other")
        templates = [
            release.manifest("StatefulSet", "todo-app-postgresql")["spec"]["template"] for release in (before, after)
        ]
        assert templates[0] == templates[1]
        assert "helm.sh/chart" not in templates[0]["metadata"]["labels"]

    @pytest.mark.parametrize(
        ("settings", "connections"),
        [
            ((), 220),
            (("autoscaling.enabled=false",), 100),
            (("autoscaling.enabled=false", "replicaCount=5"), 120),
            (("autoscaling.enabled=false", "replicaCount=4", "settings.DATABASE_POOL_SIZE=30"), 260),
        ],
    )
    def test_it_accepts_the_connections_of_all_pods_during_an_update(
        self, settings: tuple[str, ...], connections: int
    ) -> None:
        stateful_set = Release("full", *settings).manifest("StatefulSet", "todo-app-postgresql")
        (database,) = stateful_set["spec"]["template"]["spec"]["containers"]
        assert database["args"] == ["-c", f"max_connections={connections}"]

    def test_the_default_pool_size_equals_the_services_default(self) -> None:
        assert FIELDS["DATABASE_POOL_SIZE"].default == 10
