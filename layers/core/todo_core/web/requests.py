"""What is known of a request once it is answered, for whoever logs or counts it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

type Count = Literal["ChatTurns", "ChatTokens", "ToolCalls"]
"""What a route may count beside its requests."""


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """`route` is the template of its path, None where no route matched; `counts` is what its route counted."""

    request_id: str
    method: str
    route: str | None
    status: int
    milliseconds: float
    user_id: UUID | None
    counts: Mapping[Count, int]


type Observer = Callable[[AnsweredRequest], None]
