"""Injects faults one after another, and measures after each one when the service serves again."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from tests import postgres
from tests.faults.ledger import Answers
from tests.faults.probe import Probe
from tests.postgres import Server
from tests.relay import Gate
from tests.service import Service

FAULTS_IN_TEN_MINUTES: Final = {"database killed": 20, "service killed": 20, "network stalled": 10}
_SECONDS_PER_FAULT: Final = 600 / sum(FAULTS_IN_TEN_MINUTES.values())
_TERMINATIONS_PER_FAULT: Final = 4
_DOWN_SECONDS: Final = (0.2, 3.0)
_STALL_SECONDS: Final = (2.0, 9.0)
_GRACE_SECONDS: Final = 0.5
"""A client may notice a lost connection this much later than the service is back."""

_TERMINATE_ONE = """
    SELECT pg_terminate_backend(pid) FROM (
        SELECT pid FROM pg_stat_activity WHERE application_name = 'todo-backend'
        ORDER BY state = 'idle', random() LIMIT 1
    ) AS busiest
"""


@dataclass
class Injector:
    """Injects the faults of FAULTS_IN_TEN_MINUTES, in proportion to `minutes`, and terminates connections meanwhile."""

    service: Service
    database: Server
    database_url: str
    gate: Gate
    probe: Probe
    answers: Answers
    recoveries: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Seconds until the service served again, by fault."""
    terminated: int = 0

    async def run(self, minutes: float, chance: random.Random) -> None:
        faults = [
            fault
            for name, count in FAULTS_IN_TEN_MINUTES.items()
            for fault in [name] * max(1, round(count * minutes / 10))
        ]
        chance.shuffle(faults)
        inject: dict[str, Callable[[random.Random], Awaitable[None]]] = {
            "database killed": self._kill_database,
            "service killed": self._kill_service,
            "network stalled": self._stall_network,
        }
        for fault in faults:
            ends = time.monotonic() + _SECONDS_PER_FAULT
            self.answers.note_event(fault)
            await inject[fault](chance)
            self.answers.note_event(f"end of {fault}")
            self.recoveries[fault].append(await self.probe.seconds_until_served())
            self.answers.note_event("served again")
            await self._terminate_connections(ends, chance)

    async def _kill_database(self, chance: random.Random) -> None:
        await asyncio.to_thread(self.database.kill)
        await asyncio.sleep(chance.uniform(*_DOWN_SECONDS))
        await asyncio.to_thread(self.database.restart)

    async def _kill_service(self, chance: random.Random) -> None:
        began = time.monotonic()
        await asyncio.to_thread(self.service.kill)
        await asyncio.sleep(chance.uniform(0, 1))
        await asyncio.to_thread(self.service.start)
        self.answers.outages.append((began, time.monotonic() + _GRACE_SECONDS))

    async def _stall_network(self, chance: random.Random) -> None:
        self.gate.is_open = False
        await asyncio.sleep(chance.uniform(*_STALL_SECONDS))
        self.gate.is_open = True

    async def _terminate_connections(self, ends: float, chance: random.Random) -> None:
        """Terminates connections of the service at random moments, those in use first."""
        left = 0
        while left < _TERMINATIONS_PER_FAULT:
            rows = await asyncio.to_thread(postgres.query, self.database_url, _TERMINATE_ONE)
            left += len(rows)
            await asyncio.sleep(chance.uniform(0, 2 * max(0.0, ends - time.monotonic()) / _TERMINATIONS_PER_FAULT))
        self.terminated += left
        await asyncio.sleep(max(0.0, ends - time.monotonic()))
