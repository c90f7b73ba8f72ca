"""The scan for secrets finds a key in any file that Git tracks."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.deploy import template


def scan(folder: Path) -> subprocess.CompletedProcess[str]:
    """Scans a new Git repository at the folder, which has one tracked file besides the tool."""
    (folder / "tools").mkdir()
    for name in ("secrets_scan.py", "secrets_scan.toml"):
        shutil.copy(template.ROOT / "tools" / name, folder / "tools")
    for command in (("init", "--quiet"), ("add", ".")):
        subprocess.run(("git", *command), cwd=folder, check=True)
    return subprocess.run(
        (sys.executable, folder / "tools/secrets_scan.py"), capture_output=True, text=True, check=False
    )


def test_a_key_fails_the_scan_with_its_place(tmp_path: Path) -> None:
    key = "AKIA" + "IOSFODNN7EXAMPLA"  # joined here, so that the scan of this file passes
    (tmp_path / "notes.txt").write_text(f"first line\n{key}\n")
    ended = scan(tmp_path)

    assert ended.returncode == 1
    assert "notes.txt:2: AWS Access Key" in ended.stdout


def test_a_waived_value_passes(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("postgresql://user:password@db.example.com/todo\n")
    ended = scan(tmp_path)

    assert (ended.returncode, "3 files, 0 secrets." in ended.stdout) == (0, True)
