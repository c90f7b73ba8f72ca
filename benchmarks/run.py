"""Compares this service (ours) with a naive implementation and with an empty FastAPI app (floor), in one run.

1. CPU time of the server process per request. `naive.py` implements the same routes like the tutorials of FastAPI and
   SQLModel. `floor.py` has the same bodies and no database. The servers alternate on one machine and one PostgreSQL,
   and ratios are computed per round, because microseconds differ between machines.
2. Latency of list requests during four concurrent logins, because bcrypt must not block other requests.
3. Latency of list requests during twenty chats that wait for a slow model. Chats must not hold connections either.

Exits with 1 in these cases:
- An operation of ours takes more than a third of naive's CPU time.
- The logins raise the p99 to more than three times its value.
- The chats raise the p99 to more than twice its value, or one of them holds a connection.

A run takes four to five minutes. Other load on the machine widens the spreads.
"""

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
    with postgres() as url, all_subjects(url) as (ours, naive, floor):
        cpu_passed = cpu.compare(ours, naive, floor)
        latency_passed = latency.compare(ours)
        chats_passed = chats.compare(url)
    return cpu_passed and latency_passed and chats_passed


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
