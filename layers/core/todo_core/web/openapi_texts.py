"""Texts of the OpenAPI document, and the form of its schemas that generators of clients understand."""

import re
from collections.abc import Iterator
from typing import Any, Final, get_args

from todo_core.todos.model import Priority

SUMMARY: Final = "Todos with projects, tags, reminders and an assistant."
TAGS: Final = {
    "auth": "Register, sign in, and manage the account and its sessions.",
    "second factor": "Codes of an authenticator app, and recovery codes.",
    "passkeys": "Passkeys for a login without a password, or as the second factor.",
    "tokens": "API tokens with scopes, for programs.",
    "connections": "Apps that the user has connected by OAuth.",
    "todos": "Todos, their trash, and the log of all changes.",
    "projects": "Projects, which group todos.",
    "tags": "Tags of todos.",
    "quick add": "Todos from a text in the user's own words.",
    "chat": "The assistant: conversations, turns, approvals and undo.",
    "reminders": "The channels of reminders, and browsers that get them.",
    "webhooks": "URLs that get the changes of todos, projects and tags.",
    "webhook messages": "The messages that the service sends to webhooks.",
    "health": "Probes for load balancers and orchestrators.",
}
"""The descriptions of all tags, in the order in which a new client meets them."""

_NAMED_ENUMS: Final = {"Priority": list(get_args(Priority))}
"""Values of which each use refers to one schema, so that a generated client has one type for them."""
_FIRST_SENTENCE: Final = re.compile(r"(.*?)\.(?:\s|$)", re.DOTALL)


def summarize(content: dict[str, Any]) -> None:
    """Makes the first sentence of each description the summary: FastAPI has only the name of the function."""
    for methods in content["paths"].values():
        for operation in methods.values():
            if sentence := _FIRST_SENTENCE.match(operation.get("description", "")):
                operation["summary"] = " ".join(sentence[1].split())


def simplify_schemas(content: dict[str, Any]) -> None:
    """Names shared enums, and moves the defaults of fields into their descriptions.

    Generators make a field with a default required in requests and in responses.
    """
    schemas = content["components"]["schemas"]
    for schema in _objects(content):
        if "properties" in schema:
            for field in _mappings(schema["properties"].values()):
                _describe_default(field)
    for schema in _objects(content):
        for name, values in _NAMED_ENUMS.items():
            if schema.get("enum") == values:
                schemas[name] = {"type": "string", "enum": values}
                rest = {key: schema[key] for key in ("description", "default") if key in schema}
                schema.clear()
                schema.update({"$ref": f"#/components/schemas/{name}"} | rest)


def _describe_default(field: dict[str, Any]) -> None:
    default = field.pop("default", None)
    if isinstance(default, str | int | float):
        told = str(default).lower() if isinstance(default, bool) else default
        field["description"] = f"{field.get('description', '')} Default: `{told}`.".strip()


def _objects(node: object) -> Iterator[dict[str, Any]]:
    """Yields all objects in a part of the document."""
    if isinstance(node, dict):
        yield node
        for value in list(node.values()):
            yield from _objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from _objects(value)


def _mappings(values: Any) -> Iterator[dict[str, Any]]:
    return (value for value in values if isinstance(value, dict))
