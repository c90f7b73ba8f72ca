"""Latency of list on ours, alone and while chats wait for a slow model, in pairs of segments."""

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
_SECONDS: Final = 8.0
_CHATS: Final = 20
_THINKING_SECONDS: Final = 10.0
_POOL_SIZE: Final = 2
"""So that a chat which held a connection while it waits would bring every list to a stop."""
_LARGEST_RATIO: Final = 2.0

_HELD: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'todo-backend' AND state <> 'idle'
"""


def compare(postgres_url: str) -> bool:
    """Prints the latencies and says whether the p99 beside chats stays within two times the p99 without.

    None of the chats may hold a connection to the database either.
    """
    held: list[int] = []
    database_url = new_database(postgres_url, "chats")
    with (
        slow_model(_THINKING_SECONDS) as model,
        ours_with_model(database_url, model.url, pool_size=_POOL_SIZE) as ours,
    ):
        chats = chat_requests(ours.server, _CHATS)

        def alone() -> Latencies:
            return segment(ours, seconds=_SECONDS)

        def beside_chats() -> Latencies:
            with _waiting(ours.server.port, chats, model):
                latencies = segment(ours, seconds=_SECONDS)
                held.append(asyncio.run(_connections_held(database_url)))
                if model.thinking != _CHATS:
                    raise RuntimeError(f"Only {model.thinking} of {_CHATS} chats waited until the end of the segment")
            return latencies

        without, beside = in_pairs(alone, beside_chats, pairs=_PAIRS)
    print(f"Latency of list on ours in ms, median of {_PAIRS} segments of {_SECONDS:.0f} s (lowest..highest)\n")
    print_rows(**{"alone": without, f"{_CHATS} chats": beside})
    ratio = ratios(percentile(beside, 99), percentile(without, 99))
    print(
        f"\nThe model takes {_THINKING_SECONDS:.0f} s; the pool has {_POOL_SIZE} connections, of which the chats held"
        f" {max(held)}. Ratio of the p99, by pair: {ratio.text(2)}"
    )
    holds = ratio.median <= _LARGEST_RATIO and not any(held)
    print(f"At most {_LARGEST_RATIO:.0f} times, and none held: {'holds' if holds else 'MISSED'}", flush=True)
    return holds


@contextmanager
def _waiting(port: int, chats: Sequence[bytes], model: SlowModel) -> Iterator[None]:
    """While the block runs all of the chats wait for the model; they are answered before it ends."""

    def chat(request: bytes) -> None:
        with Connection(port) as connection:
            connection.exchange(request)

    # Threads that wait for an answer cost this process nothing.
    with ThreadPoolExecutor(len(chats)) as threads:
        answers = [threads.submit(chat, request) for request in chats]
        model.wait_until(lambda thinking: thinking == len(chats))
        yield
        for answer in answers:
            answer.result()


async def _connections_held(database_url: str) -> int:
    connection = await asyncpg.connect(database_url)
    try:
        count: int = await connection.fetchval(_HELD)
    finally:
        await connection.close()
    return count
