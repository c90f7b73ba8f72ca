"""Query strings as models. FastAPI has them too, at five times the price for every request."""

from collections.abc import Awaitable, Callable
from typing import Any, get_origin

from fastapi import Request
from pydantic import BaseModel, ValidationError

from todo_core.web.problems import invalid_part


def query_of[Model: BaseModel](model: type[Model]) -> Callable[[Request], Awaitable[Model]]:
    """A dependency that reads the query string; fields that are lists take repeated parameters.

    Raises RequestValidationError.
    """
    repeatable = {name for name, field in model.model_fields.items() if get_origin(field.annotation) is list}

    async def read(request: Request) -> Model:
        values: dict[str, str | list[str]] = {}
        for name, value in request.query_params.multi_items():
            if name in repeatable:
                values[name] = [*values.get(name, []), value]
            else:
                values[name] = value
        try:
            return model.model_validate(values)
        except ValidationError as error:
            raise invalid_part("query", error) from None

    return read


def query_parameters(model: type[BaseModel]) -> dict[str, Any]:
    """What the OpenAPI document says of a route that takes this query (for `openapi_extra`)."""
    properties = model.model_json_schema()["properties"]
    return {"parameters": [_parameter(name, schema) for name, schema in properties.items()]}


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    schema = {key: value for key, value in schema.items() if key != "title" and value is not None}
    description = schema.pop("description", None)
    # A parameter is there or not there, but never null.
    variants = [variant for variant in schema.pop("anyOf", []) if variant != {"type": "null"}]
    schema |= {"anyOf": variants} if len(variants) > 1 else dict(*variants)
    parameter = {"name": name, "in": "query", "required": False, "schema": schema}
    return parameter | ({"description": description} if description else {})
