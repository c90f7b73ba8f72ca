"""The Helm chart: what its tools say of it, and what it makes of values."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.chart import rendering
from tests.chart.rendering import CHART, NEWEST, Manifest, Release, refusal, rendered
from tests.deploy import template
from todo_core.settings import Settings

TOOLS: Final = template.ROOT / ".tools"
KEY: Final = "secrets.SECRET_KEY=kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A"
URL: Final = "secrets.DATABASE_URL=postgresql://todo:password@db.example.com/todo"
SECRETS: Final = {"DATABASE_URL", "DATABASE_URL_UNPOOLED", "SECRET_KEY", "OPENAI_API_KEY"}
SWITCHED_OFF: Final = {"minimal": {"CKV2_K8S_6"}}
"""What checkov misses where the values themselves say that it is not wanted: network policies."""

ALL_VALUES: Final = ("default", "minimal", "full")

every_values = pytest.mark.parametrize("values", ALL_VALUES)


def run(*command: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=template.ROOT, capture_output=True, text=True, check=False)


def written(folder: Path, kubernetes: str = NEWEST) -> Path:
    """The folder, with a file for each of the values, and in it a release of another name.

    What lies side by side is joined by its labels: one's network policy would be good for the other's pods.
    """
    for values in ALL_VALUES:
        manifests = rendered(values, kubernetes=kubernetes).replace("todo-app", f"todo-{values}")
        (folder / f"{values}.yaml").write_text(manifests)
    return folder


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What checkov says in one run, as it takes its time to start, by the name of the values."""
    folder = written(tmp_path_factory.mktemp("checkov"))
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


class TestLinters:
    @every_values
    def test_helm_finds_nothing(self, values: str) -> None:
        linted = rendering.helm("lint", "--strict", CHART, "--values", rendering.values_file(values))
        assert linted.returncode == 0, linted.stdout
        assert "[WARNING]" not in linted.stdout

    @pytest.mark.parametrize("kubernetes", ["1.25", NEWEST])
    def test_every_manifest_is_valid(self, kubernetes: str, tmp_path: Path) -> None:
        said = validated(kubernetes, *written(tmp_path, kubernetes).iterdir())
        assert {line.split()[0] for line in said} == {"INFO"}, said
        assert len(said) == sum(len(Release(values, kubernetes=kubernetes).manifests) for values in ALL_VALUES)

    @every_values
    def test_what_is_rendered_for_the_oldest_cluster_differs_in_versions_only(self, values: str) -> None:
        def without_versions(kubernetes: str) -> list[str]:
            # A password that is given, as one that is made up differs each time.
            release = Release(values, "postgresql.password=given", kubernetes=kubernetes)
            return sorted(json.dumps({**one, "apiVersion": ""}) for one in release.manifests)

        assert without_versions("1.20") == without_versions("1.25")

    @every_values
    def test_checkov_finds_nothing_that_is_not_waived_with_a_reason(
        self, values: str, findings: dict[str, Any]
    ) -> None:
        found = {check["check_id"] for check in findings[values]["failed_checks"]}
        waived = findings[values]["skipped_checks"]

        assert len(findings[values]["passed_checks"]) > 200
        assert found == SWITCHED_OFF.get(values, set())
        assert waived
        assert all(len(check["check_result"]["suppress_comment"]) > 20 for check in waived)


def validated(kubernetes: str, *files: Path) -> list[str]:
    """What kubernetes-validate says, a line of each manifest."""
    ended = run(TOOLS / "chart/bin/kubernetes-validate", "--strict", "--kubernetes-version", kubernetes, *files)
    return ended.stdout.splitlines()


class TestVersions:
    def test_the_newest_that_is_tried_is_the_newest_that_is_known(self) -> None:
        said = run(TOOLS / "chart/bin/kubernetes-validate", "--help").stdout
        assert f"Defaults to {NEWEST}." in said

    @pytest.mark.parametrize(
        ("kubernetes", "budget", "autoscaler"),
        [
            ("1.20", "policy/v1beta1", "autoscaling/v2beta2"),
            ("1.21", "policy/v1", "autoscaling/v2beta2"),
            ("1.23", "policy/v1", "autoscaling/v2"),
        ],
    )
    def test_each_cluster_gets_what_it_knows(self, kubernetes: str, budget: str, autoscaler: str) -> None:
        release = Release("full", kubernetes=kubernetes)
        assert release.one("PodDisruptionBudget")["apiVersion"] == budget
        assert release.one("HorizontalPodAutoscaler")["apiVersion"] == autoscaler
        assert release.one("Ingress")["apiVersion"] == "networking.k8s.io/v1"
        assert {job["apiVersion"] for job in release.of("Job").values()} == {"batch/v1"}

    def test_an_older_cluster_is_refused(self) -> None:
        assert "requires kubeVersion: >=1.20.0-0" in refusal("default", kubernetes="1.19")

    def test_the_versions_that_managed_clusters_call_themselves_are_taken(self) -> None:
        budget = Release("default", kubernetes="v1.20.15-eks-1234567").one("PodDisruptionBudget")
        assert budget["apiVersion"] == "policy/v1beta1"

    def test_the_app_is_of_the_version_of_the_code(self) -> None:
        project = (template.ROOT / "pyproject.toml").read_text()
        chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
        assert f'\nversion = "{chart["appVersion"]}"\n' in project


class TestRefusals:
    @pytest.mark.parametrize(
        ("settings", "sentence"),
        [
            pytest.param((URL,), "SECRET_KEY is missing. Set secrets.SECRET_KEY to", id="no key"),
            pytest.param((KEY,), "DATABASE_URL is missing. Set secrets.DATABASE_URL to", id="no database"),
            pytest.param((URL, f"{KEY},short"), "SECRET_KEY must have at least 32 characters", id="short key"),
            pytest.param(
                (KEY, "secrets.DATABASE_URL=mysql://db"), "must be the URL of a PostgreSQL", id="another kind"
            ),
            pytest.param((KEY, URL, "existingSecret=todo"), "not both", id="both kinds of secrets"),
            pytest.param((KEY, URL, "postgresql.enabled=true"), "not both", id="two databases"),
            pytest.param(
                (KEY, "postgresql.enabled=true", "postgresql.password=p@ss"),
                "letters, digits and -._~ only",
                id="a password that no URL can hold",
            ),
            pytest.param(
                (KEY, URL, "ingress.enabled=true", "ingress.host=api.example.com"),
                "Set settings.FORWARDED_ALLOW_IPS",
                id="an ingress that is not believed",
            ),
            pytest.param(
                (KEY, URL, "ingress.enabled=true", "settings.FORWARDED_ALLOW_IPS=*"),
                "ingress.host is missing",
                id="an ingress without a name",
            ),
        ],
    )
    def test_what_is_missing_or_wrong_is_said_in_a_sentence(self, settings: tuple[str, ...], sentence: str) -> None:
        said = refusal(None, *settings)
        assert sentence in said
        assert "password@" not in said

    def test_a_url_may_be_pasted_as_neon_shows_it(self) -> None:
        pasted = "psql 'postgresql://todo:password@ep-example-pooler.neon.tech/todo?sslmode=require'"
        assert (
            Release(None, KEY, f"secrets.DATABASE_URL={pasted}").one("Secret")["stringData"]["DATABASE_URL"] == pasted
        )

    def test_without_any_values_it_says_what_to_begin_with(self) -> None:
        assert "openssl rand -base64 48" in refusal(None)

    @pytest.mark.parametrize(
        ("setting", "place"),
        [
            ("settings.CORS_ORIGIN=https://app.example.com", "'CORS_ORIGIN' not allowed"),
            ("settings.SECRET_KEY=kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A", "'SECRET_KEY' not allowed"),
            ("settings.METRICS_PORT=8000", "/settings/METRICS_PORT"),
            ("settings.DRAIN_SECONDS=301", "/settings/DRAIN_SECONDS"),
            ("replicaCount=0", "/replicaCount"),
            ("replicas=3", "'replicas' not allowed"),
            ("service.type=Ingress", "/service/type"),
            ("image.digest=latest", "/image/digest"),
            ("postgresql.database=to-do", "/postgresql/database"),
            ("postgresql=null", "missing property 'postgresql'"),
        ],
    )
    def test_the_schema_names_the_place_of_what_cannot_be(self, setting: str, place: str) -> None:
        assert place in refusal("default", setting)


class TestSettings:
    def test_there_is_a_place_for_every_setting_that_counts_in_a_cluster(self) -> None:
        properties = json.loads((CHART / "values.schema.json").read_text())["properties"]
        secrets, settings = (set(properties[name]["properties"]) for name in ("secrets", "settings"))
        known = {name.upper() for name in Settings.model_fields}
        assert secrets == SECRETS
        assert known - settings - secrets == {"DATA_FOLDER"}
        assert settings - known == {"FORWARDED_ALLOW_IPS"}

    def test_every_value_that_there_is_has_a_place_in_the_schema(self) -> None:
        def places(schema: dict[str, Any], values: Any) -> None:
            assert schema.get("additionalProperties") is False
            assert set(values) - set(schema["properties"]) == set()
            for name, value in values.items():
                inner = schema["properties"][name]
                if isinstance(value, dict) and "properties" in inner:
                    places(inner, value)

        schema = json.loads((CHART / "values.schema.json").read_text())
        places(schema, yaml.safe_load((CHART / "values.yaml").read_text()))

    def test_numbers_and_flags_are_written_as_the_service_reads_them(self) -> None:
        data = Release("full").one("ConfigMap")["data"]
        written = {name: data[name] for name in ("ASSISTANT_DAILY_TOKENS", "DATABASE_PREPARED_STATEMENTS")}
        assert written == {"ASSISTANT_DAILY_TOKENS": "5000000", "DATABASE_PREPARED_STATEMENTS": "false"}
        assert data["CORS_ORIGINS"] == "https://app.example.com,http://localhost:5173"

    def test_the_service_starts_with_them(self) -> None:
        release = Release("full")
        given = release.one("ConfigMap")["data"] | release.one("Secret")["stringData"]
        settings = Settings.model_validate(
            {name.lower(): value for name, value in given.items() if value}
            | {"database_url": "postgresql://todo:password@todo-app-postgresql:5432/todo"}
        )
        assert settings.in_production
        assert settings.assistant_seconds == 60.5
        assert settings.database_prepared_statements is False

    def test_secrets_are_in_secrets_only(self) -> None:
        for values, hidden in {"default": "ep-example-pooler", "full": "kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A"}.items():
            where = {one["kind"] for one in Release(values).manifests if hidden in json.dumps(one)}
            assert where == {"Secret"}


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
    def test_a_change_of_a_secret_or_a_setting_starts_new_pods(self, change: str) -> None:
        assert Release("default", change).api != Release().api

    def test_nothing_else_does(self) -> None:
        assert Release("default", "replicaCount=3", "service.nodePort=30801").api == Release().api

    def test_a_pod_goes_only_once_another_has_taken_its_place(self) -> None:
        strategy = Release().one("Deployment")["spec"]["strategy"]
        assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}

    @pytest.mark.parametrize(("values", "drain", "turn"), [("default", 10, 25), ("minimal", 0, 25), ("full", 10, 61)])
    def test_a_pod_has_the_time_to_drain_and_to_finish_the_longest_turn(
        self, values: str, drain: int, turn: int
    ) -> None:
        release = Release(values)
        data = release.one("ConfigMap")["data"]
        assert float(data["DRAIN_SECONDS"]) == drain
        assert int(data["UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"]) > turn
        grace = release.api["spec"]["terminationGracePeriodSeconds"]
        assert grace > drain + int(data["UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"])

    def test_the_default_turn_is_the_one_of_the_service(self) -> None:
        assert Settings.model_fields["assistant_seconds"].default == 25

    def test_pods_take_requests_when_the_database_is_ready_and_live_without_it(self) -> None:
        container = Release().container
        paths = {probe: container[probe]["httpGet"]["path"] for probe in container if probe.endswith("Probe")}
        assert paths == {
            "startupProbe": "/health",
            "livenessProbe": "/health",
            "readinessProbe": "/health/ready",
        }

    def test_they_are_spread_over_nodes_and_zones(self) -> None:
        spread = Release().api["spec"]["topologySpreadConstraints"]
        assert [one["topologyKey"] for one in spread] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
        assert all(one["whenUnsatisfiable"] == "ScheduleAnyway" for one in spread)

    def test_the_number_of_pods_is_the_autoscalers_where_there_is_one(self) -> None:
        assert Release().one("Deployment")["spec"]["replicas"] == 2
        full = Release("full")
        assert "replicas" not in full.one("Deployment")["spec"]
        autoscaler = full.one("HorizontalPodAutoscaler")["spec"]
        assert autoscaler["scaleTargetRef"]["name"] == "todo-app"
        assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (2, 10)


class TestSecret:
    def test_the_pods_read_it_and_the_settings(self) -> None:
        assert Release().container["envFrom"] == [
            {"configMapRef": {"name": "todo-app"}},
            {"secretRef": {"name": "todo-app"}},
        ]

    def test_an_existing_one_takes_its_place(self) -> None:
        release = Release("minimal")
        assert "todo-app" not in release.of("Secret")
        assert {"secretRef": {"name": "todo-secrets"}} in release.container["envFrom"]

    def test_an_existing_one_may_go_with_the_database_in_the_cluster(self) -> None:
        release = Release("minimal", "postgresql.enabled=true")
        assert {"secretRef": {"name": "todo-secrets"}} in release.container["envFrom"]
        assert "DATABASE_URL" in {variable["name"] for variable in release.container["env"]}


class TestService:
    def test_it_is_at_port_8000_and_on_each_node_at_30800(self) -> None:
        service = Release().one("Service")["spec"]
        assert service["type"] == "NodePort"
        (port,) = service["ports"]
        assert port == {"name": "http", "port": 8000, "protocol": "TCP", "targetPort": "http", "nodePort": 30800}
        assert {"name": "http", "containerPort": 8000, "protocol": "TCP"} in Release().container["ports"]

    def test_without_a_node_port_it_has_none(self) -> None:
        assert "nodePort" not in Release("minimal").one("Service")["spec"]["ports"][0]

    def test_it_finds_the_pods_that_serve_and_no_others(self) -> None:
        release = Release("full")
        selector = release.one("Service")["spec"]["selector"].items()
        assert selector <= release.api["metadata"]["labels"].items()
        others = [job["spec"]["template"] for job in release.of("Job").values()]
        others += [release.one("StatefulSet", "todo-app-postgresql")["spec"]["template"], *release.of("Pod").values()]
        assert len(others) == 3
        assert not any(selector <= other["metadata"]["labels"].items() for other in others)

    def test_an_ingress_leads_to_it_by_its_name_over_tls(self) -> None:
        ingress = Release("full").one("Ingress")["spec"]
        (rule,) = ingress["rules"]
        (path,) = rule["http"]["paths"]
        assert ingress["ingressClassName"] == "nginx"
        assert ingress["tls"] == [{"hosts": ["api.example.com"], "secretName": "api-example-com"}]
        assert rule["host"] == "api.example.com"
        assert path["backend"] == {"service": {"name": "todo-app", "port": {"name": "http"}}}

    def test_by_default_there_is_no_ingress(self) -> None:
        assert Release().of("Ingress") == {}


class TestPurge:
    def test_it_runs_once_a_day_by_itself(self) -> None:
        job = Release("default", "purge.schedule=5 4 * * *").one("CronJob", "todo-app-purge")
        assert job["spec"]["schedule"] == "5 4 * * *"
        assert job["spec"]["concurrencyPolicy"] == "Forbid"

    def test_it_is_the_services_own_command_with_the_services_own_settings(self) -> None:
        release = Release()
        job = release.one("CronJob", "todo-app-purge")["spec"]["jobTemplate"]
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert container["command"] == ["python", "-m", "functions.purge"]
        assert container["image"] == release.container["image"]
        assert container["envFrom"] == release.container["envFrom"]

    def test_it_can_be_left_out(self) -> None:
        assert not Release("default", "purge.enabled=false").of("CronJob")


class TestMigration:
    def test_it_runs_before_an_installation_and_an_upgrade(self) -> None:
        job = Release().one("Job", "todo-app-migration")
        assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert container["command"] == ["python", "-m", "functions.migrate"]
        assert container["image"] == Release().container["image"]

    def test_all_that_it_needs_comes_before_it_and_goes_with_it(self) -> None:
        release = Release()
        secret, job = release.one("Secret", "todo-app-migration"), release.one("Job", "todo-app-migration")
        of_secret, of_job = (one["metadata"]["annotations"] for one in (secret, job))
        assert of_secret["helm.sh/hook"] == of_job["helm.sh/hook"]
        assert int(of_secret["helm.sh/hook-weight"]) < int(of_job["helm.sh/hook-weight"])
        assert of_secret["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
        pod = job["spec"]["template"]["spec"]
        assert pod["containers"][0]["envFrom"] == [{"secretRef": {"name": "todo-app-migration"}}]
        assert "serviceAccountName" not in pod
        given = release.one("ConfigMap")["data"] | release.one("Secret")["stringData"]
        assert secret["stringData"].items() <= given.items()
        assert set(secret["stringData"]) >= {"ENVIRONMENT", "DATABASE_URL", "SECRET_KEY"}

    def test_it_reads_an_existing_secret_too(self) -> None:
        release = Release("minimal")
        pod = release.one("Job", "todo-app-migration")["spec"]["template"]["spec"]
        assert {"secretRef": {"name": "todo-secrets"}} in pod["containers"][0]["envFrom"]
        assert set(release.one("Secret", "todo-app-migration")["stringData"]) & SECRETS == set()

    def test_where_the_database_is_installed_with_it_it_is_no_hook_and_waits(self) -> None:
        release = Release("full")
        (job,) = release.of("Job").values()
        assert not any(name.startswith("helm.sh/hook") for name in job["metadata"]["annotations"])
        pod = job["spec"]["template"]["spec"]
        (wait,) = pod["initContainers"]
        assert wait["command"][-1] == "todo-app-postgresql:5432"
        assert pod["containers"][0]["envFrom"] == release.container["envFrom"]
        assert pod["containers"][0]["env"] == release.container["env"]

    def test_it_ends_some_time(self) -> None:
        for values in ("default", "full"):
            (job,) = Release(values).of("Job").values()
            assert job["spec"]["activeDeadlineSeconds"] == 600


class TestDatabase:
    def test_by_default_there_is_none(self) -> None:
        assert Release().of("StatefulSet") == {}

    def test_the_service_finds_it(self) -> None:
        release = Release("full")
        (url,) = [one["value"] for one in release.container["env"] if one["name"] == "DATABASE_URL"]
        assert url == "postgresql://todo:$(POSTGRES_PASSWORD)@todo-app-postgresql:5432/todo"
        assert "todo-app-postgresql" in release.of("Service")

    def test_both_take_the_password_from_one_secret(self) -> None:
        release = Release("full")
        (database,) = release.one("StatefulSet", "todo-app-postgresql")["spec"]["template"]["spec"]["containers"]
        sources = [
            one["valueFrom"]["secretKeyRef"]
            for container in (database, release.container)
            for one in container["env"]
            if one["name"] == "POSTGRES_PASSWORD"
        ]
        assert sources == [{"name": "todo-app-postgresql", "key": "password"}] * 2
        password = release.one("Secret", "todo-app-postgresql")["stringData"]["password"]
        assert re.fullmatch(r"[A-Za-z0-9]{32}", password)

    def test_a_password_may_be_given(self) -> None:
        secret = Release("full", "postgresql.password=given").one("Secret", "todo-app-postgresql")
        assert secret["stringData"] == {"password": "given"}

    def test_what_outlives_the_release_keeps_its_password(self) -> None:
        for kept in (True, False):
            release = Release("full", f"postgresql.persistence.enabled={str(kept).lower()}")
            specification = release.one("StatefulSet", "todo-app-postgresql")["spec"]
            volumes = {volume["name"] for volume in specification["template"]["spec"]["volumes"]}
            annotations = release.one("Secret", "todo-app-postgresql")["metadata"].get("annotations", {})
            assert ("volumeClaimTemplates" in specification) is kept
            assert ("data" in volumes) is not kept
            assert (annotations.get("helm.sh/resource-policy") == "keep") is kept

    def test_an_upgrade_of_the_chart_or_of_a_setting_does_not_start_it_anew(self) -> None:
        before, after = Release("full"), Release("full", "settings.LOG_LEVEL=INFO", "podLabels.team=other")
        templates = [one.one("StatefulSet", "todo-app-postgresql")["spec"]["template"] for one in (before, after)]
        assert templates[0] == templates[1]
        assert "helm.sh/chart" not in templates[0]["metadata"]["labels"]


@every_values
class TestPods:
    def test_none_may_do_more_than_it_has_to(self, values: str) -> None:
        for name, pod in Release(values).pods().items():
            security = pod["securityContext"]
            assert security["runAsNonRoot"] is True
            assert security["runAsUser"] == (999 if name.endswith("-postgresql") else 1001)
            assert security["seccompProfile"] == {"type": "RuntimeDefault"}
            assert pod["automountServiceAccountToken"] is False
            assert pod["enableServiceLinks"] is False

    def test_no_container_can_write_to_its_image_or_become_more(self, values: str) -> None:
        for container in Release(values).containers():
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert set(container["resources"]) == {"requests", "limits"}

    def test_everything_has_the_labels_that_tools_look_for(self, values: str) -> None:
        for manifest in Release(values).manifests:
            labels = manifest["metadata"]["labels"]
            assert labels["app.kubernetes.io/instance"] == "todo-app"
            assert labels["app.kubernetes.io/part-of"] == "todo-web-app"
            assert labels["app.kubernetes.io/managed-by"] == "Helm"
            assert {"app.kubernetes.io/name", "app.kubernetes.io/component"} < set(labels)
            assert manifest["metadata"]["namespace"] == "todo"


class TestServiceAccount:
    def test_it_has_no_token(self) -> None:
        release = Release()
        assert release.one("ServiceAccount")["automountServiceAccountToken"] is False
        assert release.api["spec"]["serviceAccountName"] == "todo-app"

    def test_it_may_be_another_one(self) -> None:
        release = Release("minimal")
        assert release.of("ServiceAccount") == {}
        assert release.api["spec"]["serviceAccountName"] == "default"


class TestNetworkPolicy:
    @staticmethod
    def ports(rules: list[Manifest]) -> list[int | str]:
        return [port["port"] for rule in rules for port in rule["ports"]]

    def test_anyone_reaches_the_api_and_the_cluster_its_metrics(self) -> None:
        api, metrics = Release().one("NetworkPolicy", "todo-app-api")["spec"]["ingress"]
        assert self.ports([api]) == ["http"]
        assert "from" not in api
        assert self.ports([metrics]) == ["metrics"]
        assert metrics["from"] == [{"namespaceSelector": {}}]

    def test_pods_reach_names_databases_https_and_the_language_model(self) -> None:
        def reached(values: str) -> list[int | str]:
            return self.ports(Release(values).one("NetworkPolicy")["spec"]["egress"])

        assert reached("default") == [53, 53, 5432, 443, "http"]
        assert reached("full") == [53, 53, 5432, 443, 11434, "http"]

    @pytest.mark.parametrize(("url", "port"), [("http://models/v1", 80), ("https://models/v1", 443)])
    def test_the_port_of_the_language_model_may_go_without_saying(self, url: str, port: int) -> None:
        release = Release("default", f"settings.OPENAI_BASE_URL={url}", "networkPolicy.egressPorts={5432}")
        assert self.ports(release.one("NetworkPolicy")["spec"]["egress"]) == [53, 53, 5432, port, "http"]

    def test_only_the_service_reaches_the_database_which_reaches_nobody(self) -> None:
        release = Release("full")
        policy = release.one("NetworkPolicy", "todo-app-postgresql")["spec"]
        (rule,) = policy["ingress"]
        (source,) = rule["from"]
        selector = source["podSelector"]["matchLabels"].items()
        assert selector <= release.api["metadata"]["labels"].items()
        assert not selector <= policy["podSelector"]["matchLabels"].items()
        assert policy["egress"] == []
        assert policy["policyTypes"] == ["Ingress", "Egress"]


class TestMetrics:
    def test_prometheus_is_told_where_they_are(self) -> None:
        release = Release()
        annotations = release.api["metadata"]["annotations"]
        assert {name: value for name, value in annotations.items() if name.startswith("prometheus.io/")} == {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": "9090",
            "prometheus.io/path": "/metrics",
        }
        assert release.one("ConfigMap")["data"]["METRICS_PORT"] == "9090"
        assert {"name": "metrics", "containerPort": 9090, "protocol": "TCP"} in release.container["ports"]

    def test_they_can_be_switched_off(self) -> None:
        release = Release("minimal")
        assert "prometheus.io/scrape" not in release.api["metadata"]["annotations"]
        # Empty, not absent: the image has a port of its own for them.
        assert release.one("ConfigMap")["data"]["METRICS_PORT"] == ""
        assert [port["name"] for port in release.container["ports"]] == ["http"]

    def test_the_service_does_not_show_them(self) -> None:
        assert [port["name"] for port in Release().one("Service")["spec"]["ports"]] == ["http"]


class TestImage:
    def test_it_is_the_one_that_is_loaded_into_minikube(self) -> None:
        container = Release().container
        assert (container["image"], container["imagePullPolicy"]) == ("todo-backend:latest", "IfNotPresent")

    def test_a_digest_comes_before_a_tag(self) -> None:
        assert Release("full").container["image"].startswith("registry.example.com/todo-backend@sha256:0123")


class TestNotes:
    @staticmethod
    def notes(values: str, *settings: str) -> str:
        ended = rendering.helm(
            *("install", "todo-app", CHART, "--namespace", "todo", "--dry-run=client"),
            *("--values", rendering.values_file(values)),
            *(part for one in settings for part in ("--set", one)),
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.partition("NOTES:")[2]

    def test_they_say_where_the_api_and_its_pages_are(self) -> None:
        notes = self.notes("default")
        assert "http://<minikube-ip>:30800/api/v1" in notes
        assert "http://<minikube-ip>:30800/docs" in notes
        assert "helm test todo-app --namespace todo" in notes

    def test_behind_an_ingress_they_are_at_its_host(self) -> None:
        assert "https://api.example.com/docs" in self.notes("full")

    def test_without_a_way_in_they_say_how_to_make_one(self) -> None:
        assert "kubectl --namespace todo port-forward service/todo-app 8000" in self.notes("minimal")

    def test_they_warn_of_a_database_that_forgets(self) -> None:
        assert "its data is gone with the pod" in self.notes("full", "postgresql.persistence.enabled=false")
