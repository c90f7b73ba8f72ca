"""The OpenAPI document of an app, with problem documents for its errors."""

from collections.abc import Iterator
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from todo_core.errors import NotAuthenticated
from todo_core.web.idempotency import REPLAYED
from todo_core.web.identity import security_schemes
from todo_core.web.problems import MEDIA_TYPE, Problem

TITLE: Final = "Todo backend"
VERSION: Final = version("todo-core")
DESCRIPTION: Final = """\
Todos with accounts, for browsers on another origin (cookie), for programs (bearer token) and for assistants.

Errors are problem documents (RFC 9457) with a stable `code`. Lists are arrays; where there is more, the header
`Link` leads to the next page. Every response carries `X-Request-ID`.
"""


_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Request-ID": {"description": "Names the request in the log.", "schema": {"type": "string"}},
    "WWW-Authenticate": {"description": "How to sign in.", "schema": {"const": "Bearer"}},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
    "ETag": {"description": "The version, for `If-Match` and `If-None-Match`.", "schema": {"type": "string"}},
    "Location": {"description": "The URL of what was created.", "schema": {"type": "string", "format": "uri"}},
    "Idempotent-Replayed": {
        "description": "Says that an earlier request with the same `Idempotency-Key` got this answer first.",
        "schema": {"const": "true"},
    },
    "Link": {"description": 'The next page, `rel="next"`; absent on the last one.', "schema": {"type": "string"}},
}


def build_document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of all routes of the app."""
    content = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = content.setdefault("components", {}).setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs", {})
    schemas["Problem"] = problem
    for model in _models():
        if model.__name__ in schemas:
            # FastAPI drops what is null, in examples too.
            schemas[model.__name__]["examples"] = model.model_json_schema()["examples"]
    content["components"]["securitySchemes"] = security_schemes()
    for operation in _operations(content):
        if _needs_sign_in(operation):
            operation["security"] = [{name: []} for name in security_schemes()]
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "header":
                # The route's own: a condition that is absent is not an empty one, which nothing meets.
                parameter["schema"].pop("default", None)
    _name_operations(content, app)
    _describe_headers(content)
    # FastAPI's own shape of a 422, which nothing here answers.
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    return content


def behind(root: str, content: dict[str, Any]) -> dict[str, Any]:
    """The document for clients that reach the service at a path of its own, such as a gateway's stage."""
    components = content["components"] | {"securitySchemes": security_schemes(root)}
    return content | {"servers": [{"url": root}], "components": components}


def _name_operations(content: dict[str, Any], app: FastAPI) -> None:
    """By the function that answers. FastAPI adds path and method, which generated clients would call it by."""
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                content["paths"][route.path_format][method.lower()]["operationId"] = route.name


def _describe_headers(content: dict[str, Any]) -> None:
    content["components"]["headers"] = _HEADERS
    for operation in _operations(content):
        for status, response in operation["responses"].items():
            names = [*_headers_of(int(status), _schema_of(response, content)), *_headers_of_key(operation, status)]
            response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _headers_of_key(operation: dict[str, Any], status: str) -> Iterator[str]:
    """What an answer tells of the Idempotency-Key, where the operation takes one."""
    if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ())):
        if status == str(HTTPStatus.CONFLICT):
            yield "Retry-After"
        if status < str(HTTPStatus.MULTIPLE_CHOICES):
            yield REPLAYED


def _headers_of(status: int, schema: dict[str, Any]) -> Iterator[str]:
    """What the API keeps to everywhere: what has a version has an ETag, a list has pages, and so on."""
    properties = schema.get("properties", {})
    yield "X-Request-ID"
    if status == HTTPStatus.UNAUTHORIZED:
        yield "WWW-Authenticate"
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        yield "Retry-After"
    if "version" in properties or status == HTTPStatus.NOT_MODIFIED:
        yield "ETag"
    if "url" in properties and status == HTTPStatus.CREATED:
        yield "Location"
    if schema.get("type") == "array":
        yield "Link"


def _schema_of(response: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    """Of the response's JSON, where it has any."""
    schema: dict[str, Any] = response.get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    named: dict[str, Any] = content["components"]["schemas"].get(name, schema)
    return named


def _models(parent: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    """The models that have examples."""
    for model in parent.__subclasses__():
        if model.model_config.get("json_schema_extra"):
            yield model
        yield from _models(model)


def _operations(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in content["paths"].values():
        yield from path.values()


def _needs_sign_in(operation: dict[str, Any]) -> bool:
    refusal = operation["responses"].get(str(NotAuthenticated.status), {})
    examples: dict[str, object] = refusal.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
    return NotAuthenticated.code in examples
