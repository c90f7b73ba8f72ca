"""Invalid settings end the process at its start, with one sentence that does not show them."""

from pathlib import Path

import pytest

from tests.python_processes import run_python

SECRET_TEXT = "c0ffee"
DATABASE_URL = f"postgresql://ada:{SECRET_TEXT}@db.example.com/todos"
SECRETS = {
    "DATABASE_URL": DATABASE_URL,
    "DATABASE_URL_UNPOOLED": DATABASE_URL,
    "SECRET_KEY": f"{SECRET_TEXT},{SECRET_TEXT}-that-is-long-enough-to-be-a-key",
}
COMMANDS = [("-m", "uvicorn", "functions.main:app"), ("-m", "functions")]


class TestStart:
    @pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
    def test_a_missing_key_ends_the_process_with_one_sentence(self, command: tuple[str, ...], tmp_path: Path) -> None:
        ended = run_python(*command, folder=tmp_path, ENVIRONMENT="production", DATABASE_URL=DATABASE_URL)
        assert ended.returncode != 0
        assert ended.stdout + ended.stderr == "SECRET_KEY must be set in production.\n"

    @pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
    def test_a_short_key_ends_the_process_and_is_not_shown(self, command: tuple[str, ...], tmp_path: Path) -> None:
        ended = run_python(*command, folder=tmp_path, ENVIRONMENT="production", **SECRETS)
        assert ended.returncode != 0
        assert ended.stdout + ended.stderr == "SECRET_KEY must have at least 32 characters.\n"
