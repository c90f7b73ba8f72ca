"""Serves all routes with uvicorn: `python -m functions` listens on HOST and PORT, by default 127.0.0.1 and 8000.

uvicorn's own options work too, as arguments and as variables: `--port 9000` or UVICORN_PORT=9000. The exit status is 2
if settings or options must be corrected.
"""

import os
import re
import socket
import sys
from contextlib import suppress
from typing import Any, Final

import click
import uvicorn

from todo_core.errors import InvalidSettings
from todo_core.logs import log
from todo_core.settings import Settings, load

_MAX_PORT: Final = 65535
_LOCAL_HOSTS: Final = {"", "0.0.0.0", "::", "127.0.0.1", "::1"}  # noqa: S104 - compared with, not bound to
_WRONG_USAGE: Final = 2


class AnnouncingServer(uvicorn.Server):
    """A uvicorn server that says its address and database once it accepts requests."""

    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self._settings = settings

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()

    def _announce(self) -> None:
        settings, config = self._settings, self.config
        url = f"{'https' if config.is_ssl else 'http'}://{_find_name(config.host)}:{config.port}"
        if settings.in_production:
            facts = {"url": url, "environment": settings.environment, "database": settings.database.display_name}
            log.info("Serving on %s with the database %s", url, settings.database.display_name, extra=facts)
        else:
            _print_pages(url, settings)


def _print_pages(url: str, settings: Settings) -> None:
    """Prints the addresses, database, mail and assistant to stderr, for the person at the terminal."""
    commands = "built-in commands; set OPENAI_API_KEY to use a language model"
    embedded = f"embedded PostgreSQL, stored in {settings.data_folder / 'postgres'}"
    server, files = settings.mail.server, f"files in {settings.data_folder / 'mail'}; set MAIL_URL to send them"
    metrics = f"Metrics   http://{_find_name(settings.metrics_host)}:{settings.metrics_port}/metrics"
    print(  # noqa: T201 - a message for the person at the terminal
        *([f"Page      {url}"] if settings.web_page else []),
        f"API       {url}/api/v1",
        f"Docs      {url}/docs",
        f"Database  {settings.database.display_name or embedded}",
        f"Mail      {server.host if server else files}",
        f"Assistant {settings.openai.model if settings.has_language_model else commands}",
        *([metrics] if settings.metrics_port else []),
        "Stop with Ctrl-C.",
        sep="\n",
        file=sys.stderr,
    )


def _find_name(host: str) -> str:
    """Returns the name by which a browser on this machine reaches a host on which the service listens.

    An address of IPv6 has brackets, as in a URL. An empty host means all addresses.
    """
    if host in _LOCAL_HOSTS:
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _read_options(arguments: list[str]) -> dict[str, Any]:
    """Returns uvicorn's options from arguments, UVICORN_* and this service's defaults, in this order of precedence.

    Raises InvalidSettings for a wrong PORT and for several processes. Raises the errors of click for wrong options.
    """
    defaults = {
        "host": os.environ.get("HOST", "127.0.0.1"),
        "port": _parse_port(os.environ.get("PORT", "8000")),
        "http": "functions.http_protocol:BoundedProtocol",
        "log_level": "warning",
        "server_header": False,
    }
    context = uvicorn.main.make_context("python -m functions", ["functions.main:app", *arguments], default_map=defaults)
    options = context.params
    workers = options.pop("workers") or os.environ.get("WEB_CONCURRENCY") or 1
    if str(workers) != "1" or options.pop("app_dir") or options["reload"]:
        raise InvalidSettings(
            f"One process serves, so WEB_CONCURRENCY or --workers cannot be {workers}, and --reload and --app-dir do"
            " not work. Start several containers instead."
        )
    options["headers"] = [header.split(":", 1) for header in options["headers"]]
    return {name: value for name, value in options.items() if value is not None} | {"workers": 1}


def _parse_port(text: str) -> int:
    """Returns the port number. Raises InvalidSettings unless the text is a number from 1 to 65535."""
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) <= _MAX_PORT:
        raise InvalidSettings(f"PORT must be a number from 1 to {_MAX_PORT}.")
    return int(text)


def main(arguments: list[str]) -> int:
    """Serves until a signal stops the process. Returns the exit status."""
    try:
        settings = load()
        _ = settings.secret_keys
        config = uvicorn.Config(**_read_options(arguments))
    except InvalidSettings as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return _WRONG_USAGE
    except click.ClickException as error:
        error.show()
        return _WRONG_USAGE
    except click.exceptions.Exit as end:  # raised by --help and --version
        return end.exit_code
    server = AnnouncingServer(config, settings)
    with suppress(KeyboardInterrupt):
        server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
