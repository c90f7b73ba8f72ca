"""Prepares a folder of packages for a read-only disk: deletes files that nothing reads there, and compiles the rest.

Usage: `artifact.py FOLDER PATH`, where PATH is the folder's path on that disk.
"""

import compileall
import shutil
import sys
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Final

UNUSED_FOLDERS: Final = {"__pycache__", "tests", "testing"}
UNUSED_SUFFIXES: Final = {".pyi", ".pyx", ".pxd", ".c", ".cpp", ".h", ".hpp"}
UNUSED_FILES: Final = {"py.typed", ".lock"}
METADATA_FILES: Final = {"METADATA", "entry_points.txt"}
"""Files of a `.dist-info` folder that importlib.metadata reads at run time."""


def prune(folder: Path) -> None:
    """Deletes the files that are not used at run time."""
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for path in [path for path in folder.rglob("*") if path.is_dir() and path.name in UNUSED_FOLDERS]:
        shutil.rmtree(path, ignore_errors=True)
    for path in [path for path in folder.rglob("*") if path.is_file() and _is_unused(path)]:
        path.unlink()


def _is_unused(path: Path) -> bool:
    if path.parent.name.endswith(".dist-info") or path.parent.parent.name.endswith(".dist-info"):
        return path.name not in METADATA_FILES
    return path.suffix in UNUSED_SUFFIXES or path.name in UNUSED_FILES


def compile_all(folder: Path, final_path: str) -> None:
    """Writes bytecode that Python uses without a check of the source file.

    Without bytecode, each start would compile all modules again, because a read-only disk stores no `.pyc` files.
    Checked bytecode would be rejected, because archives change the modification times of the source files.
    """
    succeeded = compileall.compile_dir(
        folder,
        maxlevels=30,
        quiet=1,
        stripdir=str(folder),
        prependdir=final_path,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        workers=0,
    )
    if not succeeded:
        raise SystemExit(f"Not all files of {folder} could be compiled.")


if __name__ == "__main__":
    artifact = Path(sys.argv[1])
    prune(artifact)
    compile_all(artifact, sys.argv[2])
