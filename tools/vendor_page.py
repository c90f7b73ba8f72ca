"""Copies lit-html from its npm package into the page. The version is that of tools/javascript/package.json."""

import json
import shutil
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PACKAGE: Final = ROOT / "tools/javascript/node_modules/lit-html"
TARGET: Final = ROOT / "functions/web/page/vendor/lit-html"
MODULES: Final = ("lit-html", "directive", "directive-helpers", "directives/live", "directives/repeat")
"""The modules that the page imports, directly or not."""
_SOURCE_MAP: Final = "//# sourceMappingURL="


def copy() -> None:
    shutil.rmtree(TARGET, ignore_errors=True)
    for module in MODULES:
        for suffix in (".js", ".d.ts"):
            _copy_text(f"{module}{suffix}")
    shutil.copy(PACKAGE / "LICENSE", TARGET)
    version: str = json.loads((PACKAGE / "package.json").read_text())["version"]
    (TARGET / "VERSION").write_text(f"lit-html {version}, copied by make page-vendor\n")


def _copy_text(name: str) -> None:
    """Copies a file without the comment that names its source map, which is not copied."""
    lines = (PACKAGE / name).read_text().splitlines()
    target = TARGET / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(line for line in lines if not line.startswith(_SOURCE_MAP)) + "\n")


if __name__ == "__main__":
    copy()
