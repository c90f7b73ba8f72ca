"""What a tool is, and the box that all of them lie in. A model's schemas are made from it."""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final, get_type_hints
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from todo_assistant.messages import ToolSchema
from todo_core.actors import Actor
from todo_core.database import Transaction

_MOST_FAULTS: Final = 5


def _require_all_properties(schema: dict[str, Any]) -> None:
    # Strict function calling wants every property named as required; what may be left out may be null instead.
    schema["required"] = list(schema.get("properties", {}))
    for described in schema.get("properties", {}).values():
        described.pop("default", None)


class Arguments(BaseModel):
    """What a model says to a tool."""

    model_config: ClassVar = ConfigDict(extra="forbid", json_schema_extra=_require_all_properties)


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Where a tool acts: in one transaction, for the owner who asked, in the turn that is under way."""

    db: Transaction
    actor: Actor
    conversation_id: UUID
    now: datetime
    timezone: ZoneInfo

    @property
    def user_id(self) -> UUID:
        return self.actor.user_id


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool answers the model: `ok` if everything that was asked for was done."""

    ok: bool
    result: dict[str, JsonValue]

    @classmethod
    def failed(cls, sentence: str) -> "Outcome":
        return cls(ok=False, result={"error": sentence})


@dataclass(frozen=True, slots=True)
class Effect:
    """Which of the todos that exist a call would change, and whether it would put any into the trash."""

    todo_ids: Sequence[UUID] = ()
    deletes: bool = False


type Run[A: Arguments] = Callable[[ToolContext, A], Awaitable[Outcome]]
type Foresee[A: Arguments] = Callable[[ToolContext, A], Awaitable[Effect]]


@dataclass(frozen=True, slots=True)
class Tool[A: Arguments]:
    """A function that a model may call. `foresee` tells what a call would do to todos that exist, without doing it."""

    name: str
    description: str
    arguments: type[A]
    run: Run[A]
    foresee: Foresee[A] | None = None

    def read(self, arguments: str) -> A:
        """The arguments as the model wrote them. Raises ValidationError."""
        return self.arguments.model_validate_json(arguments or "{}")

    @property
    def schema(self) -> ToolSchema:
        parameters = self.arguments.model_json_schema(schema_generator=_WithoutTitles)
        function = {"name": self.name, "description": self.description, "parameters": parameters, "strict": True}
        return {"type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The tools by their names."""

    _tools: dict[str, Tool[Any]] = field(default_factory=dict)

    def add[A: Arguments](self, foresee: Foresee[A] | None = None) -> Callable[[Run[A]], Run[A]]:
        """Makes a tool of a function: its name, its docstring for the model, and the type of its second parameter."""

        def take(run: Run[A]) -> Run[A]:
            name, hints = run.__name__, get_type_hints(run)
            parameters = list(inspect.signature(run).parameters)
            description = inspect.getdoc(run) or ""
            self._tools[name] = Tool(name, description, hints[parameters[1]], run, foresee)
            return run

        return take

    def find(self, name: str) -> Tool[Any] | None:
        return self._tools.get(name)

    def __iter__(self) -> Iterator[Tool[Any]]:
        return iter(self._tools.values())

    @property
    def schemas(self) -> list[ToolSchema]:
        return [tool.schema for tool in self]


class _WithoutTitles(GenerateJsonSchema):
    """Each token of a schema is paid for in every request."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - the library's interface
        return False


def sentence_of(error: ValidationError) -> str:
    """What is wrong with a call's arguments, for the model that wrote them."""
    faults = [
        f"{'.'.join(str(step) for step in fault['loc']) or 'arguments'}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)[:_MOST_FAULTS]
    ]
    return f"The arguments do not fit, so nothing was done. {'; '.join(faults)}. Correct them and call again."
