"""Joins the fragments of streamed tool calls, which providers number in different ways or not at all."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from todo_assistant.models.answers import join_halves, require_object, require_text
from todo_assistant.models.arguments import is_object, read_arguments
from todo_assistant.models.extras import merge_fields
from todo_assistant.models.messages import ToolCallRequest

_OWN_FIELDS: Final = {"index", "id", "type", "function"}
_OWN_FUNCTION_FIELDS: Final = {"name", "arguments"}


class CallFragments:
    """The tool calls of one stream. `size` counts their characters, plus one for each fragment."""

    def __init__(self, tools: Collection[str]) -> None:
        self.size = 0
        self._tools = tools
        self._calls: list[_Call] = []
        self._by_index: dict[object, _Call] = {}

    def add(self, fragment: Mapping[str, Any]) -> None:
        """Adds a fragment to its call. Raises TypeError for a value of a wrong type."""
        fragment = require_object(fragment)
        function = require_object(fragment.get("function"))
        call_id, name = require_text(fragment.get("id")), require_text(function.get("name"))
        arguments = _read_fragment(function.get("arguments"))
        index = fragment.get("index")
        call = self._by_index.get(index)
        if call is None or self._begins_call(call, call_id, name, arguments):
            call = _Call(position=index if isinstance(index, int) else len(self._calls))
            self._calls.append(call)
            self._by_index[index] = call
        call.id = call.id or call_id
        # Some endpoints repeat the name in each chunk; others divide it between chunks.
        call.name = name if name.startswith(call.name) else call.name + ("" if call.name in self._tools else name)
        call.arguments.append(arguments)
        call.add_extras(fragment, function)
        # A fragment without text counts as one: an endless stream of empty fragments would also fill the memory.
        self.size += len(name) + len(arguments) + 1

    @property
    def are_complete(self) -> bool:
        """True if there are calls, and the arguments of each are a whole JSON object."""
        return bool(self._calls) and all(is_object(call.joined) for call in self._calls)

    def join(self, origin: str) -> list[ToolCallRequest]:
        """Returns the calls in the order of their indexes. `origin` marks their extras."""
        return [
            ToolCallRequest(
                call.id,
                call.name,
                read_arguments(call.joined),
                {"origin": origin, "fields": call.extras} if call.extras else {},
            )
            for call in sorted(self._calls, key=lambda call: call.position)
            if call.name or call.joined
        ]

    def _begins_call(self, call: "_Call", call_id: str, name: str, arguments: str) -> bool:
        """Tells whether a fragment begins a new call, although it has the index of an earlier one.

        Ollama and Gemini send all calls with index 0 or without one. NIM and MiniMax repeat the name in each chunk of
        one call.
        """
        if call_id and call.id and call_id != call.id:
            return bool(name) or is_object(call.joined)
        if not name or not call.name or (call_id and call_id == call.id):
            return False
        if name != call.name:
            return call.name in self._tools
        return arguments.lstrip().startswith("{") and is_object(call.joined)


@dataclass(slots=True)
class _Call:
    """The fragments of one call. The id comes whole."""

    position: int
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def joined(self) -> str:
        return join_halves("".join(self.arguments))

    def add_extras(self, fragment: Mapping[str, Any], function: Mapping[str, Any]) -> None:
        """Keeps all unknown fields of the call and of its function, because the provider may want them back."""
        fields = {name: value for name, value in fragment.items() if name not in _OWN_FIELDS}
        inner = {name: value for name, value in function.items() if name not in _OWN_FUNCTION_FIELDS}
        if inner:
            fields["function"] = inner
        self.extras = merge_fields(self.extras, fields)


def _read_fragment(arguments: object) -> str:
    """Returns a piece of the arguments as text; an object is the whole of them. Raises TypeError for other values."""
    return arguments if isinstance(arguments, str) else read_arguments(arguments)
