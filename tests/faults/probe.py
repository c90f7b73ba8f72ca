"""Measures after how many seconds the service serves again."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import httpx2

from tests.accounts import TODOS

_PAUSE_SECONDS: Final = 0.02
_MAX_SECONDS: Final = 60


@dataclass
class Probe:
    """Reads and writes with an account of its own."""

    http: httpx2.AsyncClient

    async def seconds_until_served(self) -> float:
        """Returns the seconds from now until both a write and a read have succeeded."""
        started = time.monotonic()
        async with asyncio.timeout(_MAX_SECONDS):
            while True:
                if await self._succeeds("POST") and await self._succeeds("GET"):
                    return time.monotonic() - started
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _succeeds(self, method: str) -> bool:
        body = {"title": uuid4().hex} if method == "POST" else None
        try:
            response = await self.http.request(method, TODOS, json=body)
        except httpx2.TransportError:
            return False
        return response.is_success
