"""Runs asynchronous scenarios, and lets the tasks of one run until all of them wait."""

import asyncio
from collections.abc import Awaitable, Callable


def run_scenario(scenario: Callable[[], Awaitable[None]], *, seconds: float = 30) -> None:
    """Runs the scenario in an event loop of its own. Raises TimeoutError when it takes longer than `seconds`."""

    async def bounded() -> None:
        async with asyncio.timeout(seconds):
            await scenario()

    asyncio.run(bounded())


async def settle() -> None:
    """Lets all tasks run until each of them waits."""
    for _ in range(5):
        await asyncio.sleep(0)
