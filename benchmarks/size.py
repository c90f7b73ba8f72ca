"""Size of an installation: requests per second of one process, its CPU time per request, and its memory.

Sixteen connections of fifty users repeat one kind of request, which fills the process. The load and PostgreSQL run on
the same machine. A process with a core of its own serves more requests per second. `per core` is the number by
CPU time alone. Works on Linux only.
"""

import time
from collections.abc import Sequence
from typing import Final

import psutil
from load import Load, under
from servers import Server, postgres
from subjects import create_requests, list_requests, login_requests, shipped

_CONNECTIONS: Final = 16
_USERS: Final = 50
_SECONDS: Final = 8.0
_WARM_UP_SECONDS: Final = 2.0
_LIMITS: Final = dict.fromkeys(
    ("REQUESTS_PER_MINUTE", "REQUESTS_IN_FLIGHT", "LOGINS_PER_ADDRESS", "LOGINS_PER_ACCOUNT"), "1000000"
)


def main() -> None:
    with postgres() as url, shipped(url, "size", **_LIMITS) as server:
        print(f"after the start: {_megabytes(server):.0f} MB")
        for name, requests in (
            ("lists of 20 todos", list_requests(server, _USERS)),
            ("new todos", create_requests(server, _USERS)),
            ("logins", login_requests(server, _USERS)),
        ):
            _measure(server, name, requests)


def _measure(server: Server, name: str, requests: Sequence[bytes]) -> None:
    with under(server.port, [Load(name, requests, _CONNECTIONS)], warm_up_seconds=_WARM_UP_SECONDS) as results:
        before = server.cpu_seconds()
        time.sleep(_SECONDS)
        seconds = server.cpu_seconds() - before
    served = len(results[name].served)
    print(
        f"{name:18} {served / _SECONDS:6.0f} per second, {1000 * seconds / served:6.2f} ms of CPU time each, "
        f"{served / seconds:6.0f} per core, {_megabytes(server):.0f} MB, statuses {dict(results[name].statuses)}"
    )


def _megabytes(server: Server) -> float:
    return psutil.Process(server.process_id).memory_info().rss / 1e6


if __name__ == "__main__":
    main()
