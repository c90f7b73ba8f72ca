"""Copies libraries from their npm packages into the page. The versions are those of tools/javascript/package.json."""

import json
import shutil
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ROOT / "tools/javascript/node_modules"
TARGET: Final = ROOT / "functions/web/page/vendor"
LIT_MODULES: Final = ("lit-html", "directive", "directive-helpers", "directives/repeat")
"""The modules that the page imports, directly or not."""
FILES: Final = {
    "lit-html": {f"{module}{suffix}": f"{module}{suffix}" for module in LIT_MODULES for suffix in (".js", ".d.ts")},
    "lean-qr": {"nano.mjs": "lean-qr.js"},
}
"""The files of each package, and their names in the page."""
_SOURCE_MAP: Final = "//# sourceMappingURL="
_QR_TYPES: Final = """// The part that the page uses. The package declares its types for imports by name only.
export function generate(text: string): { readonly size: number; get(x: number, y: number): boolean };
"""


def copy(package: str) -> None:
    source, target = PACKAGES / package, TARGET / package
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for original, name in FILES[package].items():
        _copy_text(source / original, target / name)
    shutil.copy(source / "LICENSE", target)
    version: str = json.loads((source / "package.json").read_text())["version"]
    (target / "VERSION").write_text(f"{package} {version}, copied by make page-vendor\n")


def _copy_text(original: Path, target: Path) -> None:
    """Copies a file without the comment that names its source map, which is not copied."""
    lines = original.read_text().splitlines()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(line for line in lines if not line.startswith(_SOURCE_MAP)) + "\n")


if __name__ == "__main__":
    for each in FILES:
        copy(each)
    (TARGET / "lean-qr/lean-qr.d.ts").write_text(_QR_TYPES)
