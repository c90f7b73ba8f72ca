"""What is known of a request once it is answered, for whoever logs or counts it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """`route` is the template of its path, None where no route matched; `counts` is what a route counted beside it."""

    request_id: str
    method: str
    route: str | None
    status: int
    milliseconds: float
    user_id: UUID | None
    counts: Mapping[str, int]


type Observer = Callable[[AnsweredRequest], None]
