"""Compares this service (ours) with other ways to build it, in one run.

1. CPU time of the server and of PostgreSQL per request. `naive.py` implements the same routes like the tutorials of
   FastAPI and SQLModel, `template.py` like FastAPI's full-stack template. PocketBase is a finished service in Go.
   `floor.py` is FastAPI with the same bodies and no database, `limit.py` PostgreSQL without FastAPI. The servers
   alternate on one machine and one PostgreSQL, and ratios are computed per round, because microseconds differ between
   machines.
2. Latency of list requests during four concurrent logins, because bcrypt must not block other requests.
3. Latency of list requests during twenty chats that wait for a slow model. Chats must not hold connections either.

Exits with 1 in these cases:
- An operation of ours takes more than a third of naive's CPU time.
- The logins raise the p99 to more than three times its value.
- The chats raise the p99 to more than twice its value, or one of them holds a connection.

`PLOT` names a file for a picture of the CPU times (SVG). A run takes five to six minutes. Other load on the machine
widens the spreads.
"""

import os
import signal
import sys
from types import FrameType

import chats
import cpu
import latency
from servers import postgres
from subjects import all_subjects


def main() -> None:
    # Like Ctrl-C, so that all servers are stopped.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        has_passed = _compare()
    except KeyboardInterrupt:
        sys.exit("Interrupted.")
    sys.exit(0 if has_passed else 1)


def _compare() -> bool:
    with postgres() as url, all_subjects(url) as subjects:
        cpu_passed = cpu.compare(url, subjects, os.environ.get("PLOT"))
        latency_passed = latency.compare(subjects[0])
        chats_passed = chats.compare(url)
    return cpu_passed and latency_passed and chats_passed


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
