"""Refusals of fields: which field of a request a provider does not know, and in which words it says so."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Final

from tests.dialects.provider import Rule
from tests.dialects.provider_server import HttpRequest, HttpResponse, Json, json_response, text_response

type Place = tuple[str | int, ...]
"""Names and numbers of the steps from the body of a request to a field."""

type Wording = Callable[[Place, object], HttpResponse]
"""Function that returns the refusal of the field at a place with a value."""


def refuse(pattern: str, wording: Wording) -> Rule:
    """Refuses requests with a field whose dotted place matches `pattern`. `*` is one step and `**` any steps."""
    matcher = re.compile(re.escape(pattern).replace(r"\*\*", ".+").replace(r"\*", r"[^.]+"))

    def rule(request: HttpRequest) -> HttpResponse | None:
        for place, value in _places_of(request.body):
            if matcher.fullmatch(".".join(map(str, place))):
                return wording(place, value)
        return None

    return rule


def _places_of(value: object, place: Place = ()) -> Iterator[tuple[Place, object]]:
    """Yields the place and the value of each field, except the names of properties in schemas of tools."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if place[-1:] != ("properties",):
                yield (*place, name), inner
            yield from _places_of(inner, (*place, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _places_of(inner, (*place, number))


def dotted(place: Place) -> str:
    """Returns the place as in `tools[0].function.strict`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")


def openai_error(
    message: str, *, param: str | None = None, code: str | int | None = None, status: int = 400
) -> HttpResponse:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return json_response({"error": error}, status)


def openai_unrecognized(place: Place, _value: object) -> HttpResponse:
    return openai_error(f"Unrecognized request argument supplied: {place[-1]}")


def openai_unsupported(place: Place, _value: object) -> HttpResponse:
    message = f"Unsupported parameter: '{place[-1]}' is not supported with this model."
    return openai_error(message, param=str(place[-1]), code="unsupported_parameter")


def openai_unknown(place: Place, _value: object) -> HttpResponse:
    return openai_error(f"Unknown parameter: '{dotted(place)}'.", param=dotted(place), code="unknown_parameter")


def openai_unsupported_value(place: Place, value: object) -> HttpResponse:
    message = f"Unsupported value: '{place[-1]}' does not support {json.dumps(value)} with this model."
    return openai_error(message, param=str(place[-1]), code="unsupported_value")


def openai_schema(place: Place, _value: object) -> HttpResponse:
    message = (
        f"Invalid schema for function 'add_todos': In context=('properties', 'todos'), '{place[-1]}' is not permitted."
    )
    return openai_error(message, param="tools[0].function.parameters", code="invalid_function_parameters")


def vllm(place: Place, value: object) -> HttpResponse:
    fault = {
        "type": "extra_forbidden",
        "loc": ("body", *place),
        "msg": "Extra inputs are not permitted",
        "input": value,
    }
    message = str([fault])
    return json_response(
        {"object": "error", "message": message, "type": "BadRequestError", "param": None, "code": 400}, 400
    )


def mistral(place: Place, value: object) -> HttpResponse:
    fault = {
        "type": "extra_forbidden",
        "loc": ["body", *place],
        "msg": "Extra inputs are not permitted",
        "input": value,
    }
    error = {
        "object": "error",
        "message": {"detail": [fault]},
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }
    return json_response(error, 422)


def fastapi(place: Place, _value: object) -> HttpResponse:
    fault = {"loc": ["body", *place], "msg": "extra fields not permitted", "type": "value_error.extra"}
    return json_response({"detail": [fault]}, 422)


def google(place: Place, _value: object) -> HttpResponse:
    description = (
        f"Invalid JSON payload received. Unknown name \"{place[-1]}\" at '{dotted(place[:-1])}': Cannot find field."
    )
    violation = {"field": dotted(place[:-1]), "description": description}
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}]
    error = {"code": 400, "message": description, "status": "INVALID_ARGUMENT", "details": details}
    return json_response([{"error": error}], 400)


def groq(place: Place, _value: object) -> HttpResponse:
    return openai_error(f"'{'.'.join(map(str, place[:-1]))}' : property '{place[-1]}' is unsupported")


def serde(place: Place, _value: object) -> HttpResponse:
    text = (
        f"Failed to deserialize the JSON body into the target type: {dotted(place[:-1])}: unknown field `{place[-1]}`, "
        "expected one of `type`, `name`, `description` at line 1 column 345"
    )
    return text_response(text, 422)


def golang(place: Place, _value: object) -> HttpResponse:
    return openai_error(f'json: unknown field "{place[-1]}"')


def keyword(place: Place, _value: object) -> HttpResponse:
    return openai_error(f"tools: the JSON schema keyword {place[-1]} is not supported", code="unsupported_keyword")


def bedrock(place: Place, _value: object) -> HttpResponse:
    message = (
        "litellm.BadRequestError: BedrockException - "
        f'{{"message":"The model returned the following errors: {dotted(place)}: Extra inputs are not permitted"}}'
    )
    return openai_error(message, code="400")


WORDINGS: Final[dict[str, Wording]] = {
    "OpenAI, unrecognized": openai_unrecognized,
    "OpenAI, unsupported": openai_unsupported,
    "OpenAI, unknown": openai_unknown,
    "vLLM": vllm,
    "Mistral": mistral,
    "FastAPI": fastapi,
    "Google": google,
    "Groq": groq,
    "Rust": serde,
    "Go": golang,
    "Bedrock": bedrock,
}


def assistant_messages(request: HttpRequest) -> Iterator[tuple[int, Json]]:
    """Yields the messages of the assistant with their places."""
    for number, message in enumerate(request.body.get("messages") or []):
        if message.get("role") == "assistant":
            yield number, message
