"""Clients that generators make from the OpenAPI document: they are made whole, compile, and work.

docs/clients.md has the same commands.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests import postgres, serving
from tests.accounts import PASSWORD, new_email
from tests.operations import COMMITTED_DOCUMENT, committed_document, operations_of

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ROOT / "tests/javascript/clients"
NPM: Final = PACKAGES / "node_modules/.bin"
PYTHON: Final = ROOT / ".tools/clients/bin"
STRICT: Final = ("--strict", "--skipLibCheck", "false", "--target", "es2022", "--lib", "es2023,dom,dom.iterable")
MODULES: Final = ("--module", "esnext", "--moduleResolution", "bundler")
TYPESCRIPT: Final = {
    "openapi-typescript": (["openapi-typescript", "{document}", "-o", "{out}/schema.d.ts"], "schema.d.ts"),
    "hey-api": (["openapi-ts", "-i", "{document}", "-o", "{out}"], "index.ts"),
    "orval": (["orval", "--input", "{document}", "--output", "{out}/api.ts", "--client", "fetch"], "api.ts"),
}
KNOWN_WARNINGS: Final = (
    "OpenAPI 3.1 support is still in beta",
    # Schemas of any JSON, which have no name; the generator takes `any` for them, which is right.
    "Failed to get the schema name: null",
    "Codegen property is null (e.g. map/dict of undefined type). Default to typing.Any.",
)
"""Warnings of openapi-generator that no document of OpenAPI 3.1 with free JSON avoids."""

OPERATION_IDS: Final = {each.description["operationId"] for each in operations_of(committed_document())}


def run(*command: str | Path, cwd: Path) -> str:
    """Returns the output of the command. Fails the test if the command fails."""
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        # openapi-python-client formats its code by ruff.
        env=os.environ | {"PATH": os.pathsep.join([str(PYTHON), os.environ["PATH"]])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def generate_by_java(generator: str, folder: Path, *more: str) -> list[str]:
    """Returns the warnings of openapi-generator that are not known."""
    command = ["generate", "-g", generator, "-i", str(COMMITTED_DOCUMENT), "-o", str(folder), *more]
    lines = run(PYTHON / "openapi-generator-cli", *command, cwd=folder.parent).splitlines()
    warnings = [line for line in lines if " WARN " in line or " ERROR " in line]
    return [line for line in warnings if not any(known in line for known in KNOWN_WARNINGS)]


@pytest.fixture(scope="module")
def url(server_url: str, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres.database(server_url) as database_url:
        settings = environment | {"DATABASE_URL": database_url}
        with serving.on_port(settings, folder=str(tmp_path_factory.mktemp("service"))) as service:
            yield service.url


@pytest.mark.parametrize("name", TYPESCRIPT)
def test_a_client_in_typescript_compiles_and_has_every_operation(name: str, tmp_path: Path) -> None:
    (program, *arguments), entry = TYPESCRIPT[name]
    given = [argument.format(document=COMMITTED_DOCUMENT, out=tmp_path) for argument in arguments]
    output = run(NPM / program, *given, cwd=tmp_path)
    assert "warn" not in output.lower()
    run(NPM / "tsc", "--noEmit", *STRICT, *MODULES, tmp_path / entry, cwd=tmp_path)
    code = "".join(file.read_text() for file in tmp_path.rglob("*.ts")).lower()
    assert not [each for each in OPERATION_IDS if each not in code and each.replace("_", "") not in code]


def test_the_client_of_openapi_generator_in_typescript_compiles(tmp_path: Path) -> None:
    assert generate_by_java("typescript-fetch", tmp_path / "client") == []
    run(NPM / "tsc", "--noEmit", *STRICT, *MODULES, tmp_path / "client/index.ts", cwd=tmp_path)


def test_the_client_of_openapi_generator_in_python_has_right_types(tmp_path: Path) -> None:
    """The generator's code for messages to webhooks is no valid Python, so these are left out."""
    parts = ("--global-property", "apis,models,supportingFiles")
    assert generate_by_java("python", tmp_path / "client", *parts) == []
    run(PYTHON / "mypy", "--package", "openapi_client", cwd=tmp_path / "client")


def test_typescript_types_describe_a_conversation_that_works(url: str, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(PACKAGES / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    run(NPM / "openapi-typescript", COMMITTED_DOCUMENT, "-o", tmp_path / "schema.d.ts", cwd=tmp_path)
    source = Path(__file__).with_name("conversation.ts").read_text()
    (tmp_path / "conversation.ts").write_text(source)
    run(NPM / "tsc", *STRICT, *MODULES, "conversation.ts", cwd=tmp_path)
    told = run("node", "conversation.js", url, new_email(), PASSWORD, cwd=tmp_path)
    assert json.loads(told) == {
        "titles": ["Buy milk"],
        "inPages": ["Buy milk", "Buy bread"],
        "priority": "high",
        "stale": "stale_version",
        "missing": 404,
    }


def test_the_client_of_openapi_python_client_has_right_types_and_works(url: str, tmp_path: Path) -> None:
    arguments = ("generate", "--path", COMMITTED_DOCUMENT, "--output-path", tmp_path / "todo_client", "--meta", "none")
    output = run(PYTHON / "openapi-python-client", *arguments, cwd=tmp_path)
    assert "warning" not in output.lower()
    (tmp_path / "conversation.py").write_text(Path(__file__).with_name("conversation_of_client.py").read_text())
    # The generator's own client.py passes `object` to httpx.
    (tmp_path / "mypy.ini").write_text(
        "[mypy]\nstrict = true\n[mypy-todo_client.client]\ndisable_error_code = arg-type\n"
    )
    run(PYTHON / "mypy", "conversation.py", cwd=tmp_path)
    run(PYTHON / "mypy", "--package", "todo_client", cwd=tmp_path)
    told = run(PYTHON / "python", "conversation.py", url, new_email(), PASSWORD, cwd=tmp_path)
    assert json.loads(told) == {"titles": ["Buy milk"], "priority": "high", "stale": "stale_version"}
