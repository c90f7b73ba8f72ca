"""Sends requests, counts the answers, and waits after a refusal."""

import asyncio
import random
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from tests.faults.ledger import Answers

_MAX_FORBIDDEN: Final = 1000
_MAX_PAUSE_SECONDS: Final = 1.0
"""Clients may return sooner than Retry-After says, so that they meet the service while it recovers."""


@dataclass
class Sender:
    """Sends the requests of one client."""

    http: httpx2.AsyncClient
    answers: Answers

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        headers: dict[str, str] | None = None,
        expected: Collection[str] = (),
    ) -> httpx2.Response | None:
        """Returns a successful response, or a problem whose code is in `expected`.

        Returns None, after a pause, if the outcome is unknown: 503, a lost connection, or 409 `request_in_progress` for
        a request with an idempotency key. Notes every other answer as forbidden.
        """
        started = time.monotonic()
        try:
            response = await self.http.request(method, path, json=json, headers=headers)
        except httpx2.TransportError as error:
            self.answers.disconnects.append((time.monotonic(), repr(error)))
            self.answers.note("lost connection", started, f"{method} {path}")
            await _pause(2)
            return None
        code = "" if response.is_success else str(response.json()["code"])
        self.answers.note(f"{response.status_code} {code}".strip(), started, f"{method} {path}")
        if response.is_success or code in expected:
            return response
        is_keyed = "Idempotency-Key" in (headers or {})
        is_refusal = response.status_code == 503 or (code == "request_in_progress" and is_keyed)
        if not is_refusal or "retry-after" not in response.headers:
            self.answers.forbidden.append(f"{method} {path}: {response.status_code} {response.text}")
            # Ends a run in which a request can never succeed.
            assert len(self.answers.forbidden) < _MAX_FORBIDDEN, self.answers.forbidden[-1]
        await _pause(int(response.headers.get("retry-after", 1)))
        return None

    async def repeat(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        headers: dict[str, str] | None = None,
        expected_of_repeat: Collection[str] = (),
    ) -> tuple[httpx2.Response, bool]:
        """Sends a request until its outcome is known. Returns the response, and True if a repeat got it."""
        is_repeated = False
        while True:
            expected = expected_of_repeat if is_repeated else ()
            response = await self.send(method, path, json=json, headers=headers, expected=expected)
            if response is not None:
                return response, is_repeated
            is_repeated = True
            self.answers.repeats[method] += 1


async def _pause(retry_after: int) -> None:
    await asyncio.sleep(min(retry_after, _MAX_PAUSE_SECONDS) * random.uniform(0.5, 1))  # noqa: S311 - no secret
