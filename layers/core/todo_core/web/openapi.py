"""Builds the OpenAPI document of an app, with problem documents for its errors."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from todo_core.accounts.errors import EmailNotVerified
from todo_core.errors import InsufficientScope, NotAuthenticated, RateLimited, ServiceError, TooBusy
from todo_core.web.idempotency import REPLAYED
from todo_core.web.identity import build_security_schemes
from todo_core.web.pages_as_objects import CHANGE_SEQ
from todo_core.web.problems import MEDIA_TYPE, REALM, Problem, RequestIncomplete, error_responses
from todo_core.web.request_heads import HEAD_ERRORS
from todo_core.web.requests import PROBES
from todo_core.web.scopes import find_scopes
from todo_core.web.verified_emails import allows_unverified

TITLE: Final = "Todo backend"
VERSION: Final = version("todo-core")
DESCRIPTION: Final = """\
Todos with accounts, for web pages on other origins (session cookie), programs (API token) and an assistant.

Errors are problem documents (RFC 9457) with a stable `code`. Lists are JSON arrays; if more items follow, the
`Link` header has the URL of the next page. With `Accept: application/json; profile=page` the answer is an object that
has this URL too. A page of long texts has fewer items than `limit`. Every response has an `X-Request-ID`.
"""


_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Request-ID": {"description": "The id of the request in the log.", "schema": {"type": "string"}},
    "WWW-Authenticate": {
        "description": "The challenge of RFC 6750. It names the error of a bearer token, and the scopes that it lacks.",
        "schema": {"type": "string", "pattern": f'^Bearer realm="{REALM}"'},
        "example": f'Bearer realm="{REALM}", error="insufficient_scope", scope="todos:write"',
    },
    "Retry-After": {
        "description": "Seconds to wait before the next attempt.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "RateLimit": {
        "description": "The requests that are left, for a minute and in flight (draft-ietf-httpapi-ratelimit-headers).",
        "schema": {"type": "string"},
        "example": '"minute";r=599;t=60, "in-flight";r=60',
    },
    "RateLimit-Policy": {
        "description": "The limits of requests, for a minute and in flight.",
        "schema": {"type": "string"},
        "example": '"minute";q=600;w=60, "in-flight";q=60;qu="concurrent-requests"',
    },
    "ETag": {
        "description": "The version of the object, for `If-Match` and `If-None-Match`; or of the list, for the latter.",
        "schema": {"type": "string"},
    },
    CHANGE_SEQ: {
        "description": "The list contains all changes up to this `seq`. Follow the later ones from `/todos/changes`.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Location": {"description": "The URL of the new object.", "schema": {"type": "string", "format": "uri"}},
    "Idempotent-Replayed": {
        "description": "Present if this is the stored response to an earlier request with the same `Idempotency-Key`.",
        "schema": {"const": "true"},
    },
    "Link": {
        "description": 'The URL of the next page, with `rel="next"`; absent on the last page.',
        "schema": {"type": "string"},
    },
}


_LIMIT_HEADERS: Final = ("RateLimit", "RateLimit-Policy")

type DescribeEvents = Callable[[dict[str, Any]], dict[str, Any]]
"""Returns the messages that the service sends, for the member `webhooks`. Adds schemas to those of the document."""

_events: Final[list[DescribeEvents]] = []


def register_events(describe: DescribeEvents) -> None:
    """Adds the messages, or the events of streams, of a route group to the OpenAPI document."""
    _events.append(describe)


def build_document(app: FastAPI) -> dict[str, Any]:
    """Returns the OpenAPI 3.1 document of all routes of the app."""
    # Imported here, because each cold start of a function would pay for it.
    from todo_core.web import openapi_texts as texts  # noqa: PLC0415

    content = get_openapi(
        title=app.title,
        version=app.version,
        summary=texts.SUMMARY,
        description=app.description,
        license_info={"name": "MIT", "identifier": "MIT"},
        servers=[{"url": "/", "description": "The host that serves this document."}],
        tags=[{"name": name, "description": description} for name, description in texts.TAGS.items()],
        routes=app.routes,
    )
    schemas = content.setdefault("components", {}).setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs", {})
    schemas["Problem"] = problem
    for model in _models_with_examples():
        if model.__name__ in schemas:
            # FastAPI has removed null values from the examples, so they are taken from the model again.
            schemas[model.__name__]["examples"] = model.model_json_schema()["examples"]
    _declare_refusals(content)
    _declare_security(content)
    _drop_header_defaults(content)
    _name_operations(content, app)
    _describe_headers(content)
    texts.describe_pages(content)
    texts.name_problem_codes(content)
    texts.summarize(content)
    for describe in _events:
        content["webhooks"] = content.get("webhooks", {}) | describe(schemas)
    texts.show_examples(content)
    # Removes FastAPI's schemas of a 422 response, because the app answers with a problem document instead.
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    texts.simplify_schemas(content)
    return content


def move_to_root_path(content: dict[str, Any], root: str) -> dict[str, Any]:
    """Returns the OpenAPI document for clients that reach the service below the path `root`, a gateway's stage."""
    components = content["components"] | {"securitySchemes": build_security_schemes(root)}
    return content | {"servers": [{"url": root}], "components": components}


def _declare_refusals(content: dict[str, Any]) -> None:
    """Adds the errors with which requests are refused before any route sees them, to all operations that have them."""
    for path, operation in _operations_by_path(content):
        errors = [
            *HEAD_ERRORS,
            *([RequestIncomplete] if "requestBody" in operation else ()),
            *([RateLimited, TooBusy] if path not in PROBES else ()),
        ]
        _add_errors(operation, *errors)


def _declare_security(content: dict[str, Any]) -> None:
    """Adds the ways to authenticate to all operations that need a user, and the refusals that follow.

    The requirement of an API token lists the scopes. An operation without scopes has no such requirement.
    """
    content["components"]["securitySchemes"] = build_security_schemes()
    for path, methods in content["paths"].items():
        for method, operation in methods.items():
            if _needs_user(operation):
                scopes = sorted(find_scopes(method.upper(), path))
                by_token = [{"ApiToken": scopes}] if scopes else []
                operation["security"] = [{"BearerToken": []}, *by_token, {"SessionCookie": []}]
                _add_errors(operation, InsufficientScope(scopes))
                if not allows_unverified(method.upper(), path):
                    _add_errors(operation, EmailNotVerified)
            else:
                operation["security"] = []


def _add_errors(operation: dict[str, Any], *errors: type[ServiceError] | ServiceError) -> None:
    for status, response in error_responses(*errors).items():
        declared = operation["responses"].setdefault(str(status), response)
        declared["content"][MEDIA_TYPE]["examples"] |= response["content"][MEDIA_TYPE]["examples"]


def _drop_header_defaults(content: dict[str, Any]) -> None:
    """Removes defaults and null of header parameters: an absent header such as If-Match differs from an empty one."""
    for operation in _operations(content):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "header":
                parameter["schema"].pop("default", None)
                variants = [each for each in parameter["schema"].pop("anyOf", ()) if each != {"type": "null"}]
                parameter["schema"] |= {"anyOf": variants} if len(variants) > 1 else dict(*variants)


def _name_operations(content: dict[str, Any], app: FastAPI) -> None:
    """Sets each operationId to the name of the route function, because generated clients use it as a method name."""
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                content["paths"][route.path_format][method.lower()]["operationId"] = route.name


def _describe_headers(content: dict[str, Any]) -> None:
    content["components"]["headers"] = _HEADERS
    for path, operation in _operations_by_path(content):
        for status, response in operation["responses"].items():
            names = [
                *_common_headers(int(status), _resolve_schema(response, content)),
                *_challenge_headers(operation, int(status)),
                *_list_headers(operation, status),
                *_key_headers(operation, status),
                *(() if path in PROBES else _LIMIT_HEADERS),
            ]
            described = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
            response["headers"] = response.get("headers", {}) | described


def _challenge_headers(operation: dict[str, Any], status: int) -> Iterator[str]:
    if status == HTTPStatus.UNAUTHORIZED or (status == HTTPStatus.FORBIDDEN and operation["security"]):
        yield "WWW-Authenticate"


def _list_headers(operation: dict[str, Any], status: str) -> Iterator[str]:
    """Yields the names of further response headers for a list that is answered with 304 while it is unchanged."""
    answered = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
    is_list = answered.get("schema", {}).get("type") == "array"
    if is_list and "304" in operation["responses"] and status in {"200", "304"}:
        yield from ("ETag", CHANGE_SEQ)


def _key_headers(operation: dict[str, Any], status: str) -> Iterator[str]:
    """Yields the names of further response headers for an operation that takes an Idempotency-Key."""
    if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ())):
        if status == str(HTTPStatus.CONFLICT):
            yield "Retry-After"
        if status < str(HTTPStatus.MULTIPLE_CHOICES):
            yield REPLAYED


def _common_headers(status: int, schema: dict[str, Any]) -> Iterator[str]:
    """Yields the response headers that follow from status and schema, such as ETag for an object with a version."""
    properties = schema.get("properties", {})
    yield "X-Request-ID"
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        yield "Retry-After"
    if "version" in properties or status == HTTPStatus.NOT_MODIFIED:
        yield "ETag"
    if "url" in properties and status == HTTPStatus.CREATED:
        yield "Location"
    if schema.get("type") == "array":
        yield "Link"


def _resolve_schema(response: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    """Returns the schema of a response's JSON body, or an empty dict if the response has no JSON body."""
    schema: dict[str, Any] = response.get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    named: dict[str, Any] = content["components"]["schemas"].get(name, schema)
    return named


def _models_with_examples(parent: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for model in parent.__subclasses__():
        if model.model_config.get("json_schema_extra"):
            yield model
        yield from _models_with_examples(model)


def _operations(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (operation for _, operation in _operations_by_path(content))


def _operations_by_path(content: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in content["paths"].items():
        yield from ((path, operation) for operation in operations.values())


def _needs_user(operation: dict[str, Any]) -> bool:
    """Returns True if the operation's declared responses include the error for a missing token, NotAuthenticated."""
    unauthorized = operation["responses"].get(str(NotAuthenticated.status), {})
    examples: dict[str, object] = unauthorized.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
    return NotAuthenticated.code in examples
