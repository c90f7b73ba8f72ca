"""A scripted provider: refuses requests that its dialect does not allow, and answers the others step by step."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, Protocol

from tests.dialects.provider_server import HttpRequest, HttpResponse, Json
from tests.dialects.steps import Step

KEY: Final = "sk-dialects"

type Rule = Callable[[HttpRequest], HttpResponse | None]
"""Function that returns the provider's refusal of a request, or None."""

type Interruption = Callable[[HttpResponse], HttpResponse]
"""Function that turns the answer to one request into a failure."""


@dataclass(frozen=True)
class Produced:
    """An answer that the provider has sent. `index` is the place of its step in the script, from 0.

    `items` is the answer in the provider's format: one message, or the output items of the Responses API.
    """

    index: int
    step: Step
    items: Sequence[Json]


def is_failure(result: object) -> bool:
    """Returns True for the result of a failed call. A model calls again, but not if the user has refused the call."""
    return '"error"' in str(result) and '"refused"' not in str(result)


class Dialect(Protocol):
    """The wire format of a provider, and its checks of requests."""

    @property
    def path(self) -> str: ...

    @property
    def rules(self) -> Sequence[Rule]: ...

    def count_answers(self, body: Json) -> int:
        """Returns the number of the provider's own answers that a request repeats."""
        ...

    def has_failed_call(self, body: Json) -> bool:
        """Returns True if the request ends with the result of a tool call that failed."""
        ...

    def faults_of(self, body: Json, produced: Sequence[Produced]) -> Iterator[str]:
        """Yields the faults of a request that the strict provider would not accept."""
        ...

    def produce(self, step: Step, number: int, *, corrected: bool) -> Sequence[Json]:
        """Returns an answer in the provider's format. A corrected answer has no broken arguments."""
        ...

    def adopt(self, step: Step) -> Sequence[Json]:
        """Returns the answer that another provider gave, as it must come back to this one."""
        ...

    def encode(self, produced: Produced, request: HttpRequest) -> HttpResponse: ...

    def error(self, status: int, message: str) -> HttpResponse: ...


@dataclass
class Provider:
    """Answers requests with the steps of a script. Records refusals and faults.

    A refusal is a rule of the dialect that a client must learn. A fault is never right.
    """

    dialect: Dialect
    steps: Sequence[Step]
    interruptions: Mapping[int, Interruption] = field(default_factory=dict)
    """Failures by the number of the accepted request, from 0."""

    refusals: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    accepted: int = 0
    _produced: list[Produced] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def take_over(self, other: "Provider") -> None:
        """Continues the conversation of another provider, whose answers have no ids and no extra fields here."""
        self._produced = [
            Produced(-1, produced.step, self.dialect.adopt(produced.step)) for produced in other.list_answers()
        ]

    def list_answers(self) -> list[Produced]:
        return list(self._produced)

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Returns the response to a request: a refusal, an error or the next step of the script."""
        with self._lock:
            return self._refuse(request) or self._continue(request)

    def _refuse(self, request: HttpRequest) -> HttpResponse | None:
        for rule in self.dialect.rules:
            if refusal := rule(request):
                self.refusals.append(b"".join(refusal.pieces).decode())
                return refusal
        del self._produced[self.dialect.count_answers(request.body) :]
        for fault in self._faults_of(request):
            self.faults.append(fault)
            return self.dialect.error(400, fault)
        return None

    def _faults_of(self, request: HttpRequest) -> Iterator[str]:
        if request.path != self.dialect.path:
            yield f"The path must be {self.dialect.path}, not {request.path}."
        if KEY not in {
            request.headers.get("api-key"),
            request.headers.get("authorization", "").removeprefix("Bearer "),
        }:
            yield "The key is wrong."
        yield from self.dialect.faults_of(request.body, self._produced)

    def produce_next(self, *, corrected: bool) -> Produced:
        """Produces the answer of the next step, or with `corrected` that of the last step again."""
        last = self._produced[-1].index if self._produced else -1
        index = last if corrected else last + 1
        items = self.dialect.produce(self.steps[index], len(self._produced), corrected=corrected)
        self._produced.append(Produced(index, self.steps[index], items))
        return self._produced[-1]

    def _continue(self, request: HttpRequest) -> HttpResponse:
        last = self._produced[-1].index if self._produced else -1
        is_repeated = bool(self._produced) and self.dialect.has_failed_call(request.body)
        if last + 1 == len(self.steps) and not is_repeated:
            self.faults.append("The script has ended.")
            return self.dialect.error(500, "The script has ended.")
        produced = self.produce_next(corrected=is_repeated)
        response = self.dialect.encode(produced, request)
        interruption = self.interruptions.get(self.accepted)
        self.accepted += 1
        return interruption(response) if interruption else response
