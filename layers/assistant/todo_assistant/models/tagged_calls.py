"""Tool calls that a model writes as text between `<tool_call>` tags, because its server does not parse them."""

import json
from collections.abc import Collection, Mapping
from typing import Final

from todo_assistant.models.arguments import read_arguments
from todo_assistant.models.messages import AssistantMessage, ModelRequest, ToolCallRequest, ToolMessage
from todo_assistant.models.prompt import fence

_ID_PREFIX: Final = "written_call_"


class TaggedCalls:
    """Reads tagged calls of known tools.

    A todo may hold such a call, and a model may repeat it. So nothing is read after a call in the usual form, nor
    text that a tool result contains.
    """

    def __init__(self, request: ModelRequest, tools: Collection[str]) -> None:
        self.calls: list[ToolCallRequest] = []
        self._tools = tools
        self._request = request
        earlier = [
            call for message in request.messages if isinstance(message, AssistantMessage) for call in message.calls
        ]
        self._is_expected = all(call.id.startswith(_ID_PREFIX) for call in earlier)
        self._number = len(earlier)

    def take(self, text: str) -> bool:
        """Adds the call that the text describes. Returns False if the text is not such a call."""
        call = self._parse(text.strip()) if self._is_expected and not self._is_quoted(text.strip()) else None
        if call is not None:
            self.calls.append(call)
        return call is not None

    def _parse(self, text: str) -> ToolCallRequest | None:
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return None
        if not isinstance(document, Mapping) or document.get("name") not in self._tools:
            return None
        arguments = document.get("arguments", document.get("parameters"))
        if not isinstance(arguments, dict | str | None):
            return None
        call_id = f"{_ID_PREFIX}{self._number + len(self.calls) + 1}"
        return ToolCallRequest(call_id, document["name"], read_arguments(arguments))

    def _is_quoted(self, text: str) -> bool:
        quoted = json.dumps(text, ensure_ascii=False)[1:-1].replace("<", "\\u003c").replace(">", "\\u003e")
        results = (message.result for message in self._request.messages if isinstance(message, ToolMessage))
        return any(quoted in fence(result) for result in results)
