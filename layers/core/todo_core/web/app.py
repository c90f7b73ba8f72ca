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
from todo_core.web.middleware.cross_origin import CrossOriginPolicy
from todo_core.web.middleware.pipeline import Pipeline
from todo_core.web.middleware.rate_limit import RateLimit
from todo_core.web.pages_as_objects import offer_pages
from todo_core.web.refusals import Refusals
from todo_core.web.request_heads import HeadChecks
from todo_core.web.requests import Observer, log_request
from todo_core.web.resources import Resources

_GC_THRESHOLD: Final = 20_000


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
    refusals, origins = Refusals(), CrossOriginPolicy(settings.allowed_origins, settings.cors_headers or ())

    app = FastAPI(
        # The app gets routes instead of routers, because FastAPI matches each route of an included router twice.
        routes=[offer_pages(route) for router in routers for route in router.routes],
        title=openapi.TITLE,
        version=openapi.VERSION,
        description=openapi.DESCRIPTION,
        openapi_url=None,  # functions.meta serves the OpenAPI document instead
        redirect_slashes=False,
        # This service has its own log and metrics. A look for OpenTelemetry would take 1% of a request's time.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        middleware=[_make_pipeline(resources, origins, refusals)],
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
    app.state.early_refusals = EarlyRefusals(resources.workload, refusals, origins, observers)
    # Objects made at start-up live as long as the process. freeze() excludes them from all later garbage collections.
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    return app


def _make_pipeline(resources: Resources, origins: CrossOriginPolicy, refusals: Refusals) -> Middleware:
    settings = resources.settings
    return Middleware(
        Pipeline,
        heads=HeadChecks(settings.allowed_hosts or ()),
        origins=origins,
        clients=ClientScope(resources.session_tokens, resources.token_memory),
        rates=RateLimit(settings.request_limits),
        workload=resources.workload,
        bodies=BodyLimit(settings.max_body_bytes),
        refusals=refusals,
    )
