"""Prepares the files of the page in a build: `python -m functions.web.build FOLDER` strips and compresses them.

So no process does it. Type declarations are for developers, and are deleted.
"""

import sys
from pathlib import Path

from functions.web.files import DOCUMENT, TYPES, WORKER, compress, read_stripped


def build(folder: Path) -> None:
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if path.name.endswith(".d.ts"):
            path.unlink()
        elif path.suffix in TYPES and path.name not in {DOCUMENT, WORKER}:  # each process puts the version into these
            content = read_stripped(path)
            path.write_bytes(content)
            path.with_name(f"{path.name}.gz").write_bytes(compress(content))


if __name__ == "__main__":
    build(Path(sys.argv[1]))
