"""What takes long is made once, by whichever of the processes that need it comes first."""

import fcntl
from collections.abc import Callable
from pathlib import Path


def once(done: Path, make: Callable[[], None]) -> None:
    """Calls `make` unless a process has done so before, and waits while one does. `done` is the file that says so."""
    with done.with_name(f"{done.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make()
            done.touch()
