"""Ledger of the writes that the service has acknowledged to clients, and of the answers that clients got."""

import time
from collections import Counter
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Final

SLOW_SECONDS: Final = 10.0


@dataclass
class Acknowledged:
    """State of a todo after the last acknowledged write.

    `version` is None when it cannot be known: after a write without a response body, or after a repeated write.
    `is_settled` is true if clients must leave the todo alone, because an unacknowledged write may still take effect.
    """

    id: str
    title: str
    version: int | None
    completed: bool = False
    deleted: bool = False
    is_settled: bool = False


@dataclass
class Ledger:
    """The todos of one account, as its clients know them."""

    todos: dict[str, Acknowledged] = field(default_factory=dict)
    unacknowledged_titles: set[str] = field(default_factory=set)
    """Titles of creates without an idempotency key and without an answer. Each may exist once, or not at all."""

    def note_created(self, todo: dict[str, object]) -> Acknowledged:
        created = Acknowledged(str(todo["id"]), str(todo["title"]), int(str(todo["version"])))
        self.todos[created.id] = created
        return created


@dataclass
class Answers:
    """All answers of a run: counts by status and code, durations, and those that no rule allows."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    forbidden: list[str] = field(default_factory=list)
    disconnects: list[tuple[float, str]] = field(default_factory=list)
    """Moments (`time.monotonic`) at which a client's connection failed, with the error."""
    repeats: Counter[str] = field(default_factory=Counter)
    """Repeated requests until the first definite answer, by operation."""
    outages: list[tuple[float, float]] = field(default_factory=list)
    """Periods (`time.monotonic`) in which no process of the service ran."""

    timeline: list[str] = field(default_factory=list)
    """Faults and slow answers, each with the seconds since the start of the run."""
    began: float = field(default_factory=time.monotonic)

    def note(self, outcome: str, started: float, request: str) -> None:
        seconds = time.monotonic() - started
        self.counts[outcome] += 1
        self.seconds.append(seconds)
        if seconds > SLOW_SECONDS:
            self.note_event(f"{outcome} to {request} after {seconds:.1f} s")

    def note_event(self, event: str) -> None:
        self.timeline.append(f"{time.monotonic() - self.began:7.1f} s: {event}")

    @property
    def disconnects_outside_outages(self) -> list[str]:
        return [
            error
            for moment, error in self.disconnects
            if not any(begin <= moment <= end for begin, end in self.outages)
        ]

    @property
    def latency(self) -> str:
        cuts = quantiles(self.seconds, n=1000)
        return f"p50 {cuts[499]:.3f} s, p99 {cuts[989]:.2f} s, longest {max(self.seconds):.1f} s"
