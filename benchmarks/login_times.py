"""Compares the time of failed logins with and without an account, so that the time cannot reveal accounts.

Logins with a wrong password alternate between an account and an invented email. Prints both medians and their
difference. The stored hash has the server's rounds, fewer, more, or is plain bcrypt. One run is beside list requests.

Exits with 1 when a difference is 5% or more. A run takes about three minutes.
"""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from statistics import median
from threading import Event, Thread
from time import perf_counter
from typing import Final
from uuid import uuid4

import bcrypt
import httpx2
from client import Connection
from passlib.context import CryptContext
from servers import Server, execute, new_database, postgres, uvicorn
from subjects import list_request

_ATTEMPTS: Final = 200
_ROUNDS: Final = 9
_MAX_DIFFERENCE: Final = 0.05
_PASSWORD: Final = "correct horse battery staple"  # noqa: S105 - accounts of one run
_LOGIN: Final = "/api/v1/auth/login"
_INSERT: Final = """
    INSERT INTO users (id, email, email_key, password_hash, timezone)
    VALUES (gen_random_uuid(), '{email}', '{email}', '{password_hash}', 'UTC')
"""


def main() -> None:
    hashes = {
        "rounds unchanged": _hash(_ROUNDS),
        "rounds raised since": _hash(_ROUNDS - 1),
        "rounds lowered since": _hash(_ROUNDS + 1),
        "plain bcrypt": bcrypt.hashpw(_PASSWORD.encode(), bcrypt.gensalt(_ROUNDS)).decode(),
        "beside load": _hash(_ROUNDS),
    }
    print(f"Failed logins in ms, median of {_ATTEMPTS} each, interleaved, BCRYPT_ROUNDS={_ROUNDS}\n")
    print(f"{'stored hash':<22}{'account':>9}{'none':>9}{'difference':>12}")
    with postgres() as url:
        differences = [_measure(url, number, name, stored) for number, (name, stored) in enumerate(hashes.items())]
    has_passed = max(differences) < _MAX_DIFFERENCE
    print(f"\nLess than {_MAX_DIFFERENCE:.0%}: {'passed' if has_passed else 'FAILED'}", flush=True)
    sys.exit(0 if has_passed else 1)


def _hash(rounds: int) -> str:
    return CryptContext(["bcrypt_sha256"], bcrypt_sha256__rounds=rounds).hash(_PASSWORD)


def _measure(postgres_url: str, number: int, name: str, stored_hash: str) -> float:
    """Prints the medians for an account with this hash. Returns their relative difference."""
    url = new_database(postgres_url, f"logins_{number}")
    without_limit = str(10**6)
    settings = {
        "DATABASE_URL": url,
        "SECRET_KEY": secrets.token_urlsafe(32),
        "BCRYPT_ROUNDS": str(_ROUNDS),
        "FAILED_LOGINS_PER_ACCOUNT": without_limit,
        "FAILED_LOGINS_PER_ADDRESS": without_limit,
        "REQUESTS_PER_MINUTE": without_limit,
    }
    with uvicorn("functions.main:app", settings) as server:
        email = _new_email()
        execute(url, _INSERT.format(email=email, password_hash=stored_hash))
        with _list_requests(server) if name == "beside load" else nullcontext():
            known, unknown = _alternate(server, email)
    difference = abs(known / unknown - 1)
    print(f"{name:<22}{known * 1000:>9.1f}{unknown * 1000:>9.1f}{difference:>12.1%}", flush=True)
    return difference


def _alternate(server: Server, email: str) -> tuple[float, float]:
    """Returns the median seconds of failed logins to the account with this email, and of those to none."""
    known, unknown = [], []
    with httpx2.Client(base_url=server.url, timeout=30) as client:
        for attempt in range(_ATTEMPTS + 1):
            times = _fail(client, email), _fail(client, _new_email())
            if attempt:  # the first loads the hashing library
                known.append(times[0])
                unknown.append(times[1])
    return median(known), median(unknown)


def _fail(client: httpx2.Client, email: str) -> float:
    started = perf_counter()
    response = client.post(_LOGIN, json={"email": email, "password": "a wrong password"})
    seconds = perf_counter() - started
    if response.status_code != httpx2.codes.UNAUTHORIZED:
        raise RuntimeError(response.text)
    return seconds


@contextmanager
def _list_requests(server: Server) -> Iterator[None]:
    """Repeats list requests during the block."""
    request = list_request(server)
    stopped = Event()

    def repeat() -> None:
        with Connection(server.port) as connection:
            while not stopped.is_set():
                connection.exchange(request)

    thread = Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _new_email() -> str:
    return f"{uuid4().hex}@example.com"


if __name__ == "__main__":
    main()
