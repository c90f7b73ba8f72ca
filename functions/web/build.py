"""Prepares the files of the page in a build: `python -m functions.web.build FOLDER` writes `main.js.gz` and such.

So no process compresses them. Type declarations are for developers, and are deleted.
"""

import sys
from pathlib import Path

from functions.web.files import DOCUMENT, TYPES, WORKER, compress


def build(folder: Path) -> None:
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if path.name.endswith(".d.ts"):
            path.unlink()
        elif path.suffix in TYPES and path.name not in {DOCUMENT, WORKER}:  # each process puts the version into these
            path.with_name(f"{path.name}.gz").write_bytes(compress(path.read_bytes()))


if __name__ == "__main__":
    build(Path(sys.argv[1]))
