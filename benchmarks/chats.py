"""Latency of list requests, alone and during chats that wait for a slow model, in pairs of segments."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

import asyncpg
from client import Connection
from segments import Latencies, in_pairs, percentile, print_rows, segment
from servers import new_database
from slow_model import SlowModel, slow_model
from spread import ratios
from subjects import chat_requests, ours_with_model

_PAIRS: Final = 5
_SEGMENT_SECONDS: Final = 8.0
_CHATS: Final = 20
_MODEL_SECONDS: Final = 10.0
_POOL_SIZE: Final = 2
"""Size below the number of chats: waiting chats that held connections would block all list requests."""
_MAX_RATIO: Final = 2.0

_HELD: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'todo-backend' AND state <> 'idle'
"""


def compare(postgres_url: str) -> bool:
    """Prints the latencies. Returns True if the p99 at most doubles and no chat holds a connection."""
    held: list[int] = []
    database_url = new_database(postgres_url, "chats")
    with (
        slow_model(_MODEL_SECONDS) as model,
        ours_with_model(database_url, model.url, pool_size=_POOL_SIZE) as ours,
    ):
        chats = chat_requests(ours.server, _CHATS)

        def alone() -> Latencies:
            return segment(ours, seconds=_SEGMENT_SECONDS)

        def during_chats() -> Latencies:
            with _chats_in_flight(ours.server.port, chats, model):
                latencies = segment(ours, seconds=_SEGMENT_SECONDS)
                held.append(asyncio.run(_connections_held(database_url)))
                if model.waiting_calls != _CHATS:
                    raise RuntimeError(
                        f"Only {model.waiting_calls} of {_CHATS} chats waited until the end of the segment."
                    )
            return latencies

        alone_segments, chat_segments = in_pairs(alone, during_chats, pairs=_PAIRS)
    print(
        f"Latency of list requests in ms, median of {_PAIRS} segments of {_SEGMENT_SECONDS:.0f} s (lowest..highest)\n"
    )
    print_rows(**{"alone": alone_segments, f"{_CHATS} chats": chat_segments})
    ratio = ratios(percentile(chat_segments, 99), percentile(alone_segments, 99))
    print(
        f"\nThe model takes {_MODEL_SECONDS:.0f} s. The pool has {_POOL_SIZE} connections. Connections held by chats:"
        f" {max(held)}. Ratio of the p99 by pair: {ratio.text(2)}"
    )
    has_passed = ratio.median <= _MAX_RATIO and not any(held)
    print(f"At most {_MAX_RATIO:.0f} times, and no connection held: {'passed' if has_passed else 'FAILED'}", flush=True)
    return has_passed


@contextmanager
def _chats_in_flight(port: int, chats: Sequence[bytes], model: SlowModel) -> Iterator[None]:
    """Sends the chats, and enters the block when all of them wait for the model. Ends after their responses."""

    def chat(request: bytes) -> None:
        with Connection(port) as connection:
            connection.exchange(request)

    # Waiting threads use no CPU time.
    with ThreadPoolExecutor(len(chats)) as threads:
        responses = [threads.submit(chat, request) for request in chats]
        model.wait_until(lambda waiting_calls: waiting_calls == len(chats))
        yield
        for response in responses:
            response.result()


async def _connections_held(database_url: str) -> int:
    connection = await asyncpg.connect(database_url)
    try:
        count: int = await connection.fetchval(_HELD)
    finally:
        await connection.close()
    return count
