"""The app factory: builds a FastAPI app from routers, with middleware, error handlers and process resources."""

import gc
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import Lifespan

from todo_core import logs
from todo_core.errors import InvalidSettings, ServiceError
from todo_core.settings import Settings, load
from todo_core.web import openapi, problems
from todo_core.web.early_refusals import EarlyRefusals
from todo_core.web.middleware.body_limit import BodyLimit
from todo_core.web.middleware.client_scope import ClientScope
from todo_core.web.middleware.cross_origin import EXPOSED_HEADERS, CrossOriginPolicy
from todo_core.web.middleware.overload import OverloadLimit
from todo_core.web.middleware.rate_limit import RateLimit
from todo_core.web.middleware.request_scope import RequestScope
from todo_core.web.middleware.unexpected_errors import UnexpectedErrors
from todo_core.web.refusals import Refusals
from todo_core.web.request_heads import HeadChecks
from todo_core.web.requests import Observer, log_request
from todo_core.web.resources import Resources

_GC_THRESHOLD: Final = 20_000
_PREFLIGHT_SECONDS: Final = 7200
"""The seconds for which browsers may cache the answer to a CORS preflight. Chromium allows no more."""


def create_app(
    *routers: APIRouter, settings: Settings | None = None, lifespan: Lifespan[FastAPI] | None = None
) -> FastAPI:
    """Builds an app with the routes of the routers. Ends the process with a message when the settings are not valid."""
    try:
        settings = settings or load()
        resources = Resources.of(settings)
    except InvalidSettings as error:
        raise SystemExit(str(error)) from None
    logs.configure(settings)
    refusals = Refusals()

    app = FastAPI(
        # The app gets routes instead of routers, because FastAPI matches each route of an included router twice.
        routes=[route for router in routers for route in router.routes],
        title=openapi.TITLE,
        version=openapi.VERSION,
        description=openapi.DESCRIPTION,
        openapi_url=None,  # functions.meta serves the OpenAPI document instead
        redirect_slashes=False,
        # This service has its own log and metrics. A look for OpenTelemetry would take 1% of a request's time.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        middleware=_list_middleware(resources, refusals),
        exception_handlers={
            ServiceError: problems.on_service_error,
            RequestValidationError: problems.on_invalid_request,
            HTTPException: problems.on_http_exception,
        },
        lifespan=lifespan,
    )
    app.state.resources = resources
    observers: list[Observer] = [log_request]
    app.state.observers = observers
    app.state.early_refusals = EarlyRefusals(resources.workload, refusals, settings.allowed_origins, observers)
    # Objects made at start-up live as long as the process. freeze() excludes them from all later garbage collections.
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    return app


def _list_middleware(resources: Resources, refusals: Refusals) -> list[Middleware]:
    """Returns the middleware of the app, from the outermost to the innermost."""
    settings = resources.settings
    return [
        Middleware(RequestScope, checks=HeadChecks(settings.allowed_hosts or ())),
        Middleware(
            CrossOriginPolicy,
            allow_origins=settings.allowed_origins,
            allow_credentials=True,
            allow_methods=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=(
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-Match",
                "If-None-Match",
                "Last-Event-ID",
                "X-Request-ID",
            ),
            expose_headers=EXPOSED_HEADERS,
            max_age=_PREFLIGHT_SECONDS,
        ),
        Middleware(ClientScope, session_tokens=resources.session_tokens, token_memory=resources.token_memory),
        Middleware(RateLimit, limits=settings.request_limits, refusals=refusals),
        Middleware(OverloadLimit, workload=resources.workload, refusals=refusals),
        Middleware(UnexpectedErrors),
        Middleware(BodyLimit, max_bytes=settings.max_body_bytes),
    ]
