"""The operations of the OpenAPI document, for tests of rules that every operation follows."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

COMMITTED_DOCUMENT: Final = Path(__file__).parents[1] / "functions" / "meta" / "openapi.json"
_AUTH: Final = "/api/v1/auth"
_TEMPLATE: Final = re.compile(r"\{\w+\}")
PROBLEM: Final = "application/problem+json"
WITHOUT_SESSION: Final = {
    *(f"{_AUTH}/{name}" for name in ("register", "login", "token", "login/passkey", "login/passkey/options", "logout")),
    *(f"{_AUTH}/{name}" for name in ("password/forgot", "password/reset", "email/verify", "email/take-back")),
}

type Json = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """Operation of the API: method, path, and its description in the OpenAPI document."""

    method: str
    path: str
    description: Json

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def responses(self) -> dict[str, Json]:
        found: dict[str, Json] = self.description["responses"]
        return found

    @property
    def body(self) -> Json | None:
        return self.description.get("requestBody")

    @property
    def parameters(self) -> set[str]:
        return {parameter["name"].lower() for parameter in self.description.get("parameters", [])}

    @property
    def path_parameters(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def needs_session(self) -> bool:
        """Returns True if the operation must require a session.

        Judges by the path and not by the document, so that tests find a route that forgets the session.
        """
        return self.path.startswith("/api/v1/") and self.path not in WITHOUT_SESSION

    @property
    def name_of_codes(self) -> str:
        """The name of the schema of the codes that this operation can answer."""
        return f"{self.description['operationId'].title().replace('_', '')}ProblemCode"

    @property
    def errors(self) -> set[str]:
        """Codes of the errors that the OpenAPI document lists for this operation."""
        return {
            code
            for response in self.responses.values()
            for code in response.get("content", {}).get(PROBLEM, {}).get("examples", {})
        }


def declared_codes(method: str, path: str) -> set[str] | None:
    """Returns the codes that the committed document declares for a request, or None for one without an operation.

    The path may begin with the stage of a gateway.
    """
    method = "get" if method == "HEAD" else method.lower()
    matching = [codes for own, pattern, codes in _declared() if own == method and pattern.search(path)]
    return matching[0] if matching else None


@cache
def _declared() -> list[tuple[str, re.Pattern[str], set[str]]]:
    """Returns the codes of all operations, by method and pattern of the path. Paths without parameters come first."""
    document = committed_document()
    operations = sorted(operations_of(document), key=lambda operation: len(operation.path_parameters))
    return [
        (
            operation.method,
            re.compile(f"{_TEMPLATE.sub('[^/]+', operation.path.replace('{tag}', '.+'))}/?$"),
            set(document["components"]["schemas"][operation.name_of_codes]["enum"]),
        )
        for operation in operations
    ]


def require_valid(value: object, name: str) -> None:
    """Asserts that a value conforms to the schema of this name in the committed document."""
    assert not [error.message for error in _validator(name).iter_errors(value)], value


@cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": committed_document()["components"]}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def committed_document() -> Json:
    document: Json = json.loads(COMMITTED_DOCUMENT.read_text())
    return document


def operations_of(document: Json) -> list[Operation]:
    return [
        Operation(method, path, description)
        for path, methods in document["paths"].items()
        for method, description in methods.items()
    ]


def bodies(operations: list[Operation]) -> Iterator[tuple[str, Json]]:
    """Yields each request and response body of the operations, after a phrase that names its place."""
    for operation in operations:
        for media_type, content in (operation.body or {}).get("content", {}).items():
            yield f"{operation} takes {media_type}", content
        for status, response in operation.responses.items():
            for media_type, content in response.get("content", {}).items():
                yield f"{operation} answers {status} {media_type}", content


def examples(content: Json, document: Json) -> list[Any]:
    """Returns the examples of a request or response body, or those of its schema if the body has none."""
    if "examples" in content:
        return [example["value"] for example in content["examples"].values()]
    return [content["example"]] if "example" in content else _examples_of_schema(content["schema"], document)


def _examples_of_schema(schema: Json, document: Json) -> list[Any]:
    if "$ref" in schema:
        schema = document["components"]["schemas"].get(schema["$ref"].rpartition("/")[2], {})
    if "items" in schema:
        return [[example] for example in _examples_of_schema(schema["items"], document)]
    for alternative in schema.get("anyOf", []):
        if found := _examples_of_schema(alternative, document):
            return found
    return list(schema.get("examples", []))
