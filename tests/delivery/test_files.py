"""Mails in development, without a mail server."""

from email import message_from_bytes
from pathlib import Path

import pytest

from tests.core.databases import run
from tests.delivery.mails import MESSAGE_ID, compose_to
from todo_core.outbox.messages import Mail
from todo_delivery.mail.files import write_to

URL = "http://localhost:8000/reset-password?token=secret"


def write(folder: Path, url: str | None) -> list[Path]:
    async def write_one() -> None:
        await write_to(folder)(compose_to("ada@example.com"), Mail("reset_password", "ada@example.com"), url)

    run(write_one())
    return list(folder.iterdir())


def test_a_mail_is_a_file_and_its_link_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [file] = write(tmp_path / "mail", URL)

    assert file.name == f"20300131-170000-reset_password-{MESSAGE_ID}.eml"
    assert message_from_bytes(file.read_bytes())["To"] == "ada@example.com"
    assert capsys.readouterr().err.splitlines() == ["Mail to ada@example.com: Hello", f"  {URL}", f"  {file}"]


def test_a_repeat_replaces_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, None)
    assert len(write(tmp_path, None)) == 1
    assert len(capsys.readouterr().err.splitlines()) == 4
