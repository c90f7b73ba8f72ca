"""Schemas of the events of a turn for the OpenAPI document. `own_protocol` writes the events."""

from typing import Any, Final

from todo_core.web.stream_schemas import name_events

_ID: Final = {"type": "string", "format": "uuid"}
_NUMBER: Final = {"type": "integer", "minimum": 1}


def describe(schemas: dict[str, Any]) -> dict[str, Any]:
    """Adds the schemas of the events. Returns no messages to webhooks."""
    call = {"$ref": "#/components/schemas/ToolCallRead"}
    schemas["ChatTurn"] = _object({"turn_id": _ID, "conversation_id": _ID, "model": {"type": "string"}})
    schemas["ChatToken"] = _object({"text": {"type": "string"}, "round": _NUMBER, "attempt": _NUMBER}) | {
        "description": "A piece of the text. A higher `attempt` of the same `round` replaces the text before it."
    }
    data = {
        "turn": {"$ref": "#/components/schemas/ChatTurn"},
        "token": {"$ref": "#/components/schemas/ChatToken"},
        "tool_call": call,
        "tool_result": call,
        "done": {"$ref": "#/components/schemas/TurnRead"},
    }
    name_events(schemas, "Chat", data)
    return {}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}
