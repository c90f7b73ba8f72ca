"""Health checks, the OpenAPI document and the pages that show it."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Final, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict
from starlette import responses
from starlette.exceptions import HTTPException
from starlette.responses import MalformedRangeHeader

from functions.meta import pages
from todo_core.accounts.links import FORGOT_PATH
from todo_core.errors import DatabaseUnavailable, SchemaOutdated
from todo_core.web import openapi
from todo_core.web.problems import RangeNotSatisfiable, RouteNotFound, error_responses
from todo_core.web.resources import get_resources

_ASSETS_PACKAGE: Final = "fastapi_offline"  # contains current files of Swagger UI and ReDoc
_ASSETS: Final = ("swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js", "favicon.png")
_CACHED_FOR_A_DAY: Final = {"Cache-Control": "public, max-age=86400"}

router = APIRouter()


class Asset(FileResponse):
    """A file of the pages. A range without bytes in the file is a problem document, and a malformed range ignored."""

    @classmethod
    def _parse_range_header(cls, http_range: str, file_size: int) -> list[tuple[int, int]]:
        # Overrides a method that is not public: Starlette answers both cases with plain text.
        try:
            return super()._parse_range_header(http_range, file_size)
        except MalformedRangeHeader:
            return []
        except responses.RangeNotSatisfiable:
            raise HTTPException(RangeNotSatisfiable.status, headers={"Content-Range": f"bytes */{file_size}"}) from None


class Health(BaseModel):
    model_config: ClassVar = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: Literal["ok"] = "ok"


@router.get("/health", tags=["health"])
async def health() -> Health:
    """Answers 200 while the process runs. Does not use the database."""
    return Health()


@router.get("/health/ready", tags=["health"], responses=error_responses(DatabaseUnavailable, SchemaOutdated))
async def ready(request: Request) -> Health:
    """Answers 200 when the database responds and its schema is at the head revision or a newer one."""
    await get_resources(request).readiness.require()
    return Health()


@router.get("/openapi.json", include_in_schema=False)
async def openapi_document(request: Request) -> Response:
    app, root = request.app, request.scope["root_path"]
    if app.openapi_schema is None:
        app.openapi_schema = openapi.build_document(app)
    document = openapi.move_to_root_path(app.openapi_schema, root) if root else app.openapi_schema
    return Response(json.dumps(document), media_type="application/json")


@router.get("/.well-known/change-password", include_in_schema=False)
async def change_password_page(request: Request) -> RedirectResponse:
    """Leads password managers to the page for a new password ("A Well-Known URL for Changing Passwords" of the W3C)."""
    front_end = get_resources(request).settings.mail.frontend_url
    base = str(front_end).rstrip("/") if front_end else request.scope["root_path"]
    return RedirectResponse(f"{base}{FORGOT_PATH}", 303)


@router.get("/docs", include_in_schema=False)
async def swagger_ui(request: Request) -> HTMLResponse:
    return pages.render_swagger_ui(request.scope["root_path"])


@router.get("/redoc", include_in_schema=False)
async def redoc(request: Request) -> HTMLResponse:
    return pages.render_redoc(request.scope["root_path"])


@router.get("/docs/assets/{name}", include_in_schema=False)
async def asset(name: str) -> FileResponse:
    if name not in _ASSETS:
        raise RouteNotFound
    return Asset(_find_assets_folder() / name, headers=_CACHED_FOR_A_DAY)


def _find_assets_folder() -> Path:
    # Found without an import, because the package imports an app factory.
    spec = find_spec(_ASSETS_PACKAGE)
    if spec is None or spec.origin is None:
        raise RouteNotFound(f"The documentation pages need the package {_ASSETS_PACKAGE}, which is not installed.")
    return Path(spec.origin).parent / "static"
