"""Describes the messages to webhooks for the OpenAPI document."""

from typing import Any, Final

from todo_core.webhooks.model import EVENTS, TEST

_SUMMARIES: Final = {
    "todo.created": "A todo was created.",
    "todo.updated": "A todo was changed, reopened, or moved on without being completed.",
    "todo.completed": "A todo was completed. A recurring one has moved to its next occurrence.",
    "todo.deleted": "A todo was put into the trash.",
    "todo.restored": "A todo was taken out of the trash.",
    "reminder.due": "The time of a reminder has come.",
    "project.created": "A project was created.",
    "project.updated": "A project was changed or archived.",
    "project.deleted": "A project was deleted. Its todos are in the trash.",
    "tag.renamed": "A tag was renamed. Its todos have updates of their own.",
    "tag.deleted": "A tag was removed from all todos. They have updates of their own.",
    TEST: "The owner of the webhook asked for a test.",
}
_DESCRIPTION: Final = """\
Sent to the URLs of webhooks, signed by [Standard Webhooks](https://www.standardwebhooks.com). A message has at most
64 KB; `data.truncated` names fields that were left out for it. The messages of one webhook arrive in the order of
`seq`, each at least once: `webhook-id` is the same at each repeat. Answer 2xx within 10 seconds. After other answers,
the message is sent again for three days; 410 switches the webhook off.
"""
_HEADERS: Final = {
    "webhook-id": ("The id of the message, the same at each repeat.", "msg_0198c5a23c007d2c9d2b0b1e6a7c9f77_7"),
    "webhook-timestamp": ("The time of this attempt in Unix seconds.", "1893484801"),
    "webhook-signature": (
        "One or two signatures, separated by a space: two in the 24 hours after a new secret.",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
}
_INSTANT: Final = "2030-01-01T08:00:00Z"
_TAG: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}},
    "examples": [{"name": "home"}],
}


def describe(schemas: dict[str, Any]) -> dict[str, Any]:
    """Returns the member `webhooks`. Adds the messages to `schemas` of the document, whose examples they use.

    Each message and its data have a name, because generators of clients fail on such schemas without one.
    """
    return {event: {"post": _describe_message(event, schemas)} for event in (*EVENTS, TEST)}


def _describe_message(event: str, schemas: dict[str, Any]) -> dict[str, Any]:
    data, example = _describe_data(event, schemas)
    name = "".join(part.title() for part in event.split("."))
    schemas[f"{name}Data"] = data
    schemas[f"{name}Message"] = {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": event},
            "timestamp": {"type": "string", "format": "date-time", "description": "The time of the change."},
            "data": {"$ref": f"#/components/schemas/{name}Data"},
        },
        "examples": [{"type": event, "timestamp": _INSTANT, "data": example}],
    }
    return {
        "tags": ["webhook messages"],
        "summary": _SUMMARIES[event],
        "description": _DESCRIPTION,
        "operationId": f"on_{event.replace('.', '_')}",
        "parameters": [_describe_header(name) for name in _HEADERS],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}Message"}}},
        },
        "security": [],
        "responses": {
            "2XX": {"description": "The receiver has taken the message."},
            "410": {"description": "The receiver wants no more messages: the webhook is switched off."},
            "default": {"description": "The message is sent again later. Redirects are not followed."},
        },
    }


def _describe_header(name: str) -> dict[str, Any]:
    description, example = _HEADERS[name]
    schema = {"type": "string"}
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


def _describe_data(event: str, schemas: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the schema of a message's `data`, and an example."""
    if event == TEST:
        properties: dict[str, Any] = {"webhook_id": {"type": "string", "format": "uuid"}}
        return _object(properties), {"webhook_id": "0198c5a2-3c00-7d2c-9d2b-0b1e6a7c9f77"}
    kind = "todo" if event == "reminder.due" else event.partition(".")[0]
    shown = _TAG if kind == "tag" else {"$ref": f"#/components/schemas/{kind.title()}Read"}
    examples: list[dict[str, Any]] = (_TAG if kind == "tag" else schemas.get(f"{kind.title()}Read", {})).get(
        "examples", [{}]
    )
    properties = {
        "seq": {"type": "integer", "description": "The number of the change in the change log."},
        "actor": {"$ref": "#/components/schemas/ActorRead"},
        kind: shown,
        "before": {
            "type": ["object", "null"],
            "description": "The former values of the fields that have changed. Null without a state before or after.",
        },
    }
    truncated = {"truncated": {"type": "array", "items": {"type": "string"}}}
    example = {"seq": 7, "actor": {"kind": "user", "turn_id": None}, kind: examples[0], "before": None}
    return _object(properties) | {"properties": properties | truncated}, example


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}
