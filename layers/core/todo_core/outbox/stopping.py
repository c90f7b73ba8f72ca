"""The end of a delivery: the attempts that are running."""

import asyncio
from collections.abc import Collection
from typing import Final

_STOP_SECONDS: Final = 5.0


async def end_attempts(attempts: Collection[asyncio.Task[None]]) -> None:
    """Waits for running attempts, and cancels those that take long: their leases end by themselves."""
    if attempts:
        _, running = await asyncio.wait(attempts, timeout=_STOP_SECONDS)
        for attempt in running:
            attempt.cancel()
