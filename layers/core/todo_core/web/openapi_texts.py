"""Texts of the OpenAPI document, and the form of its schemas that generators of clients understand."""

import re
from collections.abc import Iterator
from typing import Any, Final, get_args

from todo_core.todos.model import Priority
from todo_core.web.pages_as_objects import CHANGE_SEQ, PAGE_MEDIA_TYPE
from todo_core.web.problems import MEDIA_TYPE, InternalError, MethodNotAllowed, PreflightRefused, RouteNotFound
from todo_core.web.request_heads import MalformedRequest

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
_PATH_PARAMETER: Final = re.compile(r"\{\w+\}")
_EXAMPLE_ID: Final = "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22"
_CURSOR: Final = f"1024.0~{_EXAMPLE_ID}.5f2b6a0e9c1d4e7f8a3b2c1d0e9f8a7b"
_CODES_OF_NO_OPERATION: Final = (RouteNotFound, MethodNotAllowed, PreflightRefused, MalformedRequest, InternalError)
"""Errors of requests that reach no operation, and of faults of the service."""
_FIRST_SENTENCE: Final = re.compile(r"(.*?)\.(?:\s|$)", re.DOTALL)


def summarize(content: dict[str, Any]) -> None:
    """Makes the first sentence of each description the summary: FastAPI has only the name of the function."""
    for methods in content["paths"].values():
        for operation in methods.values():
            if sentence := _FIRST_SENTENCE.match(operation.get("description", "")):
                operation["summary"] = " ".join(sentence[1].split())


def name_problem_codes(content: dict[str, Any]) -> None:
    """Adds the schema `ProblemCode`, and for each operation a schema of the codes that it can answer.

    The codes are those of the operation's examples, which `error_responses` has made of the errors' classes.
    """
    schemas = content["components"]["schemas"]
    every = {kind.code for kind in _CODES_OF_NO_OPERATION}
    for operation in (operation for methods in content["paths"].values() for operation in methods.values()):
        bodies = [each["content"][MEDIA_TYPE] for each in operation["responses"].values() if _is_problem(each)]
        codes = {code for body in bodies for code in body["examples"]}
        name = f"{operation['operationId'].title().replace('_', '')}ProblemCode"
        schemas[name] = {"type": "string", "enum": sorted(codes)}
        every |= codes
        for body in bodies:
            # Generators take this for a Problem. Several of them fail on other ways to refine it.
            rule = {"properties": {"code": {"$ref": f"#/components/schemas/{name}"}}, "additionalProperties": True}
            body["schema"] = {"allOf": [body["schema"]], "dependentSchemas": {"code": rule}}
    schemas["ProblemCode"] = {"type": "string", "enum": sorted(every)}
    schemas["Problem"]["properties"]["code"] = {"$ref": "#/components/schemas/ProblemCode"}


def _is_problem(response: dict[str, Any]) -> bool:
    return MEDIA_TYPE in response.get("content", {})


def describe_pages(content: dict[str, Any]) -> None:
    """Adds pages as objects to all operations that answer with a list, each with a schema of its own."""
    schemas = content["components"]["schemas"]
    for path, methods in content["paths"].items():
        for operation in methods.values():
            answer = operation["responses"].get("200", {})
            listed = answer.get("content", {}).get("application/json", {}).get("schema", {})
            if listed.get("type") == "array":
                item = listed["items"]["$ref"].rpartition("/")[2]
                name = f"{item.removesuffix('Read')}Page"
                schemas[name] = _describe_page(listed, schemas[item]["examples"], path, operation)
                answer["content"][PAGE_MEDIA_TYPE] = {"schema": {"$ref": f"#/components/schemas/{name}"}}


def _describe_page(listed: Any, items: list[Any], path: str, operation: dict[str, Any]) -> dict[str, Any]:
    """Returns the schema of a page of the list, with an example that has the first of the items."""
    properties: dict[str, Any] = {
        "items": {"type": "array", "items": listed["items"]},
        "next": {"type": ["string", "null"], "description": "The URL of the next page, or null on the last one."},
    }
    parameters = {parameter["name"] for parameter in operation["parameters"]}
    position = f"cursor={_CURSOR}" if "cursor" in parameters else "since=7"
    url = _PATH_PARAMETER.sub(_EXAMPLE_ID, f"https://todo.example.com{path}")
    example: dict[str, Any] = {"items": items[:1], "next": f"{url}?limit=1&{position}"}
    if "cursor" in parameters:
        properties["next_cursor"] = {
            "type": ["string", "null"],
            "description": "The `cursor` of the next page, or null.",
        }
        example["next_cursor"] = _CURSOR
    if CHANGE_SEQ in operation["responses"]["200"]["headers"]:
        description = f"The same as the header `{CHANGE_SEQ}`."
        properties["change_seq"] = {"type": "integer", "minimum": 0, "description": description}
        example["change_seq"] = 7
    return {
        "type": "object",
        "description": "A page of a list as an object, for clients that cannot read headers.",
        "required": list(properties),
        "properties": properties,
        "examples": [example],
    }


def show_examples(content: dict[str, Any]) -> None:
    """Adds the examples of its schema to each body that has none, because some tools ignore those of schemas."""
    schemas = content["components"]["schemas"]
    for operation in (operation for methods in content["paths"].values() for operation in methods.values()):
        for described in (operation.get("requestBody", {}), *operation["responses"].values()):
            for body in described.get("content", {}).values():
                found = [] if {"example", "examples"} & body.keys() else _find_examples(body["schema"], schemas)
                if len(found) == 1:
                    body["example"] = found[0]
                elif found:
                    body["examples"] = {f"example_{number}": {"value": each} for number, each in enumerate(found, 1)}


def _find_examples(schema: dict[str, Any], schemas: dict[str, Any]) -> list[Any]:
    """Returns the examples of a schema. Those of a list have one item each."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "items" in schema:
        return [[example] for example in _find_examples(schema["items"], schemas)]
    alternatives = (_find_examples(each, schemas) for each in schema.get("anyOf", ()))
    return next(filter(None, alternatives), list(schema.get("examples", ())))


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
