"""The limits of password checks: which counters a login or a confirmation by password uses.

Failures of others do not keep the owner of an account out. A failed login therefore counts for one of three:

- a device that has signed in to the account before, by its device token;
- a network that has signed in to the account before, together with the account;
- the account, for all others.

Without a known device, it also counts for the network.
"""

from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Final
from uuid import UUID

from msgspec import Struct

from todo_core.accounts.audit import Caller
from todo_core.accounts.devices import Devices
from todo_core.accounts.passwords import PasswordHasher
from todo_core.accounts.rate_limits import find_network
from todo_core.limits import RateLimits

_KEY_CHARACTERS: Final = 32


class PasswordChecks(Struct, frozen=True):
    """The objects of a process by which passwords are checked."""

    hasher: PasswordHasher
    limits: RateLimits
    devices: Devices


class Counters(Struct, frozen=True):
    """Rate-limit keys with the maximum of failures and successes in a window.

    A success deletes the failures of the key `own`. `clients` wait for the hashing slot.
    """

    own: str
    failures: Mapping[str, int]
    successes: Mapping[str, int]
    clients: tuple[str, ...]

    @property
    def all(self) -> dict[str, int]:
        return {**self.failures, **self.successes}


def find_login_counters(
    checks: PasswordChecks, email_key: str, known_networks: Collection[str], caller: Caller
) -> Counters:
    """Returns the counters of a login. `known_networks` has the digests of networks that have signed in before.

    A known device does not count for its network, in which others may use up the limits.
    """
    limits = checks.limits
    account = digest_email(email_key)
    network = find_network(caller.address)
    successes = {f"logins:account:{account}": limits.logins_per_account}
    if device_id := checks.devices.find_id(caller.device_token, email_key):
        own = f"login:device:{device_id}"
        return Counters(own, {own: limits.failed_logins_per_account}, successes, (own,))
    is_known = checks.devices.digest_network(network, email_key) in known_networks
    own = f"login:account:{account}" + (f":{network}" if is_known else "")
    successes[f"logins:network:{network}"] = limits.logins_per_address
    failures = {own: limits.failed_logins_per_account, f"login:network:{network}": limits.failed_logins_per_address}
    return Counters(own, failures, successes, (own, network_client(network)))


def find_session_counters(limits: RateLimits, email_key: str, session_id: UUID) -> Counters:
    """Returns the counters of a signed-in user, who confirms an action by the password."""
    own = session_client(session_id)
    # Counted for the account, because a password change replaces the session's id.
    successes = {f"passwords:account:{digest_email(email_key)}": limits.logins_per_account}
    return Counters(own, {own: limits.failed_logins_per_account}, successes, (own,))


def find_code_counter(checks: PasswordChecks, email_key: str, caller: Caller) -> str:
    """Returns the key under which wrong codes of a login count: that of a known device, or that of the account."""
    device_id = checks.devices.find_id(caller.device_token, email_key)
    return f"codes:device:{device_id}" if device_id else f"codes:account:{digest_email(email_key)}"


def find_session_code_counter(session_id: UUID) -> str:
    """Returns the key under which wrong codes of a signed-in user count."""
    return f"codes:session:{session_id}"


def list_account_keys(email_key: str) -> list[str]:
    """Returns the keys that belong to an account alone, to delete them with the account."""
    account = digest_email(email_key)
    return [f"{kind}:account:{account}" for kind in ("login", "logins", "passwords", "codes", "mails")]


def digest_email(email_key: str) -> str:
    """Returns the account's part of keys, of 32 characters.

    The keys do not contain emails, because people type passwords and other secrets into the field of the email.
    """
    return sha256(email_key.encode()).hexdigest()[:_KEY_CHARACTERS]


def network_client(network: str) -> str:
    return f"network:{network}"


def session_client(session_id: UUID) -> str:
    return f"password:session:{session_id}"
