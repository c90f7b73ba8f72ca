"""The values files that the chart ships, and the commands that install it with the four secrets as values."""

from pathlib import Path
from typing import Any, Final

import yaml

from tests.chart import rendering
from tests.chart.rendering import CHART, KEY, SHIPPED_VALUES, Release
from tests.settings_fields import FIELDS
from todo_core.settings import Settings, nest_variables

FOUR_SECRETS: Final = (
    "secrets.DATABASE_URL=postgresql://todo:password@ep-example.neon.tech/todo?sslmode=require&channel_binding=require",
    KEY,
    "secrets.OPENAI_API_KEY=sk-example",
    "secrets.OPENAI_BASE_URL=https://models.example.com/v1",
)


def leaves(values: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Returns the innermost values of nested dictionaries, keyed by their dotted paths."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= leaves(value, f"{path}{name}.") if isinstance(value, dict) else {f"{path}{name}": value}
    return found


class TestFourSecrets:
    def test_they_suffice_as_values_of_one_command(self) -> None:
        release = Release(None, *FOUR_SECRETS)
        assert set(release.secret()) == {"DATABASE_URL", "SECRET_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"}
        assert release.api_container["image"] == "todo-backend:latest"
        assert release.manifest("Service")["spec"]["ports"][0]["nodePort"] == 30800

    def test_the_service_accepts_them(self) -> None:
        release = Release(None, *FOUR_SECRETS)
        given = release.manifest("ConfigMap")["data"] | release.secret()
        settings = Settings(**nest_variables({name: value for name, value in given.items() if value}))
        assert settings.in_production
        assert str(settings.openai.base_url) == "https://models.example.com/v1"


class TestShippedValues:
    def test_all_of_them_are_tested(self) -> None:
        assert {file.stem for file in CHART.glob("values-*.yaml")} == {f"values-{name}" for name in SHIPPED_VALUES}

    def test_the_file_for_minikube_has_a_database_with_backups(self) -> None:
        release = Release("minikube")
        assert release.manifest("Deployment")["spec"]["replicas"] == 1
        assert set(release.by_name("PersistentVolumeClaim")) == {"todo-app-backup"}
        assert release.manifest("Service")["spec"]["ports"][0]["nodePort"] == 30800

    def test_the_file_for_production_serves_behind_an_ingress_only(self) -> None:
        release = Release("production")
        assert release.manifest("Service")["spec"]["type"] == "ClusterIP"
        (tls,) = release.manifest("Ingress")["spec"]["tls"]
        assert tls["hosts"] == [release.manifest("ConfigMap")["data"]["ALLOWED_HOSTS"]]
        assert release.by_name("Secret").keys() == {"todo-app-migration"}, "It contains settings only."
        assert release.by_name("StatefulSet") == {}

    def test_the_limits_of_its_ingress_exceed_those_of_the_service(self) -> None:
        annotations = Release("production").manifest("Ingress")["metadata"]["annotations"]
        size = annotations["nginx.ingress.kubernetes.io/proxy-body-size"]
        assert int(size.removesuffix("m")) * 1_000_000 > FIELDS["MAX_BODY_BYTES"].default
        assert int(annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"]) > FIELDS["ASSISTANT_SECONDS"].default

    def test_they_contain_only_values_that_the_chart_knows(self) -> None:
        known = leaves(yaml.safe_load((CHART / "values.yaml").read_text()))
        for name in SHIPPED_VALUES:
            file = next(Path(option) for option in rendering.options(name) if isinstance(option, Path))
            given = leaves(yaml.safe_load(file.read_text()))
            unknown = {path for path in given if path not in known and not path.startswith("ingress.annotations.")}
            assert unknown == set()
