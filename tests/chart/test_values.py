"""Values of the chart: errors for wrong values, the JSON schema, and the settings that the service receives."""

import json
from typing import Any, Final

import pytest
import yaml

from tests.chart.rendering import CHART, Release, render_error
from todo_core.settings import VARIABLES, Settings, nest_variables

KEY: Final = "secrets.SECRET_KEY=kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A"

URL: Final = "secrets.DATABASE_URL=postgresql://todo:password@db.example.com/todo"

SECRETS: Final = {"DATABASE_URL", "DATABASE_URL_UNPOOLED", "SECRET_KEY", "OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"}


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
        ],
    )
    def test_a_missing_or_wrong_value_is_explained(self, settings: tuple[str, ...], sentence: str) -> None:
        error = render_error(None, *settings)
        assert sentence in error
        assert "password@" not in error

    def test_a_database_url_may_be_neons_psql_command(self) -> None:
        pasted = "psql 'postgresql://todo:password@ep-example-pooler.neon.tech/todo?sslmode=require'"
        assert (
            Release(None, KEY, f"secrets.DATABASE_URL={pasted}").manifest("Secret")["stringData"]["DATABASE_URL"]
            == pasted
        )

    def test_without_values_the_error_shows_how_to_create_a_secret_key(self) -> None:
        assert "openssl rand -base64 48" in render_error(None)

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
    def test_the_schema_names_the_invalid_value(self, setting: str, place: str) -> None:
        assert place in render_error("default", setting)


class TestSettings:
    def test_the_chart_has_all_settings_of_the_service_but_the_data_folder(self) -> None:
        properties = json.loads((CHART / "values.schema.json").read_text())["properties"]
        secrets, settings = (set(properties[name]["properties"]) for name in ("secrets", "settings"))
        known = set(VARIABLES)
        assert secrets == SECRETS
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

    def test_numbers_and_flags_are_rendered_in_the_format_of_the_service(self) -> None:
        data = Release("full").manifest("ConfigMap")["data"]
        written = {name: data[name] for name in ("ASSISTANT_DAILY_TOKENS", "DATABASE_PREPARED_STATEMENTS")}
        assert written == {"ASSISTANT_DAILY_TOKENS": "5000000", "DATABASE_PREPARED_STATEMENTS": "false"}
        assert data["CORS_ORIGINS"] == "https://app.example.com,http://localhost:5173"

    def test_the_service_accepts_the_rendered_settings(self) -> None:
        release = Release("full")
        given = release.manifest("ConfigMap")["data"] | release.manifest("Secret")["stringData"]
        given["DATABASE_URL"] = "postgresql://todo:password@todo-app-postgresql:5432/todo"
        settings = Settings(**nest_variables({name: value for name, value in given.items() if value}))
        assert settings.in_production
        assert settings.assistant.seconds == 60.5
        assert settings.database.prepared_statements is False

    def test_secret_values_appear_only_in_manifests_of_kind_secret(self) -> None:
        for values, hidden in {"default": "ep-example-pooler", "full": "kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A"}.items():
            kinds = {manifest["kind"] for manifest in Release(values).manifests if hidden in json.dumps(manifest)}
            assert kinds == {"Secret"}
