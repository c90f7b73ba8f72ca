"""Compares the times of answers for an email or link of an account with those for an invented one.

The requests alternate. Prints both medians of each route and their difference. Exits with 1 when a difference is 5% or
more. A run takes about four minutes.
"""

import secrets
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Final
from uuid import uuid4

import httpx2
from passlib.context import CryptContext
from servers import execute, new_database, postgres, service

from tests.mail_server import mail_server
from tests.mailbox import SENDER

_ATTEMPTS: Final = 200
_ROUNDS: Final = 9
_MAX_DIFFERENCE: Final = 0.05
_PASSWORD: Final = "correct horse battery staple"  # noqa: S105 - accounts of one run
_AUTH: Final = "/api/v1/auth"
_WITHOUT_LIMIT: Final = str(10**6)
_LIMITS: Final = (
    *("FAILED_LOGINS_PER_ACCOUNT", "FAILED_LOGINS_PER_ADDRESS", "FORGOTTEN_PASSWORDS_PER_ADDRESS", "MAILS_PER_MAILBOX"),
    *("REGISTRATIONS_PER_ADDRESS", "REQUESTS_PER_MINUTE"),
)
_INSERT: Final = """
    INSERT INTO users (id, email, email_key, password_hash, timezone, email_verified_at)
    VALUES (gen_random_uuid(), '{email}', '{email}', '{password_hash}', 'UTC', now())
"""
_INSERT_LINK: Final = """
    INSERT INTO links (id, user_id, purpose, token_hash, expires_at)
    SELECT gen_random_uuid(), id, '{purpose}', sha256('{token}'), now() - interval '1 minute' FROM users
"""

type Body = Callable[[bool], dict[str, str]]
"""Returns the body of a request for the account, or for none."""


def main() -> None:
    email, old_reset, old_verification = _new_email(), secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    bodies: dict[str, Body] = {
        "login": lambda known: {"email": email if known else _new_email(), "password": "a wrong password"},
        "password/forgot": lambda known: {"email": email if known else _new_email()},
        "password/reset": lambda known: {"token": old_reset if known else _new_token(), "password": _PASSWORD},
        "email/verify": lambda known: {"token": old_verification if known else _new_token()},
        "register": lambda known: {"email": email if known else _new_email(), "password": _PASSWORD},
    }
    print(f"ms, median of {_ATTEMPTS} each, interleaved, BCRYPT_ROUNDS={_ROUNDS}, REQUIRE_VERIFIED_EMAIL\n")
    print(f"{'route':<22}{'account':>9}{'none':>9}{'difference':>12}")
    with postgres() as url, mail_server() as mails:
        database = new_database(url, "existence")
        settings = dict.fromkeys(_LIMITS, _WITHOUT_LIMIT) | {
            "DATABASE_URL": database,
            "SECRET_KEY": secrets.token_urlsafe(32),
            "BCRYPT_ROUNDS": str(_ROUNDS),
            "REQUIRE_VERIFIED_EMAIL": "true",
            "MAIL_URL": mails.url,
            "MAIL_FROM": SENDER,
        }
        with service(settings) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
            password_hash = CryptContext(["bcrypt_sha256"], bcrypt_sha256__rounds=_ROUNDS).hash(_PASSWORD)
            execute(database, _INSERT.format(email=email, password_hash=password_hash))
            # An expired link belongs to an account, and an invented token to none.
            for purpose, token in (("reset_password", old_reset), ("verify_email", old_verification)):
                execute(database, _INSERT_LINK.format(purpose=purpose, token=token))
            differences = [_measure(client, name, body) for name, body in bodies.items()]
    has_passed = max(differences) < _MAX_DIFFERENCE
    print(f"\nLess than {_MAX_DIFFERENCE:.0%}: {'passed' if has_passed else 'FAILED'}", flush=True)
    sys.exit(0 if has_passed else 1)


def _measure(client: httpx2.Client, name: str, body: Body) -> float:
    """Prints the medians for an account and for none. Returns their relative difference."""
    times: dict[bool, list[float]] = {True: [], False: []}
    answers = set()
    for attempt in range(_ATTEMPTS + 1):
        # Each is sent first half of the times: one request may pay for work that the other has left.
        for known in (True, False) if attempt % 2 else (False, True):
            fields = body(known)
            started = perf_counter()
            response = client.post(f"{_AUTH}/{name}", json=fields)
            if attempt:  # the first loads libraries
                times[known].append(perf_counter() - started)
            answers.add(response.status_code)
    if len(answers) != 1:
        raise RuntimeError(f"{name}: {answers}")
    known_time, unknown_time = median(times[True]), median(times[False])
    difference = abs(known_time / unknown_time - 1)
    print(f"{name:<22}{known_time * 1000:>9.2f}{unknown_time * 1000:>9.2f}{difference:>12.1%}", flush=True)
    return difference


def _new_email() -> str:
    return f"{uuid4().hex}@example.com"


def _new_token() -> str:
    return secrets.token_urlsafe(32)


if __name__ == "__main__":
    main()
