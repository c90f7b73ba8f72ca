"""What a tool is, and the box that all of them lie in. A model's schemas are made from it."""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, Final, get_type_hints
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from todo_assistant.models.messages import ToolSchema
from todo_core.actors import Actor
from todo_core.database.executor import Transaction

_MOST_FAULTS: Final = 5
_NOT_STRICT: Final = {"default", "maxLength", "minLength", "pattern", "properties", "required", "title"}


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
class ToolResult:
    """What a tool answers the model: `ok` if everything that was asked for was done."""

    ok: bool
    result: dict[str, JsonValue]

    @classmethod
    def failed(cls, sentence: str) -> "ToolResult":
        # A sentence may quote what the model wrote; PostgreSQL's JSON cannot hold a NUL.
        return cls(ok=False, result={"error": sentence.replace("\0", "\ufffd")})


@dataclass(frozen=True, slots=True)
class Effect:
    """Which of the todos that exist a call would change, and whether it would put any into the trash."""

    todo_ids: Sequence[UUID] = ()
    deletes: bool = False


class Arguments(BaseModel):
    """What a model says to a tool."""

    model_config: ClassVar = ConfigDict(extra="forbid")

    async def effect(self, _context: ToolContext) -> Effect:
        """What the call would do to todos that exist, told without doing it."""
        return Effect()


type Run[A: Arguments] = Callable[[ToolContext, A], Awaitable[ToolResult]]


@dataclass(frozen=True)
class Tool[A: Arguments]:
    """A function that a model may call."""

    name: str
    description: str
    arguments: type[A]
    run: Run[A]

    def read(self, arguments: str) -> A:
        """The arguments as the model wrote them. Raises ValidationError."""
        return self.arguments.model_validate_json(arguments or "{}")

    @cached_property
    def schema(self) -> ToolSchema:
        function = {
            "name": self.name,
            "description": self.description,
            "parameters": _strict(self.arguments.model_json_schema()),
            "strict": True,
        }
        return {"type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class ToolRegistry:
    """The tools by their names."""

    _tools: dict[str, Tool[Any]] = field(default_factory=dict)

    def add[A: Arguments](self, run: Run[A]) -> Run[A]:
        """Makes a tool of a function: its name, its docstring for the model, and the type of its second parameter."""
        name = run.__name__
        arguments = get_type_hints(run)[list(inspect.signature(run).parameters)[1]]
        self._tools[name] = Tool(name, inspect.getdoc(run) or "", arguments, run)
        return run

    def find(self, name: str) -> Tool[Any] | None:
        return self._tools.get(name)

    def __iter__(self) -> Iterator[Tool[Any]]:
        return iter(self._tools.values())

    @property
    def schemas(self) -> list[ToolSchema]:
        return [tool.schema for tool in self._tools.values()]


TODO_TOOLS: Final = ToolRegistry()
"""All that there are."""


def _strict(schema: JsonValue) -> JsonValue:
    """The schema in the part of JSON Schema that strict function calling takes; what it loses is checked here."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: _strict(value) for name, value in schema.items() if name not in _NOT_STRICT}
    properties = schema.get("properties")
    if isinstance(properties, dict):
        # Every property is required; what may be left out may be null, or empty, instead.
        kept |= {"properties": {name: _strict(value) for name, value in properties.items()}, "required": [*properties]}
    return kept


def sentence_of(error: ValidationError) -> str:
    """What is wrong with a call's arguments, for the model that wrote them."""
    faults = [
        f"{'.'.join(str(step) for step in fault['loc']) or 'arguments'}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)[:_MOST_FAULTS]
    ]
    return f"The arguments do not fit, so nothing was done. {'; '.join(faults)}. Correct them and call again."
