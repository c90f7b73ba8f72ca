"""One run: clients write, faults are injected, and the result is compared with the ledgers."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx2

from tests import postgres
from tests.accounts import Account, sign_up
from tests.conftest import SECRET_KEY
from tests.faults import checks
from tests.faults.clients import Client
from tests.faults.injection import Injector
from tests.faults.ledger import Answers, Ledger
from tests.faults.probe import Probe
from tests.faults.sending import Sender
from tests.postgres import Server
from tests.relay import Gate, relayed
from tests.service import Service

_ACCOUNTS: Final = 16
_CLIENTS_PER_ACCOUNT: Final = 2
_TIMEOUT_SECONDS: Final = 30.0

_SETTINGS: Final = {
    "SECRET_KEY": SECRET_KEY,
    "BCRYPT_ROUNDS": "4",
    "LOG_LEVEL": "ERROR",
    "OPENAI_API_KEY": "",
    # All clients have the same address, and few accounts send all requests.
    "REGISTRATIONS_PER_ADDRESS": "1000000",
    "REQUESTS_PER_MINUTE": "1000000",
    "REQUESTS_IN_FLIGHT": "1000000",
}


@dataclass
class Result:
    """Counts of a run, and a sentence for each fault that the checks have found."""

    answers: Answers
    recoveries: dict[str, list[float]]
    terminated: int
    log: str
    """Output of the service."""
    acknowledged: int = 0
    entries: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    def check(self, account: Account, ledger: Ledger) -> None:
        todos, log = checks.read_todos(account.client), checks.read_log(account.client)
        self.acknowledged += len(ledger.todos)
        self.entries += len(log)
        self.lost += checks.find_lost(ledger, todos)
        self.doubled += checks.find_doubled(ledger, log)
        self.gaps += checks.find_gaps(log, todos)

    def __str__(self) -> str:
        return "\n".join(
            [
                f"answers: {self.answers.counts.total()}, {self.answers.latency}",
                *(f"    {outcome}: {count}" for outcome, count in self.answers.counts.most_common()),
                f"repeats until the outcome was known: {self.answers.repeats.total()}",
                *(
                    f"{fault}: {len(seconds)} times, served again after at most {max(seconds):.2f} s"
                    for fault, seconds in self.recoveries.items()
                ),
                f"connections terminated: {self.terminated}",
                f"todos acknowledged: {self.acknowledged}, entries of the change log: {self.entries}",
                f"lost: {len(self.lost)}, doubled: {len(self.doubled)}, gaps: {len(self.gaps)}",
                f"forbidden answers: {len(self.answers.forbidden)}",
                f"connections lost while the service ran: {len(self.answers.disconnects_outside_outages)}",
            ]
        )


@contextmanager
def _serving(folder: Path, gate: Gate) -> Iterator[tuple[Service, Server, str]]:
    """Starts a database server, a relay with the gate, and the service. Yields service, server and database URL."""
    with ExitStack() as stack:
        server = Server(folder)
        stack.callback(server.stop)
        url = stack.enter_context(postgres.database(server.url()))
        relay_url = stack.enter_context(relayed(url, host="127.0.0.1", gate=gate))
        service = Service({**_SETTINGS, "DATABASE_URL": relay_url}, folder / "service.log")
        stack.callback(service.kill)
        service.start()
        yield service, server, url


def run(minutes: float) -> Result:
    gate = Gate()
    # Not pytest's tmp_path, because its path may be too long for a Unix socket.
    with (
        TemporaryDirectory(prefix="todo-") as folder,
        _serving(Path(folder), gate) as (service, server, url),
        _accounts(service.url) as (watcher, *accounts),
    ):
        ledgers = [(account, Ledger()) for account in accounts]
        injector = Injector(service, server, url, gate, Probe(_client(watcher)), Answers())
        asyncio.run(_inject_while_clients_write(injector, ledgers, minutes))
        result = Result(injector.answers, injector.recoveries, injector.terminated, service.log.read_text())
        for account, ledger in ledgers:
            result.check(account, ledger)
        return result


async def _inject_while_clients_write(
    injector: Injector, accounts: list[tuple[Account, Ledger]], minutes: float
) -> None:
    chance = random.Random(15)  # noqa: S311 - a seed makes the faults of two runs alike
    stopping = asyncio.Event()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        await stack.enter_async_context(injector.probe.http)
        for account, ledger in accounts * _CLIENTS_PER_ACCOUNT:
            http = await stack.enter_async_context(_client(account))
            client = Client(Sender(http, injector.answers), ledger, random.Random(chance.random()))  # noqa: S311 - see above
            group.create_task(client.run(stopping))
        await injector.run(minutes, chance)
        stopping.set()


@contextmanager
def _accounts(url: str) -> Iterator[list[Account]]:
    with ExitStack() as stack:
        clients = [httpx2.Client(base_url=url, timeout=_TIMEOUT_SECONDS) for _ in range(_ACCOUNTS + 1)]
        yield [sign_up(stack.enter_context(client)) for client in clients]


def _client(account: Account) -> httpx2.AsyncClient:
    # The server closes idle connections after five seconds. The client closes them first, or a request could meet that.
    limits = httpx2.Limits(keepalive_expiry=2)
    return httpx2.AsyncClient(
        base_url=account.client.base_url, headers=account.bearer, timeout=_TIMEOUT_SECONDS, limits=limits
    )
