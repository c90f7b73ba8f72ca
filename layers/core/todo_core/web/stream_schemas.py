"""Schemas of server-sent events for the OpenAPI document.

OpenAPI 3.1 has no keyword for the items of a stream, but JSON Schema has `contentSchema` for a text. Generators of
clients ignore it, and make types of all named schemas.
"""

from collections.abc import Mapping
from typing import Any, Final

from todo_core.web.event_stream import EVENT_STREAM

_REFERENCE: Final = "#/components/schemas/"


def describe_stream(prefix: str, example: str) -> dict[str, Any]:
    """Returns the `content` of a response that is a stream of the events which `name_events` names."""
    events = {"$ref": f"{_REFERENCE}{prefix}Event"}
    schema = {"type": "string", "contentMediaType": EVENT_STREAM, "contentSchema": events}
    return {EVENT_STREAM: {"schema": schema, "example": example}}


def name_events(
    schemas: dict[str, Any], prefix: str, data: Mapping[str, dict[str, Any]], *, have_ids: bool = False
) -> None:
    """Adds a schema for each event of a stream to `schemas` of the document, and their union `{prefix}Event`.

    `data` has the schema of the data of each event, by the name of the event. The event `error` has a problem.
    """
    names = []
    for event, schema in {**data, "error": {"$ref": f"{_REFERENCE}Problem"}}.items():
        names.append(f"{prefix}{event.title().replace('_', '')}Event")
        properties: dict[str, Any] = {"event": {"type": "string", "const": event}, "data": schema}
        required = [*properties]
        if have_ids and event != "error":
            properties["id"] = {"type": "string", "description": "The `Last-Event-ID` of a client that connects again."}
            required.append("id")
        schemas[names[-1]] = {
            "type": "object",
            "description": f"The event `{event}`, with its data as parsed JSON.",
            "required": required,
            "properties": properties,
        }
    union = [{"$ref": f"{_REFERENCE}{name}"} for name in names]
    schemas[f"{prefix}Event"] = {"oneOf": union, "description": "An event of the stream."}
