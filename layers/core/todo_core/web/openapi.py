"""The OpenAPI document of an app, with problem documents for its errors."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from todo_core.errors import NotAuthenticated
from todo_core.web.identity import security_schemes
from todo_core.web.problems import MEDIA_TYPE, Problem

TITLE: Final = "Todo backend"
VERSION: Final = version("todo-core")
DESCRIPTION: Final = """\
Todos with accounts, for browsers on another origin (cookie), for programs (bearer token) and for assistants.

Errors are problem documents (RFC 9457) with a stable `code`. Lists are arrays; where there is more, the header
`Link` leads to the next page. Every response carries `X-Request-ID`.
"""


def document(app: FastAPI) -> dict[str, Any]:
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
    _name_operations(content, app)
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
