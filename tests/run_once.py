"""Runs a slow step once for all processes of a test run."""

import fcntl
from collections.abc import Callable
from pathlib import Path


def run_once_across_processes(marker: Path, step: Callable[[], None]) -> None:
    """Runs a step unless it is already complete. Waits first while another process runs the step.

    The file `marker` records that the step is complete.
    """
    with marker.with_name(f"{marker.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.exists():
            step()
            marker.touch()
