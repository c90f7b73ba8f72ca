"""Backup and restore of the embedded database, by the commands of `make backup` and `make restore`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests import serving
from tests.accounts import Account, sign_in, sign_up
from tests.python_processes import environment_without_settings

ROOT: Final = Path(__file__).parents[2]
SCRIPTS: Final = ROOT / "k8s/todo-web-app/files"


def run_with_database(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, ROOT / "tools/with_database.py", *command),
        cwd=folder,
        env=environment_without_settings(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_service_serves_what_was_there(tmp_path: Path) -> None:
    server = (sys.executable, "-m", "functions")
    with serving.on_port({}, command=server, folder=str(tmp_path)) as surface, surface.client() as client:
        ada = sign_up(client)
        ada.add("Buy milk")
    done = run_with_database(tmp_path, SCRIPTS / "backup.sh", "backups", "14")
    assert done.returncode == 0, done.stderr
    shutil.rmtree(tmp_path / ".data")
    done = run_with_database(tmp_path, SCRIPTS / "restore.sh", "backups", "postgres")
    assert done.returncode == 0, done.stderr
    with serving.on_port({}, command=server, folder=str(tmp_path)) as surface, surface.client() as client:
        assert sign_in(client, ada.email).status_code == 200
        assert Account(client, ada.user).titles() == ["Buy milk"]


def test_another_database_is_used_with_the_programs_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://pooled\nDATABASE_URL_UNPOOLED=postgresql://direct\n")
    done = run_with_database(tmp_path, "sh", "-c", "echo $DATABASE_URL; echo $PATH")
    assert done.stdout == f"postgresql://direct\n{os.environ['PATH']}\n"


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=mysql://somewhere\n")
    done = run_with_database(tmp_path, "true")
    assert done.returncode == 1
    assert done.stderr == "DATABASE_URL: cannot be used: it must begin with postgresql://.\n"
