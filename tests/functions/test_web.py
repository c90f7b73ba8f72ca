"""The page without its routes: versions, preloads, builds, and WEB_PAGE=off."""

import gzip
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

from functions import groups
from functions.web import build, files
from tests.accounts import problem
from tests.serving import in_process
from todo_core.settings import Settings, nest_variables
from todo_core.web.app import create_app

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ROOT / "tools/javascript/node_modules"
VENDOR: Final = files.FOLDER / "vendor"
LICENCES: Final = {"lit-html": "BSD 3-Clause License", "lean-qr": "MIT License"}
RENAMED: Final = {"lean-qr/lean-qr.js": "lean-qr/nano.mjs"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the page's folder, which the functions read from now on."""
    copy = tmp_path / "page"
    shutil.copytree(files.FOLDER, copy)
    monkeypatch.setattr(files, "FOLDER", copy)
    return copy


class TestVersion:
    def test_it_stays_without_a_change(self, folder: Path) -> None:
        before = files.find_page(is_stable=False)
        (folder / "main.js").touch()

        assert files.find_page(is_stable=False).version == before.version

    def test_a_change_of_any_file_makes_a_new_one_at_once(self, folder: Path) -> None:
        before = files.find_page(is_stable=False).version
        (folder / "page.css").write_text("body { margin: 0 }")

        changed = files.find_page(is_stable=False)

        assert changed.version != before
        assert changed.files["page.css"].content == b"body { margin: 0 }"


class TestPreloads:
    def test_they_are_all_modules_that_are_imported_statically(self, folder: Path) -> None:
        (folder / "main.js").write_text(
            'import { a } from "./one/a.js";\n'
            "import {\n  b,\n  c,\n} from './b.js';\n"
            'import "./c.js";\n'
            'const later = () => import("./later.js");\n'
            'import("./later.js");\n'
            'export const path = "./not-a-module.js";\n'
        )
        (folder / "one").mkdir()
        (folder / "one/a.js").write_text('export * from "../b.js";\nimport "../d.js"\n')
        (folder / "d.js").write_text('import{e as f}from"./e.js";import{g}from"./g.js";f(";import./h.js")')

        found = files.list_static_imports(files.find_page(is_stable=False))

        assert found == ["one/a.js", "b.js", "c.js", "d.js", "e.js", "g.js"]

    def test_the_document_names_them_below_the_root_of_the_service(self, folder: Path) -> None:
        (folder / "main.js").write_text('import "./a.js";\n')
        page = files.find_page(is_stable=False)

        document = files.render_document(page, "/prod").content.decode()

        assert f'<link rel="modulepreload" href="/prod/page/{page.version}/a.js">' in document


class TestBudgets:
    """Bounds of what browsers load, in bytes. Remove something before you add more."""

    SOURCES: Final = 143_000
    SCRIPTS: Final = 52_500
    FIRST_VISIT: Final = 43_700

    @pytest.fixture
    def page(self) -> files.Page:
        return files.find_page(is_stable=False)

    @staticmethod
    def sizes(page: files.Page, paths: Iterable[str]) -> dict[str, int]:
        """Returns the bytes of each file over the wire, without its headers."""
        return {path: len(page.files[path].compressed or page.files[path].content) for path in paths}

    def test_our_own_javascript_with_its_comments(self) -> None:
        own = {path: path.stat().st_size for path in files.FOLDER.rglob("*.js") if "vendor" not in path.parts}
        assert sum(own.values()) <= self.SOURCES, own

    def test_all_javascript_over_the_wire(self, page: files.Page) -> None:
        sent = self.sizes(page, [path for path in page.files if path.endswith(".js")])
        assert sum(sent.values()) <= self.SCRIPTS, sent

    def test_what_a_first_visit_needs_over_the_wire(self, page: files.Page) -> None:
        needed = self.sizes(
            page, ["index.html", "page.css", "early.js", "main.js", *files.list_static_imports(page), "words/en.json"]
        )
        assert sum(needed.values()) <= self.FIRST_VISIT, needed


@pytest.mark.parametrize("name", [path.name for path in VENDOR.iterdir()])
class TestVendor:
    def test_the_version_is_that_of_the_package(self, name: str) -> None:
        wanted = json.loads((ROOT / "tools/javascript/package.json").read_text())["devDependencies"][name]
        assert (VENDOR / name / "VERSION").read_text().startswith(f"{name} {wanted},")

    def test_it_has_its_licence(self, name: str) -> None:
        assert LICENCES[name] in (VENDOR / name / "LICENSE").read_text()

    @pytest.mark.skipif(not PACKAGES.exists(), reason="needs make tools/javascript/node_modules")
    def test_its_modules_are_those_of_the_package(self, name: str) -> None:
        for copied in (VENDOR / name).rglob("*.js"):
            module = copied.relative_to(VENDOR).as_posix()
            original = (PACKAGES / RENAMED.get(module, module)).read_text()
            assert original.startswith(copied.read_text().rstrip())


class TestBuild:
    def test_it_compresses_what_is_served_and_deletes_declarations_of_types(self, folder: Path) -> None:
        (folder / "types.d.ts").write_text("export {};")
        before = files.find_page(is_stable=False).version

        build.build(folder)

        page = files.find_page(is_stable=False)
        assert page.version == before
        assert gzip.decompress((folder / "main.js.gz").read_bytes()) == (folder / "main.js").read_bytes()
        assert b"// " not in (folder / "main.js").read_bytes()
        assert not (folder / "types.d.ts").exists()
        assert not (folder / "index.html.gz").exists()


@pytest.mark.parametrize("off", ["off", "false", "0"])
def test_without_the_page_its_paths_are_not_found(off: str) -> None:
    app = create_app(*groups.load_routers("web"), settings=Settings(**nest_variables({"WEB_PAGE": off})))

    with in_process(app) as service, service.client() as client:
        for path in ("/", "/sw.js", "/page/1/main.js"):
            problem(client.get(path), 404, "route_not_found")
