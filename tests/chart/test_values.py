"""Values of the chart: errors for wrong values, the JSON schema, and the settings that the service receives."""

import json
from typing import Any, Final

import pytest
import yaml

from tests.chart.rendering import CHART, KEY, Release, render_error
from todo_core.settings import VARIABLES, Settings, nest_variables

URL: Final = "secrets.DATABASE_URL=postgresql://todo:password@db.example.com/todo"

SECRETS: Final = {
    *("DATABASE_URL", "DATABASE_URL_UNPOOLED", "SECRET_KEY"),
    *("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "MAIL_URL", "VAPID_PRIVATE_KEY"),
}


class TestErrors:
    @pytest.mark.parametrize(
        ("settings", "sentence"),
        [
            pytest.param((URL,), "SECRET_KEY is missing. Set secrets.SECRET_KEY to", id="no key"),
            pytest.param((KEY,), "DATABASE_URL is missing. Set secrets.DATABASE_URL to", id="no database"),
            pytest.param((URL, f"{KEY},short"), "SECRET_KEY must have at least 32 characters", id="short key"),
            pytest.param(
                (KEY, "secrets.DATABASE_URL=mysql://db"), "must be the URL of a PostgreSQL", id="not PostgreSQL"
            ),
            pytest.param((KEY, URL, "existingSecret=todo"), "not both", id="two sources of secrets"),
            pytest.param((KEY, URL, "postgresql.enabled=true"), "not both", id="two databases"),
            pytest.param(
                (KEY, "postgresql.enabled=true", "postgresql.password=p@ss"),
                "letters, digits and -._~ only",
                id="a password with characters that a URL must escape",
            ),
            pytest.param(
                (KEY, URL, "ingress.enabled=true", "ingress.host=api.example.com"),
                "Set settings.FORWARDED_ALLOW_IPS",
                id="an ingress without trusted proxies",
            ),
            pytest.param(
                (KEY, URL, "ingress.enabled=true", "settings.FORWARDED_ALLOW_IPS=*"),
                "ingress.host is missing",
                id="an ingress without a name",
            ),
            pytest.param(
                (URL, "DATABASE_URL=postgresql://db"), "Set secrets.DATABASE_URL instead", id="secret at root"
            ),
            pytest.param((KEY, URL, "LOG_LEVEL=INFO"), "Set settings.LOG_LEVEL instead", id="setting at root"),
            pytest.param((URL, KEY.replace("secrets", "settings")), "Set secrets.SECRET_KEY", id="secret in settings"),
            pytest.param((KEY, URL, "secrets.LOG_LEVEL=INFO"), "settings.LOG_LEVEL", id="setting in secrets"),
            pytest.param(
                (KEY, URL, "secrets.OPENAI_BASE_URL=http://one", "settings.OPENAI_BASE_URL=http://other"),
                "not different values under both",
                id="two addresses of the model",
            ),
            pytest.param((KEY, URL, "secrets.MAIL_URL=smtp://mail"), "needs settings.MAIL_FROM", id="mail from nobody"),
            pytest.param(
                (KEY, URL, "settings.VAPID_SUBJECT=mailto:ada@example.com"),
                "secrets.VAPID_PRIVATE_KEY and settings.VAPID_SUBJECT belong together",
                id="web push without a key",
            ),
            pytest.param(
                (KEY, URL, "secrets.AZURE_OPENAI_API_KEY=sk"),
                "AZURE_OPENAI_ENDPOINT belong together",
                id="half of Azure",
            ),
            pytest.param((KEY, URL, "settings.UVICORN_PORT=80"), "service.port", id="port of uvicorn"),
            pytest.param((KEY, URL, "settings.UVICORN_WORKERS=2"), "replicaCount", id="processes of uvicorn"),
            pytest.param(
                (KEY, "postgresql.enabled=true", "replicaCount=30"),
                "needs up to 620 during an update. Lower the number of pods",
                id="more connections than the database of the chart accepts",
            ),
        ],
    )
    def test_a_missing_or_wrong_value_is_explained(self, settings: tuple[str, ...], sentence: str) -> None:
        error = render_error(None, *settings)
        assert sentence in error
        assert "password@" not in error

    def test_a_database_url_may_be_neons_psql_command(self) -> None:
        pasted = "psql 'postgresql://todo:password@ep-example-pooler.neon.tech/todo?sslmode=require'"
        assert Release(None, KEY, f"secrets.DATABASE_URL={pasted}").secret()["DATABASE_URL"] == pasted

    def test_without_values_the_error_shows_how_to_create_a_secret_key(self) -> None:
        assert "openssl rand -base64 48" in render_error(None)

    @pytest.mark.parametrize(
        ("setting", "place"),
        [
            ("settings.CORS_ORIGIN=https://app.example.com", "'CORS_ORIGIN' not allowed"),
            ("settings.DATABASE_POOL_SIZE=101", "/settings/DATABASE_POOL_SIZE"),
            ("service.externalTrafficPolicy=local", "/service/externalTrafficPolicy"),
            ("postgresql.backup.keep=0", "/postgresql/backup/keep"),
            ("extraVolumes[0].name=tmp", "/extraVolumes/0/name"),
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
    def test_the_schema_names_the_invalid_value(self, setting: str, place: str) -> None:
        assert place in render_error("default", setting)


class TestSettings:
    def test_the_chart_has_all_settings_of_the_service_but_the_data_folder(self) -> None:
        properties = json.loads((CHART / "values.schema.json").read_text())["properties"]
        secrets, settings = (set(properties[name]["properties"]) for name in ("secrets", "settings"))
        known = set(VARIABLES)
        assert secrets == SECRETS | {"OPENAI_BASE_URL"}
        assert known - settings - secrets == {"DATA_FOLDER"}
        assert settings - known == {"FORWARDED_ALLOW_IPS"}

    def test_the_schema_describes_all_default_values(self) -> None:
        def assert_described(schema: dict[str, Any], values: Any) -> None:
            assert schema.get("additionalProperties") is False
            assert set(values) - set(schema["properties"]) == set()
            for name, value in values.items():
                inner = schema["properties"][name]
                if isinstance(value, dict) and "properties" in inner:
                    assert_described(inner, value)

        schema = json.loads((CHART / "values.schema.json").read_text())
        assert_described(schema, yaml.safe_load((CHART / "values.yaml").read_text()))

    def test_the_check_of_misplaced_secrets_knows_all_of_them(self) -> None:
        for name in SECRETS:
            assert f"Set secrets.{name} instead of settings.{name}" in render_error("default", f"settings.{name}=x")

    def test_the_address_of_the_model_may_stand_beside_its_key(self) -> None:
        release = Release("default", "secrets.OPENAI_BASE_URL=http://models:8080/v1")
        assert release.secret()["OPENAI_BASE_URL"] == "http://models:8080/v1"
        sources = [next(iter(source)) for source in release.api_container["envFrom"]]
        assert sources == ["configMapRef", "secretRef"], "The Secret must be last, because the last source wins."
        (egress, _) = release.manifest("NetworkPolicy")["spec"]["egress"]
        assert 8080 in [port["port"] for port in egress["ports"]]

    def test_options_of_uvicorn_are_passed_on(self) -> None:
        release = Release("default", "settings.UVICORN_TIMEOUT_KEEP_ALIVE=20", "settings.UVICORN_HOST=::")
        data = release.manifest("ConfigMap")["data"]
        assert (data["UVICORN_TIMEOUT_KEEP_ALIVE"], data["UVICORN_HOST"]) == ("20", "::")

    def test_the_time_for_the_last_requests_decides_when_a_pod_is_killed(self) -> None:
        release = Release("default", "settings.UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN=90")
        assert release.manifest("ConfigMap")["data"]["UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"] == "90"
        assert release.api_pod["spec"]["terminationGracePeriodSeconds"] == 10 + 90 + 5

    def test_numbers_and_flags_are_rendered_in_the_format_of_the_service(self) -> None:
        data = Release("full").manifest("ConfigMap")["data"]
        written = {name: data[name] for name in ("ASSISTANT_DAILY_TOKENS", "DATABASE_PREPARED_STATEMENTS")}
        assert written == {"ASSISTANT_DAILY_TOKENS": "5000000", "DATABASE_PREPARED_STATEMENTS": "false"}
        assert data["CORS_ORIGINS"] == "https://app.example.com,http://localhost:5173"

    def test_the_service_accepts_the_rendered_settings(self) -> None:
        release = Release("full")
        given = release.manifest("ConfigMap")["data"] | release.secret()
        given["DATABASE_URL"] = "postgresql://todo:password@todo-app-postgresql:5432/todo"
        settings = Settings(**nest_variables({name: value for name, value in given.items() if value}))
        assert settings.in_production
        assert settings.assistant.seconds == 60.5
        assert settings.database.prepared_statements is False

    def test_secret_values_appear_only_in_manifests_of_kind_secret(self) -> None:
        for values, hidden in {"default": "ep-example-pooler", "full": "kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A"}.items():
            release = Release(values)
            assert hidden not in json.dumps(release.manifests)
            assert any(hidden in value for value in release.secret().values())
