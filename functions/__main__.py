"""Serves everything on this machine: `python -m functions`, with HOST and PORT from the environment."""

import os
import sys

import uvicorn

from todo_core.settings import InvalidSettings, Settings, load


def main() -> None:
    host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8000")
    try:
        settings = load()
        if not port.isdecimal() or not 0 < int(port) < 65536:  # noqa: PLR2004 - TCP's last port is 65535
            raise InvalidSettings("PORT must be a number from 1 to 65535.")
    except InvalidSettings as error:
        raise SystemExit(str(error)) from None
    _announce(settings, f"http://{'localhost' if host in {'0.0.0.0', '127.0.0.1', '::'} else host}:{port}")  # noqa: S104
    uvicorn.run("functions.main:app", host=host, port=int(port), log_level="warning")


def _announce(settings: Settings, url: str) -> None:
    place = settings.database_place or f"embedded PostgreSQL, kept in {settings.data_folder / 'postgres'}"
    print(  # noqa: T201 - for the person who starts it
        f"API       {url}/api/v1",
        f"Docs      {url}/docs",
        f"Database  {place}",
        "Stop with Ctrl-C.",
        sep="\n",
        flush=True,
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
