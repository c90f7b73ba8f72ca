"""Prepares a folder of packages for a read-only disk: deletes and strips unused parts, and compiles.

Usage: `artifact.py FOLDER PATH`, where PATH is the folder's path on that disk.
"""

import compileall
import shutil
import sys
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Final

from lief import ELF

UNUSED_FOLDERS: Final = {"__pycache__", "tests", "testing"}
UNUSED_SUFFIXES: Final = {".pyi", ".pyx", ".pxd", ".c", ".cpp", ".h", ".hpp"}
UNUSED_FILES: Final = {"py.typed", ".lock"}
METADATA_FILES: Final = {"METADATA", "entry_points.txt"}
"""Files of a `.dist-info` folder that importlib.metadata reads at run time."""

NULL_SECTION: Final = ""
"""Name of the first section, which each ELF file must have."""
SECTION_HEADER_ALIGNMENT: Final = 8


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


def strip(library: Path) -> None:
    """Deletes symbol tables and debug information from a shared library for Linux.

    They are two thirds of some wheels. The `strip` of a machine knows only the libraries of that machine's processor.
    The segments, which are the part that is loaded, keep their bytes.
    """
    content = library.read_bytes()
    binary = ELF.parse(content, _parser_config())
    if binary is None:
        raise SystemExit(f"{library} is not a library for Linux.")
    end = max(segment.file_offset + segment.physical_size for segment in binary.segments)
    names = binary.sections[binary.header.section_name_table_idx]
    for section in list(binary.sections):
        if not section.has(ELF.Section.FLAGS.ALLOC) and section.name not in {NULL_SECTION, names.name}:
            # Emptied first: LIEF needs a second to remove 6 MB, but no time to shorten them.
            section.size = 0
            binary.remove(section)
    # The section names and headers end the file. They move to the end of the segments, so the file gets shorter.
    names.offset = end
    binary.header.section_header_offset = _align(end + names.size, SECTION_HEADER_ALIGNMENT)
    stripped = binary.write_to_bytes(_builder_config())
    header_size = binary.header.header_size
    if stripped[header_size:end] != content[header_size:end]:
        raise SystemExit(f"Stripping {library} would change its code.")
    library.write_bytes(stripped)


def _parser_config() -> ELF.ParserConfig:
    config = ELF.ParserConfig()
    # The symbols are deleted with their section. Parsed symbols would be written again.
    config.parse_symtab_symbols = False
    config.parse_notes = False
    return config


def _builder_config() -> ELF.Builder.config_t:
    """Options that copy all segments instead of building parts of them again."""
    config = ELF.Builder.config_t()
    for option in dir(config):
        if isinstance(getattr(config, option), bool):
            setattr(config, option, False)
    return config


def _align(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment


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
    for path in [*artifact.rglob("*.so"), *artifact.rglob("*.so.*")]:
        strip(path)
    compile_all(artifact, sys.argv[2])
