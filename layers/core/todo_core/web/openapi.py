"""The OpenAPI document of an app, with problem documents for its errors."""

from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from todo_core.web.problems import Problem

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
    # FastAPI's own shape of a 422, which nothing here answers.
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    return content
