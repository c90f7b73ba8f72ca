"""Tools, their arguments and results, and the JSON schemas that describe the tools to a model."""

import inspect
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, ClassVar, Final, Self, get_type_hints
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from todo_assistant.models.messages import ToolSchema
from todo_assistant.tools.traits import ToolTraits, find_traits
from todo_assistant.turns.model import Reversal
from todo_core.actors import Actor
from todo_core.database.executor import Transaction

_MAX_REPORTED_FAULTS: Final = 5
_NOT_IN_STRICT_SCHEMAS: Final = {"default", "maxLength", "minLength", "pattern", "properties", "required", "title"}


@dataclass(frozen=True, slots=True)
class ToolContext:
    """The transaction, the actor, the conversation and the clock of a tool call.

    `now` is the time when the turn was created: "tomorrow" means the same day in all calls of the turn.
    """

    db: Transaction
    actor: Actor
    conversation_id: UUID
    now: datetime
    timezone: ZoneInfo

    @property
    def user_id(self) -> UUID:
        return self.actor.user_id

    @property
    def today(self) -> date:
        return self.now.astimezone(self.timezone).date()


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The answer of a tool to the model. `ok` is False if the call failed entirely or for some of its items."""

    ok: bool
    result: dict[str, JsonValue]

    @classmethod
    def failed(cls, code: str, sentence: str, **data: str) -> Self:
        """Returns the result of a failed call. `sentence` tells the model the reason, and where possible what to do.

        The sentence is not for people. `code` and `data` say the same in a form from which a sentence can be made.
        """
        return cls(ok=False, result=describe_failure(code, sentence, data))


@dataclass(frozen=True, slots=True)
class Effect:
    """The existing todos that a tool call would change, predicted to decide whether the user must approve the call.

    `deletes` is True if some of them would go to the trash that the user must approve. `without_consent` are those of
    the todos that do not count towards the changes that need approval.
    """

    todo_ids: Sequence[UUID] = ()
    deletes: bool = False
    without_consent: Collection[UUID] = frozenset()


class Arguments(BaseModel):
    """Arguments of a tool call. The docstring of a subclass becomes part of its schema, which the model reads.

    `reversal` is set for a tool that only undoes or redoes turns.
    """

    model_config: ClassVar = ConfigDict(extra="forbid")
    reversal: ClassVar[Reversal | None] = None

    async def effect(self, _context: ToolContext) -> Effect:
        """Predicts which existing todos the call would change, without running it: none unless a subclass overrides."""
        return Effect()


type ToolFunction[A: Arguments] = Callable[[ToolContext, A], Awaitable[ToolResult]]


@dataclass(frozen=True)
class Tool[A: Arguments]:
    """A function that a model may call."""

    name: str
    description: str
    arguments: type[A]
    run: ToolFunction[A]

    @classmethod
    def from_function(cls, function: ToolFunction[A]) -> Self:
        """Returns a tool with the name of the function and, as description for the model, its docstring.

        The type of the function's second parameter becomes the class of the tool's arguments.
        """
        second_parameter = list(inspect.signature(function).parameters)[1]
        arguments = get_type_hints(function)[second_parameter]
        return cls(function.__name__, inspect.getdoc(function) or "", arguments, function)

    def parse_arguments(self, arguments: str) -> A:
        """Parses the arguments from the model's JSON; an empty text stands for `{}`. Raises ValidationError."""
        return self.arguments.model_validate_json(arguments or "{}")

    @property
    def traits(self) -> ToolTraits:
        return find_traits(self.name)

    @cached_property
    def schema(self) -> ToolSchema:
        function = {
            "name": self.name,
            "description": self.description,
            "parameters": _to_strict_schema(self.arguments.model_json_schema()),
            "strict": True,
        }
        return {"type": "function", "function": function}


class ToolRegistry:
    """Finds tools by name, and iterates over them in the order in which a model request lists them."""

    def __init__(self, functions: Sequence[ToolFunction[Any]]) -> None:
        self._tools = {tool.name: tool for tool in map(Tool[Any].from_function, functions)}

    def find(self, name: str) -> Tool[Any] | None:
        return self._tools.get(name)

    def __iter__(self) -> Iterator[Tool[Any]]:
        return iter(self._tools.values())

    @property
    def schemas(self) -> list[ToolSchema]:
        return [tool.schema for tool in self._tools.values()]


def describe_invalid_arguments(error: ValidationError) -> str:
    """Returns a text for the model that lists at most five faults in the arguments of its tool call."""
    faults = [
        f"{'.'.join(str(step) for step in fault['loc']) or 'arguments'}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)[:_MAX_REPORTED_FAULTS]
    ]
    return f"The arguments are invalid, so nothing was done. {'; '.join(faults)}. Correct them and call again."


def describe_failure(code: str, sentence: str, data: Mapping[str, str]) -> dict[str, JsonValue]:
    """Returns the JSON of a failed call or item: the sentence as `error`, the code, and the data as further members."""
    return {"error": _replace_nul(sentence), "code": code, **{name: _replace_nul(text) for name, text in data.items()}}


def _replace_nul(text: str) -> str:
    """Replaces each NUL character by U+FFFD, as PostgreSQL's `jsonb` cannot store NUL.

    An error sentence that quotes the model's arguments may contain NUL.
    """
    return text.replace("\0", "\ufffd")


def _to_strict_schema(schema: JsonValue) -> JsonValue:
    """Returns the schema in the subset of JSON Schema that OpenAI's strict function calling accepts.

    Dropped keywords such as `maxLength` are still enforced: Pydantic checks them when it parses the arguments.
    """
    if isinstance(schema, list):
        return [_to_strict_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: _to_strict_schema(value) for name, value in schema.items() if name not in _NOT_IN_STRICT_SCHEMAS}
    properties = schema.get("properties")
    if isinstance(properties, dict):
        # Strict mode demands that `required` lists every property. For an optional one the model sends null or an
        # empty list.
        kept |= {
            "properties": {name: _to_strict_schema(value) for name, value in properties.items()},
            "required": [*properties],
        }
    return kept
