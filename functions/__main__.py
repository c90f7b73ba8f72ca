"""Serves all routes with uvicorn: `python -m functions` listens on HOST and PORT, by default 127.0.0.1 and 8000."""

import os
import re
import socket
import sys
from contextlib import suppress
from typing import Final

import uvicorn

from todo_core.errors import InvalidSettings
from todo_core.settings import Settings, load

_MAX_PORT: Final = 65535
_LOCAL_HOSTS: Final = {"0.0.0.0", "::", "127.0.0.1", "::1"}  # noqa: S104 - compared with, not bound to


class AnnouncingServer(uvicorn.Server):
    """A uvicorn server that prints its addresses, database and assistant to stderr once it accepts requests."""

    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self._settings = settings

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()

    def _announce(self) -> None:
        settings, config = self._settings, self.config
        url = f"http://{_find_name(config.host)}:{config.port}"
        commands = "built-in commands; set OPENAI_API_KEY to use a language model"
        embedded = f"embedded PostgreSQL, stored in {settings.data_folder / 'postgres'}"
        print(  # noqa: T201 - a message for the person at the terminal
            f"API       {url}/api/v1",
            f"Docs      {url}/docs",
            f"Database  {settings.database.display_name or embedded}",
            f"Assistant {settings.openai.model if settings.has_language_model else commands}",
            *(
                [f"Metrics   http://{_find_name(settings.metrics_host)}:{settings.metrics_port}/metrics"]
                if settings.metrics_port
                else []
            ),
            "Stop with Ctrl-C.",
            sep="\n",
            file=sys.stderr,
        )


def _find_name(host: str) -> str:
    """Returns the name by which a browser on this machine reaches a host on which the service listens."""
    return "localhost" if host in _LOCAL_HOSTS else host


def _parse_port(text: str) -> int:
    """Returns the port number. Raises InvalidSettings unless the text is a number from 1 to 65535."""
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) <= _MAX_PORT:
        raise InvalidSettings(f"PORT must be a number from 1 to {_MAX_PORT}.")
    return int(text)


def main() -> None:
    try:
        settings, port = load(), _parse_port(os.environ.get("PORT", "8000"))
    except InvalidSettings as error:
        raise SystemExit(str(error)) from None
    config = uvicorn.Config(
        "functions.main:app",
        host=os.environ.get("HOST", "127.0.0.1"),
        port=port,
        http="functions.http_protocol:BoundedProtocol",
        log_level="warning",
        server_header=False,
    )
    with suppress(KeyboardInterrupt):
        AnnouncingServer(config, settings).run()


if __name__ == "__main__":
    main()
