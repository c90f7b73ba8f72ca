"""Prepares a folder of packages for a read-only disk: takes away what nothing reads there, and compiles the rest.

artifact.py FOLDER ITS-PATH-THERE
"""

import compileall
import shutil
import struct
import sys
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Final

_FOLDERS: Final = {"__pycache__", "tests", "testing"}
_FILES: Final = {".pyi", ".pyx", ".pxd", ".c", ".cpp", ".h", ".hpp"}
_NAMES: Final = {"py.typed", ".lock"}
_METADATA: Final = {"METADATA", "entry_points.txt"}
"""What importlib.metadata reads at run time."""

_ELF_64: Final = b"\x7fELF\x02\x01"
_SECTIONS: Final = struct.Struct("<Q"), 40
_SEGMENTS: Final = struct.Struct("<Q"), 32
_COUNTS: Final = struct.Struct("<HHHHH"), 54


def prune(folder: Path) -> None:
    """Takes away what nothing reads there."""
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for path in [path for path in folder.rglob("*") if path.is_dir() and path.name in _FOLDERS]:
        shutil.rmtree(path, ignore_errors=True)
    for path in [path for path in folder.rglob("*") if path.is_file() and _useless(path)]:
        path.unlink()


def _useless(path: Path) -> bool:
    if path.parent.name.endswith(".dist-info") or path.parent.parent.name.endswith(".dist-info"):
        return path.name not in _METADATA
    return path.suffix in _FILES or path.name in _NAMES


def strip(library: Path) -> None:
    """Cuts off the symbols for debuggers, two thirds of some wheels, which lie behind what is loaded.

    Done here, because the `strip` of a machine knows that machine's processor only.
    """
    content = bytearray(library.read_bytes())
    if not content.startswith(_ELF_64):
        raise SystemExit(f"{library} is not a library for 64-bit Linux.")
    (segments,) = _SEGMENTS[0].unpack_from(content, _SEGMENTS[1])
    size, count, *_ = _COUNTS[0].unpack_from(content, _COUNTS[1])
    places = (struct.unpack_from("<Q16xQ", content, segments + size * index + 8) for index in range(count))
    end = max(offset + length for offset, length in places)
    _SECTIONS[0].pack_into(content, _SECTIONS[1], 0)
    _COUNTS[0].pack_into(content, _COUNTS[1], size, count, 0, 0, 0)
    library.write_bytes(content[:end])


def compile_all(folder: Path, place: str) -> None:
    """Makes bytecode that is used as it is.

    The disk there is read-only, so what comes without bytecode is compiled at each start; and bytecode that is checked
    against its source does not fit any more, because packing changes the times of files.
    """
    done = compileall.compile_dir(
        folder,
        maxlevels=30,
        quiet=1,
        stripdir=str(folder),
        prependdir=place,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        workers=0,
    )
    if not done:
        raise SystemExit(f"Not all of {folder} could be compiled.")


if __name__ == "__main__":
    artifact = Path(sys.argv[1])
    prune(artifact)
    for found in [*artifact.rglob("*.so"), *artifact.rglob("*.so.*")]:
        strip(found)
    compile_all(artifact, sys.argv[2])
