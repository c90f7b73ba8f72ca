"""Problem documents (RFC 9457) for errors. Defines HTTP's own errors, exception handlers and OpenAPI responses."""

import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, Final, Self

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from pydantic.json_schema import SkipJsonSchema
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from todo_core.errors import RateLimited, ServiceError, TooBusy
from todo_core.logs import format_stack, log
from todo_core.web.field_codes import FieldErrorCode, find_code
from todo_core.web.lazy_routes import LazyRoutes
from todo_core.web.paths import find_path_below_root

MEDIA_TYPE: Final = "application/problem+json"
REALM: Final = "todo-backend"
"""The name of the protected space in challenges for authentication."""
CHALLENGE: Final = "challenge"
"""The key of further parameters of the challenge in the state of a request: a text that begins with a comma."""
_MAX_FIELD_ERRORS: Final = 100
"""The most field errors that a problem document lists.

For a body of many unknown fields, a response with all errors would be six times as large: too large for Lambda.
"""
_MAX_NAME_CHARACTERS: Final = 200
_EXAMPLE_REQUEST_ID: Final = "0198c5a1-6e57-7d2c-9d2b-0b1e6a7c9f10"


class MalformedBody(ServiceError):
    status = 400
    code = "malformed_body"
    title = "Malformed body"
    detail = "The body could not be read; send JSON in UTF-8, not nested too deeply."


class PreflightRefused(ServiceError):
    status = 403
    code = "preflight_refused"
    title = "Preflight refused"
    detail = "Pages of other origins may not send a request of this kind."

    @classmethod
    def of(cls, kind: str, requested: str, allowed: str) -> Self:
        """Returns the error for a preflight that requests a `method` or `header` which is not allowed."""
        name = requested[:_MAX_NAME_CHARACTERS]
        return cls(f"Pages of other origins may not send the {kind} {name}; they may send {allowed}.")


class RouteNotFound(ServiceError):
    status = 404
    code = "route_not_found"
    title = "No such route"
    detail = "The service has no such path; see /docs for all paths."


class MethodNotAllowed(ServiceError):
    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"
    detail = "This path does not support this method; the Allow header lists the supported ones."


class RequestIncomplete(ServiceError):
    status = 408
    code = "request_incomplete"
    title = "Request incomplete"
    detail = "The body was not complete within 30 seconds; send the request again."


class ContentTooLarge(ServiceError):
    status = 413
    code = "content_too_large"
    title = "Body too large"
    detail = "The body is larger than the service accepts; send a smaller one."


class RangeNotSatisfiable(ServiceError):
    status = 416
    code = "range_not_satisfiable"
    title = "Range not satisfiable"
    detail = "The file has no bytes in this range; the Content-Range header has its size."


class UnsupportedMediaType(ServiceError):
    status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"
    detail = "Send the body as JSON with the header Content-Type: application/json."


class ValidationFailed(ServiceError):
    status = 422
    code = "validation_failed"
    title = "Validation failed"
    detail = "Some fields are not valid; see errors for each of them."


class InternalError(ServiceError):
    status = 500
    code = "internal_error"
    title = "Internal error"
    detail = "Something went wrong on our side; report it with the request_id."


_KINDS_BY_STATUS: Final = {
    kind.status: kind
    for kind in (
        MalformedBody,
        RouteNotFound,
        MethodNotAllowed,
        RequestIncomplete,
        ContentTooLarge,
        RangeNotSatisfiable,
        RateLimited,
        TooBusy,
    )
}


class ProblemResponse(Response):
    """A problem document as the response. Sets `problem` of the request's state to the error's code, for observers."""

    media_type = MEDIA_TYPE

    def __init__(self, problem: "Problem", headers: Mapping[str, str]) -> None:
        super().__init__(problem.model_dump_json(exclude_none=True), problem.status, headers)
        self._code = problem.code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["problem"] = self._code
        await super().__call__(scope, receive, send)


class FieldError(BaseModel):
    field: str
    message: str
    code: FieldErrorCode


class Problem(BaseModel):
    """An error, described for people (`title`, `detail`) and for programs (`status`, `code`)."""

    model_config: ClassVar = ConfigDict(extra="allow", json_schema_serialization_defaults_required=False)

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldError] | SkipJsonSchema[None] = None


def make_problem(error: ServiceError, request_id: str, errors: list[FieldError] | None = None) -> Problem:
    return Problem(
        type=f"urn:todo-backend:problem:{error.code}",
        title=error.title,
        status=error.status,
        detail=error.sentence,
        code=error.code,
        request_id=request_id,
        errors=errors,
        **error.members,
    )


def make_problem_document(error: ServiceError, request_id: str) -> dict[str, JsonValue]:
    """Returns the problem document of an error for an event of a stream.

    Its member `retry_after` replaces the Retry-After header, because the headers are sent already.
    """
    document: dict[str, JsonValue] = make_problem(error, request_id).model_dump(exclude_none=True)
    return document if error.retry_after is None else document | {"retry_after": error.retry_after}


def make_problem_response(
    error: ServiceError, request_id: str, errors: list[FieldError] | None = None
) -> ProblemResponse:
    headers: dict[str, str] = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == HTTPStatus.UNAUTHORIZED or error.bearer_error is not None:
        headers["WWW-Authenticate"] = _format_challenge(error)
    return ProblemResponse(make_problem(error, request_id, errors), headers)


def _format_challenge(error: ServiceError) -> str:
    """Returns the challenge of RFC 6750. It names an error only if the request had a bearer token."""
    parameters = {"realm": REALM}
    if error.bearer_error is not None:
        parameters |= {"error": error.bearer_error, "error_description": error.sentence}
    if "scope" in error.members:
        parameters["scope"] = str(error.members["scope"])
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parameters.items())


async def on_service_error(request: Request, error: ServiceError) -> Response:
    """Answers with the problem document. A challenge gets the parameters that the route has left in the state."""
    log_server_error(error, request.state.request_id)
    response = make_problem_response(error, request.state.request_id)
    if CHALLENGE in request.scope["state"] and "WWW-Authenticate" in response.headers:
        response.headers["WWW-Authenticate"] += request.scope["state"][CHALLENGE]
    return response


def log_server_error(error: ServiceError, request_id: str) -> None:
    """Logs the error if its status is 500 or higher, unless it is a refusal by design."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not error.is_expected:
        log.error("%s", error.code, extra={"request_id": request_id, "error": format_stack(error.__cause__ or error)})


async def on_invalid_request(request: Request, error: RequestValidationError) -> Response:
    if isinstance(error.body, bytes):
        # The body is still bytes, because FastAPI does not parse a body whose Content-Type is not JSON.
        return make_problem_response(UnsupportedMediaType(), request.state.request_id)
    errors = [_make_field_error(fault, error.body) for fault in error.errors()[:_MAX_FIELD_ERRORS]]
    return make_problem_response(ValidationFailed(), request.state.request_id, errors)


def make_validation_error(part: str, error: ValidationError) -> RequestValidationError:
    """Returns a pydantic error as the error that FastAPI raises for a part of the request, `body` or `query`."""
    faults = error.errors(include_url=False, include_context=False)
    return RequestValidationError([{**fault, "loc": (part, *fault["loc"])} for fault in faults])


async def on_http_exception(request: Request, error: HTTPException) -> Response:
    """Answers an HTTPException, which FastAPI, Starlette and BodyLimit raise, with a problem document."""
    kind = _KINDS_BY_STATUS.get(error.status_code, InternalError)
    response = make_problem_response(kind(), request.state.request_id)
    response.headers.update(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # Replaces Starlette's header, which lists the methods of one route: several routes may share the path.
        response.headers["Allow"] = ", ".join(sorted(_find_methods(request)))
    return response


async def read_json_body(request: Request) -> object:
    """Returns the parsed JSON body. Raises RequestValidationError for invalid JSON, as FastAPI does.

    Raises MalformedBody for a body that is not UTF-8, nested too deeply, or has too long a number.
    """
    try:
        return await request.json()
    except json.JSONDecodeError as error:
        fault = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "", "ctx": {"error": error.msg}}
        raise RequestValidationError([fault]) from None
    except (ValueError, RecursionError):
        raise MalformedBody from None


def _find_methods(request: Request) -> set[str]:
    """Returns the HTTP methods of all routes that match the path of the request."""
    path = find_path_below_root(request.scope)
    routes = [
        route
        for outer in request.app.routes
        for route in (outer.find_routes(path) if isinstance(outer, LazyRoutes) else (outer,))
        if isinstance(route, Route) and route.path_regex.match(path)
    ]
    methods = {method for route in routes for method in route.methods or ()}
    return methods | {"HEAD"} if "GET" in methods else methods


def _make_field_error(fault: Mapping[str, Any], body: object) -> FieldError:
    """Returns the error for one field. Its `field` is `tags.0` for a fault at the location ("body", "tags", 0).

    For a fault of the whole body or query, `field` is the name of that part, such as `body`.
    """
    part, *path = fault["loc"]
    if fault["type"] == "json_invalid":
        message = f"Not valid JSON: {fault['ctx']['error']} at character {path[0]}"
        return FieldError(field=part, message=message, code=find_code(fault["type"]))
    steps = _drop_union_tags(body, path) if part == "body" else path
    name = ".".join(str(step) for step in steps) or str(part)
    return FieldError(field=name[:_MAX_NAME_CHARACTERS], message=fault["msg"], code=find_code(fault["type"]))


def _drop_union_tags(body: Any, path: Sequence[Any]) -> Iterator[object]:
    """Yields the steps of a fault's path, without the union tags that pydantic adds and the body does not contain."""
    for step in path[:-1]:
        if not isinstance(body, dict) or step in body:
            yield step
            body = body[step] if isinstance(body, dict | list) else None
    yield from path[-1:]


BODY_ERRORS = (MalformedBody, ContentTooLarge, UnsupportedMediaType)


def error_responses(*errors: type[ServiceError] | ServiceError) -> dict[int | str, dict[str, Any]]:
    """Returns the OpenAPI responses for these errors, with an example each. Errors of one status share one response.

    The example of a class is the error with its default sentence.
    """
    responses: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        response = responses.setdefault(
            error.status,
            {
                "description": error.title,
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}},
            },
        )
        fields = (
            [FieldError(field="title", message="Text may not be blank", code="blank")]
            if error is ValidationFailed
            else None
        )
        raised = error() if isinstance(error, type) else error
        example = make_problem(raised, _EXAMPLE_REQUEST_ID, fields)
        response["content"][MEDIA_TYPE]["examples"][error.code] = {
            "summary": error.title,
            "value": example.model_dump(exclude_none=True),
        }
    return responses
