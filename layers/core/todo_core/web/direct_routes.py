"""Routes that read their arguments themselves, because FastAPI takes longer to read them than most endpoints work."""

import json
from collections.abc import Callable, Coroutine
from inspect import iscoroutinefunction
from typing import Any, Final, cast, get_origin

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.types import Message, Receive, Scope, Send

_JSON: Final = b"application/json"

type _Field = Any
"""A parameter as FastAPI describes it, a ModelField."""
type _Dependency = Callable[[Request], Coroutine[Any, Any, object]]


class DirectRoute(APIRoute):
    """A route that FastAPI describes, whose valid requests reach the endpoint directly.

    Any other request goes FastAPI's way from the start: one that is not valid, and a body with a rare media type. So
    its answer is that of any route. The endpoint returns a Response. Its parameters may be of the path, of headers,
    one JSON body, the request and the response. Its dependencies are asynchronous, and depend on the request alone.

    Raises TypeError for an endpoint with a parameter of another kind.
    """

    def __init__(self, path: str, endpoint: Callable[..., Coroutine[Any, Any, Response]], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        _require_simple(self.dependant)
        self._answer_by_fastapi: Final = self.app
        self._dependencies: Final[list[tuple[str, _Dependency]]] = [
            (str(part.name), cast("_Dependency", part.call)) for part in self.dependant.dependencies
        ]
        self._headers: Final = [
            (field, field.alias.lower().encode(), field.default, get_origin(field.field_info.annotation) is tuple)
            for field in self.dependant.header_params
        ]
        self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            arguments = self._read_parameters(request)
            if self.body_field is not None:
                arguments[self.body_field.name] = await self._read_body(request)
        except _NotDirect:
            await self._answer_by_fastapi(scope, await _replay_body(request), send)
            return
        for name, depend in self._dependencies:
            arguments[name] = await depend(request)
        response = await self.endpoint(**arguments)
        await response(scope, receive, send)

    def _read_parameters(self, request: Request) -> dict[str, Any]:
        """Returns the arguments of the path and the headers. Raises _NotDirect if one is not valid."""
        arguments: dict[str, Any] = {}
        for field in self.dependant.path_params:
            arguments[field.name] = _validate(field, request.path_params[field.alias])
        for field, name, default, takes_lines in self._headers:
            lines = [value.decode("latin-1") for header, value in request.scope["headers"] if header == name]
            arguments[field.name] = _validate(field, lines if takes_lines else lines[0]) if lines else default
        if self.dependant.request_param_name is not None:
            arguments[self.dependant.request_param_name] = request
        if self.dependant.response_param_name is not None:
            arguments[self.dependant.response_param_name] = _make_response()
        return arguments

    async def _read_body(self, request: Request) -> object:
        """Returns the validated body. Raises _NotDirect if it is no JSON, or not valid."""
        content = await request.body()
        if not any(header == b"content-type" and value == _JSON for header, value in request.scope["headers"]):
            raise _NotDirect
        try:
            parsed = json.loads(content)
        except (ValueError, RecursionError):
            raise _NotDirect from None
        return _validate(self.body_field, parsed)


class _NotDirect(Exception):
    """Raised for a request that goes FastAPI's way."""


def _validate(field: _Field, value: object) -> object:
    validated, errors = field.validate(value, {}, loc=())
    if errors:
        raise _NotDirect
    return validated


def _make_response() -> Response:
    """Returns a response that only collects headers, as FastAPI passes it to endpoints."""
    response = Response()
    del response.headers["content-length"]
    response.status_code = None  # type: ignore[assignment] # as FastAPI does
    return response


async def _replay_body(request: Request) -> Receive:
    """Returns a `receive` that begins again with the body of the request, which was read already."""
    content: bytes | None = await request.body()

    async def receive() -> Message:
        nonlocal content
        if content is None:
            return await request.receive()
        body, content = content, None
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _require_simple(dependant: Dependant) -> None:
    others = (dependant.query_params, dependant.cookie_params, dependant.background_tasks_param_name)
    if any(others) or not all(map(_is_simple, dependant.dependencies)):
        raise TypeError(f"{dependant.call} has a parameter that a DirectRoute does not read")


def _is_simple(dependency: Dependant) -> bool:
    """Returns True for an asynchronous function with one parameter, the request."""
    own = (dependency.path_params, dependency.query_params, dependency.header_params, dependency.body_params)
    others = (*own, dependency.cookie_params, dependency.dependencies, dependency.response_param_name)
    return iscoroutinefunction(dependency.call) and dependency.request_param_name is not None and not any(others)
