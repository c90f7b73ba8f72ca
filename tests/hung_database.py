"""Checks of the answers that each way of serving gives while the database accepts connections and never answers."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import httpx2

from tests.accounts import AUTH, CHAT, PASSWORD, PROJECTS, TODOS, UNKNOWN_ID, Account, problem
from tests.relay import Gate

MOST_SECONDS: Final = 5.0

type Send = Callable[[httpx2.Client], httpx2.Response]

REQUESTS: Final[Mapping[str, Send]] = {
    "list": lambda client: client.get(TODOS),
    "create": lambda client: client.post(TODOS, json={"title": "Buy milk"}),
    "create once": lambda client: client.post(TODOS, json={"title": "Buy"}, headers={"Idempotency-Key": "once"}),
    "batch": lambda client: client.post(f"{TODOS}/batch", json={"operations": [{"op": "delete", "id": UNKNOWN_ID}]}),
    "delete a project": lambda client: client.delete(f"{PROJECTS}/{UNKNOWN_ID}"),
    "export": lambda client: client.get(f"{AUTH}/me/export"),
    "login": lambda client: client.post(f"{AUTH}/login", json={"email": "ada@example.com", "password": PASSWORD}),
    "chat": lambda client: client.post(CHAT, json={"message": "Hello"}),
    "readiness": lambda client: client.get("/health/ready"),
}


@dataclass(frozen=True)
class Timed:
    """A response with the seconds until it came."""

    response: httpx2.Response
    seconds: float


def send_timed(client: httpx2.Client, send: Send) -> Timed:
    began = time.monotonic()
    response = send(client)
    return Timed(response, time.monotonic() - began)


def send_all_while_hung(gate: Gate, account: Account, requests: Mapping[str, Send] = REQUESTS) -> dict[str, Timed]:
    """Sends the requests at the same time while the gate to the database is closed. Returns their answers by name."""
    gate.is_open = False
    try:
        with ThreadPoolExecutor(len(requests)) as threads:
            sent = {name: threads.submit(send_timed, account.client, send) for name, send in requests.items()}
            return {name: answer.result() for name, answer in sent.items()}
    finally:
        gate.is_open = True


def assert_unavailable_in_time(answers: Mapping[str, Timed]) -> None:
    """Asserts that each answer is a 503 of the database with a Retry-After, and came within five seconds."""
    for answer in answers.values():
        problem(answer.response, 503, "database_unavailable")
        assert int(answer.response.headers["retry-after"]) > 0
    assert max(answer.seconds for answer in answers.values()) <= MOST_SECONDS, answers
