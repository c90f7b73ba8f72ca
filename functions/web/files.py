"""The files of the page in memory, with one version: the hash of all of them.

The version is a part of their URLs, so browsers may keep them for ever. Modules import each other by relative
paths.
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from msgspec import Struct

from functions.web.stripping import strip_script, strip_style

FOLDER: Final = Path(__file__).with_name("page")
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
"""The media types of the files that are served, by suffix. Others are for developers, for example type declarations."""

DOCUMENT: Final = "index.html"
WORKER: Final = "sw.js"
_ENTRY: Final = "main.js"
_VENDOR: Final = "vendor"
"""The folder of what others have written, which has the smallest form already, and its licence in comments."""
_STRIPPED: Final = {".js": strip_script, ".css": strip_style}
_VERSION_CHARACTERS: Final = 16
_PLACE_OF_ROOT: Final = "{root}"
_PLACE_OF_FOLDER: Final = "{page}"
_PLACE_OF_PRELOADS: Final = "<!-- modulepreload -->"
_STATIC_IMPORT: Final = re.compile(
    r"""(?:^|;)(?:import|export)\b(?:[^;'"()]*?\bfrom\s*|\s*)["'](\.[^"']+\.js)["']""", re.MULTILINE
)
"""Matches `import ... from "./path.js"` at the begin of a line or statement, but not `import("./path.js")`.

The modules of lit-html have several in a line, without spaces.
"""


class File(Struct, frozen=True):
    """A file with its media type. `compressed` is its content in gzip, or None if gzip does not make it smaller."""

    media_type: str
    content: bytes
    compressed: bytes | None


class Page(Struct, frozen=True, eq=False):
    """All files of the page, by their path in the folder, and their version."""

    version: str
    files: Mapping[str, File]

    def find_file(self, path: str) -> File | None:
        """Returns the file that is served at this path of the version's folder. None if there is no such file."""
        return None if path in {DOCUMENT, WORKER} else self.files.get(path)


def find_page(*, is_stable: bool) -> Page:
    """Returns the page. Reads it again after a change of its files, unless they are stable."""
    return _read_page(0 if is_stable else _find_last_change())


@lru_cache(maxsize=16)
def render_document(page: Page, root: str) -> File:
    """Returns the HTML document for a service whose paths begin with `root`."""
    folder = f"{root}/page/{page.version}"
    links = [f'<link rel="modulepreload" href="{folder}/{path}">' for path in list_static_imports(page)]
    text = page.files[DOCUMENT].content.decode()
    for place, value in ((_PLACE_OF_PRELOADS, "\n".join(links)), (_PLACE_OF_FOLDER, folder), (_PLACE_OF_ROOT, root)):
        text = text.replace(place, value)
    return _make_file(TYPES[".html"], text.encode())


@lru_cache(maxsize=16)
def render_worker(page: Page, root: str) -> File:
    """Returns the service worker for a service whose paths begin with `root`. Its first line is what it stores."""
    served = [path for path in page.files if page.find_file(path)]
    stored = {"version": page.version, "root": root, "files": served}
    return _make_file(TYPES[".js"], b"const PAGE = %b;\n%b" % (json.dumps(stored).encode(), page.files[WORKER].content))


def list_static_imports(page: Page) -> list[str]:
    """Returns the paths of all modules that the browser needs before it runs the first one."""
    found = [_ENTRY]
    for path in found:
        module = page.files.get(path)
        for name in _STATIC_IMPORT.findall(module.content.decode() if module else ""):
            imported = (Path("/", path).parent / name).resolve().relative_to("/").as_posix()
            if imported not in found:
                found.append(imported)
    return found[1:]


@lru_cache(maxsize=1)
def _read_page(_changed: int) -> Page:
    files = {path.relative_to(FOLDER).as_posix(): _read_file(path) for path in _list_files()}
    digest = sha256()
    for path, file in files.items():
        digest.update(b"%b\0%d\0%b" % (path.encode(), len(file.content), file.content))
    return Page(version=digest.hexdigest()[:_VERSION_CHARACTERS], files=files)


def _list_files() -> Iterator[Path]:
    return (path for path in sorted(FOLDER.rglob("*")) if path.suffix in TYPES)


def _find_last_change() -> int:
    return max(path.stat().st_mtime_ns for path in (FOLDER, *FOLDER.rglob("*")))


def _read_file(path: Path) -> File:
    built = path.with_name(f"{path.name}.gz")
    if built.exists():
        return _make_file(TYPES[path.suffix], path.read_bytes(), built.read_bytes())
    return _make_file(TYPES[path.suffix], read_stripped(path))


def read_stripped(path: Path) -> bytes:
    """Returns the content of a file as it is sent: JavaScript and CSS without comments and indentation."""
    content = path.read_bytes()
    strip = _STRIPPED.get(path.suffix)
    return content if strip is None or _VENDOR in path.parts else strip(content.decode()).encode()


def _make_file(media_type: str, content: bytes, compressed: bytes | None = None) -> File:
    compressed = compressed or compress(content)
    return File(media_type, content, compressed if len(compressed) < len(content) else None)


def compress(content: bytes) -> bytes:
    """Returns the content in gzip, the same bytes each time."""
    return gzip.compress(content, mtime=0)
