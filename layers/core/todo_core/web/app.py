"""The app factory: one FastAPI app from one or more routers, with everything that holds for every route."""

import gc
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from todo_core import logs
from todo_core.errors import ServiceError
from todo_core.settings import InvalidSettings, Settings, load
from todo_core.web import openapi, problems
from todo_core.web.middleware.body_limit import BodyLimit
from todo_core.web.middleware.cross_origin import CrossOriginPolicy
from todo_core.web.middleware.request_scope import RequestScope
from todo_core.web.middleware.unexpected_errors import UnexpectedErrors
from todo_core.web.requests import Observer, log_request
from todo_core.web.resources import Resources

_OBJECTS_BETWEEN_COLLECTIONS: Final = 20_000

type Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(*routers: APIRouter, settings: Settings | None = None, lifespan: Lifespan | None = None) -> FastAPI:
    """Exits with one sentence when the settings do not allow a start."""
    try:
        settings = settings or load()
    except InvalidSettings as error:
        raise SystemExit(str(error)) from None
    logs.configure(settings)

    app = FastAPI(
        # The routes themselves: an included router is matched twice at each request.
        routes=[route for router in routers for route in router.routes],
        title=openapi.TITLE,
        version=openapi.VERSION,
        description=openapi.DESCRIPTION,
        openapi_url=None,  # served, as the pages that show it, by functions.meta
        redirect_slashes=False,
        middleware=_middleware(settings),
        exception_handlers={
            ServiceError: problems.on_service_error,
            RequestValidationError: problems.on_invalid_request,
            HTTPException: problems.on_http_exception,
        },
        lifespan=lifespan,
    )
    app.state.resources = Resources.of(settings)
    observers: list[Observer] = [log_request]
    app.state.observers = observers
    # What a start has made stays: no collection of garbage needs to look at it again, nor come as often.
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    return app


def _middleware(settings: Settings) -> list[Middleware]:
    return [
        Middleware(RequestScope),
        Middleware(
            CrossOriginPolicy,
            allow_origins=settings.allowed_origins,
            allow_credentials=True,
            allow_methods=("GET", "HEAD", "POST", "PATCH", "DELETE"),
            allow_headers=(
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-Match",
                "If-None-Match",
                "X-Request-ID",
            ),
            expose_headers=("ETag", "Idempotent-Replayed", "Link", "Location", "Retry-After", "X-Request-ID"),
            max_age=7200,  # the most that Chromium honours
        ),
        Middleware(UnexpectedErrors),
        Middleware(BodyLimit, max_bytes=settings.max_body_bytes),
    ]
