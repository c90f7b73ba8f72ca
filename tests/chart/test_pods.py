"""Pods of the chart: security, image, settings, metrics and rolling updates."""

import pytest

from tests.chart.rendering import TESTED_VALUES, Release
from tests.settings_fields import FIELDS

every_values = pytest.mark.parametrize("values", TESTED_VALUES)


class TestRollingUpdates:
    @pytest.mark.parametrize(
        "change",
        [
            "secrets.SECRET_KEY=zP4-bN8_cW2xKy6VtJ9qMd5RgL3hFs7E",
            "secrets.OPENAI_API_KEY=sk-other",
            "settings.CORS_ORIGINS=https://app.example.com",
            "settings.METRICS_PORT=9091",
        ],
    )
    def test_a_changed_secret_or_setting_starts_new_pods(self, change: str) -> None:
        assert Release("default", change).api_pod != Release().api_pod

    def test_a_change_outside_the_pods_starts_no_new_ones(self) -> None:
        assert Release("default", "replicaCount=3", "service.nodePort=30801").api_pod == Release().api_pod

    def test_an_old_pod_stops_only_after_a_new_one_is_ready(self) -> None:
        strategy = Release().manifest("Deployment")["spec"]["strategy"]
        assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}

    @pytest.mark.parametrize(("values", "drain", "turn"), [("default", 10, 25), ("minimal", 0, 25), ("full", 10, 61)])
    def test_a_stopping_pod_has_time_to_drain_and_to_finish_the_longest_turn(
        self, values: str, drain: int, turn: int
    ) -> None:
        release = Release(values)
        data = release.manifest("ConfigMap")["data"]
        assert float(data["DRAIN_SECONDS"]) == drain
        assert int(data["UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"]) > turn
        grace = release.api_pod["spec"]["terminationGracePeriodSeconds"]
        assert grace > drain + int(data["UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"])

    def test_the_default_time_of_a_turn_equals_the_services_default(self) -> None:
        assert FIELDS["ASSISTANT_SECONDS"].default == 25

    def test_readiness_requires_the_database_and_liveness_does_not(self) -> None:
        container = Release().api_container
        paths = {probe: container[probe]["httpGet"]["path"] for probe in container if probe.endswith("Probe")}
        assert paths == {
            "startupProbe": "/health",
            "livenessProbe": "/health",
            "readinessProbe": "/health/ready",
        }

    def test_pods_are_spread_over_nodes_and_zones(self) -> None:
        spread = Release().api_pod["spec"]["topologySpreadConstraints"]
        assert [constraint["topologyKey"] for constraint in spread] == [
            "kubernetes.io/hostname",
            "topology.kubernetes.io/zone",
        ]
        assert all(constraint["whenUnsatisfiable"] == "ScheduleAnyway" for constraint in spread)

    def test_an_autoscaler_replaces_the_fixed_number_of_pods(self) -> None:
        assert Release().manifest("Deployment")["spec"]["replicas"] == 2
        full = Release("full")
        assert "replicas" not in full.manifest("Deployment")["spec"]
        autoscaler = full.manifest("HorizontalPodAutoscaler")["spec"]
        assert autoscaler["scaleTargetRef"]["name"] == "todo-app"
        assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (2, 10)


class TestEnvironment:
    def test_pods_read_the_settings_and_the_secret(self) -> None:
        assert Release().api_container["envFrom"] == [
            {"configMapRef": {"name": "todo-app"}},
            {"secretRef": {"name": "todo-app"}},
        ]

    def test_an_existing_secret_replaces_the_one_of_the_chart(self) -> None:
        release = Release("minimal")
        assert "todo-app" not in release.by_name("Secret")
        assert {"secretRef": {"name": "todo-secrets"}} in release.api_container["envFrom"]

    def test_beside_the_database_of_the_chart_no_url_of_an_existing_secret_is_in_force(self) -> None:
        release = Release("minimal", "postgresql.enabled=true")
        (job,) = release.by_name("Job").values()
        (migration,) = job["spec"]["template"]["spec"]["containers"]
        for container in (release.api_container, migration):
            assert {"secretRef": {"name": "todo-secrets"}} in container["envFrom"]
            values = {variable["name"]: variable.get("value") for variable in container["env"]}
            assert "@todo-app-postgresql:5432/" in values["DATABASE_URL"]
            assert values["DATABASE_URL_UNPOOLED"] == ""

    def test_pods_with_the_code_get_further_variables_and_volumes(self) -> None:
        pods = Release("full").pod_specs()
        for name in ("todo-app", "todo-app-migration-1", "todo-app-purge", "todo-app-restore"):
            (container,) = pods[name]["containers"]
            assert {"name": "PROXY", "value": "http://proxy"} in container["env"]
            assert {"name": "authority", "mountPath": "/etc/authority"} in container["volumeMounts"]
            assert {"name": "authority", "configMap": {"name": "authority"}} in pods[name]["volumes"]


@every_values
class TestSecurity:
    def test_pods_run_as_unprivileged_users_without_a_token(self, values: str) -> None:
        for name, pod in Release(values).pod_specs().items():
            security = pod["securityContext"]
            assert security["runAsNonRoot"] is True
            uses_database_image = name.endswith(("-postgresql", "-backup", "-restore"))
            assert security["runAsUser"] == security["fsGroup"] == (999 if uses_database_image else 1001)
            assert security["seccompProfile"] == {"type": "RuntimeDefault"}
            assert pod["automountServiceAccountToken"] is False
            assert pod["enableServiceLinks"] is False

    def test_containers_are_read_only_without_capabilities_and_have_resource_limits(self, values: str) -> None:
        for container in Release(values).containers():
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert set(container["resources"]) == {"requests", "limits"}

    def test_users_and_groups_can_be_left_to_the_cluster(self, values: str) -> None:
        chosen = ("runAsUser", "runAsGroup", "fsGroup")
        release = Release(values, *(f"podSecurityContext.{name}=null" for name in chosen), "postgresql.uid=null")
        for pod in release.pod_specs().values():
            assert pod["securityContext"]["runAsNonRoot"] is True
            assert set(chosen) & set(pod["securityContext"]) == set()

    def test_restrictions_can_be_changed(self, values: str) -> None:
        release = Release(values, "securityContext.readOnlyRootFilesystem=false")
        assert {container["securityContext"]["readOnlyRootFilesystem"] for container in release.containers()} == {False}

    def test_all_manifests_have_the_recommended_labels(self, values: str) -> None:
        for manifest in Release(values).manifests:
            labels = manifest["metadata"]["labels"]
            assert labels["app.kubernetes.io/instance"] == "todo-app"
            assert labels["app.kubernetes.io/part-of"] == "todo-web-app"
            assert labels["app.kubernetes.io/managed-by"] == "Helm"
            assert {"app.kubernetes.io/name", "app.kubernetes.io/component"} < set(labels)
            assert manifest["metadata"]["namespace"] == "todo"


class TestServiceAccount:
    def test_the_service_account_mounts_no_token(self) -> None:
        release = Release()
        assert release.manifest("ServiceAccount")["automountServiceAccountToken"] is False
        assert release.api_pod["spec"]["serviceAccountName"] == "todo-app"

    def test_pods_can_use_another_service_account(self) -> None:
        release = Release("minimal")
        assert release.by_name("ServiceAccount") == {}
        assert release.api_pod["spec"]["serviceAccountName"] == "default"


class TestMetrics:
    def test_annotations_point_prometheus_to_the_metrics_port(self) -> None:
        release = Release()
        annotations = release.api_pod["metadata"]["annotations"]
        assert {name: value for name, value in annotations.items() if name.startswith("prometheus.io/")} == {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": "9090",
            "prometheus.io/path": "/metrics",
        }
        assert release.manifest("ConfigMap")["data"]["METRICS_PORT"] == "9090"
        assert {"name": "metrics", "containerPort": 9090, "protocol": "TCP"} in release.api_container["ports"]

    def test_metrics_can_be_switched_off(self) -> None:
        release = Release("minimal")
        assert "prometheus.io/scrape" not in release.api_pod["metadata"]["annotations"]
        # Empty instead of absent: without the variable, the image's default METRICS_PORT=9090 would serve the metrics.
        assert release.manifest("ConfigMap")["data"]["METRICS_PORT"] == ""
        assert [port["name"] for port in release.api_container["ports"]] == ["http"]

    def test_the_service_does_not_expose_the_metrics_port(self) -> None:
        assert [port["name"] for port in Release().manifest("Service")["spec"]["ports"]] == ["http"]


class TestImage:
    def test_the_default_image_is_a_local_one_that_is_not_pulled_again(self) -> None:
        container = Release().api_container
        assert (container["image"], container["imagePullPolicy"]) == ("todo-backend:latest", "IfNotPresent")

    def test_a_digest_has_precedence_over_a_tag(self) -> None:
        assert Release("full").api_container["image"].startswith("registry.example.com/todo-backend@sha256:0123")
