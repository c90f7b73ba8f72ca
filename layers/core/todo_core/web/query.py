"""Reads query strings into pydantic models. FastAPI can do it too, but takes five times as long per request."""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, ClassVar, Final, get_origin

from fastapi import Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from todo_core.web.problems import make_validation_error

MAX_PAGE_ITEMS: Final = 200
DEFAULT_PAGE_ITEMS: Final = 50
_DIGITS: Final = re.compile("-?[0-9]+")


def _require_digits(value: object) -> object:
    """Refuses other spellings of whole numbers that pydantic accepts in texts: `+1`, `1.0`, `1_0` and ` 1`."""
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise PydanticCustomError("int_parsing", "Give a whole number in digits")
    return value


DIGITS: Final = BeforeValidator(_require_digits)
"""The rule of whole numbers in queries and headers. It follows their bounds, or these are lost in the JSON schema."""

Limit = Annotated[int, Field(ge=1, le=MAX_PAGE_ITEMS), DIGITS]


class PageQuery(BaseModel):
    """Base of the query of a list that comes in pages; a list with longer positions allows longer cursors."""

    model_config: ClassVar = ConfigDict(extra="forbid")

    limit: Limit = DEFAULT_PAGE_ITEMS
    cursor: str | None = Field(default=None, max_length=500, description="From the header `Link`.")


def parse_query[Model: BaseModel](model: type[Model]) -> Callable[[Request], Awaitable[Model]]:
    """Returns a FastAPI dependency that reads the query string into the model. List fields take repeated parameters.

    The dependency raises RequestValidationError for an invalid query string.
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
            raise make_validation_error("query", error) from None

    return read


def describe_query(model: type[BaseModel], *headers: dict[str, Any]) -> dict[str, Any]:
    """Returns the OpenAPI description of headers and the query, for a route's `openapi_extra`.

    `headers` are OpenAPI parameters. Paging parameters come last.
    """
    properties = model.model_json_schema()["properties"]
    names = sorted(properties, key=lambda name: name in PageQuery.model_fields)
    return {"parameters": [*headers, *(_parameter(name, properties[name]) for name in names)]}


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    schema = {key: value for key, value in schema.items() if key != "title" and value is not None}
    description = schema.pop("description", None)
    # Leaves out null, because a query parameter is absent or has a value, but is never null.
    variants = [variant for variant in schema.pop("anyOf", []) if variant != {"type": "null"}]
    schema |= {"anyOf": variants} if len(variants) > 1 else dict(*variants)
    parameter = {"name": name, "in": "query", "required": False, "schema": schema}
    return parameter | ({"description": description} if description else {})
