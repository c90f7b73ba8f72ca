"""The time of answers that must not tell whether an account exists."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final

from todo_core.deadlines import NotCounted
from todo_core.workload import waiting

UNIFORM_SECONDS: Final = 0.25
"""Time of an answer: longer than the statements of its request take, and about that of a password check."""


@asynccontextmanager
async def uniform_time(seconds: float = UNIFORM_SECONDS) -> AsyncIterator[None]:
    """Makes the block take `seconds`, also if it raises. Work that takes longer is not shortened."""
    end = monotonic() + seconds
    try:
        yield
    finally:
        with waiting(), NotCounted():
            await asyncio.sleep(end - monotonic())
