"""Runs tasks: each run has an account of its own, a time limit, and a result even if it fails."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

import asyncpg
import httpx2

from evals.approvals import find_unapproved_effects
from evals.dates import Clock
from evals.matching import Difference, find_any_change, find_differences
from evals.state import State, Usage, read_conduct, read_state
from evals.tasks import OTHER, Task, Yes
from evals.user import Json, User

_MAX_SHOWN_CHARACTERS: Final = 400
_MAX_ATTEMPTS: Final = 2

type NewClient = Callable[[], httpx2.AsyncClient]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A message or an answer to an approval, and the assistant's answer. Both are cut to 400 characters.

    `status` is the status of the turn, or `failed` if there was no answer. The answer is empty then.
    """

    said: str
    answered: str
    status: str
    seconds: float


@dataclass(slots=True)
class Run:
    """The result of one run of a task. `error` is the reason why the run ended early, else empty."""

    task: str
    differences: list[Difference] = field(default_factory=list)
    unapproved: int = 0
    error: str = ""
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def wrong_effects(self) -> int:
        return sum(difference.is_wrong_effect for difference in self.differences)

    @property
    def is_right(self) -> bool:
        return not (self.differences or self.unapproved or self.error)

    @property
    def failure(self) -> str:
        """The kind of the failure, the worst one if there are several. Empty if the run is right."""
        kinds = {difference.kind for difference in self.differences}
        wrong = [kind for kind in ("unwanted change", "unwanted todo", "wrong value") if kind in kinds]
        unapproved = ["unapproved effect"] if self.unapproved else []
        return next(iter([*unapproved, *wrong, *([self.error] if self.error else []), *sorted(kinds)]), "")


@dataclass(frozen=True, slots=True)
class Service:
    """A running service: clients for it, and its database."""

    new_client: NewClient
    database: asyncpg.Pool


@dataclass(frozen=True, slots=True)
class Bounds:
    """The number of runs of each task, those at the same time, and time limits in seconds."""

    runs: int = 4
    parallel: int = 4
    run_seconds: float = 120
    total_seconds: float = 3600


async def run_tasks(
    service: Service, tasks: Sequence[Task], bounds: Bounds, on_run: Callable[[Run], None] = lambda _: None
) -> list[Run]:
    """Returns the results of all runs: first one run of each task, then the second ones.

    Begins no run after the total time, so that the result may have fewer runs.
    """
    ends = monotonic() + bounds.total_seconds
    free = asyncio.Semaphore(bounds.parallel)
    finished: list[Run] = []

    async def run_in_turn(task: Task) -> None:
        async with free:
            if monotonic() < ends:
                finished.append(run := await run_task(service, task, bounds.run_seconds))
                on_run(run)

    async with asyncio.TaskGroup() as group:
        for task in [*tasks] * bounds.runs:
            group.create_task(run_in_turn(task))
    return finished


async def run_task(service: Service, task: Task, seconds: float) -> Run:
    """Runs a task once. A run over midnight is repeated, because its dates have changed their meaning."""
    run = Run(task.name)
    for _ in range(_MAX_ATTEMPTS):
        attempt = _Attempt(service, task, Clock.start(task.zone), run := Run(task.name))
        try:
            await attempt.make(seconds)
        except Exception as error:  # noqa: BLE001 - a failure is a result too, and the other runs continue
            run.error = _describe(error)
        if attempt.clock.is_same_day:
            break
    return run


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One run of a task, which fills in its result."""

    service: Service
    task: Task
    clock: Clock
    run: Run

    async def make(self, seconds: float) -> None:
        """Creates the start state, takes the turns within `seconds`, and compares the end state."""
        async with self.service.new_client() as client, self.service.new_client() as other_client:
            user = await User.sign_up(client, self.task.zone)
            await user.create(self.task.start, self.task.projects, self.clock)
            before = await self._read_state(user)
            other = await User.sign_up(other_client, self.task.zone) if self.task.other else None
            other_ids = await other.create(self.task.other, (), self.clock) if other else [""]
            other_before = await self._read_state(other) if other else State()
            try:
                async with asyncio.timeout(seconds):
                    await self._talk(user, other_ids[0])
            except (TimeoutError, httpx2.HTTPError) as error:
                self.run.error = _describe(error)
        if other:
            self.run.differences += find_any_change(other_before, await self._read_state(other))
        self.run.differences += find_differences(self.task, self.clock, before, await self._read_state(user))
        await self._read_conduct(user)

    async def _talk(self, user: User, other_id: str) -> None:
        """Takes the turns of the task.

        Leaves out the answer to an approval if the assistant has not asked for one.
        """
        for turn in self.task.turns:
            if isinstance(turn, str):
                message = self.clock.fill(turn.replace(OTHER, other_id))
                await self._take_turn(message, user.say(message))
            elif isinstance(turn, Yes):
                await self._take_turn(turn.yes, user.say_yes(turn.yes))
            elif user.is_asked:
                await self._take_turn("(approves)" if turn else "(rejects)", user.answer_approval(approve=turn))

    async def _take_turn(self, said: str, turn: Coroutine[None, None, Json]) -> None:
        """Adds a turn to the run: once the assistant has answered, or as failed."""
        started = monotonic()
        answer: Json = {"response": "", "status": "failed", "model": self.run.model}
        try:
            answer = await turn
        finally:
            shown = said[:_MAX_SHOWN_CHARACTERS], answer["response"][:_MAX_SHOWN_CHARACTERS]
            self.run.exchanges.append(Exchange(*shown, answer["status"], monotonic() - started))
            self.run.model = answer["model"]

    async def _read_state(self, user: User) -> State:
        return await read_state(self.service.database, user.id)

    async def _read_conduct(self, user: User) -> None:
        turns, changes, self.run.usage = await read_conduct(self.service.database, user.id)
        self.run.unapproved = len(find_unapproved_effects(turns, changes, user.approved_turns))


def _describe(error: Exception) -> str:
    """Returns the kind of a failure: a timeout, a status with the code of the problem, or the name of the error."""
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        return "timeout"
    if isinstance(error, httpx2.HTTPStatusError):
        is_problem = error.response.headers.get("content-type") == "application/problem+json"
        code = error.response.json().get("code", "") if is_problem else ""
        return f"HTTP {error.response.status_code} {code}".strip()
    return type(error).__name__
