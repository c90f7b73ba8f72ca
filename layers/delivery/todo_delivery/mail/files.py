"""Writes mails into files, for development without a mail server."""

import asyncio
import sys
from email.message import EmailMessage
from pathlib import Path

from todo_core.outbox.messages import Mail
from todo_delivery.mail.sending import Transport


def write_to(folder: Path) -> Transport:
    """Returns a transport that writes each mail into a file, and prints its subject and link to standard error."""

    async def write(message: EmailMessage, mail: Mail, url: str | None) -> None:
        message_id, _, _ = message["Message-ID"].strip("<>").partition("@")
        path = folder / f"{message['Date'].datetime:%Y%m%d-%H%M%S}-{mail.template}-{message_id}.eml"
        await asyncio.to_thread(_write, path, message.as_bytes())
        lines = [f"Mail to {mail.to}: {message['Subject']}", *([f"  {url}"] if url else []), f"  {path}"]
        print(*lines, sep="\n", file=sys.stderr, flush=True)  # noqa: T201 - for the person at the terminal

    return write


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
