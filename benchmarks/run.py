"""Compares ours with the naive way and with the floor, in one run, and with itself while logins are going on.

First the CPU time of the server process per request. `naive.py` does the same as ours the way the tutorials do it,
`floor.py` is FastAPI without anything behind it. All answer in turn on the same machine and PostgreSQL, so a ratio
means more than the microseconds, which differ from machine to machine. Ratios are taken round by round.

Then the latency of list while four logins are always in flight: bcrypt must not stand in the way of others. The same
while twenty chats wait for a slow language model: they must not either, and hold no connection to the database.

Ends with status 1 when ours takes more than a third of naive's CPU time on an operation, when the logins raise the
p99 more than three times, or when the chats raise it more than twice or hold a connection. Runs for four to five
minutes; a machine that is busy otherwise widens the spreads.
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
    # As Ctrl-C does, so that every server is stopped on the way out.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        holds = _compare()
    except KeyboardInterrupt:
        sys.exit("Interrupted.")
    sys.exit(0 if holds else 1)


def _compare() -> bool:
    with postgres() as url, all_subjects(url) as (ours, naive, floor):
        cpu_holds = cpu.compare(ours, naive, floor)
        latency_holds = latency.compare(ours)
        chats_hold = chats.compare(url)
    return cpu_holds and latency_holds and chats_hold


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
