"""Many reminders that become due while processes are killed and the database crashes."""

import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from tests import postgres
from tests.mail_server import MailServer, ReceivedMail
from tests.postgres import Server
from tests.python_processes import environment_without_settings

_TODOS_PER_USER: Final = 100
_SPARED_PART: Final = 0.05
"""The part of the todos that is moved, and the part that is completed, before their time."""
_SETTLING_SECONDS: Final = 180
"""Time after the last reminder and the last fault in which all mails must arrive."""
_ADD_USERS: Final = """
    INSERT INTO users (id, email, email_key, password_hash, timezone, email_verified_at)
    SELECT gen_random_uuid(), email, email, '', 'Europe/Berlin', now() FROM (
        -- Half of the users have the same provider.
        SELECT number || '@' || CASE WHEN number % 2 = 0 THEN 'large' ELSE number % 40 || '' END || '.example' AS email
        FROM generate_series(1, $1) AS number
    ) AS newcomers
"""
_ADD_TODOS: Final = """
    INSERT INTO todos (id, user_id, title, "order", reminder_at)
    SELECT gen_random_uuid(), id, 'todo ' || number, number, to_timestamp($1 + random() * $2)
    FROM users, generate_series(1, $3) AS number
"""
_SPARE: Final = """
    WITH spared AS (
        SELECT id, random() < 0.5 AS is_moved FROM todos
        WHERE NOT completed AND reminder_at BETWEEN now() + interval '3 seconds' AND now() + interval '30 seconds'
        ORDER BY random() LIMIT $1
    )
    UPDATE todos SET version = version + 1, updated_at = now(), completed = NOT is_moved,
        completed_at = CASE WHEN NOT is_moved THEN now() END,
        reminder_at = CASE WHEN is_moved THEN reminder_at + interval '30 days' ELSE reminder_at END
    FROM spared WHERE todos.id = spared.id
    RETURNING todos.id
"""
_SELECT_EXPECTED: Final = """
    SELECT users.email, todos.title, extract(epoch FROM reminder_at)::float AS due FROM todos
    JOIN users ON users.id = todos.user_id WHERE NOT completed AND reminder_at < now() + interval '1 day'
"""
_SELECT_LEFT: Final = "SELECT count(*) FROM outbox"

type Key = tuple[str, str]
"""The recipient and the title, which together are different for each todo."""


@dataclass(frozen=True)
class Storm:
    """The numbers of a run. Reminders are due within `seconds`, in a random distribution."""

    reminders: int
    seconds: float
    processes: int = 4
    seconds_between_kills: float = 30
    crashes_of_database: int = 3


@dataclass
class Report:
    """The mails that have arrived. Lateness is in seconds, of the first mail of each reminder."""

    expected: int
    lost: int
    spared_but_sent: int
    repeats_with_same_id: int
    repeats_with_another_id: int
    kills: int
    lateness: list[float]

    def percentile(self, percent: float) -> float:
        return sorted(self.lateness)[min(len(self.lateness) - 1, int(len(self.lateness) * percent / 100))]

    def __str__(self) -> str:
        times = ", ".join(f"p{percent} {self.percentile(percent):.1f} s" for percent in (50, 99, 99.9))
        return (
            f"{self.expected} reminders, {self.kills} processes killed: {self.lost} lost, {self.spared_but_sent} sent"
            f" though moved or completed, {self.repeats_with_same_id} repeats with the same id,"
            f" {self.repeats_with_another_id} with another; lateness {times}, most {max(self.lateness):.1f} s"
        )


@dataclass
class Processes:
    """Processes of the service that deliver: the whole app, as the container runs it."""

    settings: dict[str, str]
    folder: Path
    output: IO[bytes]
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    kills: int = 0

    def start(self) -> None:
        command = (sys.executable, "-m", "uvicorn", "functions.main:app", "--port", "0", "--log-level", "warning")
        environment = environment_without_settings() | self.settings
        self.running.append(
            subprocess.Popen(command, cwd=self.folder, env=environment, stdout=self.output, stderr=subprocess.STDOUT)
        )

    def replace_one(self, chance: random.Random) -> None:
        """Kills a process that runs, and starts another one."""
        assert all(process.poll() is None for process in self.running)
        killed = self.running.pop(chance.randrange(len(self.running)))
        killed.kill()
        killed.wait()
        self.kills += 1
        self.start()

    def end(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()


@dataclass
class Faults:
    """The faults of a run: kills of processes, and crashes of the database at these times."""

    server: Server
    processes: Processes
    next_kill: float
    crashes: list[float]
    chance: random.Random

    def inject(self, storm: Storm) -> None:
        """Injects the faults whose time has come."""
        if self.crashes and time.time() >= self.crashes[0]:
            self.crashes.pop(0)
            self.server.kill()
            self.server.restart()
        if time.time() >= self.next_kill:
            self.next_kill += storm.seconds_between_kills
            self.processes.replace_one(self.chance)


def run(storm: Storm, mails: MailServer) -> Report:
    """Plays a storm on an own database server. Returns what has arrived at the mail server."""
    chance = random.Random(1)  # noqa: S311 - no secret
    with ExitStack() as stack:
        # No folder of pytest: each start of pytest takes the rights on those folders from PostgreSQL's user.
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="todo-storm-", ignore_cleanup_errors=True))
        )
        server = Server(folder)
        stack.callback(server.stop)
        url = stack.enter_context(postgres.database(server.url()))
        postgres.query(url, _ADD_USERS, max(1, storm.reminders // _TODOS_PER_USER))
        begins = time.time() + 10
        postgres.query(url, _ADD_TODOS, begins, storm.seconds, min(_TODOS_PER_USER, storm.reminders))
        processes = stack.enter_context(_running(storm, url, mails, folder))
        parts = storm.crashes_of_database + 1
        crashes = [begins + storm.seconds * part / parts for part in range(1, parts)]
        _play(storm, begins, url, Faults(server, processes, begins + storm.seconds_between_kills / 2, crashes, chance))
        due = {(row["email"], row["title"]): row["due"] for row in postgres.query(url, _SELECT_EXPECTED)}
        _wait_until_settled(url, mails, len(due))
        return _report(due, mails.mails, processes.kills)


@contextmanager
def _running(storm: Storm, url: str, mails: MailServer, folder: Path) -> Iterator[Processes]:
    settings = {
        "DATABASE_URL": url,
        "ENVIRONMENT": "production",
        "SECRET_KEY": "kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A",
        "MAIL_URL": mails.url,
        "MAIL_FROM": "Todos <todos@example.com>",
        "PUBLIC_URL": "https://todos.example.com",
        "PATH": os.environ["PATH"],
    }
    with (folder / "output").open("wb") as output:
        processes = Processes(settings, folder, output)
        try:
            for _ in range(storm.processes):
                processes.start()
            yield processes
        finally:
            processes.end()


def _play(storm: Storm, begins: float, url: str, faults: Faults) -> None:
    """Injects the faults while the reminders become due. Moves and completes some todos before their time."""
    spared_per_second = max(1, round(storm.reminders * _SPARED_PART / storm.seconds))
    while (now := time.time()) < begins + storm.seconds:
        faults.inject(storm)
        postgres.query(url, _SPARE, spared_per_second)
        time.sleep(max(0.0, now + 1 - time.time()))


def _wait_until_settled(url: str, mails: MailServer, expected: int) -> None:
    ends = time.time() + _SETTLING_SECONDS
    while time.time() < ends:
        [[left]] = postgres.query(url, _SELECT_LEFT)
        if left == 0 and len(mails.mails) >= expected:
            return
        time.sleep(1)


def _report(due: dict[Key, float], mails: list[ReceivedMail], kills: int) -> Report:
    arrived: defaultdict[Key, list[ReceivedMail]] = defaultdict(list)
    for mail in mails:
        [title] = re.findall(r"todo \d+", str(mail.message["Subject"]))
        arrived[mail.recipient, title].append(mail)
    repeated = [copies for copies in arrived.values() if len(copies) > 1]
    return Report(
        expected=len(due),
        lost=len(due.keys() - arrived.keys()),
        spared_but_sent=len(arrived.keys() - due.keys()),
        repeats_with_same_id=sum(len(copies) - len({mail.id for mail in copies}) for copies in repeated),
        repeats_with_another_id=sum(len({mail.id for mail in copies}) - 1 for copies in repeated),
        kills=kills,
        lateness=[arrived[key][0].arrived_at - moment for key, moment in due.items() if key in arrived],
    )
